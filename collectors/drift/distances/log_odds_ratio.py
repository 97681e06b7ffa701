"""Log odds ratio: the effect size of Fisher's exact test."""

from __future__ import annotations

from math import inf

import numpy as np

from collectors.drift.distances.bounds import rounding
from collectors.drift.distances.distance import Distance
from collectors.drift.distances.pair import CategoryPair


def measure(pair: CategoryPair) -> float:
    """|ln(a d / (b c))| of the two known values by the two sides, 1/2 added to each count.

    Source: Haldane 1956, Anscombe 1956; `scipy.stats.contingency.odds_ratio(kind="sample")` of the
    counts so raised. Range 0 to infinity. It tells 0.1% from 1%, which differences of shares
    do not.

    >>> from collectors.drift.distances.examples import categories
    >>> round(LOG_ODDS_RATIO.measure(categories("aabb", "abbb", ("a", "b"))), 4)
    0.8473
    """
    if not pair.comparable:
        return 0.0
    (a, b), (c, d) = (side[:2] + 0.5 for side in (pair.now, pair.reference))
    return abs(float(np.log(a / b) - np.log(c / d)))


LOG_ODDS_RATIO = Distance(
    name="log_odds_ratio",
    formula="abs(ln(a d / (b c))), 1/2 added to each count",
    source='Haldane 1956; `scipy.stats.contingency.odds_ratio(kind="sample")`',
    range=(0.0, inf),
    symmetric=True,
    missing="left out",
    bound=rounding(),
    categories=measure,
    only_binary=True,
)
