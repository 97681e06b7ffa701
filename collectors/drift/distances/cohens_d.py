"""Cohen's d: the effect size of the t test, and of the z test of two proportions."""

from __future__ import annotations

from math import inf, sqrt

from collectors.drift.distances.bounds import Bound
from collectors.drift.distances.distance import Distance
from collectors.drift.distances.pair import CategoryPair, NumberPair


def measure(pair: NumberPair) -> float:
    """|mean - mean of the reference| / the pooled standard deviation, at least a cell's width.

    From the exact sums: cells play no part, and values beyond 1e150 are left out. t of the
    two-sample t test is d sqrt(n m / (n + m)). Source: Cohen 1988; `scipy.stats.ttest_ind`. Range 0
    to infinity. Use cliffs_delta instead where a few values are very large.

    >>> from collectors.drift.distances.examples import numbers
    >>> round(COHENS_D.measure(numbers([3.0, 4, 5, 6], [1.0, 2, 3, 4])), 4)
    1.5492
    """
    now, reference = pair.now, pair.reference
    if not now.count or not reference.count:
        return 0.0
    squares = now.count * now.stddev * now.stddev
    squares += reference.count * reference.stddev * reference.stddev
    pooled = sqrt(squares / max(now.count + reference.count - 2, 1))
    return abs(now.mean - reference.mean) / max(pooled, pair.scale / 64)


def measure_binary(pair: CategoryPair) -> float:
    """The same of the second value's indicator, 0 or 1; a spread of 0 counts as 1/64.

    >>> from collectors.drift.distances.examples import categories
    >>> round(COHENS_D.measure(categories("aabb", "abbb", ("a", "b"))), 4)
    0.4629
    """
    if not pair.comparable:
        return 0.0
    (n, one), (m, other) = (
        (float(side[:2].sum()), float(side[1] / side[:2].sum()))
        for side in (pair.now, pair.reference)
    )
    squares = n * one * (1 - one) + m * other * (1 - other)
    return abs(one - other) / max(sqrt(squares / max(n + m - 2, 1)), 1 / 64)


def within(pair: NumberPair) -> float:
    """What the rounding of means and squares about the grid's centre costs, relative to d."""
    return 1e-6 * max(measure(pair), 1.0)


COHENS_D = Distance(
    name="cohens_d",
    formula="abs(mean - mean of the reference) / max(pooled standard deviation, a cell)",
    source="Cohen 1988; t of `scipy.stats.ttest_ind` by sqrt(n m / (n + m))",
    range=(0.0, inf),
    symmetric=True,
    missing="left out",
    bound=Bound("a millionth, of d where d is above 1", within),
    numbers=measure,
    categories=measure_binary,
    only_binary=True,
)
