"""Hellinger distance."""

from __future__ import annotations

from math import sqrt

import numpy as np

from collectors.drift.distances.bounds import rounding
from collectors.drift.distances.distance import Distance
from collectors.drift.distances.pair import Pair


def measure(pair: Pair) -> float:
    """sqrt(1 - sum sqrt(p q)) over groups, as sqrt(sum (sqrt p - sqrt q)^2 / 2).

    Source: Hellinger 1909; Evidently's `hellinger`. Range 0 to 1.

    >>> from collectors.drift.distances.examples import categories
    >>> round(HELLINGER.measure(categories("aabb", "abbb", ("a", "b"))), 4)
    0.1846
    """
    p, q = pair.shares
    return sqrt(float(((np.sqrt(p) - np.sqrt(q)) ** 2).sum()) / 2)


HELLINGER = Distance(
    name="hellinger",
    formula="square root of 1 - sum sqrt(p q)",
    source="Hellinger 1909; Evidently, with the bins of its psi",
    range=(0.0, 1.0),
    symmetric=True,
    missing="category",
    bound=rounding(usual=0.01),
    numbers=measure,
    categories=measure,
)
