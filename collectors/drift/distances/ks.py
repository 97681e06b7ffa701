"""Kolmogorov-Smirnov: the largest gap between the two distribution functions."""

from __future__ import annotations

import numpy as np

from collectors.drift.distances.bounds import Bound
from collectors.drift.distances.distance import Distance
from collectors.drift.distances.pair import NumberPair


def measure(pair: NumberPair) -> float:
    """max |F - G| over all rows; invalid rows come after the largest value, missing ones last.

    Source: Kolmogorov 1933, Smirnov 1939; the statistic of `scipy.stats.ks_2samp`. Range 0 to 1.
    Use wasserstein instead when how far values moved matters, and not only how many.

    >>> from collectors.drift.distances.examples import numbers
    >>> KS.measure(numbers([1, 2, 3, 9], [1, 2, 3, 4]))
    0.25
    >>> KS.measure(numbers([1, 2, float("nan"), float("nan")], [1, 1, 2, 2]))
    0.5
    """
    now, reference = pair.now.everything, pair.reference.everything
    gaps = np.cumsum(now) / now.sum() - np.cumsum(reference) / reference.sum()
    return float(np.abs(gaps).max())


def within(pair: NumberPair) -> float:
    """Inside a cell F - G passes what it is at either end by the smaller of its shares at most."""
    now, reference = pair.now, pair.reference
    shares = now.counts / now.everything.sum(), reference.counts / reference.everything.sum()
    return float(np.minimum(*shares).max(initial=0.0)) + 1e-9


KS = Distance(
    name="ks",
    formula="max abs(F - G)",
    source="Kolmogorov 1933, Smirnov 1939; `scipy.stats.ks_2samp`",
    range=(0.0, 1.0),
    symmetric=True,
    missing="category",
    bound=Bound("the largest share that both sides have in one cell", within),
    numbers=measure,
)
