"""What /metrics says of an alarm that goes on, and of the reference that it rests on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from collectors.drift.calibration.heldout import ColumnKey
from collectors.drift.comparisons import MMD
from collectors.drift.judge import JOINT, Scored
from collectors.drift.rarity import MOST_DAYS
from monitor.judging.entries import movers
from monitor.judging.shown import rarity
from tests.judging.living import (
    BEGIN,
    HOUR,
    JUDGED,
    MODEL,
    Life,
    Row,
    failing,
    told,
    traffic,
    unit,
)

WHILE = ("alarm_rarity_days", "alarm_moved_first")
ONE = "alarm_moved_first", "alarm_rarity_days", "alarm_since_timestamp_seconds", "alarm_cause"


@pytest.fixture
def life(folder: Path) -> Iterator[Life]:
    one = Life(folder)
    yield one
    one.harness.app.die()


def shown(life: Life) -> dict[str, dict[str, float]]:
    return {name: life.shown(name) for name in ONE}


def subjects(life: Life) -> set[str]:
    """What moved first."""
    found = life.shown("alarm_moved_first", window="1h")
    assert set(found.values()) <= {1}
    return {re.findall(r"subject=(\w+)", series)[0] for series in found}


def both(row: Row) -> Row:
    return failing(unit(row))


def later(hours: int) -> pd.Timestamp:
    return BEGIN + pd.Timedelta(hours=hours)


class TestAnAlarm:
    def test_says_what_moved_first_and_how_rare_it_is_until_it_ends(self, life: Life) -> None:
        life.hours(traffic(2))
        assert {name: life.shown(name) for name in WHILE} == {name: {} for name in WHILE}
        life.hours(traffic(3, {0: unit, 1: unit}, begin=later(2)))
        life.read(traffic(1, begin=later(5))[0])
        assert subjects(life) == {"input"}
        assert life.value("alarm_rarity_days", window="1h") == MOST_DAYS
        # Nothing is flagged any more, and the alarm goes on for three windows.
        life.hours(traffic(2, begin=later(6)))
        assert {name: life.shown(name) for name in WHILE} == {name: {} for name in WHILE}

    def test_what_moves_later_is_not_what_moved_first(self, life: Life) -> None:
        life.hours(traffic(5, {1: unit, 2: both, 3: both}))
        assert life.value("alarms_total", window="1h") == 2
        assert subjects(life) == {"input"}

    def test_two_that_move_at_once_are_both_first(self, life: Life) -> None:
        life.hours(traffic(4, {2: both}))
        assert subjects(life) == {"input", "output"}

    def test_is_as_rare_as_is_said_to_people(self, life: Life) -> None:
        def a_little(row: Row) -> Row:
            return row | {"a": row["a"] + 13.0}

        life.hours(traffic(4, {2: a_little}))
        days = life.value("alarm_rarity_days", window="1h")
        assert 1 < days < MOST_DAYS
        life.harness.app.stop()
        (said,) = [one[3]["as_rare_as"] for one in told(life.folder, ["alarm"])]
        number = float(re.sub(r"[^\d]", "", said))
        assert days == pytest.approx(number, rel=0.06)  # said to two digits

    def test_says_the_same_after_a_restart(self, life: Life) -> None:
        life.hours(traffic(4, {2: both}))
        before = shown(life)
        assert all(before.values())
        life.reborn()
        assert shown(life) == before
        assert life.reload(JUDGED) is None
        assert shown(life) == before

    def test_that_is_over_with_its_reference_leaves_nothing(self, life: Life) -> None:
        life.hours(traffic(4, {2: both}))
        assert life.reload(MODEL) is None
        assert shown(life) == {name: {} for name in ONE}
        assert life.shown("reference_end_timestamp_seconds") == {}

    def test_of_a_model_that_is_gone_leaves_nothing(self, life: Life) -> None:
        life.hours(traffic(4, {2: both}))
        assert life.reload(MODEL.replace("name: m", "name: other")) is None
        assert shown(life) == {name: {} for name in ONE}
        assert life.shown("model_info", model="m") == {}


def scored(key: ColumnKey) -> Scored:
    return Scored(key, "", 20.0, 1.0, np.zeros(0), np.zeros(0))


class TestMovers:
    A, ANSWER = scored(ColumnKey("input", "a", "mean")), scored(ColumnKey("output", "", "mean"))

    def test_inputs_that_moved_only_all_together_are_multivariate(self) -> None:
        assert movers([scored(MMD)]) == movers([scored(JOINT)]) == ["multivariate"]
        assert movers([scored(MMD), self.ANSWER]) == ["multivariate", "output"]

    def test_they_are_no_news_beside_one_feature(self) -> None:
        assert movers([scored(MMD), scored(JOINT), self.A]) == ["input"]


def test_nobody_knows_how_rare_a_fixed_threshold_is() -> None:
    assert list(rarity(None, "1h", "r")) == []


def test_a_reference_ends_where_its_last_pane_does(life: Life) -> None:
    life.harness.app.pipeline.advance(life.harness.now)  # no window has closed yet
    assert life.value("reference_end_timestamp_seconds") == BEGIN.timestamp()
    assert BEGIN.timestamp() % HOUR == 0


def test_every_model_of_the_config_says_where_its_days_begin(life: Life) -> None:
    assert life.value("model_info", timezone="America/New_York", model="m") == 1
    assert life.reload(JUDGED.replace("America/New_York", "UTC")) is None
    (series,) = life.shown("model_info")
    assert "timezone=UTC" in series
