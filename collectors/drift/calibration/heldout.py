"""Held-out distances: each pane of a reference against the rest of it, its own block left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from collectors.drift.calibration.measures import Floats, Measure
from collectors.drift.calibration.seasons import BUCKETS, Ints, Season, bucket

MOST_BLOCKS = 15
"""Blocks that are left out in turn."""

SHORT = 72
"""Panes below which blocks are quarters of the span, not whole days."""


class ColumnKey(NamedTuple):
    """What a comparison is of.

    Attributes:
        subject: input, output, software or multivariate.
        feature: "" where it is of the model as a whole.
        statistic: what of it is compared: distribution, shape, missing, errors, volume ...
    """

    subject: str
    feature: str
    statistic: str

    def named(self, statistic: str) -> ColumnKey:
        """The same with a statistic more: `latency` and `mean` make `latency_mean`."""
        return self._replace(statistic="_".join(filter(None, (self.statistic, statistic))))


@dataclass(frozen=True, slots=True)
class Column:
    """One comparison over the panes of a reference.

    Attributes:
        profile: float64 [T, G], one row a pane; zeros where the pane had none.
        always: judged however few rows a pane has.
    """

    key: ColumnKey
    measure: Measure
    profile: Floats
    always: bool = False


@dataclass(frozen=True, slots=True)
class Panes:
    """Where the T panes of a reference lie: local day, hour and weekday of each, int64 [T]."""

    days: Ints
    hours: Ints
    weekdays: Ints

    def __len__(self) -> int:
        return len(self.days)

    def blocks(self, usable: Ints) -> Ints:
        """The block of each pane: whole days in turn; quarters where the span is short."""
        if len(usable) < SHORT:
            first, last = int(usable[0]), int(usable[-1]) + 1
            quarter = (np.arange(len(self)) - first) * 4 // max(last - first, 1)
            return np.clip(quarter, 0, 3)
        distinct = np.unique(self.days[usable])
        number = max(2, min(MOST_BLOCKS, len(usable) // 24))
        place = np.clip(np.searchsorted(distinct, self.days), 0, len(distinct) - 1)
        return np.asarray(place * number // len(distinct), dtype=np.int64)


@dataclass(slots=True)
class HeldOut:
    """One column's distances under its season, each [T]; NaN where there is none.

    Attributes:
        x: 1/n + 1/N of the pane and of the rest of its bucket.
        y: 1 + sum n_i^2 / N^2 over the rest of its bucket.
        totals, rows, squares: profile [B, G], rows [B] and sum of squared rows [B] by bucket.
        farthest: the effect of the pane that is farthest from the others.
    """

    season: Season
    squared: Floats
    x: Floats
    y: Floats
    totals: Floats
    rows: Floats
    squares: Floats
    typical: float = field(default=0.0)
    farthest: float = field(default=0.0)


def held_out(
    column: Column,
    panes: Panes,
    usable: Ints,
    blocks: Ints,
    seasons: Sequence[tuple[Season, float]],
    gain: float,
) -> HeldOut:
    """The distances under the season that makes them smallest, if by the share `gain` at least.

    Args:
        usable: places of the panes that may take part, ascending.
    """
    span = len(np.unique(panes.days[usable]))
    found: HeldOut | None = None
    best = np.inf
    for season, days in seasons:
        if span < days or best == 0.0:
            continue
        one = _under(column, panes, usable, blocks, season)
        with np.errstate(all="ignore"):
            given = one.squared[np.isfinite(one.squared)]
        mean = float(given.mean()) if len(given) else np.inf
        if found is None:
            found, best = one, mean * (1.0 - gain)
        elif mean < best and len(given) >= 0.95 * np.isfinite(found.squared).sum():
            found, best = one, mean
    assert found is not None  # noqa: S101  # "none" asks for no days
    return found


def _under(column: Column, panes: Panes, usable: Ints, blocks: Ints, season: Season) -> HeldOut:
    number, most = BUCKETS[season], int(blocks.max()) + 1
    where = bucket(season, panes.hours, panes.weekdays)
    profile = np.zeros_like(column.profile)
    profile[usable] = column.profile[usable]
    rows = column.measure.rows(profile)
    sums = _grouped(profile, where * most + blocks, number * most).reshape(number, most, -1)
    totals = sums.sum(axis=1)
    each = np.column_stack((rows, np.square(rows)))
    parts = _grouped(each, where * most + blocks, number * most).reshape(number, most, 2)
    rest = totals[where] - sums[where, blocks]
    rest_rows, rest_squares = (parts.sum(axis=1)[where] - parts[where, blocks]).T
    squared = np.full(len(panes), np.nan)
    x, y = squared.copy(), squared.copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        squared[usable] = column.measure.squared(profile[usable], rest[usable])
        n = column.measure.size(profile[usable], rest[usable])
        x[usable] = 1.0 / n + 1.0 / rest_rows[usable]
        y[usable] = 1.0 + rest_squares[usable] / np.square(rest_rows[usable])
    bad = ~(np.isfinite(squared) & np.isfinite(x) & np.isfinite(y))
    squared[bad], x[bad], y[bad] = np.nan, np.nan, np.nan
    every = parts.sum(axis=1)
    typical = float(np.median(n[np.isfinite(n)])) if np.isfinite(n).any() else 0.0
    farthest = 0.0
    if np.isfinite(squared).any():
        most = int(np.nanargmax(squared))
        farthest = float(column.measure.effect(profile[most], rest[most]))
    return HeldOut(season, squared, x, y, totals, every[:, 0], every[:, 1], typical, farthest)


def _grouped(values: Floats, groups: Ints, number: int) -> Floats:
    """Sums of rows by group, [number, ...]."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    firsts = np.flatnonzero(np.diff(ordered, prepend=-1))
    sums = np.zeros((number, values.shape[1]))
    sums[ordered[firsts]] = np.add.reduceat(values[order], firsts, axis=0)
    return sums
