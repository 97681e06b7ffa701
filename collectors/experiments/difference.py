"""By how much the means of two arms differ, and how well that is known, from totals of buckets."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from collectors.events import Floats

Numbers = NDArray[np.float64] | NDArray[np.int64]


ROUNDING = 1e-12
"""What sums of many floats may be off by, as a share of them."""


class Difference(NamedTuple):
    """One number a comparison, all float64 [...].

    Attributes:
        estimate: treatment less control; NaN where an arm has no row.
        variance: of the estimate.
        clusters: how many equally large buckets would be worth as much, of the arm that has fewer.
    """

    estimate: Floats
    variance: Floats
    clusters: Floats


def difference(counts: Numbers, sums: Numbers, *, binary: bool = False) -> Difference:
    """Compare ratio means sum(S) / sum(N) of two arms over buckets of units.

    A ratio of totals is linear in them near its value (Cochran 1977, section 6.8; for experiments
    Deng, Knoblich and Lu 2018): its error is the sum over buckets of (S_b - mean N_b) / N. Buckets
    are independent, so the squares of these, summed, times B / (B - 1) over the B buckets in use,
    estimate its variance. The arms are subtracted bucket by bucket before squaring, which is right
    whether or not a unit, or a pane, was seen by both. A variance within what rounding leaves
    of totals that do not scatter is 0.

    Args:
        counts: rows of control and treatment by bucket, [..., 2, B].
        sums: of their values, [..., 2, B].
        binary: values are 0 or 1: the variance is at least that of independent rows with one more
            of each value, so that an arm without a single 1 is not taken as known for certain.
    """
    counts = np.asarray(counts, dtype=np.float64)
    rows = counts.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.asarray(sums).sum(axis=-1) / rows
        errors = sums / rows[..., None]
        errors -= counts * (mean / rows)[..., None]
        clusters = np.min(rows**2 / _squares(counts), axis=-1)  # Kish 1965
        used = np.count_nonzero(counts.any(axis=-2), axis=-1)
        apart = errors[..., 1, :] - errors[..., 0, :]
        variance = _squares(apart) * used / (used - 1)
        rounding = ROUNDING * np.abs(mean).max(axis=-1)
        variance = np.where(variance > rounding**2, variance, np.minimum(variance, 0.0))
        if binary:
            share = (mean * rows + 1) / (rows + 2)
            variance = np.maximum(variance, (share * (1 - share) / rows).sum(axis=-1))
    return Difference(mean[..., 1] - mean[..., 0], variance, np.nan_to_num(clusters))


def _squares(values: Floats) -> Floats:
    return np.asarray(np.einsum("...b,...b->...", values, values), dtype=np.float64)
