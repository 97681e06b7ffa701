"""Wasserstein by the reference's standard deviation: Evidently's `wasserstein`."""

from __future__ import annotations

import numpy as np

from collectors.drift.distances import wasserstein_raw
from collectors.drift.distances.bounds import Bound
from collectors.drift.distances.distance import Distance
from collectors.drift.distances.pair import NumberPair


def spread(pair: NumberPair) -> float:
    """The reference's standard deviation (divided by n), at least the width of a cell.

    Evidently has 0.001 for the least one, whatever the unit; here a constant reference of 1,000
    and one of 0.001 give the same.
    """
    return max(pair.reference.stddev, pair.scale / 64)


def measure(pair: NumberPair) -> float:
    """wasserstein_raw / the reference's standard deviation.

    Source: Evidently's `wasserstein`; `scipy.stats.wasserstein_distance` by `numpy.std`. Range 0 to
    infinity. Missing values are left out: ks sees them.

    >>> from collectors.drift.distances.examples import numbers
    >>> round(WASSERSTEIN.measure(numbers([3.0, 4, 5, 6], [1.0, 2, 3, 4])), 1)
    1.8
    """
    return wasserstein_raw.measure(pair) / spread(pair)


def within(pair: NumberPair) -> float:
    """As for wasserstein_raw, in standard deviations."""
    return wasserstein_raw.within(pair) / spread(pair)


WASSERSTEIN = Distance(
    name="wasserstein",
    formula="integral of abs(F(x) - G(x)) dx / max(standard deviation of the reference, a cell)",
    source="Evidently; `scipy.stats.wasserstein_distance` by `numpy.std`",
    range=(0.0, np.inf),
    symmetric=False,
    missing="left out",
    bound=Bound("that of wasserstein_raw, by the same standard deviation", within),
    numbers=measure,
)
