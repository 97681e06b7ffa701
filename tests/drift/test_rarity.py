"""How rare a score is in days: against the budget, and against simulated windows."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from collectors.drift.calibrate import calibrate
from collectors.drift.calibrated import Rules
from collectors.drift.calibration.fitted import ALONE, TOGETHER, Fitted, Threshold
from collectors.drift.calibration.tail import threshold
from collectors.drift.rarity import MOST_DAYS, days_between, in_words
from tests.support.panes import hours, stream

PER_DAY = 1 / 30


def fit(largest: np.ndarray, per_day: float = PER_DAY, together: float = 5.0) -> Fitted:
    alone = threshold(largest, per_day / 24 * ALONE, 1.0)
    return Fitted((), None, alone, Threshold(together, 1.0), 1.0, len(largest), (), largest)


def exponential(number: int, scale: float = 1.0, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).exponential(scale, number)


@pytest.mark.parametrize("per_day", [1 / 90, 1 / 30, 1 / 7])
def test_at_the_threshold_it_is_as_rare_as_its_share_of_the_budget(per_day: float) -> None:
    one = fit(exponential(720), per_day)
    assert days_between(one, per_day, one.alone.value) == pytest.approx(1 / (per_day * TOGETHER))
    above = days_between(one, per_day, one.alone.value + 1e-9)
    assert above == pytest.approx(1 / (per_day * ALONE))
    # The two rules together spend all of it.
    assert 1 / above + per_day * TOGETHER == pytest.approx(per_day)


def test_each_e_beyond_it_is_as_much_rarer_as_the_tail_says() -> None:
    largest = exponential(720)
    one = fit(largest)
    at, above = (days_between(one, PER_DAY, one.alone.value + more) for more in (1e-9, 3.0))
    assert above / at == pytest.approx(math.exp(3), rel=0.8)
    heavy = fit(exponential(720, scale=4.0))
    at, above = (days_between(heavy, PER_DAY, heavy.alone.value + more) for more in (1e-9, 3.0))
    assert above / at == pytest.approx(math.exp(3 / 4), rel=0.4)
    # A tail that is lighter than scores are made for makes nothing rarer than they say.
    light = fit(exponential(720, scale=0.2))
    at, above = (days_between(light, PER_DAY, light.alone.value + more) for more in (1e-9, 3.0))
    assert above / at == pytest.approx(math.exp(3))


@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_in_simulated_windows_such_scores_are_no_more_frequent_than_is_said(scale: float) -> None:
    per_day = 1.0  # so that a simulation of some years has enough of them
    one = fit(exponential(2_000, scale), per_day)
    windows = exponential(24 * 4_000, scale, seed=2)
    for more in (0.5, 1.0, 2.0):
        limit = one.alone.value + more
        said = days_between(one, per_day, limit)
        found = len(windows) / 24 / max(int((windows > limit).sum()), 1)
        assert found > said * 0.6
        assert found < said * 20  # and it is no empty word


def test_a_rarer_score_is_said_to_be_rarer() -> None:
    one = fit(exponential(300))
    scores = np.linspace(0.0, 60.0, 200)
    found = [days_between(one, PER_DAY, score) for score in scores.tolist()]
    assert found == sorted(found)
    assert math.isfinite(days_between(one, PER_DAY, 1e9))


def test_days_have_one_rule_which_has_all_of_their_budget() -> None:
    """Calibrated whole: the excess of the days' scores is what widens the bound."""
    panes = stream(1, hours(24 * 9))
    found, _ = calibrate("r", panes, 3_600_000_000, Rules(1.0, 20, "UTC"))
    assert found.daily is not None
    one, per_day = found.daily, PER_DAY / 2
    assert days_between(one, per_day, one.alone.value) == pytest.approx(60)
    excess = one.alone.value / math.log(len(one.scorers) * 1.5 / per_day)
    assert excess >= 1
    rarer = days_between(one, per_day, one.alone.value + 3 * excess)
    assert rarer == pytest.approx(60 * math.exp(3))
    wide = replace(one, alone=Threshold(one.alone.value * 2, 1.0))
    rarer = days_between(wide, per_day, wide.alone.value + 6 * excess)
    assert rarer == pytest.approx(60 * math.exp(3))


def test_a_threshold_inside_of_what_was_seen_has_the_tail_that_was_seen() -> None:
    largest = exponential(20_000, scale=3.0)
    one = fit(largest, per_day=2.0)
    assert one.alone.beyond == 1.0
    at, above = (days_between(one, 2.0, one.alone.value + more) for more in (1e-9, 6.0))
    tail = np.sort(largest)[-100:]
    assert above / at == pytest.approx(math.exp(6 / (tail.mean() - tail[0])))


def test_without_any_pane_it_is_the_budget_alone() -> None:
    one = Fitted((), None, Threshold(9.0, 3.0), Threshold(5.0, 1.0), 1.0, 0, (), np.zeros(0))
    assert days_between(one, PER_DAY, 10.0) == pytest.approx(120 * math.e)


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (0.01, "more than once a day"),
        (0.9, "once a day"),
        (2.2, "once in 2 days"),
        (44.4, "once in 44 days"),
        (120.0, "once in 120 days"),
        (3_437.0, "once in 3,400 days"),
        (994_999.0, "once in 990,000 days"),
        (MOST_DAYS, "less than once in 1,000,000 days"),
        (1e200, "less than once in 1,000,000 days"),
        (math.inf, "less than once in 1,000,000 days"),
    ],
)
def test_it_is_said_to_two_digits(days: float, words: str) -> None:
    assert in_words(days) == words
