"""Shares of rows by group: what the distances between histograms compare."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from collectors.events import Floats, Ints


class Shares(NamedTuple):
    """Shares of the groups that hold a row on either side, float64 [g] each; either sums to 1."""

    now: Floats
    reference: Floats


def shares_of(now: Floats, reference: Floats) -> Shares:
    """Shares of two rows of counts, neither of them all 0."""
    some = (now > 0) | (reference > 0)
    return Shares(now[some] / now.sum(), reference[some] / reference.sum())


def bins(middles: Floats, smallest: float, largest: float, rows: int) -> Ints:
    """The bin of each middle, int64 [m], among equal ones from `smallest` to `largest`.

    As many as NumPy's `histogram_bin_edges(values, "sturges")` makes of so many rows: log2(rows) +
    1, rounded up (Sturges 1926).

    >>> bins(np.array([0.1, 4.9, 5.1, 9.9]), 0.0, 10.0, 8).tolist()
    [0, 1, 2, 3]
    >>> bins(np.array([5.0]), 0.0, 10.0, 2).tolist()
    [1]
    """
    width = (largest - smallest) / (np.log2(rows) + 1.0)
    number = int(np.ceil((largest - smallest) / width)) if width > 0 else 1
    edges = np.linspace(smallest, largest, number + 1)
    return np.searchsorted(edges[1:-1], middles, side="right").astype(np.int64)


def filled(shares: Floats) -> Floats:
    """The shares with something in place of each 0, so that their logarithms are finite.

    Evidently's rule: 0.0001; but a millionth of the smallest share where that is 0.0001 or less.

    >>> filled(np.array([0.75, 0.25, 0.0])).tolist()
    [0.75, 0.25, 0.0001]
    """
    smallest = float(shares[shares > 0].min())
    return np.where(shares > 0, shares, smallest / 1e6 if smallest <= 1e-4 else 1e-4)
