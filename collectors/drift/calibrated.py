"""A reference calibrated: what live windows are scored by, and how far that is to be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from collectors.drift.calibration.fitted import Fitted

HOUR = 3_600_000_000
DAYS = 30
"""Days for which a budget is stated here."""

LEAST = 24
"""Panes that can be judged, below which nothing is calibrated."""

PAGES = 168
"""Panes that can be judged, from which on an alarm may be a page."""

CLASSIFIER = 0.02
"""Share of a budget that the domain classifier of daily reports has."""

WINDOWS = 1.0 - CLASSIFIER
"""Share of a budget that windows have."""

SUBJECTS = frozenset({"input", "output", "software"})

Certainty = Literal["interpolated", "extrapolated", "provisional", "uncalibrated"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What calibration is asked for.

    Attributes:
        budget: false alarms in 30 days, of everything that a model has.
        min_rows: a pane with fewer rows is not judged.
        zone: where days begin (IANA name).
        ignore: features that are left out.
        subjects: what is compared at all: input, output, software.
        fixed: features that have a fixed threshold instead of scores.
        days: whether windows of a day are judged too, on half of the budget.
    """

    budget: float
    min_rows: int
    zone: str
    ignore: frozenset[str] = frozenset()
    subjects: frozenset[str] = SUBJECTS
    days: bool = True
    fixed: frozenset[str] = frozenset()

    @property
    def unscored(self) -> frozenset[str]:
        """Features that have no scores of their own."""
        return self.ignore | self.fixed


@dataclass(frozen=True, slots=True)
class Calibration:
    """The fits of one reference.

    Attributes:
        pane: length of its panes, us.
        mixed: whether the reference is of several versions, which are then compared together: one
            alone is no sample of their mixture.
        hourly, daily: what windows of one pane and of one local day are scored by; None where
            they are not judged.
    """

    reference: str
    certainty: Certainty
    pane: int
    rules: Rules
    mixed: bool
    hourly: Fitted | None
    daily: Fitted | None

    @property
    def beyond(self) -> float:
        """How many times rarer than anything seen in the reference an alarm is to be."""
        fits = [one for one in (self.hourly, self.daily) if one is not None]
        return max((one.alone.beyond for one in fits), default=1.0)

    @property
    def too_dependent(self) -> bool:
        """Whether the panes follow each other so long that the budget cannot be promised."""
        return self.hourly is not None and self.hourly.deff > self.hourly.judged / 24.0
