"""References grow by days of the archive that were good, up to 28 of them."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from collectors.drift.calibrate import timeline
from collectors.drift.comparisons import comparisons, merge
from monitor.archive import Archive, Event
from monitor.config import load as load_config
from monitor.event_clock import FOREVER
from monitor.jobs.growth import make_growth
from monitor.judging.child import panes_of
from monitor.references import growing
from monitor.references.accepting import Folders
from monitor.references.carrying import carried, is_whole
from monitor.references.file import Reference, load
from monitor.references.growing import alarmed, grow, windows_of
from monitor.references.in_force import Change, file_of, read
from tests.judging.living import BEGIN, FIRST, HOUR, JUDGED, ZONE, Life, few, told, traffic, unit
from tests.judging.succeeding import accepted, later, noticed, us
from tests.references.making import configured, task

DAYS = 21
"""Of live traffic, by the hour of a day in `New_York`."""

NIGHT = 8 * 24 + 2
NOW = 22 * 24


@pytest.fixture(scope="module")
def lived(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three weeks of traffic: an alarm on the third day, an empty night on the ninth.

    Nothing may change it.
    """
    folder = tmp_path_factory.mktemp("lived")
    shutil.copytree(prepared, folder, dirs_exist_ok=True)
    life = Life(folder)
    changes: dict[int, Any] = dict.fromkeys((58, 59), unit)
    changes |= {hour: few(0) for hour in range(NIGHT, NIGHT + 4)}
    life.hours(traffic(DAYS * 24 + 1, changes))
    life.harness.app.stop()
    return folder


