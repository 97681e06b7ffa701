"""Numbers: counts on a grid, and sums about its centre."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from collectors.events import Codes, Floats, Ints, NumberColumn, Status, tally, usable
from collectors.grid import LAST_CELL, Grid
from collectors.specs import HUGE, NumberSpec
from collectors.summaries import same_schema
from collectors.summaries.state import State, StateError, Stored

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
    >>> more = NumberSummary(summary.spec, "id")
    >>> more.observe(NumberColumn(np.array([6.0]), np.array([Status.OK], np.uint8)))
    >>> both = summary.merge(more)
    >>> both.mean(), round(both.stddev(), 4)
    (3.0, 1.8708)

    Attributes:
        tally: rows by `Status`, int64 [len(Status)].
    """

    __slots__ = (
        "_cells",
        "_count",
        "_counts",
        "_gathered",
        "_maximum",
        "_minimum",
        "_squares",
        "_total",
        "_waiting",
        "schema_id",
        "spec",
        "tally",
    )

    def __init__(self, spec: NumberSpec, schema_id: str) -> None:
        self.spec = spec
        self.schema_id = schema_id
        self.tally: Ints = np.zeros(len(Status), dtype=np.int64)
        self._minimum = np.inf
        self._maximum = -np.inf
        self._count = 0
        self._total = 0.0
        self._squares = 0.0
        self._cells: Codes = np.zeros(0, dtype=np.int32)
        self._counts: Ints = np.zeros(0, dtype=np.int64)
        self._waiting: list[Floats] = []
        self._gathered = 0

    @property
    def rows(self) -> int:
        return int(self.tally.sum())

    @property
    def count(self) -> int:
        """Values in the sums: the usable ones that are not huge."""
        self._settle()
        return self._count

    @property
    def total(self) -> float:
        """Sum of (x - c) about the grid's centre c over the `count` values."""
        self._settle()
        return self._total

    @property
    def squares(self) -> float:
        """Sum of (x - c)^2 over the `count` values."""
        self._settle()
        return self._squares

    @property
    def minimum(self) -> float | None:
        """The smallest usable value, huge or not; None where there is none."""
        return float(self._minimum) if len(self.cells()[0]) else None

    @property
    def maximum(self) -> float | None:
        """The largest usable value, huge or not; None where there is none."""
        return float(self._maximum) if len(self.cells()[0]) else None

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
        merged._minimum = min(self._minimum, other._minimum)
        merged._maximum = max(self._maximum, other._maximum)
        merged._count = self._count + other._count
        merged._total = self._total + other._total
        merged._squares = self._squares + other._squares
        merged._cells, merged._counts = _added(
            self._cells, self._counts, other._cells, other._counts
        )
        return merged

    def state(self) -> State:
        self._settle()
        return {
            "schema": self.schema_id,
            "tally": self.tally.copy(),
            "count": self._count,
            "total": self._total,
            "squares": self._squares,
            "minimum": float(self._minimum),
            "maximum": float(self._maximum),
            "cells": self._cells,  # never changed in place
            "counts": self._counts,
        }

    def restore(self, stored: Stored) -> None:
        stored.same_schema(self.schema_id)
        self.tally = stored.array("tally", np.int64, len(Status))
        self._count = stored.whole("count")
        self._total = stored.real("total")
        self._squares = stored.real("squares")
        self._minimum = stored.real("minimum", infinite=True)
        self._maximum = stored.real("maximum", infinite=True)
        self._cells = stored.array("cells", np.int32)
        self._counts = stored.array("counts", np.int64, len(self._cells))
        if (np.diff(self._cells) <= 0).any() or (self._counts <= 0).any():
            raise StateError(f"{stored.place}.cells: not ascending, or empty ones among them")

    def cells(self) -> tuple[Codes, Ints]:
        """The occupied cells, ascending, int32 [m], and how many values each holds, int64 [m]."""
        self._settle()
        return self._cells, self._counts

    def mean(self) -> float | None:
        """Arithmetic mean of the `count` values; None where there is none."""
        count = self.count
        return self.grid.center + self._total / count if count else None

    def stddev(self) -> float | None:
        """Standard deviation of the population (divided by n); None where there is no value.

        Exactly 0 for equal values; else the squares about the centre cost it up to 3e-8 of the
        distance between mean and centre.
        """
        count = self.count
        if not count:
            return None
        if self._minimum == self._maximum:
            return 0.0
        offset = self._total / count
        return float(np.sqrt(max(self._squares / count - offset * offset, 0.0)))

    def quantile(self, q: float) -> float | None:
        """The value of rank ceil(q n) (NumPy's `inverted_cdf`); None where there is no value.

        Off by at most the width of that value's cell, within which the ranks are taken as evenly
        spread, and never outside [minimum, maximum]. The width is at most 1/64 of |x - c| + one
        scale unit, twice that in cell 0; values that float32 cannot hold, or huge, share a cell.
        """
        values = self.quantiles((q,))
        return values[0] if values else None

    def quantiles(self, qs: Sequence[float]) -> list[float]:
        """`quantile` for each of `qs`, in one go; [] where there is no value."""
        cells, counts = self.cells()
        if not len(cells):
            return []
        reached = np.cumsum(counts)
        total = int(reached[-1])
        ranks = np.clip(np.ceil(np.asarray(qs) * total).astype(np.int64), 1, total)
        places = np.searchsorted(reached, ranks)
        # An edge may lie a rounding of float32 beyond the extremes, or be infinite.
        smallest, largest = float(self._minimum), float(self._maximum)
        low, high = (np.clip(e, smallest, largest) for e in self.grid.edges(cells[places]))
        before = reached[places] - counts[places]
        found: list[float] = (
            low + (high - low) * ((ranks - before - 0.5) / counts[places])
        ).tolist()
        return found

    def _settle(self) -> None:
        """Take the cells and sums of the values that wait."""
        if not self._waiting:
            return
        values = self._waiting[0] if len(self._waiting) == 1 else np.concatenate(self._waiting)
        self._waiting, self._gathered = [], 0
        lowest_value, highest_value = float(values.min()), float(values.max())
        self._minimum = min(self._minimum, lowest_value)
        self._maximum = max(self._maximum, highest_value)
        cells, summed = self.grid.cells(values), values
        if max(-lowest_value, highest_value) > HUGE:
            huge = np.abs(values) > HUGE
            cells[huge] = np.where(values[huge] > 0, LAST_CELL, -LAST_CELL)
            summed = values[~huge]
        distances = summed - self.grid.center
        self._count += len(distances)
        self._total += float(distances.sum())
        self._squares += float(np.dot(distances, distances))
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
