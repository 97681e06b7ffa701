"""What a fit comes to: scorers, and the thresholds of their largest; used without SciPy."""

from __future__ import annotations

from dataclasses import dataclass

from collectors.drift.calibration.measures import Floats
from collectors.drift.calibration.scorer import Pooled, Scorer

ALONE, TOGETHER = 0.25, 0.75
"""Shares of the budget for one window alone, and for two of three."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold, and how far beyond the reference's own panes it lies.

    Attributes:
        beyond: how many times rarer than anything seen passing it is to be; 1 inside.
    """

    value: float
    beyond: float


@dataclass(frozen=True, slots=True)
class Fitted:
    """Columns with scores, and the thresholds of their largest.

    Attributes:
        joint: map of the joint column's mean score; None where there is no such column.
        alone: a window that passes it is flagged.
        together: so is one where a column passes it, and did in one of the two before.
        deff: panes that say as much as one independent one.
        judged: panes of the reference that could be judged.
        dropped: local days (ordinals) of panes that were left out as incidents.
        largest: the largest held-out score of each pane, [T]; NaN where there is none.
    """

    scorers: tuple[Scorer, ...]
    joint: Pooled | None
    alone: Threshold
    together: Threshold
    deff: float
    judged: int
    dropped: tuple[int, ...]
    largest: Floats
