"""The two parts of noise, found again in noise that was made of them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize

from collectors.drift.calibration.spread import fit_noise

PANES = 5_000


@pytest.mark.parametrize("shape", [0.5, 1.0, 5.0])
@pytest.mark.parametrize("b", [0.0, 0.0005, 0.01])
@pytest.mark.parametrize("a", [0.8, 2.0])
def test_both_parts_are_found_in_gamma_noise(a: float, b: float, shape: float) -> None:
    rng = np.random.default_rng((int(a * 10), int(b * 1e4), int(shape * 10)))
    n = rng.integers(50, 5_000, (3, PANES))
    x, y = 1 / n + 1e-5, np.full(n.shape, 1.01)
    squared = (a * x + b * y) * rng.gamma(shape, 1 / shape, n.shape)
    used = rng.random(n.shape) < 0.8
    squared[~used] = 1e9
    found_a, found_b = fit_noise(squared, x, y, np.ones(3), used)
    # What counts is the noise itself, at every size.
    for rows in (50, 500, 5_000):
        noise = found_a / rows + found_b * 1.01
        np.testing.assert_allclose(noise, a / rows + b * 1.01, rtol=0.3 / np.sqrt(shape))
    assert (found_b >= 0).all()


@pytest.mark.parametrize("b", [0.002, 0.02])
def test_it_is_the_most_likely_noise_as_scipy_finds_it(b: float) -> None:
    rng = np.random.default_rng(9)
    n = rng.integers(20, 3_000, (1, 300))
    x, y = 1 / n, np.ones(n.shape)
    squared = (1.5 * x + b * y) * rng.exponential(1.0, n.shape)
    used = np.ones(n.shape, dtype=np.bool_)
    found_a, found_b = fit_noise(squared, x, y, np.ones(1), used)

    def unlikely(logs: NDArray[np.float64]) -> float:
        noise = np.exp(logs[0]) * x + np.exp(logs[1]) * y
        return float((np.log(noise) + squared / noise).sum())

    best = optimize.minimize(unlikely, np.log([1.0, 0.01]), method="Nelder-Mead").x
    np.testing.assert_allclose([found_a[0], found_b[0]], np.exp(best), rtol=0.01)


def test_sampling_noise_is_never_taken_as_much_less_than_that_of_drawn_rows() -> None:
    rng = np.random.default_rng(1)
    x = 1 / rng.integers(100, 900, (1, 500))
    used = np.ones(x.shape, dtype=np.bool_)
    a, _ = fit_noise(x * 1e-3, x, np.ones(x.shape), np.array([2.0]), used)
    assert a[0] == pytest.approx(1.4)


def test_panes_of_one_size_tell_the_sum_of_both_parts() -> None:
    rng = np.random.default_rng(2)
    x, y = np.full((1, 2_000), 1e-3), np.ones((1, 2_000))
    squared = (0.82 * x + 0.004 * y) * rng.exponential(1.0, x.shape)
    used = np.ones(x.shape, dtype=np.bool_)
    a, b = fit_noise(squared, x, y, np.array([0.82]), used)
    assert a[0] * 1e-3 + b[0] == pytest.approx(0.00482, rel=0.1)


def test_columns_do_not_touch_each_other() -> None:
    rng = np.random.default_rng(3)
    x = 1 / rng.integers(100, 900, (4, 300))
    y = np.ones(x.shape)
    squared = x * rng.exponential(1.0, x.shape) * np.array([[1.0], [5.0], [0.0], [1.0]])
    used = np.ones(x.shape, dtype=np.bool_)
    used[3] = False
    expected = np.array([1.0, 1.0, 0.0, 1.0])
    a, b = fit_noise(squared, x, y, expected, used)
    for place in range(4):
        one = slice(place, place + 1)
        alone = fit_noise(squared[one], x[one], y[one], expected[one], used[one])
        assert (a[place], b[place]) == (alone[0][0], alone[1][0])
    assert np.isfinite(a).all()
    assert np.isfinite(b).all()
    assert a[2] > 0  # a column that never moves has some noise, so that any change can be scored
    assert a[3] == 1.0
