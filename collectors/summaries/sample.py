"""A sample of whole rows: the same rows after any replay, and in any order of merging."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from collectors.events import Index
from collectors.hashing import Hashes
from collectors.summaries import same_schema
from collectors.summaries.state import State, StateError, Stored

Row = tuple[Any, ...]


class SampleSummary:
    """The k rows whose place in the log has the smallest hash (a bottom-k sample, uniform).

    Attributes:
        columns: what the values of a row are, in their order.
        hashes: of the rows kept, ascending, uint64 [m].
        kept: the rows, in the same order.
    """

    __slots__ = ("_rows", "columns", "hashes", "k", "kept", "schema_id")

    def __init__(self, schema_id: str, k: int, columns: tuple[str, ...] = ()) -> None:
        self.schema_id = schema_id
        self.k = k
        self.columns = columns
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
        merged = type(self)(same_schema(self.schema_id, other.schema_id), self.k, self.columns)
        merged.hashes, merged.kept = self.hashes, self.kept
        merged._rows = self._rows + other._rows
        merged._keep(other.hashes, self._aligned(other.kept, other.columns))
        return merged

    def state(self) -> State:
        return {
            "schema": self.schema_id,
            "rows": self._rows,
            "columns": list(self.columns),
            "hashes": self.hashes,  # never changed in place, as `kept`
            "kept": self.kept,
        }

    def restore(self, stored: Stored) -> None:
        """See `Summary.restore`. Values of columns that are gone go; those of new ones are None."""
        stored.same_schema(self.schema_id)
        self._rows = stored.whole("rows")
        self.hashes = stored.array("hashes", np.uint64)
        columns, rows = tuple(stored.rows("columns")), stored.rows("kept")
        if len(rows) != len(self.hashes) or any(len(row) != len(columns) for row in rows):
            raise StateError(f"{stored.place}.kept: rows of another number or length")
        self.kept = list(self._aligned([tuple(row) for row in rows], columns))

    def _aligned(self, rows: Sequence[Row], columns: tuple[str, ...]) -> Sequence[Row]:
        """The rows in the order of this sample's columns."""
        if columns == self.columns:
            return rows
        places = {name: place for place, name in enumerate(columns)}
        wanted = [places.get(name) for name in self.columns]
        return [tuple(None if p is None else row[p] for p in wanted) for row in rows]

    def _keep(self, hashes: Hashes, rows: Sequence[Row]) -> None:
        both, all_rows = np.concatenate((self.hashes, hashes)), [*self.kept, *rows]
        order = np.argsort(both, kind="stable")[: self.k]
        self.hashes = both[order]
        self.kept = [all_rows[i] for i in order.tolist()]
