"""How the features of a row go together: nothing is exported of it, its windows are compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self

from collectors.embedding import Space
from collectors.events import Events
from collectors.family import Statistic
from collectors.schema import Schema
from collectors.summaries.multivariate import MultivariateSummary
from collectors.summaries.state import State, Stored


@dataclass(slots=True)
class TogetherSummary:
    """The sums of all features that are not ignored."""

    sums: MultivariateSummary

    @property
    def rows(self) -> int:
        return self.sums.rows

    def merge(self, other: Self) -> Self:
        return type(self)(self.sums.merge(other.sums))

    def state(self) -> State:
        return {"sums": self.sums.state()}

    def restore(self, stored: Stored) -> None:
        """See `Summary.restore`. Of other features, one more or one less, it stays empty: those
        rows are points of another space."""
        sums = stored.part("sums")
        if sums.text("schema") == self.sums.schema_id:
            self.sums.restore(sums)


@dataclass(frozen=True, slots=True)
class Multivariate:
    """The family of the features together."""

    space: Space
    name: str = field(default="multivariate", init=False)

    @classmethod
    def of(cls, schema: Schema, ignore: frozenset[str]) -> list[Self]:
        """It, or nothing where there are not two features that are not ignored."""
        space = Space.of(schema, ignore)
        return [] if space is None else [cls(space)]

    def empty(self) -> TogetherSummary:
        return TogetherSummary(MultivariateSummary(self.space))

    def observe(self, summary: TogetherSummary, events: Events) -> None:
        summary.sums.observe(events.features, len(events))

    def count(self, events: Events) -> Iterator[Statistic]:
        yield from ()

    def known(self) -> Iterable[Statistic]:
        return ()

    def statistics(self, summary: TogetherSummary, seconds: float) -> Iterator[Statistic]:
        yield from ()
