"""An interval that may be looked at as often as one likes: a normal-mixture confidence sequence."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import lambertw

from collectors.events import Floats

FEWEST_CLUSTERS = 30
"""With fewer the totals are not normal, nor is their variance known: no interval."""


def best_deviates(error: float) -> float:
    """The squared half-width, in standard errors, where a mixture is tightest.

    Half-widths are u(v) with u^2 / v = (1 + 1/x) ln((1 + x) / error^2), x = v / rho. It is least
    where ln((1 + x) / error^2) = x, and is 1 + x there: -W_-1(-error^2 / e) (Howard et al. 2021).
    """
    return float(-lambertw(-(error**2) / np.e, k=-1).real)


def tuning(margin: float, error: float) -> float:
    """The mixture's rho: the interval is tightest when its half-width has come down to the margin.

    Chosen before the data, as it must be; another choice costs width, never soundness.
    """
    squared = best_deviates(error)
    return (squared / margin**2) / (squared - 1)


def half_width(variance: ArrayLike, clusters: ArrayLike, error: float, rho: float) -> Floats:
    """How far to either side of the estimate the interval reaches, float64 [...].

    With information I = 1 / variance as clock, estimate times I moves like Brownian motion at time
    I (Scharfstein, Tsiatis and Robins 1997). It stays within sqrt((I + rho) ln((I + rho) / (rho
    error^2))) of its drift at all times at once with probability 1 - error (Robbins 1970; Howard,
    Ramdas, McAuliffe and Sekhon 2021). With estimated variances that is so in the
    limit (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024); how near the limit is at 720
    looks, the simulation says. The width grows from normal to Student's t, for the variance is that
    of so many clusters.
    """
    variance, clusters = np.asarray(variance, np.float64), np.asarray(clusters, np.float64)
    known = (variance > 0) & np.isfinite(variance) & (clusters >= FEWEST_CLUSTERS)
    information = 1 / np.where(known, variance, 1.0)
    ratio = 1 + information / rho
    deviates = np.sqrt((1 + rho / information) * np.log(ratio / error**2))
    deviates = student(deviates, np.where(known, clusters, FEWEST_CLUSTERS) - 1)
    return np.where(known, deviates / np.sqrt(information), np.inf)


def student(deviates: Floats, freedom: Floats) -> Floats:
    """The quantile of Student's t where the normal one is `deviates` (Fisher and Cornish 1960;
    Abramowitz and Stegun 26.7.5)."""
    z, n = deviates, freedom
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    return np.asarray(z + first / n + second / n**2, dtype=np.float64)


def information_for(width: float, clusters: float, error: float, rho: float) -> float:
    """At which information the half-width comes down to `width`, at so many clusters."""

    def excess(log_information: float) -> float:
        variance = np.exp(-log_information)
        return float(np.log(half_width(variance, clusters, error, rho) / width))

    centre = -2 * np.log(width)
    return float(np.exp(brentq(excess, centre - 20, centre + 40)))
