"""Squared distances between additive profiles: what every comparison is calibrated on.

A profile is a row of sums, float64 [G]; that of a longer window is the sum of those of its panes.
Every measure takes any number of rows at once, [..., G], and has a size n for each, such that n
times the squared distance of rows drawn from the reference itself is about `expected`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST = 0.25
"""Rows that are expected of a pane at least."""

ODD = 1.0 / 8.0
"""Share of windows in which one row may be like none of the reference, where nothing says more:
what never happened in it may happen all the same, and is no alarm the first time."""

DRAWS = 200
"""Seeded draws from which the size of sampling noise is worked out."""


class Measure(Protocol):
    """One way to compare profiles.

    Attributes:
        kind: measures of one kind share what is pooled over columns.
        floor: effects below it are too small to matter; 0 for none.
    """

    @property
    def kind(self) -> str: ...

    @property
    def floor(self) -> float: ...

    def squared(self, now: Floats, reference: Floats) -> Floats:
        """Squared distance of each row of `now` to that of `reference`; NaN where there is none."""
        ...

    def rows(self, profile: Floats) -> Floats:
        """How many rows of the log each profile rests on."""
        return np.asarray(profile.sum(axis=-1))

    def size(self, now: Floats, reference: Floats) -> Floats:
        """n of each row."""
        return self.rows(now)

    def expected(self, reference: Floats, n: float) -> float:
        """n times the mean squared distance of n rows drawn from the reference [G]."""
        return 1.0

    def effect(self, now: Floats, reference: Floats) -> Floats:
        """Each row's distance in the unit of `floor`."""
        return np.asarray(np.sqrt(self.squared(now, reference)))


@dataclass(frozen=True, slots=True)
class Kolmogorov(Measure):
    """Squared Kolmogorov-Smirnov distance over ordered groups, what is not a value last.

    >>> measure = Kolmogorov()
    >>> float(measure.squared(np.array([5.0, 5.0, 0.0]), np.array([50.0, 0.0, 50.0])))
    0.25
    """

    floor: float = 0.02
    kind: str = field(default="ks", init=False)

    def squared(self, now: Floats, reference: Floats) -> Floats:
        gap = _cumulated(now) - _cumulated(reference)
        return np.asarray(np.square(np.abs(gap).max(axis=-1)))

    def expected(self, reference: Floats, n: float) -> float:
        """The mean square of the largest value of a Brownian bridge at the groups' edges."""
        shares = reference / reference.sum()
        steps = np.sqrt(shares) * np.random.default_rng(0).standard_normal((DRAWS, len(shares)))
        bridge = np.cumsum(steps, axis=1) - np.cumsum(shares) * steps.sum(axis=1)[:, None]
        return max(float(np.square(np.abs(bridge).max(axis=1)).mean()), _odd(self, n))


