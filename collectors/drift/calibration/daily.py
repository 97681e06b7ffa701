"""Days: their windows are scored against the days of the reference, with hours to lean on.

A reference has few days, so their noise is taken from its hours and only scaled by the days, and
the threshold is a bound until there are twenty of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from collectors.drift.calibration import scores
from collectors.drift.calibration.fit import largest_of
from collectors.drift.calibration.fitted import Fitted, Threshold
from collectors.drift.calibration.heldout import Column, Panes
from collectors.drift.calibration.measures import Floats
from collectors.drift.calibration.scorer import Scorer
from collectors.drift.calibration.seasons import DAILY, Ints
from collectors.drift.calibration.tail import SAFETY, threshold
from collectors.drift.calibration.together import HeldOutColumns, Usable

FEWEST, ENOUGH = 3, 20
"""Days from which on days are judged, and from which on their own tail says when."""

WHOLE = 20
"""Hours of a day that a reference must span."""

GAIN = 0.2
"""A season is taken that makes held-out distances smaller by this share."""

LONGER = 2.0
"""How much longer than its median column a model's most lasting ones follow themselves."""

WEIGHT = 5.0
"""Days that what the hours say counts for."""

MOST_SHAPE = 0.75
"""Largest gamma shape: so few days cannot show that distances vary less."""

NEVER = Threshold(math.inf, 1.0)


def fit_days(
    columns: Sequence[Column],
    panes: Panes,
    judged: Usable,
    alpha: float,
    min_rows: int,
    hourly: Fitted,
) -> Fitted | None:
    """Calibrate the days of the same panes; None where there are too few.

    Args:
        alpha: share of days that may be flagged.
        hourly: the fit of the panes themselves.
    """
    used = judged & ~np.isin(panes.days, hourly.dropped)
    days = _whole_days(panes.days, used)
    if len(days) < FEWEST:
        return None
    place = np.searchsorted(days, panes.days)
    inside = used & np.isin(panes.days, days)
    whole = np.isin(panes.days, days)
    each = [
        _by_day(column, place, whole if column.always else inside, len(days)) for column in columns
    ]
    zeros = np.zeros(len(days), dtype=np.int64)
    # The first of January of the year 1 was a Monday, and is day 1.
    calendar = Panes(days, zeros, (days - 1) % 7)
    every = np.ones(len(days), dtype=np.bool_)
    blocks = np.arange(len(days), dtype=np.int64)
    held = HeldOutColumns.take(each, calendar, every, every, min_rows, DAILY, GAIN, blocks)
    hours = _effective_hours(columns, place, inside, len(days))
    noise = np.array([one.a for one in hourly.scorers])
    wander = np.array([one.b for one in hourly.scorers]) * _clustered(
        1.0 + LONGER * (hourly.deff - 1.0), hours
    )
    scorers, raw = _fit(held, noise, wander, len(days))
    largest = largest_of(raw)
    excess = [scores.pool(raw[np.array(held.kinds) == k]).scale for k in set(held.kinds)]
    bound = math.log(len(columns) * SAFETY / alpha) * max(1.0, float(np.mean(excess)))
    limit = Threshold(bound, 1.0 / (len(days) * alpha))
    if len(days) >= ENOUGH:
        tail = threshold(largest, alpha, 1.0)
        limit = Threshold(max(bound, tail.value), tail.beyond)
    return replace(
        hourly,
        scorers=tuple(replace(one, sure=limit.value) for one in scorers),
        joint=None,
        alone=limit,
        together=NEVER,
        judged=len(days),
        largest=largest,
    )


def _whole_days(days: Ints, used: Usable) -> Ints:
    """Days that lie in the span nearly whole, with half the usable panes that a day has."""
    spanned, lengths = np.unique(days, return_counts=True)
    found, counts = np.unique(days[used], return_counts=True)
    enough = found[counts * 2 >= np.median(counts)] if len(found) else found
    return np.intersect1d(enough, spanned[lengths >= WHOLE])


def _by_day(column: Column, place: Ints, inside: Usable, days: int) -> Column:
    profile = np.zeros((days, column.profile.shape[1]))
    np.add.at(profile, place[inside], column.profile[inside])
    return replace(column, profile=profile)


def _effective_hours(columns: Sequence[Column], place: Ints, inside: Usable, days: int) -> Floats:
    """How many panes of equal size each column's typical day is worth, [C]."""
    found = []
    for column in columns:
        rows = column.measure.rows(column.profile)[inside]
        total = np.bincount(place[inside], weights=rows, minlength=days)
        squares = np.bincount(place[inside], weights=np.square(rows), minlength=days)
        worth = np.square(total[squares > 0]) / squares[squares > 0]
        found.append(float(np.median(worth)) if len(worth) else 1.0)
    return np.asarray(np.maximum(np.array(found), 1.0))


def _clustered(deff: float, hours: Floats) -> Floats:
    """Variance of the mean of so many hours by that of one, [C].

    Squares of what follows itself with a correlation r follow each other with r^2: `deff`, which is
    of squared distances, is (1 + r^2) / (1 - r^2), and that of the means is (1 + r) / (1 - r).
    """
    r = np.sqrt((deff - 1.0) / (deff + 1.0))
    return np.asarray(np.minimum((1.0 + r) / (1.0 - r) / hours, 1.0))


def _fit(
    held: HeldOutColumns, a: Floats, b: Floats, days: int
) -> tuple[tuple[Scorer, ...], Floats]:
    """Scorers, and the scores of each day under the noise of the other ones, [C, D]."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = held.squared / (a[:, None] * held.x + b[:, None] * held.y)
    ratio = np.where(held.used, ratio, 0.0)
    total, number = ratio.sum(axis=1), held.used.sum(axis=1)
    scale = (total + WEIGHT) / (number + WEIGHT)
    without = (total[:, None] - ratio + WEIGHT) / (number[:, None] - held.used + WEIGHT)
    shape = np.minimum(
        scores.shapes(ratio / scale[:, None], held.used, held.kinds, float(days)), MOST_SHAPE
    )
    raw = scores.rarity(ratio / without, shape[:, None], days + 4.0)
    found = held.scorers_of(a * scale, b * scale, shape, np.full(len(a), days + 4.0), None)
    return found, np.where(held.used, raw, np.nan)
