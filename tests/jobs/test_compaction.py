"""The job of compaction in a daemon: what it shows, and that windows stay what they are."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from monitor.board import Board
from monitor.compaction import size
from monitor.config import load
from monitor.jobs.compaction import UNUSED, make_compaction
from monitor.jobs.jobs import Stopped
from monitor.judging.calibrations import Calibrations
from tests.support.archives import differences, read
from tests.support.boards import values
from tests.support.faults import FailingOs
from tests.support.harness import HEAD, NOW, Harness
from tests.support.lives import HOUR, MODEL, begun, row, series

DAY = 24 * HOUR
DAYS_AGO = NOW // DAY * DAY - 5 * DAY
"""Midnight, five days before the wall clock."""


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "state" / "archive").rglob("*.parquet"))


def settled(life: Harness) -> None:
    """All that closed is on disk, settled, and was written long ago."""
    for _ in range(2):
        assert life.app.save(30)
    for path in (life.folder / "state" / "archive").rglob("*.parquet"):
        os.utime(path, (NOW - DAY, NOW - DAY))


def compacted(life: Harness) -> None:
    """The job has run."""
    settled(life)
    job = make_compaction(load(life.folder / "inferwatch.yml"), life.app.board)
    life.app.jobs.run(job)


def one_life(folder: Path, *, compacting: bool) -> Harness:
    """Two days of rows, and late ones of the first one after it was compacted, or was not."""
    folder.mkdir()
    life = begun(folder)
    life.feed([row(DAYS_AGO + hour * HOUR, x={"a": float(hour)}) for hour in range(30)])
    life.settle()
    if compacting:
        compacted(life)
    late = [row(DAYS_AGO + 20 * HOUR), row(DAYS_AGO + 20 * HOUR, "v2"), row(DAYS_AGO + 23 * HOUR)]
    life.feed(late)
    life.now += 2
    life.app.pipeline.advance(life.now)
    assert life.app.save(30)
    return life


def test_a_late_row_of_a_compacted_day_is_counted_as_ever(tmp_path: Path) -> None:
    plain = one_life(tmp_path / "plain", compacting=False)
    life = one_life(tmp_path / "compacting", compacting=True)
    assert "compact.parquet" in files(life.folder)
    assert len(files(life.folder)) < len(files(plain.folder)) - 20
    shown = series(life, "window=")
    assert shown == series(plain, "window=") != {}
    # Another process fetches what its windows need from the compact file.
    life.app.die()
    again = begun(life.folder, now=life.now)
    assert series(again, "window=") == shown
    for one in (plain, again):
        one.feed([row(DAYS_AGO + 21 * HOUR, x={"a": 9.0}), row(DAYS_AGO + 31 * HOUR)])
        one.now += 2
        one.app.pipeline.advance(one.now)
    compacted(again)
    assert series(again, "window=") == series(plain, "window=") != shown
    for one in (plain, again):
        one.app.stop()
    wanted, found = read(plain.folder / "state"), read(again.folder / "state")
    assert differences(wanted, found) == []
    assert found["v1", round((DAYS_AGO + 20 * HOUR) * 1e6)]["rows"] == 2


def test_it_shows_what_the_archive_is(tmp_path: Path) -> None:
    life = one_life(tmp_path / "one", compacting=True)
    board = life.app.board
    assert values(board, "job.last_success").keys() == {("compaction",)}
    compacted(life)
    archive = tmp_path / "one" / "state" / "archive"
    number, room = size(archive)
    assert values(board, "archive.files") == {(): number}
    assert values(board, "archive.bytes") == {(): room}
    assert number == len(files(tmp_path / "one"))
    assert room == sum(path.stat().st_size for path in archive.rglob("*.parquet"))
    assert values(board, "archive.removed") == {(): 0}
    life.app.stop()


def test_days_that_are_too_old_go_and_are_counted(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    head = HEAD.replace("{dir: state}", "{dir: state, archive: {keep: 35d}}")
    life = Harness(tmp_path / "one", MODEL, head)
    life.start()
    # The first day is too old, by the log's time and by the disk's.
    life.feed([row(DAYS_AGO - 40 * DAY), row(DAYS_AGO), row(DAYS_AGO + 2 * HOUR)])
    life.settle()
    settled(life)
    for path in (tmp_path / "one" / "state" / "archive").rglob("*.parquet"):
        os.utime(path, (NOW - 36 * DAY, NOW - 36 * DAY))
    job = make_compaction(load(life.folder / "inferwatch.yml"), life.app.board)
    life.app.jobs.run(job)
    assert values(life.app.board, "archive.removed") == {(): 2}
    left = {path.name for path in (tmp_path / "one/state/archive").glob("*/**/date=*")}
    assert len(left) == 2
    life.app.stop()


def test_what_the_disk_refuses_is_a_failure_of_the_job(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    life = one_life(tmp_path / "one", compacting=False)
    with pytest.MonkeyPatch.context() as patch:
        settled(life)
        patch.setattr("monitor.disk.os", FailingOs(1, 10**9))
        job = make_compaction(load(life.folder / "inferwatch.yml"), life.app.board)
        life.app.jobs.run(job)
    assert values(life.app.board, "job.failures") == {("compaction",): 1}
    (said,) = [record.why for record in caplog.records if record.msg == "job failed"]  # type: ignore[attr-defined]
    assert said.startswith("2 days of the archive could not be put in order; ")
    assert "No space left" in said
    life.app.stop()


def test_it_runs_when_the_config_says(tmp_path: Path) -> None:
    life = Harness(tmp_path, MODEL, 'jobs: {compaction: {at: "5 4 * * sun"}}\n' + HEAD)
    life.start()
    due = life.app.jobs.next("compaction")
    assert due is not None
    assert (due.isoweekday(), due.hour, due.minute) == (7, 4, 5)
    life.app.stop()


def test_calibrations_that_are_long_unused_go_but_for_the_newest_of_a_model(
    tmp_path: Path,
) -> None:
    (tmp_path / "inferwatch.yml").write_text(HEAD + MODEL)
    folder = tmp_path / "state" / "calibrations"
    folder.mkdir(parents=True)
    ages = {"m-a": 300, "m-b": 91, "m-c": 89, "other-m-a": 200, "other-m-b": 100, "gone-a": 999}
    for name, days in ages.items():
        path = folder / f"{name}.calibration"
        path.write_bytes(b"one")
        os.utime(path, (NOW - days * DAY, NOW - days * DAY))
    (folder / "notes").write_text("mine")
    job = make_compaction(load(tmp_path / "inferwatch.yml"), Board())
    job.work(NOW, threading.Event())
    assert sorted(path.stem for path in folder.iterdir()) == [
        *("gone-a", "m-c", "notes", "other-m-b"),
    ]
    assert Calibrations(folder).forget(NOW - UNUSED) == 0
    assert Calibrations(tmp_path / "none").forget(NOW) == 0


def test_one_that_is_cut_short_is_no_success_and_forgets_nothing(tmp_path: Path) -> None:
    life = one_life(tmp_path / "one", compacting=False)
    settled(life)
    old = tmp_path / "one" / "state" / "calibrations" / "m-a.calibration"
    old.parent.mkdir(exist_ok=True)
    for path in (old, old.with_name("m-b.calibration")):
        path.write_bytes(b"one")
        os.utime(path, (1, 1))
    job = make_compaction(load(life.folder / "inferwatch.yml"), life.app.board)
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(Stopped):
        job.work(NOW, stopping)
    assert old.exists()
    assert values(life.app.board, "archive.files") == {
        (): size(life.folder / "state" / "archive")[0]
    }
    life.app.stop()
