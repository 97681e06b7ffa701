"""The threshold against quantiles that are known, and pairs against a loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from collectors.drift.calibration.measures import Floats
from collectors.drift.calibration.tail import SAFETY, pairs, threshold


def passed(sizes: int, references: int, alpha: float, shape: float) -> Floats:
    """True share of windows that pass the thresholds of so many references, of a known tail."""
    found = []
    for seed in range(references):
        rng = np.random.default_rng((seed, sizes))
        values = stats.genpareto.rvs(shape, size=sizes, random_state=rng)
        found.append(stats.genpareto.sf(threshold(values, alpha, 1.0).value, shape))
    return np.array(found)


@pytest.mark.parametrize("shape", [0.0, 0.15], ids=["exponential", "a little heavier"])
@pytest.mark.parametrize("sizes", [168, 720, 2_160])
def test_the_threshold_of_an_exponential_tail_spends_its_share(sizes: int, shape: float) -> None:
    alpha = 1 / 1_440
    spent = passed(sizes, 60, alpha, shape) / alpha
    # On average over references, as the budget is stated: a threshold that is too low costs more
    # than one that is too high saves.
    assert 0.4 / SAFETY < spent.mean() < (1.2 if shape == 0 else 3.0)
    assert np.median(spent) < 1.5


def test_many_panes_find_the_quantile_itself() -> None:
    rng = np.random.default_rng(0)
    for law in (stats.expon(), stats.genpareto(0.2)):
        values = law.rvs(200_000, random_state=rng)
        found = threshold(values, 1e-4 * SAFETY, 1.0)
        assert found.value == pytest.approx(law.isf(1e-4), rel=0.15)
        assert found.beyond == pytest.approx(100 / 200_000 / 1e-4)


def test_a_share_that_was_seen_is_read_off_and_is_not_beyond_anything() -> None:
    rng = np.random.default_rng(1)
    values = rng.exponential(1.0, 500)
    values[::7] = np.nan
    given_ = values[np.isfinite(values)]
    for alpha in (0.1, 0.15, 0.5, 1.0):
        found = threshold(values, alpha * SAFETY, 1.0)
        assert found.value == pytest.approx(np.quantile(given_, 1 - alpha))
        assert found.beyond == 1.0


def test_a_budget_of_more_windows_than_there_are_is_passed_by_all() -> None:
    values = np.arange(100.0)
    assert threshold(values, 40.0, 1.0).value == 0.0


def test_the_rarer_it_is_to_be_the_higher_and_the_farther_beyond() -> None:
    rng = np.random.default_rng(2)
    values = rng.exponential(1.0, 720)
    alphas = np.geomspace(0.5, 1e-6, 40)
    found = [threshold(values, alpha, 1.0) for alpha in alphas]
    assert (np.diff([one.value for one in found]) > 0).all()
    assert (np.diff([one.beyond for one in found]) >= 0).all()
    assert found[0].beyond == 1.0
    assert found[-1].beyond == pytest.approx(72 / 720 / 1e-6 * SAFETY)


def test_panes_that_hang_together_are_worth_fewer() -> None:
    rng = np.random.default_rng(3)
    values = rng.exponential(1.0, 720)
    one, three = threshold(values, 1e-3, 1.0), threshold(values, 1e-3, 3.0)
    assert three.value > one.value
    assert three.beyond == pytest.approx(3 * one.beyond)
    # Exceedances that come in clusters count for less: the correction for few is larger.
    ordered = np.sort(values)
    assert threshold(ordered, 1e-3, 1.0).value > one.value


def test_a_window_that_cannot_be_judged_takes_no_part() -> None:
    rng = np.random.default_rng(4)
    values = rng.exponential(1.0, 720)
    gaps = np.full(24 * 40, np.nan)
    gaps[: len(values)] = values
    assert threshold(gaps, 1e-3, 1.0).beyond == threshold(values, 1e-3, 1.0).beyond
    with_gaps = np.insert(values, np.arange(0, 720, 4), np.nan)
    assert threshold(with_gaps, 1e-3, 1.0).value == pytest.approx(
        threshold(values, 1e-3, 1.0).value, rel=0.1
    )


@pytest.mark.parametrize("values", [np.zeros(30), np.full(24, 7.5)], ids=["silent", "constant"])
def test_a_reference_that_never_moves_has_a_threshold_above_it(values: Floats) -> None:
    found = threshold(values, 1e-3, 1.0)
    assert np.isfinite(found.value)
    assert found.value > values.max()


@pytest.mark.parametrize("number", [1, 3, 5])
def test_a_handful_of_values_has_one_too(number: int) -> None:
    found = threshold(np.arange(float(number)), 1e-3, 1.0)
    assert np.isfinite(found.value)


def test_none_at_all_is_passed_by_nothing() -> None:
    assert threshold(np.full(48, np.nan), 1e-3, 1.0).value == np.inf


@given(st.lists(st.floats(0, 50) | st.just(np.nan), max_size=40))
def test_two_of_three_windows_against_a_loop(values: list[float]) -> None:
    found = pairs(np.array(values, dtype=np.float64))
    assert len(found) == len(values)
    for place, value in enumerate(values):
        before = [v for v in values[max(place - 2, 0) : place] if not np.isnan(v)]
        if np.isnan(value) or not before:
            assert np.isnan(found[place])
        else:
            assert found[place] == min(value, max(before))


@given(st.lists(st.floats(0, 10) | st.just(np.nan), min_size=1, max_size=40), st.floats(0, 10))
def test_pairs_pass_where_two_of_three_do(values: list[float], limit: float) -> None:
    over = [not np.isnan(value) and value > limit for value in values]
    two = [over[i] and any(over[max(i - 2, 0) : i]) for i in range(len(values))]
    with np.errstate(invalid="ignore"):
        assert (pairs(np.array(values)) > limit).tolist() == two