@dataclass(frozen=True, slots=True)
class JensenShannon(Measure):
    """Jensen-Shannon divergence in nats (Lin 1991; the square of SciPy's `jensenshannon`).

    >>> measure = JensenShannon("categories")
    >>> float(measure.squared(np.array([3.0, 0.0]), np.array([0.0, 9.0])).round(4))  # ln 2
    0.6931
    """

    kind: str
    floor: float = 0.03

    def squared(self, now: Floats, reference: Floats) -> Floats:
        p, q = _shares(now), _shares(reference)
        middle = (p + q) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = _entropy_terms(p, middle) + _entropy_terms(q, middle)
        divergence = np.maximum(terms.sum(axis=-1) / 2, 0.0)
        empty = (now.sum(axis=-1) <= 0) | (reference.sum(axis=-1) <= 0)
        return np.asarray(np.where(empty, np.nan, divergence))

    def expected(self, reference: Floats, n: float) -> float:
        """From multinomial draws of n rows; (occupied groups - 1) / 8 where n is large."""
        occupied = reference[reference > 0]
        draws = max(20, min(DRAWS, 20_000 // len(occupied)))
        size = max(1, round(n))
        drawn = np.random.default_rng(0).multinomial(size, occupied / occupied.sum(), draws)
        found = self.squared(drawn.astype(np.float64), np.broadcast_to(occupied, drawn.shape))
        return max(float(size * found.mean()), _odd(self, n))


@dataclass(frozen=True, slots=True)
class Share(Measure):
    """Difference of shares after asin sqrt, which makes its noise the same at every share.

    A profile is (rows that have it, rows that have not). With `up`, decreases are 0.

    >>> measure = Share("missing")
    >>> float(measure.squared(np.array([1.0, 3.0]), np.array([3.0, 1.0])).round(4))
    0.0
    >>> float(measure.squared(np.array([3.0, 1.0]), np.array([1.0, 3.0])).round(4))
    1.0966
    """

    kind: str
    up: bool = True
    floor: float = 0.01

    def squared(self, now: Floats, reference: Floats) -> Floats:
        gap = np.arcsin(np.sqrt(_share(now))) - np.arcsin(np.sqrt(_share(reference)))
        return np.asarray(4.0 * np.square(np.maximum(gap, 0.0) if self.up else gap))

    def expected(self, reference: Floats, n: float) -> float:
        return 0.5 if self.up else 1.0

    def effect(self, now: Floats, reference: Floats) -> Floats:
        gap = _share(now) - _share(reference)
        return np.asarray(np.maximum(gap, 0.0) if self.up else np.abs(gap))


@dataclass(frozen=True, slots=True)
class Volume(Measure):
    """Difference of square roots of row counts, by the expected count. A profile is (rows, panes).

    Where next to none are expected, as in empty nights, `LEAST` of a row is: none is then no
    distance, and every row is one.

    >>> measure = Volume()
    >>> float(measure.squared(np.array([400.0, 1.0]), np.array([9_000.0, 10.0])))  # 30 and 20
    0.4444444444444444
    """

    floor: float = 0.0
    kind: str = field(default="volume", init=False)

    def squared(self, now: Floats, reference: Floats) -> Floats:
        expected = _a_pane(reference)
        gap = np.sqrt(_a_pane(now)) - np.sqrt(expected)
        return np.asarray(4.0 * np.square(gap) / np.maximum(expected, LEAST))

    def size(self, now: Floats, reference: Floats) -> Floats:
        return np.asarray(np.maximum(_a_pane(reference), LEAST) * now[..., 1])

    def rows(self, profile: Floats) -> Floats:
        return np.asarray(np.maximum(profile[..., 0], LEAST * profile[..., 1]))

    def effect(self, now: Floats, reference: Floats) -> Floats:
        expected = np.maximum(_a_pane(reference), LEAST)
        return np.asarray(np.abs(_a_pane(now) / expected - 1.0))


@dataclass(frozen=True, slots=True)
class Mean(Measure):
    """Difference of means by the reference's standard deviation (Cohen's d, squared).

    A profile is (values, their sum, their sum of squares), both about one centre.

    >>> measure = Mean()
    >>> float(measure.squared(np.array([2.0, 4.0, 8.0]), np.array([4.0, 4.0, 8.0])))
    1.0
    """

    floor: float = 0.05
    kind: str = field(default="mean", init=False)

    def squared(self, now: Floats, reference: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = reference[..., 1] / reference[..., 0]
            variance = reference[..., 2] / reference[..., 0] - np.square(mean)
            gap = now[..., 1] / now[..., 0] - mean
            usable = (now[..., 0] > 0) & (variance > 1e-12 * (1.0 + np.square(mean)))
            return np.asarray(np.where(usable, np.square(gap) / variance, np.nan))

    def rows(self, profile: Floats) -> Floats:
        return np.asarray(profile[..., 0])


@dataclass(frozen=True, slots=True)
class Spread(Measure):
    """Eight times the squared difference of the root of a ratio of standard deviations to 1.

    Near 1 that is half the squared log ratio of variances, whose noise is the same at every
    variance; and where a column that is hardly ever not 0 is 0 throughout, it ends at 8. A profile
    is (degrees of freedom, sum of squares).

    >>> measure = Spread()
    >>> float(measure.squared(np.array([10.0, 160.0]), np.array([50.0, 50.0])))
    8.0
    """

    floor: float = 0.1
    kind: str = field(default="spread", init=False)

    def squared(self, now: Floats, reference: Floats) -> Floats:
        return np.asarray(8.0 * np.square(np.sqrt(np.sqrt(_ratio(now, reference))) - 1.0))

    def rows(self, profile: Floats) -> Floats:
        return np.asarray(profile[..., 0])

    def effect(self, now: Floats, reference: Floats) -> Floats:
        """By how much of itself the variance differs."""
        return np.abs(_ratio(now, reference) - 1.0)


def _ratio(now: Floats, reference: Floats) -> Floats:
    """Of variances; NaN where there is none, or none in the reference."""
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = reference[..., 1] / reference[..., 0]
        ratio = now[..., 1] / now[..., 0] / variance
        return np.asarray(np.where((now[..., 0] > 0) & (variance > 0), ratio, np.nan))


def _odd(measure: Measure, n: float) -> float:
    """n times the mean squared distance where all rows are in one group, and now and then one is in
    another."""
    one = np.array([max(n - 1.0, 0.0), 1.0])
    return ODD * n * float(measure.squared(one, np.array([1.0, 0.0])))


def _cumulated(profile: Floats) -> Floats:
    """Shares up to each group, the last (always 1) left out; NaN where there are no rows."""
    with np.errstate(divide="ignore", invalid="ignore"):
        summed = np.cumsum(profile, axis=-1)
        return np.asarray(summed[..., :-1] / summed[..., -1:])


def _shares(profile: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(profile / profile.sum(axis=-1, keepdims=True))


def _entropy_terms(p: Floats, middle: Floats) -> Floats:
    return np.asarray(np.where(p > 0, p * np.log(p / middle), 0.0))


def _share(profile: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(profile[..., 0] / (profile[..., 0] + profile[..., 1]))


def _a_pane(profile: Floats) -> Floats:
    """Rows a pane; NaN where there is no pane."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(profile[..., 0] / profile[..., 1])
