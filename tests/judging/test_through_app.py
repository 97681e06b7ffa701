"""References, scores, verdicts and alarms through the whole daemon, fed by hand."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from collectors.summaries.state import StateError
from monitor.judging import calibrations
from tests.judging.living import (
    BEGIN,
    HOUR,
    JUDGED,
    MODEL,
    Life,
    Row,
    failing,
    few,
    hour,
    traffic,
    unit,
)
from tests.references.making import built


@pytest.fixture
def life(folder: Path) -> Any:
    one = Life(folder)
    yield one
    one.harness.app.die()


SUBJECTS = ("input", "output", "software")


def all_are(verdict: str) -> dict[str, str]:
    return dict.fromkeys(SUBJECTS, verdict)


class TestVerdicts:
    def test_before_a_window_has_closed_there_is_none(self, life: Life) -> None:
        assert life.verdicts() == {}
        assert life.shown("score") == {}
        life.read(traffic(1)[0][:30])
        assert life.verdicts() == {}

    def test_an_hour_like_the_others_is_ok(self, life: Life) -> None:
        life.hours(traffic(3))
        assert life.verdicts() == all_are("ok")
        # A day is judged once it is over.
        assert life.verdicts("1d") == all_are("insufficient_data")
        scores = life.shown("score", window="1h")
        assert len(scores) > 25
        limits = {
            rule: life.value("score_threshold", window="1h", rule=rule)
            for rule in ("alone", "two_of_three")
        }
        assert max(scores.values()) < limits["alone"]
        assert life.shown("score", window="1d") == {}
        (info,) = life.shown("calibration_info")
        for label in ("certainty=extrapolated", "daily=conservative", "dependence=ok"):
            assert label in info
        assert life.value("reference_panes") == 168
        assert life.value("alarm_budget_per_day") == pytest.approx(1 / 30)
        assert life.shown("alarm_since_timestamp_seconds") == {}
        assert set(life.shown("alarms_30d").values()) == {0}
        assert set(life.shown("alarms_total").values()) == {0}
        assert len(life.shown("alarms_total")) == 2

    def test_a_change_is_an_alarm_of_what_changed(self, life: Life) -> None:
        life.hours(traffic(4, {2: unit}))
        assert life.verdicts() == all_are("ok") | {"input": "alarm"}
        assert life.value("score", feature="a", statistic="mean") > life.value(
            "score_threshold", window="1h", rule="alone"
        )
        end = BEGIN.timestamp() + 3 * HOUR
        assert life.value("alarm_since_timestamp_seconds") == end
        assert life.value("alarms_total", window="1h") == 1
        assert life.value("alarms_30d", window="1h") == 1
        assert life.value("alarms_total", window="1d") == 0
        # Its next windows are as usual again, and the third of them ends it.
        life.hours(traffic(2, begin=BEGIN + np.timedelta64(4, "h")))
        assert life.verdicts() == all_are("ok")
        assert life.value("alarm_since_timestamp_seconds") == end
        life.hours(traffic(1, begin=BEGIN + np.timedelta64(6, "h")))
        assert life.shown("alarm_since_timestamp_seconds") == {}
        assert life.value("alarms_30d", window="1h") == 1
        found = [one for one in life.end() if one[1] != "verdict"]
        assert [(time, kind) for time, kind, _, _ in found] == [
            (end, "alarm"),
            (end + 3 * HOUR, "alarm ended"),
        ]

    def test_an_alarm_that_goes_on_is_one(self, life: Life) -> None:
        life.hours(traffic(9, dict.fromkeys(range(2, 9), unit)))
        assert life.value("alarms_total", window="1h") == 1
        assert life.value("alarm_since_timestamp_seconds") == BEGIN.timestamp() + 3 * HOUR

    def test_something_else_that_crosses_is_another(self, life: Life) -> None:
        def both(row: Row) -> Row:
            return failing(unit(row))

        life.hours(traffic(6, {2: unit, 3: unit, 4: both, 5: both}))
        assert life.verdicts() == all_are("ok") | {"input": "alarm", "output": "alarm"}
        assert life.value("alarms_total", window="1h") == 2

    def test_few_rows_are_insufficient_and_so_are_few_values(self, life: Life) -> None:
        life.hours(traffic(3, {1: few(19)}))
        assert life.verdicts() == all_are("insufficient_data")
        assert life.value("window_rows", window="1h") == 19
        # Volume is told, and is far from what is needed for an alarm.
        (volume,) = life.shown("score", window="1h").items()
        assert "statistic=volume" in volume[0]
        assert volume[1] < life.value("score_threshold", window="1h", rule="alone")
        life.hours(traffic(2, begin=BEGIN + np.timedelta64(3, "h")))
        assert life.verdicts() == all_are("ok")

    def test_an_hour_of_silence_has_no_data_and_no_scores(self, life: Life) -> None:
        life.hours(traffic(3))
        life.harness.now = BEGIN.timestamp() + 3 * HOUR + 600
        life.silence()
        assert life.verdicts() == all_are("ok")
        assert life.shown("score", window="1h") != {}
        life.harness.now += HOUR
        life.silence()
        life.harness.now += 120
        life.silence()
        assert life.verdicts() == all_are("no_data")
        assert life.shown("score", window="1h") == {}
        assert life.shown("score_threshold", window="1h") == {}
        # What there was of an alarm stays: silence ends none.
        assert life.shown("alarms_30d", window="1h") != {}

    def test_an_alarm_is_not_ended_by_silence(self, life: Life) -> None:
        life.hours(traffic(3, {1: unit, 2: unit}))
        since = life.value("alarm_since_timestamp_seconds")
        life.harness.now = BEGIN.timestamp() + 9 * HOUR
        life.silence()
        life.harness.now += 120
        life.silence()
        assert life.verdicts() == all_are("no_data")
        assert life.value("alarm_since_timestamp_seconds") == since

    def test_rows_that_come_late_change_no_verdict(self, life: Life) -> None:
        life.hours(traffic(4))
        before = life.shown("verdict", window="1h"), life.shown("score", window="1h")
        # For an hour that was judged, and for the newest of them: all of it is wrong.
        late = traffic(3, dict.fromkeys(range(3), unit))
        life.read([*late[0], *late[2]])
        life.harness.now += 2
        life.harness.app.pipeline.advance(life.harness.now)
        assert life.value("revisions_total") == 2
        assert life.value("input_mean", feature="a", window="1h") > 1_000
        assert (life.shown("verdict", window="1h"), life.shown("score", window="1h")) == before
        events = life.end()
        begin = BEGIN.timestamp()
        assert [one[0] for one in events] == [begin + HOUR, begin + 2 * HOUR, begin + 3 * HOUR]

    def test_without_a_reference_there_is_nothing_to_compare_with(self, tmp_path: Path) -> None:
        life = Life(tmp_path, MODEL)
        life.hours(traffic(3, {1: unit}))
        life.harness.settle()
        life.hours(traffic(2, begin=BEGIN + np.timedelta64(3, "h")))
        assert life.verdicts() == all_are("no_reference")
        names = ("score", "score_threshold", "calibration_info", "alarms_30d", "alarms_total")
        assert [life.shown(name) for name in names] == [{}] * len(names)
        assert life.end() == []

    def test_a_version_that_answers_no_more_has_no_scores(self, life: Life) -> None:
        def second(row: Row) -> Row:
            return row | {"v": "2"}

        life.hours(traffic(3))
        assert life.shown("score", version="1", window="1h") != {}
        later = BEGIN + np.timedelta64(3, "h")
        life.hours(traffic(3, dict.fromkeys(range(3), second), later))
        assert life.shown("score", version="1", window="1h") == {}
        assert life.shown("score", version="2", window="1h") != {}
        assert life.verdicts() == all_are("ok")

    def test_a_muted_feature_is_scored_and_opens_no_alarm(self, folder: Path) -> None:
        until = (BEGIN + np.timedelta64(4, "h")).tz_convert("UTC").isoformat()
        life = Life(folder, f"{JUDGED}    alarms: {{mute: {{a: '{until}'}}}}\n")
        life.hours(traffic(5, dict.fromkeys(range(1, 5), unit)))
        assert life.value("score", window="1h", feature="a", statistic="mean") > 100
        assert life.verdicts() == all_are("ok")
        assert life.value("alarms_total", window="1h") == 0
        # The window that ends after that moment is the first that rings.
        life.hours(traffic(2, dict.fromkeys(range(2), unit), BEGIN + np.timedelta64(5, "h")))
        assert life.verdicts()["input"] == "alarm"
        assert life.value("alarm_since_timestamp_seconds") == BEGIN.timestamp() + 5 * HOUR
        life.harness.app.die()


def eventful() -> list[list[Row]]:
    """Two days in which much happens."""
    changes: dict[int, Any] = dict.fromkeys((5, 6, 30), unit) | dict.fromkeys((14, 40), failing)
    return traffic(50, changes | {20: few(5), 21: few(0)})


@pytest.fixture(scope="module")
def wanted(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    """What an undisturbed daemon says of eventful hours."""
    folder = tmp_path_factory.mktemp("undisturbed")
    shutil.copytree(prepared, folder, dirs_exist_ok=True)
    life = Life(folder)
    life.hours(eventful())
    return life.end()


class TestRestarts:
    def test_there_is_something_to_lose(self, wanted: list[Any]) -> None:
        kinds = [one[1] for one in wanted if one[2] == "1h"]
        assert kinds.count("alarm") >= 4
        assert kinds.count("alarm ended") >= 3
        assert kinds.count("verdict") == 48
        assert [one[1] for one in wanted if one[2] == "1d"].count("verdict") == 2
        assert len({one[0] for one in wanted if one[1] == "verdict" and one[2] == "1h"}) == 48

    @pytest.mark.parametrize("seed", range(3))
    def test_deaths_at_any_moment_change_no_verdict(
        self, folder: Path, wanted: list[Any], seed: int
    ) -> None:
        rng = np.random.default_rng(seed)
        life = Life(folder)
        records = [one for some in eventful() for one in some]
        place = 0
        while place < len(records):
            many = int(rng.integers(1, 200))
            life.read(records[place : place + many], by=int(rng.integers(1, 90)))
            place += many
            what = rng.random()
            if what < 0.4:
                assert life.harness.app.save()
            if what < 0.1 or what > 0.8:
                life.reborn()
        assert life.end() == wanted

    def test_after_a_restart_all_is_shown_before_a_row_is_read(self, life: Life) -> None:
        life.hours(traffic(30, {26: unit, 27: failing, 28: unit}))
        names = ["score", "score_threshold", "verdict", "alarm_since_timestamp_seconds"]
        names += ["alarms_30d", "alarm_cause", "calibration_info", "reference_panes"]
        shown = [life.shown(name) for name in names]
        assert all(shown)
        assert life.harness.app.save()
        life.reborn()
        assert [life.shown(name) for name in names] == shown
        # What a process counts begins with it.
        assert set(life.shown("alarms_total").values()) == {0}


class TestReload:
    def test_another_budget_keeps_the_alarm_and_moves_the_thresholds(self, life: Life) -> None:
        life.hours(traffic(6, {3: unit, 4: unit, 5: unit}))
        since = life.value("alarm_since_timestamp_seconds")
        before = life.value("score_threshold", window="1h", rule="alone")
        assert life.reload(f"{JUDGED}    alarms: {{budget: 1 per 3d}}\n") is None
        assert life.value("alarm_since_timestamp_seconds") == since
        assert life.value("alarms_30d", window="1h") == 1
        assert life.value("alarm_budget_per_day") == pytest.approx(1 / 3)
        life.hours(traffic(2, dict.fromkeys(range(2), unit), BEGIN + np.timedelta64(6, "h")))
        assert life.value("score_threshold", window="1h", rule="alone") < before
        assert life.value("alarm_since_timestamp_seconds") == since
        assert life.value("alarms_total", window="1h") == 1

    def test_without_the_reference_nothing_of_it_is_shown(self, life: Life) -> None:
        life.hours(traffic(30, {26: unit, 27: unit, 28: unit}))
        names = ["score", "score_threshold", "alarm_since_timestamp_seconds", "alarms_30d"]
        names += ["alarm_cause", "calibration_info", "reference_panes", "alarm_budget_per_day"]
        assert all(life.shown(name) for name in names)
        assert life.reload(MODEL) is None
        assert {name: life.shown(name) for name in names} == {name: {} for name in names}
        assert life.verdicts() == all_are("no_reference")
        assert life.reload(JUDGED) is None
        assert life.shown("calibration_info") != {}

    def test_a_length_of_window_that_is_gone_takes_its_scores_along(self, life: Life) -> None:
        life.hours(traffic(30))
        assert life.shown("score", window="1d") != {}
        hourly = JUDGED.replace("[1h, 1d]", "[1h]")
        assert life.reload(hourly) is None
        for name in ("score", "score_threshold", "verdict", "alarms_30d"):
            assert life.shown(name, window="1d") == {}
            assert life.shown(name, window="1h") != {}

    def test_a_model_that_is_gone_takes_all_along(self, life: Life) -> None:
        life.hours(traffic(30, {28: unit}))
        assert life.reload(MODEL.replace("name: m", "name: other")) is None
        assert [one for one in life.harness.metrics() if "model=m," in one] == []
        assert [one for one in life.harness.metrics() if "model=m}" in one] == []

    def test_a_reference_that_is_none_is_refused_and_all_goes_on(self, life: Life) -> None:
        life.hours(traffic(3, {1: unit}))
        (life.folder / "other.parquet").write_bytes(b"none")
        refusal = life.reload(JUDGED.replace("reference.parquet", "other.parquet"))
        assert refusal is not None
        assert "other.parquet: not a reference, or damaged" in refusal
        assert life.verdicts()["input"] == "alarm"
        life.hours(traffic(3, begin=BEGIN + np.timedelta64(3, "h")))
        assert life.verdicts() == all_are("ok")


class TestCalibration:
    def test_it_is_made_once_and_kept(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def none(*_: Any, **__: Any) -> None:
            raise AssertionError("it is there already")

        monkeypatch.setattr(subprocess, "run", none)
        life = Life(folder)
        life.hours(traffic(3))
        assert life.verdicts() == all_are("ok")
        life.harness.app.die()

    def test_a_damaged_one_is_made_again_and_that_is_said(
        self, folder: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (kept,) = (folder / "state/calibrations").iterdir()
        data = bytearray(kept.read_bytes())
        whole = bytes(data)
        data[len(data) // 2] ^= 1
        kept.write_bytes(data)
        with caplog.at_level(logging.INFO):
            life = Life(folder)
        assert "a calibration cannot be read: it is made again" in caplog.messages
        assert kept.read_bytes() == whole
        life.harness.app.die()

    def test_what_it_cannot_be_made_of_is_said_in_a_sentence(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shutil.rmtree(folder / "state/calibrations")
        monkeypatch.setattr(sys, "executable", "/bin/false")
        with pytest.raises(StateError, match=r"reference.parquet: cannot be calibrated: no word"):
            Life(folder)
        monkeypatch.setattr(sys, "executable", shutil.which("sh"))
        with pytest.raises(StateError, match=r"reference.parquet: cannot be calibrated: .+"):
            Life(folder)

    def test_one_that_takes_too_long_is_given_up(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shutil.rmtree(folder / "state/calibrations")
        monkeypatch.setattr(calibrations, "TIMEOUT", 0.01)
        with pytest.raises(StateError, match=r"reference.parquet: not calibrated within 0 s"):
            Life(folder)
        assert list((folder / "state/calibrations").iterdir()) == []

    def test_a_reload_that_cannot_be_calibrated_is_refused(
        self, life: Life, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        life.hours(traffic(3))
        monkeypatch.setattr(calibrations, "TIMEOUT", 0.01)
        refusal = life.reload(f"{JUDGED}    alarms: {{budget: 1 per 5d}}\n")
        assert refusal is not None
        assert "not calibrated within" in refusal
        assert life.value("alarm_budget_per_day") == pytest.approx(1 / 30)

    def test_training_data_without_times_is_a_reference_that_decides_nothing(
        self, tmp_path: Path
    ) -> None:
        rows = [row for place in range(24) for row in hour(place * HOUR)]
        pd.DataFrame(rows).drop(columns="t").to_csv(tmp_path / "data.csv", index=False)
        built(tmp_path, "data.csv", models=MODEL)
        life = Life(tmp_path)
        life.hours(traffic(3, {1: unit}))
        (info,) = life.shown("calibration_info")
        assert "certainty=uncalibrated" in info
        assert "daily=off" in info
        assert life.verdicts() == all_are("no_reference")
        assert life.shown("alarms_30d") == life.shown("score") == {}
        assert life.end() == []
