"""Rows that the hour of the wall clock should bring, beside pandas on the rows of the reference."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from collectors.drift.calibrated import Calibration, Rules
from collectors.drift.calibration.fitted import Fitted, Threshold
from collectors.drift.calibration.measures import Volume
from collectors.drift.calibration.scorer import KNOTS, Scorer
from collectors.drift.calibration.seasons import BUCKETS, Season
from monitor.board import Board
from monitor.judging.expected import VOLUME, Expected
from monitor.judging.stored import Calibrated
from tests.judging.living import BEGIN, FIRST, HOUR, JUDGED, MODEL, ZONE, Life, hour, traffic
from tests.references.making import as_csv, built
from tests.support.boards import values

NIGHT, BUSY = range(6), range(9, 17)
NONE = np.zeros(len(KNOTS))


def expected(
    season: Season, totals: list[tuple[float, float]], zone: str = "UTC"
) -> tuple[Expected, Board]:
    """By these (rows, panes) of each bucket."""
    table, board = np.array(totals, dtype=np.float64), Board()
    flat = np.ones(len(totals))
    scorer = Scorer(VOLUME, Volume(), True, season, table, flat, flat, 1.0, 0.0, NONE, NONE)
    never = Threshold(np.inf, 1.0)
    fitted = Fitted((scorer,), None, never, never, 1.0, 168, (), np.zeros(0))
    rules = Rules(1.0, 20, zone)
    made = Calibration("ref", "extrapolated", 3_600_000_000, rules, False, fitted, None)
    return Expected(Calibrated(made, [], {}), board, "m"), board


def at(text: str, zone: str = "UTC") -> int:
    """A moment, us."""
    return pd.Timestamp(text, tz=zone).value // 1_000


HOURS = [(10.0 * place, 10.0) for place in range(24)]


class TestAnHour:
    def test_is_one_of_the_day(self) -> None:
        one, _ = expected("hour of day", HOURS)
        assert [one.rows(at(f"2026-03-0{day} 07:59")) for day in range(1, 8)] == [7.0] * 7
        assert one.rows(at("2026-03-01 08:00")) == 8.0

    def test_is_one_of_the_week(self) -> None:
        one, _ = expected("hour of week", [(place, 1) for place in range(BUCKETS["hour of week"])])
        assert one.rows(at("2026-03-02 00:30")) == 0.0  # a Monday
        assert one.rows(at("2026-03-08 23:30")) == 167.0

    def test_is_a_local_one_before_and_after_clocks_change(self) -> None:
        one, _ = expected("hour of day", HOURS, "America/New_York")
        assert one.rows(at("2026-03-07 12:30")) == 7.0
        assert one.rows(at("2026-03-09 12:30")) == 8.0

    def test_is_like_all_the_others_where_there_is_no_season(self) -> None:
        one, _ = expected("none", [(30.0, 12.0)])
        assert {one.rows(at(f"2026-03-01 {place:02}:10")) for place in range(24)} == {2.5}

    def test_is_as_the_mean_where_the_reference_has_none_of_it(self) -> None:
        one, _ = expected("hour of day", [(0.0, 0.0), *HOURS[1:]])
        assert one.rows(at("2026-03-01 00:30")) == pytest.approx(120 / 10)


class TestShown:
    def test_it_changes_with_the_local_hour_of_a_zone_between_the_hours(self) -> None:
        one, board = expected("hour of day", HOURS, "Asia/Kolkata")
        seen = []
        for minute in range(0, 120, 5):
            one.show(at("2026-03-01 00:00") + minute * 60_000_000)
            seen.append(values(board, "expected.rows")["m", "ref"])
        assert seen == [5.0] * 6 + [6.0] * 12 + [7.0] * 6

    def test_nothing_is_written_while_nothing_changes(self) -> None:
        one, board = expected("hour of day", HOURS)
        one.show(at("2026-03-01 00:00"))
        before = board.generation
        one.show(at("2026-03-01 00:14:59"))
        assert board.generation == before
        one.show(at("2026-02-28 23:50"))  # the clock was set back
        assert values(board, "expected.rows")["m", "ref"] == 23.0


def rows_of(place: int) -> int:
    """Rows of a local hour: none at night, most by day."""
    return 0 if place in NIGHT else 60 if place in BUSY else 30


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.Series]:
    """A folder with a reference that is empty at night, and its mean rows by local hour."""
    folder = tmp_path_factory.mktemp("nights")
    starts = pd.date_range(FIRST, periods=168, freq="h")
    # A few rows more from day to day, so that the mean is no number of any hour.
    rows = [
        row
        for place, start in enumerate(starts)
        for row in hour(
            round(start.timestamp()),
            rows_of(start.hour) + (place // 24 if rows_of(start.hour) else 0),
        )
    ]
    frame = pd.DataFrame(rows)
    frame["t"] = pd.to_datetime(frame["t"], unit="s", utc=True)
    as_csv(frame, folder / "data.csv")
    built(folder, "data.csv", models=MODEL, now=(BEGIN + pd.Timedelta("30D")).value // 1_000)
    local = frame["t"].dt.tz_convert(ZONE)
    counted = local.dt.floor("h").value_counts().reindex(starts, fill_value=0)
    return folder, counted.groupby(counted.index.hour).mean()


@pytest.fixture
def life(nights: tuple[Path, pd.Series], tmp_path: Path) -> Iterator[Life]:
    shutil.copytree(nights[0], tmp_path, dirs_exist_ok=True)
    one = Life(tmp_path)
    yield one
    one.harness.app.die()


def test_every_hour_is_as_pandas_has_it_and_nights_are_empty(
    life: Life, nights: tuple[Path, pd.Series]
) -> None:
    # Two weeks later, when clocks have changed.
    midnight = (FIRST + pd.DateOffset(days=14)).timestamp()
    found = []
    for place in range(24):
        life.harness.now = midnight + place * HOUR + 1_800
        life.harness.app.pipeline.advance(life.harness.now)
        found.append(life.value("expected_rows"))
    assert found == pytest.approx(nights[1].tolist(), rel=1e-12)
    assert found[:6] == [0.0] * 6
    assert min(found[6:]) > 30


def test_without_a_season_it_is_the_mean_of_all_hours(folder: Path) -> None:
    life = Life(folder)
    life.hours(traffic(1))
    assert life.value("expected_rows") == pytest.approx(40)
    life.harness.app.die()


def test_it_goes_with_the_reference_with_volume_and_with_the_model(life: Life) -> None:
    def advanced() -> dict[str, float]:
        life.harness.app.pipeline.advance(life.harness.now)
        return life.shown("expected_rows")

    assert len(advanced()) == 1
    assert life.reload(f"{JUDGED}    alarms: {{subjects: [output]}}\n") is None
    assert advanced() == {}
    assert life.reload(JUDGED) is None
    assert len(advanced()) == 1
    assert life.reload(MODEL) is None
    assert advanced() == {}
    assert life.reload(JUDGED) is None
    assert len(advanced()) == 1
    assert life.reload(MODEL.replace("name: m", "name: other")) is None
    assert advanced() == {}
