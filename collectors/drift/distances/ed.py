"""Energy distance."""

from __future__ import annotations

from math import sqrt

import numpy as np

from collectors.drift.distances.bounds import Bound
from collectors.drift.distances.distance import Distance
from collectors.drift.distances.pair import NumberPair


def measure(pair: NumberPair) -> float:
    """sqrt(2 E|X - Y| - E|X - X'| - E|Y - Y'|), as sqrt(2 x integral of (F - G)^2 dx).

    Source: Székely 2002; `scipy.stats.energy_distance`, which is Evidently's. Range 0 to infinity,
    in square roots of the data's unit. Missing values are left out: ks sees them.

    >>> from collectors.drift.distances.examples import numbers
    >>> round(ED.measure(numbers([11.0, 12, 13, 14], [1.0, 2, 3, 4])), 1)
    4.2
    """
    return sqrt(2 * float(pair.gaps[:-1] ** 2 @ np.diff(pair.middles)))


def within(pair: NumberPair) -> float:
    """Inside a cell either distribution function is off by its share there at most."""
    widths = pair.high - pair.low
    now, reference = (sqrt(2 * float(shares**2 @ widths)) for shares in pair.weights)
    return now + reference + 1e-9 * sqrt(pair.scale)


ED = Distance(
    name="ed",
    formula="square root of 2 x integral of (F(x) - G(x))^2 dx",
    source="Székely 2002; `scipy.stats.energy_distance`",
    range=(0.0, np.inf),
    symmetric=True,
    missing="left out",
    bound=Bound("square root of 2 x sum of width x share^2 over cells, of both sides", within),
    numbers=measure,
)
