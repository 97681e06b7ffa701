"""How rare a score is, in days: what people are told of an alarm.

The threshold of a window alone has a share of the budget, a, in false alarms a day: it is passed by
chance about once in 1 / a days. Beyond it the tail is taken as exponential, so that a score s comes
about once in

    1 / a * exp((s - threshold) / scale)  days.

`scale` is how far the calibrated tail of the reference's own largest scores goes for each factor e
of rarity, from where it begins up to the threshold, and at least 1, which is what scores are made
for: a tail that is heavier makes the same score less rare. Of days, whose threshold is a bound over
all columns, it is by how much that is larger than scores that are just so would need. An alarm of
two windows of three, none of which passes alone, is said to be as rare as that rule's own share,
and no rarer.
"""

from __future__ import annotations

import math

import numpy as np

from collectors.drift.calibration.fitted import ALONE, TOGETHER, Fitted
from collectors.drift.calibration.tail import SAFETY, exceedances

MOST_DAYS = 1e6
"""Beyond it no reference says anything: only that it is rarer is told."""


def days_between(fitted: Fitted, per_day: float, score: float) -> float:
    """Days in which such a score comes about once by chance.

    Args:
        per_day: false alarms in a day that windows of this length may have.
        score: the largest of a window that was flagged.
    """
    if not math.isfinite(fitted.together.value):
        share, scale = 1.0, _scale_of_days(fitted, per_day)
    elif score <= fitted.alone.value:
        return 1.0 / (per_day * TOGETHER)
    else:
        share, scale = ALONE, _scale(fitted)
    beyond = max(score - fitted.alone.value, 0.0) / scale
    return math.exp(min(beyond, 500.0)) / (per_day * share)


def in_words(days: float) -> str:
    """So rare, to two digits.

    >>> in_words(3_437.0)
    'once in 3,400 days'
    """
    if days >= MOST_DAYS:
        return f"less than once in {MOST_DAYS:,.0f} days"
    if days < 1.5:
        return "once a day" if days >= 0.5 else "more than once a day"
    whole = round(days)
    return f"once in {round(whole, 2 - len(str(whole))):,} days"


def _scale_of_days(fitted: Fitted, per_day: float) -> float:
    just_so = math.log(max(len(fitted.scorers), 1) * SAFETY / min(per_day, 1.0))
    return max(fitted.alone.value / just_so, 1.0)


def _scale(fitted: Fitted) -> float:
    """How far the tail goes for each factor e of rarity."""
    given = np.sort(fitted.largest[np.isfinite(fitted.largest)])
    if not len(given):
        return 1.0
    begin = float(given[-min(exceedances(len(given)), len(given))])
    if fitted.alone.beyond > 1.0:
        found = (fitted.alone.value - begin) / math.log(fitted.alone.beyond)
    else:  # the threshold lies within what was seen
        found = float(given[given >= begin].mean()) - begin
    return max(found, 1.0)
