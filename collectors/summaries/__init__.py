"""Mergeable summaries, one a file; `REGISTRY` names them all.

`merge` is associative and commutative and an empty summary is its zero; integer parts come out
equal bit for bit whatever the order, sums of floats within 1e-12 of their scale. `state` and
`restore` take a summary to disk and back, bit for bit.
"""

from __future__ import annotations

from typing import Protocol, Self

from collectors.schema import SchemaMismatch
from collectors.summaries.state import State, Stored


class Summary(Protocol):
    """What a live window, a reference and the archive all are."""

    @property
    def rows(self) -> int:
        """How many rows went in."""

    def merge(self, other: Self) -> Self:
        """Both together, as a new value; neither operand changes.

        Raises:
            SchemaMismatch: the two were made under different schemas.
        """

    def state(self) -> State:
        """All that it holds; the caller owns it."""

    def restore(self, stored: Stored) -> None:
        """Become what the state was taken of. Only an empty summary may be asked.

        Raises:
            StateError: the state is damaged, or was taken under another schema.
        """


def same_schema(one: str, other: str) -> str:
    """The id that both have.

    Raises:
        SchemaMismatch: they differ.
    """
    if one != other:
        raise SchemaMismatch(f"summaries of schema {one} and of schema {other} cannot be merged")
    return one


REGISTRY = (
    "collectors.summaries.numbers:NumberSummary",
    "collectors.summaries.categories:CategorySummary",
    "collectors.summaries.text:TextSummary",
    "collectors.summaries.lists:ListSummary",
    "collectors.summaries.images:ImageSummary",
    "collectors.summaries.scores:ScoresSummary",
    "collectors.summaries.multivariate:MultivariateSummary",
    "collectors.summaries.reruns:RerunSummary",
    "collectors.summaries.sample:SampleSummary",
    "collectors.experiments.firsts:UnitSample",
    "collectors.experiments.units:UnitsSummary",
)
"""Every summary, as module:class; the contract tests walk it."""
