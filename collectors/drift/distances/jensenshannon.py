"""Jensen-Shannon distance."""

from __future__ import annotations

from math import log, sqrt

import numpy as np

from collectors.drift.distances.bounds import rounding
from collectors.drift.distances.distance import Distance
from collectors.drift.distances.pair import Pair
from collectors.events import Floats


def measure(pair: Pair) -> float:
    """The square root of the Jensen-Shannon divergence in nats (base e).

    With m = (p + q) / 2: sqrt((sum p ln(p / m) + sum q ln(q / m)) / 2). Source: Lin 1991, Endres
    and Schindelin 2003; `scipy.spatial.distance.jensenshannon`, which is Evidently's. Range 0 to
    sqrt(ln 2) = 0.8326.

    >>> from collectors.drift.distances.examples import categories
    >>> round(JENSENSHANNON.measure(categories("aabb", "abbb", ("a", "b"))), 4)
    0.1839
    >>> round(JENSENSHANNON.measure(categories("aaaa", "bbbb", ("a", "b"))), 4)
    0.8326
    """
    p, q = pair.shares
    middle = (p + q) / 2
    return sqrt(max(_relative(p, middle) + _relative(q, middle), 0.0) / 2)


def _relative(shares: Floats, other: Floats) -> float:
    """sum s ln(s / o) where s > 0."""
    some = shares > 0
    return float(shares[some] @ np.log(shares[some] / other[some]))


JENSENSHANNON = Distance(
    name="jensenshannon",
    formula="square root of (sum p ln(p / m) + sum q ln(q / m)) / 2, m = (p + q) / 2",
    source="Lin 1991; `scipy.spatial.distance.jensenshannon`, base e, with Evidently's bins",
    range=(0.0, sqrt(log(2))),
    symmetric=True,
    missing="category",
    bound=rounding(usual=0.01),
    numbers=measure,
    categories=measure,
)
