"""Anderson-Darling: the gap between the distribution functions, the tails counted in full."""

from __future__ import annotations

import numpy as np

from collectors.drift.distances.bounds import Bound
from collectors.drift.distances.distance import Distance
from collectors.drift.distances.pair import NumberPair
from collectors.events import Floats


def measure(pair: NumberPair) -> float:
    """Integral of (F - G)^2 / (H (1 - H)) dH, H of both sides together, ties at their middle.

    The statistic A2 of n and m rows, by n m / (n + m), so that it does not grow with them. Source:
    Scholz and Stephens 1987, equation 7; `scipy.stats.anderson_ksamp` before it is standardised.
    Range 0 to infinity. Use cramer_von_mises instead where tails are noise.

    >>> from collectors.drift.distances.examples import numbers
    >>> round(ANDERSON.measure(numbers([1, 2, 3, 9], [1, 2, 3, 4])), 4)
    0.0766
    """
    gaps = pair.gaps
    middle = (gaps + np.append(0.0, gaps[:-1])) / 2
    rows = float(pair.now.counts.sum() + pair.reference.counts.sum())
    return float(_by_tails(pair, middle**2)) * (1 - 1 / max(rows, 1.0))


def _by_tails(pair: NumberPair, squares: Floats) -> float:
    """Sum of h s / (b (1 - b) - h / 4), b the share below the cell's middle and h its own."""
    own = pair.pooled
    below = np.cumsum(own) - own / 2
    weight = below * (1 - below) - own / 4
    return float((own * squares / np.where(weight > 0, weight, np.inf)).sum())


def within(pair: NumberPair) -> float:
    """Inside a cell F - G moves by at most the larger share, and the weight moves as well: 1.17
    times the sum was the most that 6,000 samples of all shapes came to, wholly apart."""
    change = np.maximum(*pair.weights)
    return 2 * _by_tails(pair, change * (2 * np.abs(pair.gaps) + change)) + 1e-9


ANDERSON = Distance(
    name="anderson",
    formula="integral of (F - G)^2 / (H (1 - H)) dH, H of both sides together; A2 (n + m) / (n m)",
    source="Scholz and Stephens 1987; `scipy.stats.anderson_ksamp` before it is standardised",
    range=(0.0, np.inf),
    symmetric=True,
    missing="left out",
    bound=Bound(
        "2 x sum over cells of h d (2 abs(F - G) + d) / (H (1 - H)), d the larger of p and q",
        within,
    ),
    numbers=measure,
)
