"""Jobs: when they run, and what becomes of one that fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from monitor.board import Board
from monitor.jobs.jobs import Job, Jobs, Stopped
from tests.support.boards import values

Work = Callable[[float, threading.Event], None]


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def jobs(board: Board) -> Iterator[Jobs]:
    made = Jobs(board, lambda: 1_000.0)
    yield made
    made.stop()


def test_a_run_is_told_the_time_and_its_success_is_shown(jobs: Jobs, board: Board) -> None:
    told: list[float] = []
    jobs.run(Job("sweep", "0 3 * * *", lambda now, _: told.append(now)))
    assert told == [1_000.0]
    assert values(board, "job.last_success") == {("sweep",): 1_000.0}
    assert values(board, "job.duration").keys() == {("sweep",)}


def test_a_failure_is_counted_and_said(
    jobs: Jobs, board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(now: float, stopping: threading.Event) -> None:
        raise OSError("no room")

    jobs.run(Job("sweep", "0 3 * * *", fails))
    jobs.run(Job("sweep", "0 3 * * *", fails))
    assert values(board, "job.failures") == {("sweep",): 2}
    assert values(board, "job.last_success") == {}
    assert [record.why for record in caplog.records] == ["no room"] * 2  # type: ignore[attr-defined]


def test_each_runs_at_its_hour(jobs: Jobs, board: Board) -> None:
    jobs.start([Job("sweep", "30 3 * * *", lambda now, _: None)])
    due = jobs.next("sweep")
    assert due is not None
    assert due > datetime.now(UTC)
    assert (due.hour, due.minute, due.utcoffset()) == (3, 30, datetime.now(UTC).utcoffset())
    assert values(board, "job.failures") == {("sweep",): 0}
    assert jobs.next("another") is None


def test_what_is_under_way_is_asked_to_end(jobs: Jobs) -> None:
    begun, ended = threading.Event(), threading.Event()

    def works(now: float, stopping: threading.Event) -> None:
        begun.set()
        if stopping.wait(60):
            ended.set()

    jobs.start([])
    thread = threading.Thread(target=jobs.run, args=(Job("long", "0 3 * * *", works),))
    thread.start()
    assert begun.wait(60)
    jobs.stop()
    thread.join(60)
    assert ended.is_set()
    jobs.stop()


def test_what_is_stopped_is_neither_a_success_nor_a_failure(jobs: Jobs, board: Board) -> None:
    def stops(now: float, stopping: threading.Event) -> None:
        raise Stopped

    jobs.run(Job("long", "0 3 * * *", stops))
    for statistic in ("job.failures", "job.last_success", "job.duration"):
        assert values(board, statistic) == {}


def test_what_waits_when_this_stops_does_not_run_after_the_next_start(jobs: Jobs) -> None:
    ran: list[float] = []
    job = Job("sweep", "0 3 * * *", lambda now, _: ran.append(now))
    jobs.start([job])
    assert jobs._scheduler is not None
    (waiting,) = jobs._scheduler.get_jobs()
    run, args = waiting.func, waiting.args
    jobs.stop()
    jobs.start([])
    run(*args)
    assert ran == []
    jobs.run(job)
    assert ran == [1_000.0]
