"""Total variation distance."""

from __future__ import annotations

import numpy as np

from collectors.drift.distances.bounds import rounding
from collectors.drift.distances.distance import Distance
from collectors.drift.distances.pair import Pair


def measure(pair: Pair) -> float:
    """sum |p - q| / 2 over groups: the share of rows that would have to change their group.

    Source: `scipy.spatial.distance.cityblock(p, q) / 2`; what Evidently's `TVD` tests by
    permutation. Range 0 to 1.

    >>> from collectors.drift.distances.examples import categories
    >>> TVD.measure(categories("aabb", "abbb", ("a", "b")))
    0.25
    """
    return float(np.abs(pair.shares.now - pair.shares.reference).sum()) / 2


TVD = Distance(
    name="TVD",
    formula="sum abs(p - q) / 2",
    source="`scipy.spatial.distance.cityblock(p, q) / 2`; what Evidently tests by permutation",
    range=(0.0, 1.0),
    symmetric=True,
    missing="category",
    bound=rounding(usual=0.01),
    numbers=measure,
    categories=measure,
)
