"""Squared distances of rows as points: how all features of a row go together.

As the measures of one column, they are of additive profiles; the first number of each is rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np

from collectors.drift.calibration.measures import Floats, Measure
from collectors.embedding import FREQUENCIES
from collectors.summaries.multivariate import upper

WAVES = 2 * FREQUENCIES
"""Cosines and sines."""

DAMPING = 0.01
"""Variance, in octaves, that is added to each: what hardly varies has no correlations."""


@dataclass(frozen=True, slots=True)
class Discrepancy(Measure):
    """Squared maximum mean discrepancy (Gretton and others 2012) by random Fourier features.

    A profile is (rows, sums of the 64 cosines and of the 64 sines, what is of the dimensions).
    Sampling noise needs no more: a cosine's square and its sine's add up to 1.

    >>> now, reference = np.zeros(1 + WAVES), np.zeros(1 + WAVES)
    >>> now[0], now[1:65], reference[0], reference[65:] = 1.0, 1.0, 2.0, 2.0
    >>> float(Discrepancy().squared(now, reference))
    2.0
    """

    floor: float = 0.025
    kind: str = field(default="mmd", init=False)

    def squared(self, now: Floats, reference: Floats) -> Floats:
        return np.asarray(np.square(_waves(now) - _waves(reference)).sum(axis=-1))

    def rows(self, profile: Floats) -> Floats:
        return np.asarray(profile[..., 0])

    def expected(self, reference: Floats, n: float) -> float:
        """The trace of the features' covariance."""
        return float(1.0 - np.square(_waves(reference)).sum())


@dataclass(frozen=True, slots=True)
class Reconstruction(Measure):
    """Eight times the squared difference of the root of a ratio of root mean errors to 1.

    As `Spread` is of variances: near 1 it is half the squared log ratio of the mean errors. A
    profile is (rows, squared errors of reconstruction by dimension).

    >>> now, reference = np.array([10.0, 100.0, 60.0]), np.array([50.0, 30.0, 20.0])
    >>> float(Reconstruction().squared(now, reference))
    8.0
    """

    floor: float = 0.1
    kind: str = field(default="pca", init=False)

    def squared(self, now: Floats, reference: Floats) -> Floats:
        ratio = _error(now) / _positive(_error(reference))
        return np.asarray(8.0 * np.square(np.sqrt(np.sqrt(ratio)) - 1.0))

    def rows(self, profile: Floats) -> Floats:
        return np.asarray(profile[..., 0])

    def expected(self, reference: Floats, n: float) -> float:
        """Of normal errors that are independent in every dimension: the least that anchors what the
        panes say, for fourth moments are not among the sums."""
        errors = reference[1:]
        total = float(errors.sum())
        return float(np.square(errors).sum()) / total**2 if total > 0.0 else 0.0

    def effect(self, now: Floats, reference: Floats) -> Floats:
        """By how much of itself the mean error differs."""
        return np.asarray(np.abs(_error(now) / _positive(_error(reference)) - 1.0))


@dataclass(frozen=True, slots=True)
class Correlation(Measure):
    """The largest change of a correlation, squared.

    A profile is (degrees of freedom, the upper triangle of products about the own mean).

    >>> now, reference = np.array([10.0, 90.0, 90.0, 90.0]), np.array([10.0, 90.0, 0.0, 90.0])
    >>> float(Correlation().squared(now, reference).round(2))
    1.0
    """

    floor: float = 0.1
    kind: str = field(default="correlation", init=False)

    def squared(self, now: Floats, reference: Floats) -> Floats:
        gap = np.abs(correlations(now) - correlations(reference)).max(axis=-1)
        return np.asarray(np.square(gap))

    def rows(self, profile: Floats) -> Floats:
        return np.asarray(profile[..., 0])

    def expected(self, reference: Floats, n: float) -> float:
        """About the mean of the largest of so many squared normal numbers: what correlations of
        independent columns are, whatever their distribution, times n."""
        pairs = int(np.count_nonzero(correlations(reference)))
        if not pairs:
            return 0.0
        # The expected share below the largest of n is about exp(-0.577 / n).
        return NormalDist().inv_cdf(0.5 + 0.5 * float(np.exp(-np.euler_gamma / pairs))) ** 2


def correlations(profile: Floats) -> Floats:
    """Of every pair (j, k), j <= k, row by row, and 0 of what is paired with itself, [..., P]."""
    first, second = upper(dimensions(profile))
    products = profile[..., 1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        covariance = products / profile[..., :1]
    variance = covariance[..., first == second] + DAMPING
    apart = first != second
    found = np.zeros_like(covariance)
    found[..., apart] = covariance[..., apart] / np.sqrt(
        variance[..., first[apart]] * variance[..., second[apart]]
    )
    return np.where(profile[..., :1] > 0, found, np.nan)


def dimensions(profile: Floats) -> int:
    """How many a triangle of products is of."""
    return int((np.sqrt(8.0 * (profile.shape[-1] - 1) + 1.0) - 1.0) / 2.0)


def _waves(profile: Floats) -> Floats:
    """Mean cosines and sines, so scaled that squares add up to at most 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        means = profile[..., 1 : 1 + WAVES] / profile[..., :1]
    return np.asarray(means / np.sqrt(FREQUENCIES))


def _error(profile: Floats) -> Floats:
    """Mean squared error of a row; NaN where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(profile[..., 1:].sum(axis=-1) / profile[..., 0])


def _positive(errors: Floats) -> Floats:
    return np.where(errors > 0.0, errors, np.nan)
