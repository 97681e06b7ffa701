"""L-infinity distance: the one group that changed most."""

from __future__ import annotations

import numpy as np

from collectors.drift.distances.bounds import rounding
from collectors.drift.distances.distance import Distance
from collectors.drift.distances.pair import CategoryPair


def measure(pair: CategoryPair) -> float:
    """max |p - q| over categories.

    Source: NannyML's `l_infinity`; `scipy.spatial.distance.chebyshev`. Range 0 to 1. Use TVD
    instead when many categories change by a little. Of numbers it would tell how many bins there
    are, as much as what changed.

    >>> from collectors.drift.distances.examples import categories
    >>> L_INFINITY.measure(categories("aabc", "abbb", ("a", "b", "c")))
    0.5
    """
    return float(np.abs(pair.shares.now - pair.shares.reference).max())


L_INFINITY = Distance(
    name="l_infinity",
    formula="max abs(p - q)",
    source="`scipy.spatial.distance.chebyshev`; the name is NannyML's, for Evidently has none",
    range=(0.0, 1.0),
    symmetric=True,
    missing="category",
    bound=rounding(),
    categories=measure,
)
