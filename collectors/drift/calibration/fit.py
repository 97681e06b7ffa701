"""The fit: from the profiles of a reference's panes to scores and thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from collectors.drift.calibration import scores
from collectors.drift.calibration.fitted import ALONE, TOGETHER, Fitted
from collectors.drift.calibration.heldout import Column, Panes
from collectors.drift.calibration.measures import Floats
from collectors.drift.calibration.scorer import joint_mean
from collectors.drift.calibration.seasons import HOURLY, Ints
from collectors.drift.calibration.tail import pairs, threshold
from collectors.drift.calibration.together import HeldOutColumns, Usable

SCREENED = 60
"""Panes from which on a reference is searched for incidents of its own."""

GAIN = 0.1
"""A season is taken that makes held-out distances smaller by this share."""


def fit(
    columns: Sequence[Column],
    panes: Panes,
    judged: Usable,
    alpha: float,
    min_rows: int,
) -> Fitted:
    """Calibrate columns over the panes of one reference, each an hour.

    Args:
        judged: [T], where a pane has rows enough.
        alpha: share of judged windows that may be flagged.
    """
    kept = np.ones(len(panes), dtype=np.bool_)
    held = _take(columns, panes, judged, kept, min_rows)
    raw, deff = held.scores()
    if np.count_nonzero(judged) >= SCREENED:
        incidents = _incidents(np.where(judged, largest_of(raw), np.nan), panes.days)
        if incidents.any():
            kept &= ~incidents
            held = _take(columns, panes, judged, kept, min_rows)
            raw, deff = held.scores()
    kinds = [column.measure.kind for column in columns]
    pools = {k: scores.pool(raw[[i for i, o in enumerate(kinds) if o == k]]) for k in set(kinds)}
    own, mapped = scores.of_each(raw, [pools[kind] for kind in kinds], held.blocks)
    # Of a pane that has too few rows, volume is all that there is: it is like no judged window.
    mean = np.where(judged, joint_mean(raw), np.nan)
    joint = scores.pool(mean, prior=None)
    every = np.where(judged, np.vstack((mapped, joint.map(mean)[None, :])), np.nan)
    largest = largest_of(every)
    dropped = np.unique(panes.days[~kept & judged])
    # That a column passes in two independent windows falls twice as fast as that it does in one.
    decay = 1.0 - 0.5 / deff
    alone = threshold(largest, alpha * ALONE, deff)
    return Fitted(
        scorers=tuple(replace(one, sure=alone.value) for one in held.scorers(own, deff)),
        joint=joint,
        alone=alone,
        together=threshold(largest_of(pairs(every)), alpha * TOGETHER, deff, decay),
        deff=deff,
        judged=int(np.count_nonzero(judged & kept)),
        dropped=tuple(dropped.tolist()),
        largest=largest,
    )


def _take(
    columns: Sequence[Column], panes: Panes, judged: Usable, kept: Usable, min_rows: int
) -> HeldOutColumns:
    blocks = panes.blocks(np.flatnonzero(judged & kept))
    return HeldOutColumns.take(columns, panes, judged, kept, min_rows, HOURLY, GAIN, blocks)


def largest_of(values: Floats) -> Floats:
    """The largest over the columns [C, T]; NaN where there is none."""
    given = np.where(np.isfinite(values), values, -np.inf).max(axis=0)
    return np.asarray(np.where(np.isfinite(given), given, np.nan))


def _incidents(largest: Floats, days: Ints) -> Usable:
    """Panes of a reference that stand out of it by themselves, and days with three of them.

    At most a tenth of all; the largest where there are more.
    """
    given = largest[np.isfinite(largest)]
    middle, high = np.quantile(given, (0.5, 0.9))
    scale = max((high - middle) / np.log(5.0), 1.0)
    limit = high + 2.0 * scale * np.log(0.1 * len(given) / 0.02)
    out = np.where(np.isfinite(largest), largest > limit, False)
    for day in np.unique(days[out]):
        if np.count_nonzero(out & (days == day)) >= 3:
            out |= days == day
    most = len(given) // 10
    if np.count_nonzero(out) > most:
        worst = np.argsort(np.where(np.isfinite(largest), -largest, np.inf))[:most]
        out = np.zeros_like(out)
        out[worst] = True
    return out