@pytest.fixture
def grown_in(lived: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(lived, tmp_path, dirs_exist_ok=True)
    return tmp_path


def grow_in(folder: Path, now: float = NOW, models: str = JUDGED) -> Change | None:
    asked = task(folder, models, now=us(later(now)))
    folders = Folders(folder / "state")
    return grow(replace(asked, out=folders.references / "m.grown"), folders)


def made(folder: Path, change: Change | None) -> Reference:
    assert change is not None
    return load(file_of(folder / "state/references", "m", change.id))


def local(time: int) -> pd.Timestamp:
    return pd.Timestamp(time, unit="us", tz="UTC").tz_convert(ZONE)


def compared(reference: Reference) -> tuple[Any, Any]:
    """What is compared by it, and its panes."""
    panes = panes_of(reference)
    return comparisons(merge(panes.values())), panes


def days(reference: Reference) -> list[str]:
    """Local days of its whole panes."""
    return sorted({str(local(pane.start).date()) for pane in reference.panes if is_whole(pane)})


def test_days_that_are_a_week_old_are_added_but_for_those_of_an_alarm(grown_in: Path) -> None:
    base = load(grown_in / "reference.parquet")
    change = grow_in(grown_in)
    reference = made(grown_in, change)
    assert change is not None
    assert (change.why, change.before) == ("grown", base.id)
    assert base.id in reference.made_from
    wanted = pd.date_range(FIRST, periods=7 + DAYS - 7, freq="D").strftime("%Y-%m-%d").tolist()
    # The third day of live traffic, which rang as a whole, and the three that ended its alarm.
    bad = pd.date_range(BEGIN + pd.Timedelta("2D"), periods=4, freq="D").strftime("%Y-%m-%d")
    assert days(reference) == [day for day in wanted if day not in bad]
    own = {pane.start: pane for pane in Archive(grown_in / "state/archive").panes("m")}
    added = [pane for pane in reference.panes if pane.start >= us(BEGIN)]
    assert all(pane.rows == own[pane.start].rows for pane in added)
    # What was left out is no silence; the night without rows is.
    assert reference.left_out == ((us(later(48)), us(later(144))),)
    assert us(later(NIGHT)) not in own
    starts = timeline(*compared(reference), 3_600_000_000, reference.left_out).tolist()
    assert us(later(NIGHT)) in starts
    assert us(later(60)) not in starts


def test_the_same_archive_gives_the_same_reference(grown_in: Path) -> None:
    change = grow_in(grown_in)
    assert change is not None
    assert grow_in(grown_in, NOW + 20) is None  # nothing more is old enough
    (grown_in / "state/references/m.current.json").unlink()
    again = grow_in(grown_in, NOW + 5)
    assert again is not None
    assert again.id == change.id


def test_it_is_frozen_at_enough_days(grown_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing, "ENOUGH", 12)
    reference = made(grown_in, grow_in(grown_in))
    assert len(days(reference)) == 12
    assert days(reference)[-1] == str((BEGIN + pd.Timedelta("8D")).date())
    assert grow_in(grown_in, NOW * 2) is None


def test_nothing_of_before_an_accept_is_added(grown_in: Path) -> None:
    _, change = accepted(grown_in, 0, 40, now=10 * 24 + 1)
    reference = made(grown_in, grow_in(grown_in))
    behind = {pane.start for pane in reference.panes if pane.start >= us(later(40))}
    assert min(behind) == us(later(10 * 24 + 1))
    assert (us(later(40)), us(later(10 * 24 + 1))) in reference.left_out
    known = read(grown_in / "state/references", "m")
    assert known is not None
    assert [one.why for one in known.changes] == ["accepted", "grown"]
    assert known.newest.before == change.id


def test_a_feature_that_was_accepted_by_itself_grows_on_when_the_rest_is_full(
    grown_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing, "ENOUGH", 7)
    accepted(grown_in, 0, 40, "a", now=41)
    reference = made(grown_in, grow_in(grown_in))
    more = [pane for pane in reference.panes if pane.start >= us(later(48))]
    assert more
    assert all(carried(pane).features == {"a"} and not is_whole(pane) for pane in more)
    assert len(days(reference)) == 7
    of_a = {local(pane.start).date() for pane in reference.panes if "a" in carried(pane).features}
    assert len(of_a) == 7
    panes = panes_of(reference)
    assert panes[us(later(7 * 24))]["software"].rows == 0


def test_the_job_does_it_and_a_daemon_takes_it_over(grown_in: Path) -> None:
    life = Life(grown_in, now=later(30 * 24).timestamp())
    base = load(grown_in / "reference.parquet")
    job = make_growth(load_config(grown_in / "inferwatch.yml"))
    assert job is not None
    assert job.at == "0 4 * * mon"
    life.harness.app.jobs.run(job)
    noticed(life)
    known = read(grown_in / "state/references", "m")
    assert known is not None
    (info,) = life.shown("calibration_info")
    assert f"reference={known.newest.id}" in info
    assert life.value("reference_panes") == 168 + 10 * 24 - 1 - 4  # clocks change in March
    life.harness.app.stop()
    (growth,) = told(grown_in, ["growth"])
    assert (growth[2], growth[3]["before"]) == (known.newest.id, base.id)
    noted = [one[3] for one in sorted(told(grown_in, ["reference"]), key=lambda one: one[0])]
    assert [one["why"] for one in noted] == ["configured", "grown"]


def test_it_is_turned_off_by_the_config_and_asked_to_end(
    grown_in: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    off = JUDGED.replace("reference.parquet}", "reference.parquet, grow: false}")
    assert make_growth(configured(grown_in, off)) is None
    job = make_growth(configured(grown_in, JUDGED))
    assert job is not None
    stopping = threading.Event()
    stopping.set()
    job.work(later(NOW).timestamp(), stopping)
    assert read(grown_in / "state/references", "m") is None
    assert not list((grown_in / "state/references").glob("m.grown*"))
    empty = tmp_path_factory.mktemp("empty")
    first = make_growth(configured(empty, JUDGED.replace("path: reference.parquet", "first: 24")))
    assert first is not None
    first.work(later(NOW).timestamp(), threading.Event())  # there is nothing yet


def test_one_model_that_cannot_grow_is_said(grown_in: Path) -> None:
    (grown_in / "reference.parquet").write_bytes(b"none")
    job = make_growth(configured(grown_in, JUDGED))
    assert job is not None
    with pytest.raises(OSError, match=r"m: .*reference.parquet: not a reference, or damaged"):
        job.work(later(NOW).timestamp(), threading.Event())


def event(kind: str, hour: int, window: str = "1h", **detail: Any) -> Event:
    time = us(later(hour))
    return Event(time, time, kind, "m", window, detail)


def hours(spans: Sequence[tuple[int, int]]) -> list[tuple[float, float]]:
    def of(time: int) -> float:
        return float("inf") if time == FOREVER else (time - us(BEGIN)) / HOUR / 1e6

    return [(of(begin), of(end)) for begin, end in spans]


ALARM: Mapping[str, Any] = {"verdicts": {"input": "alarm", "output": "ok"}}
QUIET: Mapping[str, Any] = {"verdicts": {"input": "ok", "output": "ok"}}


@pytest.mark.parametrize(
    ("events", "wanted"),
    [
        ([event("verdict", 5, **QUIET)], []),
        ([event("verdict", 5, **ALARM)], [(4, 5)]),
        ([event("verdict", 24, "1d", **ALARM)], [(0, 24)]),
        ([event("alarm", 5), event("alarm ended", 8)], [(4, 5), (4, 8)]),
        ([event("alarm", 5), event("alarm", 7), event("alarm ended", 9)], [(4, 5), (6, 7), (4, 9)]),
        ([event("alarm", 5)], [(4, 5), (4, float("inf"))]),
        ([event("alarm", 24, "1d"), event("alarm ended", 96, "1d")], [(0, 24), (0, 96)]),
        ([event("alarm", 5), event("reference", 7, "")], [(4, 5), (4, 7)]),
        ([event("alarm", 5), event("reference", 7, "id")], [(4, 5), (4, float("inf"))]),
        ([replace(event("alarm", 5), model="another")], []),
    ],
)
def test_what_counts_as_an_alarm(events: list[Event], wanted: list[Any], tmp_path: Path) -> None:
    config = configured(tmp_path, JUDGED).models[0]
    assert hours(alarmed(events, config, windows_of(config))) == wanted


def test_a_day_without_its_last_rows_waits(grown_in: Path) -> None:
    """By the wall clock, too, nothing is younger than a week."""
    reference = made(grown_in, grow_in(grown_in, now=10 * 24 + 5))
    assert days(reference)[-1] == str((BEGIN + pd.Timedelta("1D")).date())
