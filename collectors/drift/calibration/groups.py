"""Columns that rest on different panes of one reference: each group is fitted by itself.

Where a reference is of one span all columns are one group. After `inferwatch reference accept
--feature` a column's panes are others than those of the rest, and often far fewer: its noise, its
tail and how far it is to be trusted are of its own panes then. The groups share the budget by their
numbers of columns, so that all of them together still keep to it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from collectors.drift.calibration.fitted import Fitted, Threshold
from collectors.drift.calibration.heldout import ColumnKey
from collectors.drift.calibration.scorer import Scorer


def combined(fits: Sequence[Fitted]) -> Fitted:
    """All of them as one fit, with the thresholds of the first.

    A group that would need a higher threshold has its scores made smaller until that one will do.
    """
    first = fits[0]
    scorers: list[Scorer] = []
    for one in fits:
        smaller = min(_ratio(first.alone, one.alone), _ratio(first.together, one.together), 1.0)
        scorers += [replace(s, scores=s.scores * smaller) for s in one.scorers]
    dropped = {day for one in fits for day in one.dropped}
    return replace(first, scorers=tuple(scorers), dropped=tuple(sorted(dropped)))


def in_order(fit: Fitted, order: Mapping[ColumnKey, int]) -> Fitted:
    """The fit with its columns in this order."""
    return replace(fit, scorers=tuple(sorted(fit.scorers, key=lambda one: order[one.key])))


def _ratio(wanted: Threshold, own: Threshold) -> float:
    """By what a score has to be multiplied to pass `wanted` where it passed `own`."""
    if not math.isfinite(wanted.value):
        return 1.0  # nothing passes it anyway
    return wanted.value / own.value if own.value > 0 else 1.0
