"""Kullback-Leibler divergence."""

from __future__ import annotations

import numpy as np

from collectors.drift.distances.bounds import rounding
from collectors.drift.distances.distance import Distance
from collectors.drift.distances.pair import Pair
from collectors.drift.distances.shares import filled


def measure(pair: Pair) -> float:
    """sum q ln(q / p) of the reference's shares q by the present's p, in nats.

    Source: Kullback and Leibler 1951; Evidently's `kl_div`: `scipy.stats.entropy(q, p)` after its
    rule for empty groups. Range 0 to infinity. Not symmetric: what the reference has and the
    present lacks weighs most. Use jensenshannon instead for both ways.

    >>> from collectors.drift.distances.examples import categories
    >>> round(KL_DIV.measure(categories("aabb", "abbb", ("a", "b"))), 4)
    0.1308
    """
    p, q = filled(pair.shares.now), filled(pair.shares.reference)
    p, q = p / p.sum(), q / q.sum()
    return max(float(q @ np.log(q / p)), 0.0)


KL_DIV = Distance(
    name="kl_div",
    formula="sum q ln(q / p)",
    source="Kullback and Leibler 1951; `scipy.stats.entropy(q, p)`, with Evidently's bins and its "
    "rule for empty ones",
    range=(0.0, np.inf),
    symmetric=False,
    missing="category",
    bound=rounding(usual=0.05),
    numbers=measure,
    categories=measure,
)
