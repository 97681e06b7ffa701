"""The drawn experiments: the same by seed, false where a test is false, and able to miss a bar."""

from __future__ import annotations

from datetime import date

import pytest

from benchmarks.simulate_ab import tables
from benchmarks.simulate_ab.looks import NEVER, Outcome, play
from benchmarks.simulate_ab.streams import PANES, REGIMES, Regime, draw
from benchmarks.simulate_ab.tables import Played, missed, most

HEAVY = REGIMES[1]


@pytest.mark.parametrize("regime", REGIMES, ids=lambda regime: regime.name)
def test_experiments_are_the_same_by_seed(regime: Regime) -> None:
    one, again, other = draw(regime, (1,)), draw(regime, (1,)), draw(regime, (2,))
    assert (one.sums == again.sums).all()
    assert (one.counts != other.counts).any()
    assert len(one.sums) == regime.metrics
    assert one.counts.sum() / PANES == pytest.approx(200, rel=0.5)
    assert one.firsts.sum() == (
        pytest.approx(regime.users, rel=0.02) if regime.users else one.counts.sum()
    )


def test_returning_users_fool_a_test_of_rows_and_not_ours() -> None:
    outcomes = [play(HEAVY, (3, i)) for i in range(12)]
    assert sum(one.peeked < NEVER for one in outcomes) >= 6
    assert sum(one.sequence < NEVER for one in outcomes) == 0


def test_what_differs_is_found_and_a_broken_split_too() -> None:
    found = play(REGIMES[0], (4,), effect=0.03, share=0.6)
    assert found.sequence < 100
    assert found.ratio < 24


def test_a_bar_is_two_standard_errors_and_can_be_missed() -> None:
    assert most(2_000) == 119
    rang, silent = (Outcome(*[pane] * 7) for pane in (30, NEVER))
    within = Played(HEAVY, [rang] * 119 + [silent] * 1_881)
    beyond = Played(HEAVY, [rang] * 120 + [silent] * 1_880)
    assert missed([within]) == []
    assert missed([within, beyond]) == [
        "returning heavy users, sequence: 120 of 2000 rang, at most 119 may",
        "returning heavy users, ratio: 120 of 2000 rang, at most 119 may",
    ]


def test_the_page_says_what_was_missed() -> None:
    rang = Played(HEAVY, [Outcome(*[30] * 7)] * 10)
    text = tables.page([rang], [rang], [rang], date(2026, 1, 2), 3.0)
    assert "- missed: returning heavy users, ratio: 10 of 10 rang" in text
    assert "| returning heavy users | 0 | 1.00 (30) |" in text
    assert "{" not in text
