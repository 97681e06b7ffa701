"""Wasserstein in the unit of the data: how far values moved on average."""

from __future__ import annotations

import numpy as np

from collectors.drift.distances.bounds import Bound, half_widths
from collectors.drift.distances.distance import Distance
from collectors.drift.distances.pair import NumberPair


def measure(pair: NumberPair) -> float:
    """The area between the two distribution functions.

    Source: Vaserstein 1969, the first distance; `scipy.stats.wasserstein_distance`. Range 0 to
    infinity, in the unit of the data. Missing values are left out: ks sees them. Use wasserstein
    instead when columns of different units stand side by side.

    >>> from collectors.drift.distances.examples import numbers
    >>> round(WASSERSTEIN_RAW.measure(numbers([11.0, 12, 13, 14], [1.0, 2, 3, 4])), 1)
    10.0
    """
    return float(np.abs(pair.gaps[:-1]) @ np.diff(pair.middles))


def within(pair: NumberPair) -> float:
    """Every value may have moved to its cell's middle, and no further."""
    return half_widths(pair) + 1e-9 * pair.scale


WASSERSTEIN_RAW = Distance(
    name="wasserstein_raw",
    formula="integral of abs(F(x) - G(x)) dx",
    source="Vaserstein 1969; `scipy.stats.wasserstein_distance`",
    range=(0.0, np.inf),
    symmetric=True,
    missing="left out",
    bound=Bound("half the width of a cell: means over the values of either side, added", within),
    numbers=measure,
)
