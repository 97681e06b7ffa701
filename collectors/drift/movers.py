"""What moved most where all features together did, by the profiles of `collectors.drift.points`."""

from __future__ import annotations

import numpy as np

from collectors.drift.calibration.measures import Floats
from collectors.drift.calibration.points import DAMPING, WAVES, correlations, dimensions
from collectors.summaries.multivariate import upper

MOST = 2
"""Dimensions that are named: what goes together with something is two."""


def largest_shift(now: Floats, reference: Floats) -> tuple[int, float]:
    """The dimension whose mean moved most, and by how many standard deviations of the reference."""
    (mean, _), (before, variance) = _moments(now), _moments(reference)
    shift = (mean - before) / np.sqrt(variance + DAMPING)
    place = int(np.argmax(np.abs(shift)))
    return place, float(shift[place])


def errors(now: Floats, reference: Floats) -> tuple[float, float, list[int]]:
    """Mean error then and now, and the dimensions whose own changed most, in its direction."""
    before, after = reference[1:] / reference[0], now[1:] / now[0]
    change = (after - before) * np.sign(after.sum() - before.sum())
    most = np.argsort(-change)[:MOST]
    return float(before.sum()), float(after.sum()), most.tolist()


def pair(now: Floats, reference: Floats) -> tuple[int, int, float, float]:
    """The two dimensions whose correlation changed most, and what it was then and is now."""
    then, since = correlations(reference), correlations(now)
    place = int(np.argmax(np.abs(since - then)))
    first, second = upper(dimensions(now))
    return int(first[place]), int(second[place]), float(then[place]), float(since[place])


def _moments(profile: Floats) -> tuple[Floats, Floats]:
    """Mean and variance by dimension."""
    sums, squares = np.split(profile[1 + WAVES :], 2) / profile[0]
    return sums, np.maximum(squares - np.square(sums), 0.0)
