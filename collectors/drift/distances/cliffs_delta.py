"""Cliff's delta: the effect size of the Mann-Whitney test."""

from __future__ import annotations

import numpy as np

from collectors.drift.distances.bounds import Bound
from collectors.drift.distances.distance import Distance
from collectors.drift.distances.pair import NumberPair
from collectors.events import Floats


def measure(pair: NumberPair) -> float:
    """|P(X > Y) - P(X < Y)| for a value X of now and a value Y of the reference.

    U of the Mann-Whitney test is n m (1 + delta) / 2, the sign kept. Source: Cliff 1993;
    `scipy.stats.mannwhitneyu`. Range 0 to 1. It sees that values moved up or down, whatever the
    size of a few; a change of spread alone it does not see.

    >>> from collectors.drift.distances.examples import numbers
    >>> CLIFFS_DELTA.measure(numbers([3, 4, 5, 6], [1, 2, 3, 4]))
    0.75
    """
    return abs(_above(*pair.weights) - _above(*reversed(pair.weights)))


def _above(shares: Floats, others: Floats) -> float:
    """Chance that a value of the one lies in a cell above a value of the other."""
    return float(shares @ (np.cumsum(others) - others))


def within(pair: NumberPair) -> float:
    """Values that share a cell count as equal."""
    now, reference = pair.weights
    return float(now @ reference) + 1e-9


CLIFFS_DELTA = Distance(
    name="cliffs_delta",
    formula="abs(P(X > Y) - P(X < Y))",
    source="Cliff 1993; U of `scipy.stats.mannwhitneyu` is n m (1 + delta) / 2",
    range=(0.0, 1.0),
    symmetric=True,
    missing="left out",
    bound=Bound("the chance that a value of either side lie in one cell", within),
    numbers=measure,
)
