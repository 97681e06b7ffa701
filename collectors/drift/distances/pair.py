"""Two summaries of one column side by side: what every distance is worked out from.

Every number counts as the middle of its cell; the outermost cell, of what float32 cannot hold, ends
at 1e150. Rows without a usable value stand beside the cells, as counts of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from collectors.drift.distances.shares import Shares, bins, shares_of
from collectors.events import MISSING, UNUSABLE, Codes, Floats, Ints, Status
from collectors.hashing import Hashes, hash_names
from collectors.specs import HUGE
from collectors.summaries import same_schema
from collectors.summaries.categories import BUCKETS, CategorySummary
from collectors.summaries.numbers import NumberSummary

FEW = 20
"""A reference of at most so many occupied cells is compared value by value, not in bins."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """One side of a `NumberPair`.

    Attributes:
        counts: values in each cell of the pair, float64 [m].
        rest: rows with an invalid value, rows with a missing one, and 1 if there is no row at all.
        count, mean, stddev: of the values that are not huge; 0 where there is none.
    """

    counts: Floats
    rest: Floats
    count: int
    mean: float
    stddev: float

    @property
    def everything(self) -> Floats:
        """The cells and behind them the rest, float64 [m + 3]; never all 0."""
        return np.concatenate((self.counts, self.rest))


@dataclass(frozen=True)
class NumberPair:
    """Numbers of both sides, in the cells that either side occupies.

    Attributes:
        low, high: edges of the cells, ascending, float64 [m], within the extremes of both sides.
        scale: unit of the grid; a cell near its centre is 1/64 of it.
    """

    low: Floats
    high: Floats
    scale: float
    now: Numbers
    reference: Numbers

    @cached_property
    def middles(self) -> Floats:
        """What the values of each cell count as, float64 [m]."""
        return self.low + (self.high - self.low) / 2

    @property
    def comparable(self) -> bool:
        """Whether both sides have a usable value."""
        return bool(self.now.counts.any() and self.reference.counts.any())

    @cached_property
    def weights(self) -> tuple[Floats, Floats]:
        """Share of each cell among the usable values, now and in the reference, float64 [m] each.

        All 0 on both sides where either has none: whatever needs values is then 0.
        """
        if not self.comparable:
            return np.zeros(len(self.low)), np.zeros(len(self.low))
        now, reference = self.now.counts, self.reference.counts
        return now / now.sum(), reference / reference.sum()

    @cached_property
    def gaps(self) -> Floats:
        """F(x) - G(x) at the end of each cell, usable values only, float64 [m]."""
        now, reference = self.weights
        return np.cumsum(now) - np.cumsum(reference)

    @cached_property
    def pooled(self) -> Floats:
        """Share of each cell among the values of both sides together, float64 [m]."""
        both = self.now.counts + self.reference.counts
        return both / both.sum() if self.comparable else np.zeros(len(both))

    @cached_property
    def groups(self) -> Ints:
        """The group of each cell for `shares`, int64 [m]: its bin, or the cell itself.

        Evidently's rule: more than 20 different values in the reference are cut into bins of equal
        width over both sides together, as many as Sturges says.
        """
        if np.count_nonzero(self.reference.counts) <= FEW:
            return np.arange(len(self.low))
        rows = int(self.now.counts.sum() + self.reference.counts.sum())
        return bins(self.middles, float(self.low[0]), float(self.high[-1]), rows)

    @cached_property
    def shares(self) -> Shares:
        """Shares of all rows by group; what is missing or invalid is a group of its own."""
        return shares_of(self._grouped(self.now), self._grouped(self.reference))

    def _grouped(self, side: Numbers) -> Floats:
        groups = np.bincount(self.groups, weights=side.counts).astype(np.float64)
        return np.concatenate((groups, side.rest))


@dataclass(frozen=True)
class CategoryPair:
    """Categories of both sides.

    Attributes:
        now, reference: rows of each known value, of each of the 64 hash buckets, of unseen values,
            of invalid and of missing ones, and 1 if there is no row at all; float64 [K + 68].
        known: K.
    """

    now: Floats
    reference: Floats
    known: int

    @property
    def binary(self) -> bool:
        """Whether two values are all that are known, as booleans are."""
        return self.known == 2

    @property
    def comparable(self) -> bool:
        """Whether both sides have a known value."""
        return bool(self.now[: self.known].any() and self.reference[: self.known].any())

    @cached_property
    def shares(self) -> Shares:
        """Shares of all rows by category."""
        return shares_of(self.now, self.reference)


Pair = NumberPair | CategoryPair
Part = NumberSummary | CategorySummary


def pair(now: Part, reference: Part) -> Pair:
    """Two summaries of one column, or of the same part of one, aligned.

    Raises:
        SchemaMismatch: they were made under different schemas.
        TypeError: one is of numbers and the other of categories.
    """
    same_schema(now.schema_id, reference.schema_id)
    if isinstance(now, NumberSummary) and isinstance(reference, NumberSummary):
        return number_pair(now, reference)
    if isinstance(now, CategorySummary) and isinstance(reference, CategorySummary):
        return category_pair(now, reference)
    raise TypeError(f"{type(now).__name__} and {type(reference).__name__} cannot be compared")


def category_pair(now: CategorySummary, reference: CategorySummary) -> CategoryPair:
    """Two of one schema, aligned."""
    return CategoryPair(_categories(now), _categories(reference), len(now.spec.known))


def number_pair(now: NumberSummary, reference: NumberSummary) -> NumberPair:
    """Two of one schema, aligned."""
    cells = np.union1d(now.cells()[0], reference.cells()[0]).astype(np.int32)
    sides = _numbers(now, cells), _numbers(reference, cells)
    extremes = [
        extreme
        for summary in (now, reference)
        for extreme in (summary.minimum, summary.maximum)
        if extreme is not None
    ]
    smallest, largest = np.clip((min(extremes, default=0), max(extremes, default=0)), -HUGE, HUGE)
    low, high = (np.clip(edge, smallest, largest) for edge in now.grid.edges(cells))
    if len(cells):
        # An edge may lie a rounding of float32 inside the extremes.
        low[0], high[-1] = smallest, largest
    return NumberPair(low, high, now.grid.scale, *sides)


def _numbers(summary: NumberSummary, union: Codes) -> Numbers:
    cells, counts = summary.cells()
    aligned = np.zeros(len(union))
    aligned[np.searchsorted(union, cells)] = counts
    return Numbers(
        aligned,
        _rest(summary.tally),
        summary.count,
        summary.mean() or 0.0,
        summary.stddev() or 0.0,
    )


def _categories(summary: CategorySummary) -> Floats:
    """Unseen values are taken out of the places where they were counted as well.

    Where too many are unseen for each to be kept, those that were not are taken out of all buckets
    alike.
    """
    known = len(summary.known)
    counts = np.concatenate((summary.known, summary.buckets)).astype(np.float64)
    unseen = float(summary.tally[Status.UNSEEN])
    if unseen:
        places = _places(summary)
        np.subtract.at(counts, places, summary.unseen_counts)
        counts = np.maximum(counts, 0.0)
        buckets = counts[known:]
        others = max(unseen - float(summary.unseen_counts.sum()), 0.0)
        buckets *= max(1.0 - others / max(buckets.sum(), 1.0), 0.0)
    return np.concatenate((counts, (unseen,), _rest(summary.tally)))


def _places(summary: CategorySummary) -> Ints:
    """Where each unseen value that is kept was counted: among the known ones, or in its bucket."""
    spec, hashes = summary.spec, summary.unseen_hashes
    known, order = _hashed(spec.known, spec.private, summary.seed)
    buckets = len(known) + (hashes % np.uint64(BUCKETS)).astype(np.int64)
    if not len(known):
        return buckets
    found = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    return np.where(known[found] == hashes, order[found], buckets)


@lru_cache(maxsize=1024)
def _hashed(known: tuple[str, ...], private: bool, seed: int) -> tuple[Hashes, Ints]:
    """Hashes of the known values, ascending, and whose each is."""
    if private:
        hashes = np.array([int(name, 16) for name in known], dtype=np.uint64)
    else:
        hashes = hash_names(known, seed)
    order = np.argsort(hashes)
    return hashes[order], order.astype(np.int64)


def _rest(tally: Ints) -> Floats:
    """Rows with an invalid value, rows with a missing one, and 1 if there is no row at all."""
    invalid, missing = tally[list(UNUSABLE)].sum(), tally[list(MISSING)].sum()
    return np.array([invalid, missing, not tally.any()], dtype=np.float64)
