"""What the product would compare of a stream: the same measures over the same groups of cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.simulate.kinds import Floats
from benchmarks.simulate.streams import Cells, Counts, Ints, Stream
from collectors.drift.calibration.heldout import Column, ColumnKey, Panes
from collectors.drift.calibration.measures import (
    JensenShannon,
    Kolmogorov,
    Mean,
    Measure,
    Share,
    Spread,
    Volume,
)

FINE, COARSE = 128, 11
"""Groups of near-equal mass, as the product makes them."""

TAIL = 0.99
"""The quantile of latency above which the share of inferences is compared."""

MIN_ROWS = 20

Source = Counts | Ints | Floats


@dataclass(frozen=True)
class Compared:
    """One comparison, by the groups of one reference.

    Attributes:
        source: what its profile is made from, [T, ...].
        profile: of the source of some panes, [N, G].
    """

    key: ColumnKey
    measure: Measure
    source: Source
    profile: Callable[[Source], Floats]
    always: bool = False

    def column(self, panes: slice) -> Column:
        """The column over some panes."""
        return Column(self.key, self.measure, self.profile(self.source[panes]), self.always)


def compared(stream: Stream, reference: slice) -> list[Compared]:
    """All comparisons of a stream, grouped by the cells of a span of it."""
    found: list[Compared] = []
    for feature, cells in enumerate(stream.cells):
        found += of_feature(feature, cells, cells.total(reference))
    found += _of_software(stream, reference)
    rows = Compared(ColumnKey("input", "", "volume"), Volume(), stream.rows, _volume, True)
    return [*found, rows]


def of_feature(feature: int, cells: Cells, total: Floats) -> Iterator[Compared]:
    """All comparisons of one feature, grouped by the counts [G] of its reference."""
    key = ColumnKey("input", str(feature), "")
    invalid = _valid
    if cells.values is None:
        measure = JensenShannon("categories")
        yield Compared(key.named("distribution"), measure, cells.counts, _floats)
        invalid = _unseen
    else:
        yield from _of_numbers(key, cells, total)
    yield Compared(key.named("missing"), Share("missing"), cells.counts, _missing)
    yield Compared(key.named("invalid"), Share("invalid", floor=0.005), cells.counts, invalid)


def where(panes: int) -> Panes:
    """Days, hours and weekdays of panes from a Monday on."""
    every = np.arange(panes)
    # The first of January of the year 1 was a Monday, and is day 1.
    return Panes(every // 24 + 1, every % 24, every // 24 % 7)


def some(panes: Panes, span: slice) -> Panes:
    """Those of a span."""
    return Panes(panes.days[span], panes.hours[span], panes.weekdays[span])


def group_starts(counts: Floats, groups: int) -> Ints:
    """First cells, ascending from 0, of groups of near-equal mass of a reference's counts [G]."""
    cells = np.flatnonzero(counts)
    middle = np.cumsum(counts[cells]) - counts[cells] / 2
    group = np.minimum(middle * groups // counts.sum(), groups - 1)
    return np.concatenate(([0], cells[1:][np.diff(group) > 0]))


def _of_numbers(key: ColumnKey, cells: Cells, total: Floats) -> Iterator[Compared]:
    grouped: tuple[tuple[str, Measure, int], ...] = (
        ("distribution", Kolmogorov(), FINE),
        ("shape", JensenShannon("shape"), COARSE),
    )
    for statistic, measure, groups in grouped:
        starts = np.append(group_starts(total, groups), len(total))
        profile = partial(_grouped, starts=starts)
        yield Compared(key.named(statistic), measure, cells.counts, profile)
    yield Compared(key.named("mean"), Mean(), cells.moments, _floats)
    yield Compared(key.named("spread"), Spread(), cells.moments, _squares)


def _of_software(stream: Stream, reference: slice) -> Iterator[Compared]:
    for statistic, counts in stream.shares.items():
        key = ColumnKey("software" if statistic == "errors" else "output", "", statistic)
        yield Compared(key, Share(statistic, up=statistic != "reruns"), counts, _floats)
    if stream.latency is None:
        return
    key = ColumnKey("software", "", "latency")
    total = stream.latency.total(reference)
    yield from _of_numbers(key, stream.latency, total)
    edge = int(np.searchsorted(np.cumsum(total), np.ceil(TAIL * total.sum()))) + 1
    tail = partial(_tail, edge=edge)
    yield Compared(key.named("tail"), Share("tail"), stream.latency.counts, tail)


def _floats(counts: Source) -> Floats:
    return counts.astype(np.float64)


def _grouped(cells: Source, starts: Ints) -> Floats:
    """Counts by group, the missing ones last."""
    return np.add.reduceat(cells, starts, axis=1).astype(np.float64)


def _squares(moments: Source) -> Floats:
    number, total, squared = moments.T
    about = np.maximum(squared - np.square(total) / np.maximum(number, 1.0), 0.0)
    enough = number >= 2
    return np.column_stack((np.where(enough, number - 1.0, 0.0), np.where(enough, about, 0.0)))


def _missing(cells: Source) -> Floats:
    return np.column_stack((cells[:, -1], cells[:, :-1].sum(axis=1))).astype(np.float64)


def _valid(cells: Source) -> Floats:
    return np.column_stack((np.zeros(len(cells)), cells[:, :-1].sum(axis=1)))


def _unseen(cells: Source) -> Floats:
    """Values that were never seen are invalid ones."""
    return np.column_stack((cells[:, -2], cells[:, :-2].sum(axis=1))).astype(np.float64)


def _tail(cells: Source, edge: int) -> Floats:
    above = cells[:, edge:-1].sum(axis=1)
    return np.column_stack((above, cells[:, :edge].sum(axis=1))).astype(np.float64)


def _volume(rows: Source) -> Floats:
    return np.column_stack((rows, np.ones(len(rows)))).astype(np.float64)
