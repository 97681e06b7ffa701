"""Cramér's V: the effect size of the chi-squared and the G test."""

from __future__ import annotations

from math import sqrt

from collectors.drift.distances.bounds import rounding
from collectors.drift.distances.distance import Distance
from collectors.drift.distances.pair import Pair


def measure(pair: Pair) -> float:
    """sqrt(chi-squared / n) of the table of groups by sides, as if both sides had as many rows.

    That is sqrt(sum (p - q)^2 / (p + q) / 2). With the rows as they are it would shrink as the
    reference grows. Source: Cramér 1946; `scipy.stats.contingency.association` of the shares.
    Range 0 to 1.

    >>> from collectors.drift.distances.examples import categories
    >>> round(CRAMERS_V.measure(categories("aabb", "abbb", ("a", "b"))), 4)
    0.2582
    """
    p, q = pair.shares
    return sqrt(float(((p - q) ** 2 / (p + q)).sum()) / 2)


CRAMERS_V = Distance(
    name="cramers_v",
    formula="square root of sum (p - q)^2 / (p + q) / 2",
    source="Cramér 1946; `scipy.stats.contingency.association`, both sides weighing the same",
    range=(0.0, 1.0),
    symmetric=True,
    missing="category",
    bound=rounding(usual=0.01),
    numbers=measure,
    categories=measure,
)
