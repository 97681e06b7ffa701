"""What is shown beside the fixed reference, against pandas and SciPy on the rows themselves."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

from collectors.summaries.state import StateError, Stored
from monitor.board import Board
from monitor.judging import beside
from monitor.windows import Pane
from tests.judging.living import (
    BEGIN,
    HOUR,
    JUDGED,
    MODEL,
    ZONE,
    Life,
    Row,
    few,
    traffic,
    unit,
)

BOTH = "beside: [previous, seasonal]"
METHODS = "    alarms: {methods: [ks, TVD]}\n"
ALONE = f"{MODEL}    reference: {{{BOTH}}}\n{METHODS}"
WITH = JUDGED.replace("reference.parquet}", f"reference.parquet, {BOTH}}}") + METHODS

CELL = 1.5
"""Rows by which a distance from cells may differ from the exact one: those that share a cell."""

Hours = list[list[Row]]


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    one = Life(tmp_path, ALONE)
    yield one
    one.harness.app.die()


def later(hours: int) -> pd.Timestamp:
    """By the clock that never changes."""
    return (BEGIN.tz_convert("UTC") + pd.Timedelta(hours=hours)).tz_convert(ZONE)


def read(life: Life, hours: Hours) -> None:
    """Take in these hours, and wait until all is worked out."""
    life.hours(hours, by=10_000)
    wait(life)


def wait(life: Life) -> None:
    for _ in range(1_000):
        life.harness.now += 1
        life.harness.app.pipeline.advance(life.harness.now)
        if not any(one["due"] for one in state(life).values()):
            return
    raise AssertionError("it is never done")


def state(life: Life) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = life.harness.app.pipeline.models["m"].state()["beside"]
    return found


def begin(life: Life, hours: Hours) -> None:
    """The same, where the schema is chosen from the first rows."""
    life.read(hours[0])
    life.harness.settle()
    read(life, hours[1:])


def frame(hours: Hours) -> pd.DataFrame:
    rows = pd.DataFrame(
        [row["x"] | {"t": row["t"], "y": row["y"]} for some in hours for row in some]
    )
    rows["at"] = pd.to_datetime(rows["t"], unit="s", utc=True).dt.tz_convert(ZONE)
    return rows


def agrees(life: Life, window: str, reference: str, now: pd.DataFrame, then: pd.DataFrame) -> None:
    """Every distance of this window to this reference is that of the rows themselves."""
    near = 0.003 + CELL / min(len(now), len(then))
    for name in "aby":
        of = {"subject": "output"} if name == "y" else {"feature": name}
        found = distance(life, window, reference, method="ks", **of)
        assert found == pytest.approx(stats.ks_2samp(now[name], then[name])[0], abs=near)
    shares = [one["c"].value_counts(normalize=True) for one in (now, then)]
    apart = shares[0].sub(shares[1], fill_value=0).abs().sum() / 2
    assert distance(life, window, reference, feature="c", method="TVD") == pytest.approx(apart)


def distance(life: Life, window: str, reference: str, **labels: str) -> float:
    return life.value("drift_distance", window=window, reference=reference, **labels)


def references(life: Life, name: str = "drift_distance", **labels: str) -> set[str]:
    return {
        series.partition("reference=")[2].partition(",")[0].rstrip("}")
        for series in life.shown(name, **labels)
    }


def test_the_hour_before_is_the_hour_before(life: Life) -> None:
    hours = traffic(6, {3: unit})
    begin(life, hours[:2])
    assert references(life) == set()  # one hour has closed, and none lies before it
    for place in range(2, 6):
        read(life, hours[place : place + 1])
        agrees(life, "1h", "previous", frame(hours[place - 1 : place]), frame([hours[place - 2]]))
    assert references(life) == {"previous"}
    then = frame(hours[3:4])
    for name in "ab":
        shown = life.value("reference_mean", reference="previous", feature=name)
        assert shown == pytest.approx(then[name].mean())
        middle = life.value("reference_quantile", reference="previous", feature=name, q="0.5")
        assert middle == pytest.approx(then[name].median(), rel=0.1)
    assert life.value("reference_missing_ratio", reference="previous", feature="c") == 0


def test_the_same_hour_is_that_of_the_clock_on_the_wall(life: Life) -> None:
    # Clocks go forward six days after `BEGIN`: the week before a Monday then is of 167 hours.
    hours = traffic(7 * 24 + 4)
    begin(life, hours)
    now, rows = frame(hours[-2:-1]), frame(hours)
    at = now["at"].iloc[0]
    assert at.utcoffset() != BEGIN.utcoffset()
    same = rows[(rows["at"].dt.weekday == at.weekday()) & (rows["at"].dt.hour == at.hour)]
    then = same[same["at"] < at.floor("h")]
    assert len(then) == len(hours[0])
    agrees(life, "1h", "seasonal", now, then)


def test_four_weeks_at_most_and_those_that_have_rows(life: Life) -> None:
    week = 7 * 24
    places = [0, 1, 2, 3, 5, 6]
    first = pd.Timestamp("2026-01-05T09:00", tz=ZONE)  # no clock is changed within
    hours = {p: traffic(3, begin=first + pd.Timedelta(weeks=p)) for p in places}
    for place, some in hours.items():
        (read if place else begin)(life, some)
        if place == 3:
            then = frame([hours[p][1] for p in (0, 1, 2)])
            agrees(life, "1h", "seasonal", frame(some[1:2]), then)
    # Of the seven weeks the fifth had no row, and the first is too long ago.
    agrees(life, "1h", "seasonal", frame(hours[6][1:2]), frame([hours[p][1] for p in (1, 2, 3, 5)]))
    assert (
        week * 6 * HOUR == hours[6][0][0]["t"] // HOUR * HOUR - hours[0][0][0]["t"] // HOUR * HOUR
    )


def test_days_are_whole_days_beside_the_day_before_and_the_same_weekday(life: Life) -> None:
    hours = traffic(9 * 24 + 2)
    begin(life, hours)
    rows = frame(hours)
    rows["day"] = rows["at"].dt.floor("D")
    days = sorted(rows["day"].unique())
    last = next(day for day in reversed(days) if day + pd.Timedelta("1D") in days)
    of = {day: rows[rows["day"] == day] for day in days}
    before, week = (last - pd.DateOffset(days=n) for n in (1, 7))
    agrees(life, "1d", "previous", of[last], of[before])
    agrees(life, "1d", "seasonal", of[last], of[week])
    assert any(len(part) == 23 * len(hours[0]) for part in of.values())
    # The next hours are of no whole day: nothing of it changes.
    shown = life.shown("drift_distance", window="1d")
    read(life, traffic(3, dict.fromkeys(range(3), unit), later(9 * 24 + 2)))
    assert life.shown("drift_distance", window="1d") == shown


def test_it_goes_with_the_window_that_it_is_of(life: Life) -> None:
    begin(life, traffic(4))
    assert references(life, window="1h") == {"previous"}
    assert references(life, "reference_mean") == {"previous"}
    life.harness.now = later(5).timestamp() + 600
    life.silence()
    life.harness.now += 120
    life.silence()
    assert set(life.verdicts().values()) == {"no_data"}
    assert references(life) == references(life, "reference_mean") == set()


def test_too_few_rows_on_either_side_show_nothing(life: Life) -> None:
    hours = traffic(8, {3: few(19), 6: few(20)})
    begin(life, hours[:2])
    found = []
    for place in range(2, 8):
        read(life, hours[place : place + 1])
        found.append(references(life, window="1h"))
    # Those of 19 rows, and the one after it; 20 are enough.
    assert found == [{"previous"}, {"previous"}, set(), set(), {"previous"}, {"previous"}]


def test_none_of_it_alarms_and_without_a_fixed_one_there_is_no_reference(life: Life) -> None:
    begin(life, traffic(6, {3: unit, 4: unit}))
    assert references(life) == {"previous"}
    assert set(life.verdicts().values()) == {"no_reference"}
    for name in ("score", "alarms_total", "alarms_30d", "alarm_budget_per_day", "calibration_info"):
        assert life.shown(name) == {}
    assert life.end() == []


def test_beside_a_fixed_reference_that_one_decides_as_it_did(folder: Path, tmp_path: Path) -> None:
    aside = tmp_path / "aside"
    shutil.copytree(folder, aside)
    hours = traffic(30, {4: unit, 5: unit})
    plain = Life(aside, JUDGED + METHODS)
    plain.hours(hours)
    fixed, events = plain.shown("drift_distance"), plain.end()
    assert [kind for _, kind, _, _ in events].count("alarm") == 2  # an hour and its day
    life = Life(folder, WITH)
    read(life, hours)
    assert references(life, window="1h") == references(life, window="1d") | {"previous"}
    shown = life.shown("drift_distance")
    assert {one: value for one, value in shown.items() if one in fixed} == fixed
    rest = {one for one in shown if one not in fixed}
    assert rest
    assert all("reference=previous" in one for one in rest)
    agrees(life, "1h", "previous", frame(hours[28:29]), frame(hours[27:28]))
    assert life.end() == events


def test_rows_that_come_late_are_in_it(life: Life) -> None:
    hours = traffic(4)
    begin(life, hours)
    agrees(life, "1h", "previous", frame(hours[2:3]), frame(hours[1:2]))
    late = traffic(3, dict.fromkeys(range(3), unit))
    read(life, [late[1]])
    agrees(life, "1h", "previous", frame(hours[2:3]), frame([hours[1] + late[1]]))
    read(life, [late[2]])
    agrees(life, "1h", "previous", frame([hours[2] + late[2]]), frame([hours[1] + late[1]]))


NAMES = ("drift_distance", "reference_mean", "reference_quantile", "reference_missing_ratio")


def shown(life: Life) -> list[dict[str, float]]:
    return [life.shown(name) for name in NAMES]


def test_a_restart_changes_nothing_of_it_and_shows_it_before_a_row_is_read(life: Life) -> None:
    hours = traffic(8 * 24 + 3)
    begin(life, hours)
    before = shown(life)
    assert all(before)
    assert references(life) == {"previous", "seasonal"}
    assert life.harness.app.save()
    life.reborn(ALONE)
    assert shown(life) == before
    # And what comes next is compared with what is on disk by now.
    more = traffic(2, begin=later(8 * 24 + 3))
    read(life, more)
    after = shown(life)
    assert after != before
    every = hours + more
    agrees(life, "1h", "previous", frame(every[-2:-1]), frame(every[-3:-2]))


def test_a_death_while_it_is_worked_out_changes_nothing(life: Life, tmp_path: Path) -> None:
    hours = traffic(8 * 24 + 3)
    begin(life, hours)
    wanted = shown(life)
    life.harness.app.die()
    (tmp_path / "other").mkdir()
    other = Life(tmp_path / "other", ALONE)
    other.read(hours[0])
    other.harness.settle()
    other.hours(hours[1:], by=10_000)
    assert any(one["due"] for one in state(other).values())
    assert other.harness.app.save()
    other.reborn(ALONE)
    assert any(one["due"] for one in state(other).values())
    wait(other)
    assert shown(other) == wanted
    other.harness.app.die()


def test_no_turn_fetches_more_than_a_few_panes(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    hours = traffic(8 * 24 + 3)
    begin(life, hours[:-1])
    model = life.harness.app.pipeline.models["m"]
    asked: list[int] = []

    def counted(start: int) -> list[Pane]:
        asked.append(start)
        return model._starting(start)

    monkeypatch.setattr(model._beside, "_panes", counted)
    life.read(hours[-1], by=10_000)
    most = []
    for _ in range(20):
        asked.clear()
        life.harness.now += 1
        life.harness.app.pipeline.advance(life.harness.now)
        life.harness.app.pipeline.advance(life.harness.now)  # no time has passed
        most.append(len(asked))
    assert 0 < max(most) <= beside.PANES
    assert most[-1] == 0


def test_a_damaged_pane_is_left_out_and_that_is_said(
    life: Life, caplog: pytest.LogCaptureFixture
) -> None:
    hours = traffic(7 * 24 + 4)
    begin(life, hours[:-1])
    assert life.harness.app.save()
    for path in (life.folder / "state/archive/panes").rglob("20260302T*.parquet"):
        path.write_bytes(b"none")
    with caplog.at_level(logging.WARNING):
        read(life, hours[-1:])
    assert "closed panes cannot be read: what is shown beside lacks them" in caplog.messages
    assert references(life, window="1h") == {"previous"}


def test_a_reload_takes_it_along_and_takes_it_away(life: Life) -> None:
    begin(life, traffic(4))
    assert references(life) == {"previous"}
    assert life.reload(ALONE.replace("[ks, TVD]", "[wasserstein]")) is None
    wait(life)
    assert {
        one.partition("method=")[2].partition(",")[0] for one in life.shown("drift_distance")
    } == {"wasserstein"}
    assert life.reload(MODEL) is None
    assert [life.shown(name) for name in NAMES] == [{}] * 4
    assert life.reload(ALONE.replace("[previous, seasonal]", "[seasonal]")) is None
    wait(life)
    assert references(life) == set()
    assert life.reload(ALONE) is None
    wait(life)
    assert references(life) == {"previous"}


@pytest.mark.parametrize(
    ("name", "value"), [("window", [1]), ("shown", b"\xc1"), ("shown", b"\x91\x90")]
)
def test_a_damaged_state_is_said_to_be_damaged(life: Life, name: str, value: object) -> None:
    begin(life, traffic(4))
    kept = {length: {**of, name: value} for length, of in state(life).items()}
    rules = beside.BesideRules(("previous",), ("ks",))
    windows = [(length, 3_600_000_000) for length in kept]
    one = beside.Beside(rules, "m", windows, Board(), lambda _: ())
    with pytest.raises(StateError, match="beside its reference is damaged"):
        one.restore(Stored(kept, "state"), 0, same=True)
