"""A sample of whole rows: the same rows after any replay, and in any order of merging."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from collectors.events import Index
from collectors.hashing import Hashes
from collectors.summaries import same_schema

Row = tuple[Any, ...]


class SampleSummary:
    """The k rows whose place in the log has the smallest hash (a bottom-k sample, uniform).

    Attributes:
        hashes: of the rows kept, ascending, uint64 [m].
        kept: the rows, in the same order.
    """

    __slots__ = ("_rows", "hashes", "k", "kept", "schema_id")

    def __init__(self, schema_id: str, k: int) -> None:
        self.schema_id = schema_id
        self.k = k
        self.hashes: Hashes = np.zeros(0, dtype=np.uint64)
        self.kept: list[Row] = []
        self._rows = 0

    @property
    def rows(self) -> int:
        return self._rows

    def observe(self, hashes: Hashes, rows_at: Callable[[Index], Sequence[Row]]) -> None:
        """Offer n rows by their hashes, uint64 [n]; only those that are kept are asked for."""
        self._rows += len(hashes)
        smallest = np.argsort(hashes, kind="stable")[: self.k]
        if len(self.hashes) == self.k:
            smallest = smallest[hashes[smallest] < self.hashes[-1]]
        if len(smallest):
            self._keep(hashes[smallest], rows_at(smallest))

    def merge(self, other: Self) -> Self:
        merged = type(self)(same_schema(self.schema_id, other.schema_id), self.k)
        merged.hashes, merged.kept = self.hashes, self.kept
        merged._rows = self._rows + other._rows
        merged._keep(other.hashes, other.kept)
        return merged

    def _keep(self, hashes: Hashes, rows: Sequence[Row]) -> None:
        both, all_rows = np.concatenate((self.hashes, hashes)), [*self.kept, *rows]
        order = np.argsort(both, kind="stable")[: self.k]
        self.hashes = both[order]
        self.kept = [all_rows[i] for i in order.tolist()]
