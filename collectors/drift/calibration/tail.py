"""The tail of the largest score over all columns: from held-out panes to a threshold."""

from __future__ import annotations

import numpy as np

from collectors.drift.calibration.fitted import Threshold
from collectors.drift.calibration.measures import Floats

FEW = 60
"""Panes below which clusters are counted as runs."""


SAFETY = 1.5
"""By how much rarer an alarm is made than asked for: what is seen of a tail is a sample."""

PRIOR = 5.0
"""Exceedances that what is expected counts for."""


def exceedances(number: int) -> int:
    """How many of so many values are the tail."""
    return int(np.clip(number // 10, 6, 100))


def threshold(largest: Floats, alpha: float, deff: float, decay: float = 1.0) -> Threshold:
    """What a share `alpha` of windows may pass; nothing where there is no value.

    A generalised Pareto tail above the k-th largest, its parameters shrunk towards an exponential
    one, with a predictive correction for how few exceedances there are; `deff` is how many panes
    say as much as one independent one.

    Args:
        largest: held-out values in order of time, NaN where a pane cannot be judged.
        decay: mean excess that is expected before any is seen, with the weight of five.
    """
    given = largest[np.isfinite(largest)]
    number = len(given)
    if not number:
        return Threshold(float("inf"), 1.0)
    k = exceedances(number)
    ordered = np.sort(given)
    u = float(ordered[-min(k, number)])
    excess = given[given > u] - u
    q = k / number
    alpha = alpha / (SAFETY * deff)
    if alpha >= q:
        return Threshold(float(np.quantile(given, max(1.0 - alpha, 0.0))), 1.0)
    clusters = k / _clustering(largest, u)
    shrunk = clusters + PRIOR
    mean = float(excess.mean()) if len(excess) else 0.0
    scale = (clusters * mean + PRIOR * decay) / shrunk
    shape = max(0.0, _pareto_shape(np.sort(excess))) * clusters / (clusters + 20.0)
    z = 1.0 / shrunk + shape
    value = u + scale / z * ((q / alpha) ** z - 1.0)
    return Threshold(value, q / alpha)


def _clustering(largest: Floats, u: float) -> float:
    """Exceedances a cluster: variance over mean of their number in a day; runs where few."""
    over = np.where(np.isfinite(largest), largest > u, False)
    places = np.flatnonzero(over)
    if not len(places):
        return 1.0
    if len(largest) < FEW:
        runs = 1 + int(np.count_nonzero(np.diff(places) > 3))
        return max(1.0, len(places) / runs)
    days = np.add.reduceat(over.astype(np.float64), np.arange(0, len(over), 24))
    return max(1.0, float(days.var() / days.mean()))


def _pareto_shape(excess: Floats) -> float:
    """By probability-weighted moments (Hosking and Wallis 1987); `excess` ascending."""
    n = len(excess)
    if n < 3:
        return 0.0
    weights = 1.0 - (np.arange(1, n + 1) - 0.35) / n
    b0, b1 = float(excess.mean()), float((weights * excess).mean())
    return 2.0 - b0 / (b0 - 2.0 * b1) if b0 > 2.0 * b1 else 0.5


def pairs(scores: Floats) -> Floats:
    """What passes a threshold where a window and one of the two before it both do, [..., T].

    NaN where a window, or both of those before it, could not be judged.
    """
    gone = np.full((*scores.shape[:-1], 2), np.nan)
    before = np.concatenate((gone, scores), axis=-1)
    before = np.fmax(before[..., :-2], before[..., 1:-1])
    return np.asarray(np.where(np.isfinite(before), np.minimum(scores, before), np.nan))
