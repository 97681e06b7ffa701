"""Maximum mean discrepancy with a Gaussian kernel."""

from __future__ import annotations

from math import exp, log, sqrt

import numpy as np

from collectors.drift.distances.bounds import Bound, half_widths
from collectors.drift.distances.distance import Distance
from collectors.drift.distances.pair import NumberPair
from collectors.events import Floats

BLOCK = 256
"""Rows of the kernel that are made at once: its whole is never in memory."""

FAR = 9.0
"""Bandwidths beyond which the kernel is below 3e-18, and left out."""

HALVINGS = 48
"""Of the logarithm of the bandwidth: a 10^-12th of it is left."""


def measure(pair: NumberPair) -> float:
    """E k(X, X') + E k(Y, Y') - 2 E k(X, Y), k(x, y) = exp(-(x - y)^2 / (2 s^2)).

    The square of Gretton's biased estimate, which is never negative and 0 for equal sides; s^2 is
    half the median squared distance of two values of the reference (the unit of the grid where that
    is 0). Source: Gretton and others 2012, equation 5; the kernel and bandwidth of Evidently's
    `empirical_mmd`, which takes the unbiased estimate: less by about (1 - E k) (1/n + 1/m). Range 0
    to 2.

    >>> from collectors.drift.distances.examples import numbers
    >>> round(EMPIRICAL_MMD.measure(numbers([3.0, 4, 5, 6], [1.0, 2, 3, 4])), 2)
    0.34
    """
    now, reference = pair.weights
    difference = now - reference
    some = np.flatnonzero(difference)
    if not len(some):
        return 0.0
    width = _width(pair)
    return max(_quadratic(pair.middles[some], difference[some], width), 0.0)


def within(pair: NumberPair) -> float:
    """Each side moves by at most e in the kernel's space, where this is a distance squared; the
    bandwidth moves by about e of itself, and the kernel with it."""
    moved = half_widths(pair) / _width(pair)
    now, reference = pair.weights
    apart = float(np.abs(now - reference).sum())
    return moved * (2 * sqrt(measure(pair)) + moved + apart**2) + 1e-9


def _width(pair: NumberPair) -> float:
    return bandwidth(pair.middles, pair.weights[1]) or pair.scale


def bandwidth(values: Floats, weights: Floats) -> float:
    """sqrt(half the median squared distance of two values drawn by their weights); 0 where most
    pairs are of equal ones. Values ascend, weights add up to 1."""
    below = np.append(0.0, np.cumsum(weights))

    def near(distance: float) -> float:
        """Chance that the two are at most so far apart."""
        last = np.searchsorted(values, values + distance, side="right")
        first = np.searchsorted(values, values - distance, side="left")
        return float(weights @ (below[last] - below[first]))

    steps = np.diff(values)
    if near(0.0) >= 0.5 or not steps.any():
        return 0.0
    low, high = log(steps[steps > 0].min() / 2), log(2 * (values[-1] - values[0]))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if near(exp(middle)) >= 0.5 else (middle, high)
    return exp(high) * sqrt(0.5)


def _quadratic(values: Floats, weights: Floats, width: float) -> float:
    """Sum of w_i w_j k(v_i, v_j), a block of rows at a time, each with the columns near it."""
    total = 0.0
    for start in range(0, len(values), BLOCK):
        rows = values[start : start + BLOCK]
        first, last = np.searchsorted(values, (rows[0] - FAR * width, rows[-1] + FAR * width))
        distances = (rows[:, None] - values[None, first:last]) / width
        kernel = np.exp(-(distances**2) / 2)
        total += float(weights[start : start + BLOCK] @ kernel @ weights[first:last])
    return total


EMPIRICAL_MMD = Distance(
    name="empirical_mmd",
    formula="E k(X, X') + E k(Y, Y') - 2 E k(X, Y), k(x, y) = exp(-(x - y)^2 / (2 s^2)), s^2 half "
    "the median squared distance within the reference",
    source="Gretton and others 2012, biased and squared; Evidently's kernel",
    range=(0.0, 2.0),
    symmetric=False,
    missing="left out",
    bound=Bound(
        "e (2 sqrt(distance) + e + (sum abs(p - q))^2), e half the width of a cell / s: means over "
        "the values of either side, added",
        within,
    ),
    numbers=measure,
)
