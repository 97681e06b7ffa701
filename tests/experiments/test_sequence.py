"""The confidence sequence against SciPy, and against walks that were drawn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from collectors.experiments.sequence import (
    FEWEST_CLUSTERS,
    best_deviates,
    half_width,
    information_for,
    student,
    tuning,
)

MANY = 1e9


@pytest.mark.parametrize("error", [0.05, 0.01, 0.001])
def test_the_interval_is_tightest_where_it_has_come_down_to_the_margin(error: float) -> None:
    margin = 0.02
    rho = tuning(margin, error)

    def deviates(log_information: float) -> float:
        variance = np.exp(-log_information)
        return float(half_width(variance, MANY, error, rho) / np.sqrt(variance))

    best = optimize.minimize_scalar(deviates, bounds=(0, 25), method="bounded")
    assert half_width(np.exp(-best.x), MANY, error, rho) == pytest.approx(margin, rel=0.01)
    assert best.fun**2 == pytest.approx(best_deviates(error), rel=1e-6)


def test_walks_leave_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    error, rho = 0.1, 5.0
    information = np.geomspace(0.05, 50_000, 1_500)
    steps = np.sqrt(np.diff(information, prepend=0.0))
    walks = np.cumsum(steps * rng.standard_normal((4_000, len(steps))), axis=1)
    width = half_width(1 / information, MANY, error, rho)
    left = (np.abs(walks / information) > width).any(axis=1).mean()
    assert 0.06 < left < 0.1 + 3 * np.sqrt(0.1 * 0.9 / 4_000)


def test_so_does_a_walk_with_few_clusters_whose_variance_is_estimated() -> None:
    """At one look the estimate over its error is Student's t, and the tails must be as rare."""
    width = half_width(0.25, 40.0, 0.05, 10.0) / 0.5
    normal = half_width(0.25, MANY, 0.05, 10.0) / 0.5
    assert 2 * stats.t.sf(width, 39) == pytest.approx(2 * stats.norm.sf(normal), rel=0.1)


@pytest.mark.parametrize("freedom", [29, 60, 500])
def test_quantiles_of_student_are_scipys(freedom: int) -> None:
    deviates = np.array([1.0, 2.0, 3.0, 4.0])
    exact = stats.t.isf(stats.norm.sf(deviates), freedom)
    assert student(deviates, np.full(4, float(freedom))) == pytest.approx(exact, rel=0.01)


def test_information_that_is_needed_gives_the_width_that_was_asked() -> None:
    rho = tuning(0.01, 0.05)
    for width in (0.0005, 0.01, 0.3):
        needed = information_for(width, 300.0, 0.05, rho)
        assert half_width(1 / needed, 300.0, 0.05, rho) == pytest.approx(width)


def test_where_little_is_known_the_interval_is_endless() -> None:
    variance = np.array([1.0, 0.0, np.nan, np.inf, 1.0])
    clusters = np.array([FEWEST_CLUSTERS, 100, 100, 100, FEWEST_CLUSTERS - 0.1])
    width = half_width(variance, clusters, 0.05, 1.0)
    assert np.isfinite(width).tolist() == [True, False, False, False, False]
