"""Cramér-von Mises: the mean squared gap between the two distribution functions."""

from __future__ import annotations

import numpy as np

from collectors.drift.distances.bounds import Bound
from collectors.drift.distances.distance import Distance
from collectors.drift.distances.pair import NumberPair


def measure(pair: NumberPair) -> float:
    """Mean of (F - G)^2 over the values of both sides, those in one cell mixed evenly.

    The statistic T of n and m rows, by n m / (n + m), so that it does not grow with them. Source:
    Anderson 1962; `scipy.stats.cramervonmises_2samp` where no value repeats (it ranks ties by their
    middle, and so finds a distance between equal samples). Range 0 to 1/3. Use anderson instead
    where tails matter.

    >>> from collectors.drift.distances.examples import numbers
    >>> round(CRAMER_VON_MISES.measure(numbers([11.0, 12, 13, 14], [1.0, 2, 3, 4])), 4)
    0.3333
    """
    after = pair.gaps
    before = np.append(0.0, after[:-1])
    return float(pair.pooled @ (before**2 + before * after + after**2)) / 3


def within(pair: NumberPair) -> float:
    """However the p and q of one cell are mixed, F - G is within p q / h of even.

    SciPy's sum over n and m steps is 1 / (6 n m) above the integral.
    """
    now, reference = pair.weights
    uneven = now * reference / np.maximum(pair.pooled, np.finfo(float).tiny)
    after = np.abs(pair.gaps)
    largest = np.maximum(after, np.append(0.0, after[:-1]))
    steps = 1 / (6 * max(pair.now.counts.sum() * pair.reference.counts.sum(), 1.0))
    return float(pair.pooled @ (uneven * (2 * largest + uneven)) + steps) + 1e-9


CRAMER_VON_MISES = Distance(
    name="cramer_von_mises",
    formula="integral of (F - G)^2 dH, H of both sides together; T (n + m) / (n m)",
    source="Anderson 1962; `scipy.stats.cramervonmises_2samp` where no value repeats",
    range=(0.0, 1 / 3),
    symmetric=True,
    missing="left out",
    bound=Bound(
        "mean over H of u (2 abs(F - G) + u), u = p q / h of a cell's shares; + 1 / (6 n m)", within
    ),
    numbers=measure,
)
