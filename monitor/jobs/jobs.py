"""The jobs of the daemon: each runs at its hour in a thread of its own, and fails by itself."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from collectors.family import Statistic
from monitor.board import Board

log = logging.getLogger(__name__)

STOPPING = 3.0
"""Seconds that the job under way gets to end when the daemon stops."""


class Stopped(Exception):
    """A job ended before its work was done, for the daemon wants to stop; the next run does it."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something to be done by the clock.

    Attributes:
        name: as metrics and the log say it.
        at: when, as five fields of cron, in UTC.
        work: does it, given wall time (s) and what is set where the daemon wants to stop; it
            raises `Stopped` where it was not done by then.
    """

    name: str
    at: str
    work: Callable[[float, threading.Event], None]


class Jobs:
    """Runs jobs one after another; what one raises is counted and said, and stops no other."""

    def __init__(self, board: Board, clock: Callable[[], float]) -> None:
        self._board = board
        self._clock = clock
        self._stopping = threading.Event()
        self._scheduler: BackgroundScheduler | None = None

    def start(self, jobs: Sequence[Job]) -> None:
        """Begin; the first run of each is at its next time."""
        self._stopping = threading.Event()
        # What was missed while the machine slept is done once, and never twice at a time.
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )
        for job in jobs:
            self._board.add(Statistic("job.failures", 0, {"task": job.name}))
            trigger = CronTrigger.from_crontab(job.at, timezone=UTC)
            # One that waits behind another when this stops must not run after the next start.
            args = (job, self._stopping)
            self._scheduler.add_job(self.run, trigger, args=args, name=job.name)
        self._scheduler.start()

    def next(self, name: str) -> datetime | None:
        """When a job runs next; None where there is none of this name."""
        waiting = [] if self._scheduler is None else self._scheduler.get_jobs()
        found: list[datetime] = [one.next_run_time for one in waiting if one.name == name]
        return min(found, default=None)

    def run(self, job: Job, stopping: threading.Event | None = None) -> None:
        """Do a job now, until `stopping` is set: that of the newest start where none is given."""
        stopping = self._stopping if stopping is None else stopping
        if stopping.is_set():
            return
        labels = {"task": job.name}
        began = time.perf_counter()
        try:
            job.work(self._clock(), stopping)
        except Stopped:
            log.info("job stopped before its end", extra={"job": job.name})
            return
        except Exception as error:
            log.warning("job failed", extra={"job": job.name, "why": str(error) or repr(error)})
            self._board.add(Statistic("job.failures", 1, labels))
        else:
            self._board.set_gauge(Statistic("job.last_success", self._clock(), labels))
        self._board.set_gauge(Statistic("job.duration", time.perf_counter() - began, labels))

    def stop(self) -> None:
        """No job begins any more, and the one under way is asked to end; may be called twice."""
        scheduler, self._scheduler = self._scheduler, None
        self._stopping.set()
        if scheduler is not None:
            done = threading.Thread(target=scheduler.shutdown, name="jobs", daemon=True)
            done.start()
            done.join(STOPPING)
