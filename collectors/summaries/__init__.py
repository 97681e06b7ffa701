"""Mergeable summaries, one a file.

`merge` is associative and commutative and an empty summary is its zero; integer parts come out
equal bit for bit whatever the order, sums of floats within 1e-12 of their scale.
"""

from __future__ import annotations

from typing import Protocol, Self


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
