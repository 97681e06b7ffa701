"""The difference of two arms against resampling, Welch, and what repeated draws do."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from collectors.experiments.difference import difference


def totals(rng: np.random.Generator, buckets: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Rows and sums of two arms: units of uneven size and uneven taste."""
    counts = rng.poisson(rng.lognormal(2.0, 0.7, (2, buckets))).astype(float)
    sums = counts * rng.normal(1.0, 0.3, (2, buckets)) + np.sqrt(counts) * rng.normal(
        size=(2, buckets)
    )
    return counts, sums


def test_the_variance_is_that_of_buckets_drawn_anew() -> None:
    rng = np.random.default_rng(1)
    counts, sums = totals(rng)
    found = difference(counts, sums)
    drawn = rng.integers(0, counts.shape[1], (4_000, counts.shape[1]))
    means = sums[:, drawn].sum(axis=-1) / counts[:, drawn].sum(axis=-1)
    assert found.estimate == pytest.approx(
        sums[1].sum() / counts[1].sum() - sums[0].sum() / counts[0].sum()
    )
    assert found.variance == pytest.approx(np.var(means[1] - means[0]), rel=0.1)


def test_the_variance_is_that_of_the_whole_drawn_anew() -> None:
    rng = np.random.default_rng(2)
    found = [difference(*totals(rng)) for _ in range(1_500)]
    spread = np.var([float(one.estimate) for one in found])
    assert np.mean([float(one.variance) for one in found]) == pytest.approx(spread, rel=0.1)


def test_of_single_rows_it_is_welchs() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(2, 300))
    counts, sums = np.zeros((2, 2, 600)), np.zeros((2, 2, 600))
    for arm in range(2):
        place = slice(300 * arm, 300 * arm + 300)
        counts[:, arm, place], sums[:, arm, place] = 1, values[arm]
    found = difference(counts, sums)
    welch = stats.ttest_ind(values[1], values[0], equal_var=False)
    assert found.estimate / np.sqrt(found.variance) == pytest.approx(welch.statistic, rel=0.01)
    assert found.clusters == pytest.approx(300)


@pytest.mark.parametrize("sign", [1, -1])
def test_what_both_arms_feel_cancels_and_what_they_feel_oppositely_adds_up(sign: int) -> None:
    rng = np.random.default_rng(4)
    counts = np.full((2, 500), 20.0)
    felt = counts * rng.normal(size=500) * np.array([[1], [sign]])
    sums = felt + rng.normal(size=(2, 500))
    found = difference(counts, sums)
    assert found.variance == pytest.approx(np.var(sums[1] - sums[0], ddof=1) / 500 / 400)


@pytest.mark.parametrize(("control", "treatment"), [(0.0, 1.0), (0.1, 0.7), (0.1, 0.1), (1e9, 3.7)])
def test_what_rounding_leaves_is_no_scatter(control: float, treatment: float) -> None:
    counts = np.arange(1.0, 513.0) * np.ones((2, 1))
    found = difference(counts, counts * np.array([[control], [treatment]]))
    assert found.variance == 0


def test_nothing_at_all_is_not_taken_for_certain() -> None:
    counts = np.full((2, 100), 5.0)
    none = np.zeros((2, 100))
    assert difference(counts, none).variance == 0
    floor = difference(counts, none, binary=True).variance
    assert floor == pytest.approx(2 * (1 / 502) * (501 / 502) / 500)


def test_an_arm_without_a_row_gives_no_number_and_no_warning() -> None:
    counts = np.zeros((2, 100))
    counts[0] = 3
    found = difference(counts, counts)
    assert np.isnan(found.estimate)
    assert found.clusters == 0
