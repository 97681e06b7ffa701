"""Numbers: counts on a grid, and sums about its centre."""

from __future__ import annotations

from typing import Self

import numpy as np

from collectors.events import Codes, Floats, Ints, NumberColumn, Status, tally, usable
from collectors.grid import Grid
from collectors.schema import HUGE, NumberSpec
from collectors.summaries import same_schema

BUFFERED = 4096
"""Values gathered before their cells are taken: a bincount a handful of rows would be waste."""


class NumberSummary:
    """How many numbers of which size.

    >>> import numpy as np
    >>> from collectors.grid import Grid
    >>> from collectors.events import NumberColumn
    >>> summary = NumberSummary(NumberSpec(Grid(0.0, 0)), "id")
    >>> values = np.array([1.0, 2.0, 3.0, np.nan])
    >>> summary.observe(NumberColumn(values, np.array([0, 0, 0, Status.NULL], np.uint8)))
    >>> summary.rows, summary.count, summary.mean(), summary.minimum, summary.maximum
    (4, 3, 2.0, 1.0, 3.0)

    Attributes:
        tally: rows by `Status`, int64 [len(Status)].
        minimum, maximum: of the usable values; +inf and -inf before the first.
        total, squares: sums of (x - c) and (x - c)^2 about the grid's centre c, over the `count`
            usable values that are not huge.
    """

    __slots__ = (
        "_cells",
        "_counts",
        "_gathered",
        "_waiting",
        "maximum",
        "minimum",
        "schema_id",
        "spec",
        "squares",
        "tally",
        "total",
    )

    def __init__(self, spec: NumberSpec, schema_id: str) -> None:
        self.spec = spec
        self.schema_id = schema_id
        self.tally: Ints = np.zeros(len(Status), dtype=np.int64)
        self.minimum = np.inf
        self.maximum = -np.inf
        self.total = 0.0
        self.squares = 0.0
        self._cells: Codes = np.zeros(0, dtype=np.int32)
        self._counts: Ints = np.zeros(0, dtype=np.int64)
        self._waiting: list[Floats] = []
        self._gathered = 0

    @property
    def rows(self) -> int:
        return int(self.tally.sum())

    @property
    def count(self) -> int:
        """Values in the sums."""
        status = self.tally
        return int(status[Status.OK] + status[Status.RANGE] + status[Status.UNSEEN])

    @property
    def grid(self) -> Grid:
        """Where the cells lie."""
        return self.spec.grid

    def observe(self, column: NumberColumn) -> None:
        """Add every row of the column."""
        by_status = tally(column.status)
        self.tally += by_status
        values = column.values
        if by_status[Status.OK] < len(values):
            values = values[usable(column.status)]
        if len(values):
            self._waiting.append(values)
            self._gathered += len(values)
            if self._gathered >= BUFFERED:
                self._settle()

    def merge(self, other: Self) -> Self:
        merged = type(self)(self.spec, same_schema(self.schema_id, other.schema_id))
        self._settle()
        other._settle()
        merged.tally = self.tally + other.tally
        merged.minimum = min(self.minimum, other.minimum)
        merged.maximum = max(self.maximum, other.maximum)
        merged.total = self.total + other.total
        merged.squares = self.squares + other.squares
        merged._cells, merged._counts = _added(
            self._cells, self._counts, other._cells, other._counts
        )
        return merged

    def cells(self) -> tuple[Codes, Ints]:
        """The occupied cells, ascending, int32 [m], and how many values each holds, int64 [m]."""
        self._settle()
        return self._cells, self._counts

    def mean(self) -> float | None:
        """Arithmetic mean of the `count` values; None where there is none."""
        self._settle()
        return self.grid.center + self.total / self.count if self.count else None

    def stddev(self) -> float | None:
        """Standard deviation of the population (divided by n); None where there is no value.

        Exactly 0 for equal values; else the squares about the centre cost it up to 3e-8 of the
        distance between mean and centre.
        """
        self._settle()
        if not self.count:
            return None
        if self.minimum == self.maximum:
            return 0.0
        offset = self.total / self.count
        return float(np.sqrt(max(self.squares / self.count - offset * offset, 0.0)))

    def quantile(self, q: float) -> float | None:
        """The value of rank ceil(q n), to within the width of its cell; None where n = 0.

        Within the cell the ranks are taken as evenly spread; the result never leaves
        [minimum, maximum].
        """
        cells, counts = self.cells()
        if not len(cells):
            return None
        reached = np.cumsum(counts)
        rank = min(max(int(np.ceil(q * reached[-1])), 1), int(reached[-1]))
        place = int(np.searchsorted(reached, rank))
        low, high = (float(edge[0]) for edge in self.grid.edges(cells[place : place + 1]))
        low, high = max(low, float(self.minimum)), min(high, float(self.maximum))
        before = int(reached[place] - counts[place])
        return low + (high - low) * ((rank - before - 0.5) / int(counts[place]))

    def _settle(self) -> None:
        """Take the cells and sums of the values that wait."""
        if not self._waiting:
            return
        values = self._waiting[0] if len(self._waiting) == 1 else np.concatenate(self._waiting)
        self._waiting, self._gathered = [], 0
        self.minimum = min(self.minimum, float(values.min()))
        self.maximum = max(self.maximum, float(values.max()))
        distances = values - self.grid.center
        if max(-self.minimum, self.maximum) > HUGE:
            distances = distances[np.abs(values) <= HUGE]
        self.total += float(distances.sum())
        self.squares += float(np.dot(distances, distances))
        cells = self.grid.cells(values)
        lowest = int(cells.min())
        dense = np.bincount(cells - lowest)
        occupied = np.flatnonzero(dense)
        self._cells, self._counts = _added(
            self._cells,
            self._counts,
            (occupied + lowest).astype(np.int32),
            dense[occupied].astype(np.int64),
        )


def _added(cells: Codes, counts: Ints, others: Codes, more: Ints) -> tuple[Codes, Ints]:
    """Two sparse histograms together, by way of a dense one over what they span."""
    if not len(cells) or not len(others):
        return (cells, counts) if len(cells) else (others, more)
    lowest = min(int(cells[0]), int(others[0]))
    dense = np.zeros(max(int(cells[-1]), int(others[-1])) - lowest + 1, dtype=np.int64)
    dense[cells - lowest] = counts
    dense[others - lowest] += more
    occupied = np.flatnonzero(dense)
    return (occupied + lowest).astype(np.int32), dense[occupied]
