"""Which days a run makes reports of, and what becomes of those that cannot be made."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from monitor.archive import Archive
from monitor.archive_files import COMPACT
from monitor.board import Board
from monitor.config import Config
from monitor.event_clock import SECOND
from monitor.jobs.jobs import Job, Jobs, Stopped
from monitor.jobs.report.files import Stored
from monitor.jobs.report.making import MOST
from monitor.jobs.report.running import NotMade
from monitor.jobs.report.task import Numbers
from tests.jobs.reported import configured, report_job
from tests.jobs.test_report_job import numbers
from tests.support.boards import values
from tests.support.compacting import START, pane

DAY = 86_400.0
LATE = 3_600 + 300
"""When by default no row can come for a day any more, after its end."""


class Runs:
    """In place of the process: notes of which days, by number, and leaves a report."""

    def __init__(self) -> None:
        self.days: list[int] = []
        self.raises: dict[int, Exception] = {}

    def __call__(self, task: None, stored: Stored, stopping: threading.Event) -> Numbers:
        day = round((stored.start - START) / SECOND / DAY)
        self.days.append(day)
        if day in self.raises:
            raise self.raises[day]
        stored.path.parent.mkdir(parents=True, exist_ok=True)
        stored.path.write_text("page")
        stored.numbers.write_bytes(msgspec.json.encode(numbers()))
        return numbers()

    def taken(self) -> list[int]:
        """The days since this was asked last."""
        days, self.days = self.days, []
        return days


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    made = Runs()
    monkeypatch.setattr("monitor.jobs.report.making.run", made)
    monkeypatch.setattr("monitor.jobs.report.making.task_for", lambda *_: None)
    return made


def state(folder: Path, days: Iterable[int]) -> Config:
    """A model that has a reference, and one pane on each of these days, at five."""
    config = configured(folder)
    (folder / "reference.parquet").write_bytes(b"")
    archive = Archive(config.state.dir / "archive")
    archive.store(1, [pane(24 * day + 5) for day in days], [])
    return config


def run(job: Job, days: float) -> None:
    """Run it so many days after the first one began."""
    job.work(START / SECOND + days * DAY, threading.Event())


def test_a_day_is_reported_once_its_last_hour_has_closed(tmp_path: Path, runs: Runs) -> None:
    job = report_job(state(tmp_path, [0, 1, 3]), Board())
    run(job, 4 + (LATE - 1) / DAY)
    assert runs.taken() == [1, 0]  # and there are no windows of day 2
    run(job, 4 + LATE / DAY)
    assert runs.taken() == [3]
    run(job, 9)
    assert runs.taken() == []


def test_missed_days_are_made_up_for_some_a_run(tmp_path: Path, runs: Runs) -> None:
    job = report_job(state(tmp_path, range(MOST + 2)), Board())
    run(job, 20)
    assert runs.taken() == [*range(MOST + 1, 1, -1)]
    run(job, 20)
    assert runs.taken() == [1, 0]
    run(job, 20)
    assert runs.taken() == []


def test_days_that_are_older_than_reports_are_kept_have_none(tmp_path: Path, runs: Runs) -> None:
    run(report_job(state(tmp_path, [0, 10]), Board()), 35)
    assert runs.taken() == [10]


def test_one_that_cannot_be_made_ends_no_other(
    tmp_path: Path, runs: Runs, caplog: pytest.LogCaptureFixture
) -> None:
    config, board = state(tmp_path, [0, 1, 2]), Board()
    (damaged,) = (config.state.dir / "archive").glob("panes/model=m/date=2013-02-09")
    (damaged / COMPACT).write_bytes(b"none")
    runs.raises[2] = NotMade("too slow")
    Jobs(board, lambda: START / SECOND + 10 * DAY).run(report_job(config, board))
    assert runs.taken() == [2, 0]
    assert values(board, "job.failures") == {("report",): 1}
    said = [record.why for record in caplog.records]  # type: ignore[attr-defined]
    assert said[0] == "too slow"
    assert str(damaged) in said[1]
    assert said[2] == f"m: too slow; m: {said[1]}"


def test_a_stop_is_no_failure_and_the_next_run_makes_it(tmp_path: Path, runs: Runs) -> None:
    config, board = state(tmp_path, [0, 1]), Board()
    job, jobs = report_job(config, board), Jobs(board, lambda: START / SECOND + 10 * DAY)
    runs.raises[1] = Stopped()
    jobs.run(job)
    assert runs.taken() == [1]
    for statistic in ("job.failures", "job.last_success"):
        assert values(board, statistic) == {}
    runs.raises.clear()
    jobs.run(job)
    assert runs.taken() == [1, 0]


def test_the_newest_report_is_what_metrics_show(tmp_path: Path, runs: Runs) -> None:
    config, board = state(tmp_path, [0, 1]), Board()
    run(report_job(config, board), 10)
    end: Any = START / SECOND + 2 * DAY
    assert values(board, "report.end") == {("m",): end}
