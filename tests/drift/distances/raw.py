"""Each distance of raw rows, worked out by SciPy and scikit-learn."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from scipy import stats
from scipy.spatial import distance
from sklearn.metrics.pairwise import rbf_kernel

from collectors.events import Floats

Shared = tuple[Floats, Floats]


def evidently_shares(now: Floats, reference: Floats, edges: Floats | None) -> Shared:
    """Shares in bins between the edges, or value by value where there are none."""
    if edges is not None:
        p, q = (np.histogram(side, edges)[0] / len(side) for side in (now, reference))
        some = (p > 0) | (q > 0)
        return p[some], q[some]
    values = np.union1d(now, reference)
    p, q = ((side == values[:, None]).mean(axis=1) for side in (now, reference))
    return p, q


def _without_zeros(shares: Floats) -> Floats:
    least = float(min(shares[shares != 0]))
    return np.where(shares == 0, 0.0001 if least > 0.0001 else least / 10**6, shares)


def _chi_squared_by_rows(p: Floats, q: Floats) -> float:
    found = stats.chi2_contingency(np.stack([p, q]) * 1e6, correction=False)
    return float(found.statistic) / 2e6


OF_SHARES: dict[str, Callable[[Floats, Floats], float]] = {
    "psi": lambda p, q: float(
        np.sum(
            (_without_zeros(q) - _without_zeros(p)) * np.log(_without_zeros(q) / _without_zeros(p))
        )
    ),
    "kl_div": lambda p, q: float(stats.entropy(_without_zeros(q), _without_zeros(p))),
    "jensenshannon": lambda p, q: float(distance.jensenshannon(q, p)),
    "hellinger": lambda p, q: float(distance.euclidean(np.sqrt(p), np.sqrt(q)) / np.sqrt(2)),
    "TVD": lambda p, q: float(distance.cityblock(p, q) / 2),
    "l_infinity": lambda p, q: float(distance.chebyshev(p, q)),
    "cramers_v": lambda p, q: float(np.sqrt(_chi_squared_by_rows(p, q))),
}


def cramer_von_mises(now: Floats, reference: Floats) -> float:
    """SciPy's statistic by its rows; equal values are put in a row, evenly mixed."""
    n, m = len(now), len(reference)
    both = np.concatenate((now, reference))
    order = np.concatenate((_among_equals(now), _among_equals(reference)))
    ranks = np.empty(n + m)
    ranks[np.lexsort((order, both))] = np.arange(n + m)
    found = stats.cramervonmises_2samp(ranks[:n], ranks[n:], method="asymptotic")
    return float(found.statistic) * (n + m) / (n * m)


def _among_equals(values: Floats) -> Floats:
    """Where each value stands among those equal to it, between 0 and 1."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    place = np.empty(len(values))
    place[np.argsort(group, kind="stable")] = np.concatenate([np.arange(c) for c in counts])
    return (place + 0.5) / counts[group]


def anderson(now: Floats, reference: Floats) -> float:
    """SciPy's statistic, its standardisation (Scholz and Stephens 1987) undone."""
    n, m = len(now), len(reference)
    rows = n + m
    if len(np.unique(np.concatenate((now, reference)))) == 1:
        return 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # p-values beyond its table
        statistic = float(stats.anderson_ksamp([now, reference]).statistic)
    inverse = 1 / np.arange(1, rows)
    large_h, small_h = 1 / n + 1 / m, inverse.sum()
    tails = np.cumsum(inverse[::-1])[::-1]  # of 1/j for j from i to rows - 1
    g = float((1 / (rows - np.arange(1, rows - 1))) @ tails[1:])
    a = (4 * g - 6) + (10 - 6 * g) * large_h
    b = (2 * g - 4) * 4 + 16 * small_h + (2 * g - 14 * small_h - 4) * large_h
    b += -8 * small_h + 4 * g - 6
    c = (6 * small_h + 2 * g - 2) * 4 + (4 * small_h - 4 * g + 6) * 2
    c += (2 * small_h - 6) * large_h + 4 * small_h
    d = (2 * small_h + 6) * 4 - 8 * small_h
    variance = (a * rows**3 + b * rows**2 + c * rows + d) / (
        (rows - 1.0) * (rows - 2.0) * (rows - 3.0)
    )
    return (statistic * float(np.sqrt(variance)) + 1) * rows / (n * m)


def mmd(now: Floats, reference: Floats, unit: float) -> float:
    """The biased estimate with scikit-learn's kernel."""
    apart = np.median((reference[:, None] - reference) ** 2)
    gamma = 1 / float(apart or 2 * unit**2)
    x, y = now[:, None], reference[:, None]
    within = rbf_kernel(x, x, gamma).mean() + rbf_kernel(y, y, gamma).mean()
    return float(within - 2 * rbf_kernel(x, y, gamma).mean())


def cohens_d(now: Floats, reference: Floats, least: float) -> float:
    """t without the rows; where the pooled deviation is below the least one, by that."""
    n, m = len(now), len(reference)
    pooled = np.sqrt((n * now.var() + m * reference.var()) / (n + m - 2))
    if pooled < least:
        return float(abs(now.mean() - reference.mean()) / least)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sides that are nearly constant
        statistic = float(stats.ttest_ind(now, reference).statistic)
    return float(abs(statistic) / np.sqrt(n * m / (n + m)))


def cliffs_delta(now: Floats, reference: Floats) -> float:
    found = stats.mannwhitneyu(now, reference, method="asymptotic")
    return float(abs(2 * found.statistic / (len(now) * len(reference)) - 1))


OF_VALUES: dict[str, Callable[[Floats, Floats, float], float]] = {
    "ks": lambda x, y, _: float(stats.ks_2samp(x, y, method="asymp").statistic),
    "wasserstein_raw": lambda x, y, _: float(stats.wasserstein_distance(x, y)),
    "wasserstein": lambda x, y, unit: float(
        stats.wasserstein_distance(x, y) / max(float(np.std(y)), unit / 64)
    ),
    "ed": lambda x, y, _: float(stats.energy_distance(x, y)),
    "cramer_von_mises": lambda x, y, _: cramer_von_mises(x, y),
    "anderson": lambda x, y, _: anderson(x, y),
    "empirical_mmd": mmd,
    "cohens_d": lambda x, y, unit: cohens_d(x, y, unit / 64),
    "cliffs_delta": lambda x, y, _: cliffs_delta(x, y),
}
"""By the values now, those of the reference, and the unit of the grid."""
