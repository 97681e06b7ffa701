"""Population stability index."""

from __future__ import annotations

import numpy as np

from collectors.drift.distances.bounds import rounding
from collectors.drift.distances.distance import Distance
from collectors.drift.distances.pair import Pair
from collectors.drift.distances.shares import filled


def measure(pair: Pair) -> float:
    """sum (p - q) ln(p / q) over groups, an empty one taken as nearly empty.

    Source: Kullback and Leibler 1951 (their J); Evidently's `psi`, its bins and its rule for empty
    groups. Range 0 to infinity. A group that one side alone has counts for much, by that rule: use
    jensenshannon instead where groups are many or rows few.

    >>> from collectors.drift.distances.examples import categories
    >>> round(PSI.measure(categories("aabb", "abbb", ("a", "b"))), 4)
    0.2747
    """
    p, q = filled(pair.shares.now), filled(pair.shares.reference)
    return float((p - q) @ np.log(p / q))


PSI = Distance(
    name="psi",
    formula="sum (p - q) ln(p / q)",
    source="Kullback and Leibler 1951; Evidently's bins and its rule for empty ones",
    range=(0.0, np.inf),
    symmetric=True,
    missing="category",
    bound=rounding(usual=0.1),
    numbers=measure,
    categories=measure,
)
