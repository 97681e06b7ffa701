"""What is kept on disk, and when: the archive's files first, then the checkpoint that counts them.

The pipeline's thread hands over panes, events and, when `due`, a state; one thread of the keeper's
own encodes and writes them. What fails is tried again with the newest state, and nothing is let go
before it is durable.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from collectors.family import Statistic
from collectors.sources import Partition
from collectors.summaries.state import State
from monitor.archive import Archive, Event
from monitor.archive_table import ClosedPane
from monitor.board import Board
from monitor.checkpoint import Checkpoint, Checkpoints
from monitor.disk import Lock, make_folder

log = logging.getLogger(__name__)

MOST_UNSAVED = 300
"""Panes and events that may wait for the disk before nothing more is read: no more than can be
written while the daemon stops."""

BREATH = 1.0
"""Seconds between two checkpoints at least, however many panes close: in a replay they do all the
time, and each checkpoint stops reading for a moment."""

RETRY = 1.0
"""Seconds after a failure before the next try."""

_PaneName = tuple[str, str, str, int]


@dataclass(slots=True)
class _Job:
    state: State
    positions: Mapping[Partition, int]
    panes: list[ClosedPane]
    events: list[Event]
    taken_at: float
    done: threading.Event = field(default_factory=threading.Event)
    error: OSError | None = None


class Keeper:
    """Keeps one state folder. Its methods are for the pipeline's thread; none but `save` waits.

    Args:
        before: called before each checkpoint is written, for what else has to be durable by then.

    Attributes:
        durable: next offset by partition, as of the newest durable checkpoint.
    """

    def __init__(
        self,
        folder: Path,
        interval: float,
        board: Board,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        self.durable: Mapping[Partition, int] = {}
        self._folder = folder
        self._interval = interval
        self._board = board
        self._before = before
        self._lock = Lock(folder)
        self._checkpoints = Checkpoints(folder / "checkpoints")
        self._archive = Archive(folder / "archive")
        self._sequence = 0
        self._panes: list[ClosedPane] = []
        self._events: list[Event] = []
        self._newest: dict[_PaneName, ClosedPane] = {}
        self._job: _Job | None = None
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._next = self._breath = self._not_before = 0.0
        self._failing = False

    def open(self) -> Checkpoint | None:
        """Take the folder; what the newest whole checkpoint says, None where there is none.

        Raises:
            OSError: another daemon has the folder, or it cannot be read or written.
            Refused: see `Checkpoints.newest`.
        """
        make_folder(self._folder)
        self._lock.take()
        try:
            newest = self._checkpoints.newest()
            self._sequence = 0 if newest is None else newest.sequence
            undone = self._archive.undo(self._sequence)
        except BaseException:
            self._lock.give_back()
            raise
        if undone:
            log.info("files of what no checkpoint knows are removed", extra={"files": undone})
        self._thread = threading.Thread(target=self._work, name="keeper", daemon=True)
        self._thread.start()
        return newest

    def put(self, pane: ClosedPane) -> None:
        """Keep a pane that was published."""
        self._panes.append(pane)
        self._newest[pane.model, pane.version, pane.slice, pane.start] = pane

    def note(self, event: Event) -> None:
        """Keep an event."""
        self._events.append(event)

    def last(self, model: str, version: str, slice: str, start: int) -> ClosedPane | None:
        """The last revision of a pane, written or not; None where it was never closed.

        Raises:
            StateError, OSError: its file is there and cannot be read.
        """
        waiting = self._newest.get((model, version, slice, start))
        return waiting or self._archive.last(model, version, slice, start)

    def starting(self, model: str, start: int) -> list[ClosedPane]:
        """The last revision of every pane of a model that starts then, written or not.

        Raises:
            StateError, OSError: the file of one of them is there and cannot be read.
        """
        found = {(one.version, one.slice): one for one in self._archive.starting(model, start)}
        waiting = [one for one in self._newest.values() if (one.model, one.start) == (model, start)]
        return list((found | {(one.version, one.slice): one for one in waiting}).values())

    @property
    def unsaved(self) -> int:
        """Panes and events that are not durable yet."""
        return len(self._panes) + len(self._events)

    @property
    def full(self) -> bool:
        """Whether so much waits for the disk that nothing more may be read."""
        return self.unsaved >= MOST_UNSAVED

    def set_back(self, now: float) -> None:
        """The wall clock was set back to `now`: a state is wanted at once."""
        self._next = self._breath = self._not_before = now

    def due(self, now: float) -> bool:
        """Whether a state is wanted now: an interval has passed, or a pane has closed."""
        self._finish()
        if self._job is not None or now < self._not_before:
            return False
        if now >= self._next or self.unsaved >= MOST_UNSAVED // 2:
            return True
        return bool(self._panes) and now >= self._breath

    def begin(
        self, state: Callable[[], State], positions: Mapping[Partition, int], now: float
    ) -> None:
        """Have the state written, with all that was put and noted; returns before it is."""
        self._start(self._taken(state, positions, now))

    def save(
        self,
        state: Callable[[], State],
        positions: Mapping[Partition, int],
        now: float,
        timeout: float,
    ) -> bool:
        """The same, and wait; whether it is durable."""
        deadline = time.monotonic() + timeout
        if self._job is not None:
            self._job.done.wait(timeout)
            self._finish()
        if self._job is not None:
            return False
        job = self._taken(state, positions, now)
        self._start(job)
        job.done.wait(max(deadline - time.monotonic(), 0.0))
        self._finish()
        return job.done.is_set() and job.error is None

    def wait(self, timeout: float) -> None:
        """Wait for the write that is under way, or so long."""
        (threading.Event() if self._job is None else self._job.done).wait(timeout)

    def close(self) -> None:
        """End the thread once its write is done, and let another daemon have the folder."""
        thread, self._thread = self._thread, None
        if thread is not None:
            with self._wake:
                self._wake.notify()
            thread.join(10)
        self._lock.give_back()

    def _taken(
        self, state: Callable[[], State], positions: Mapping[Partition, int], now: float
    ) -> _Job:
        self._next = now + self._interval
        self._breath = now + min(BREATH, self._interval)
        began = time.perf_counter()
        # Before the state is taken, so that nothing noted while it is taken belongs to this job.
        panes, events = list(self._panes), list(self._events)
        job = _Job(state(), dict(positions), panes, events, now)
        pause = time.perf_counter() - began
        self._board.set_gauge(Statistic("checkpoint.pause", pause))
        return job

    def _start(self, job: _Job) -> None:
        with self._wake:
            self._job = job
            self._wake.notify()

    def _finish(self) -> None:
        """Take note of a job that is done."""
        job = self._job
        if job is None or not job.done.is_set():
            return
        self._job = None
        if job.error is not None:
            self._not_before = job.taken_at + RETRY
            self._next = job.taken_at + RETRY
            self._board.add(Statistic("checkpoint.failures", 1))
            if not self._failing:
                log.warning(
                    "state cannot be written: reading goes on, and it is tried again",
                    extra={"folder": str(self._folder), "why": str(job.error)},
                )
            self._failing = True
        else:
            if self._failing:
                log.info("state is written again", extra={"folder": str(self._folder)})
            self._failing = False
            self._sequence += 1
            self.durable = job.positions
            self._let_go(job)
            self._board.set_gauge(Statistic("checkpoint.timestamp", job.taken_at))
        self._board.set_gauge(Statistic("checkpoint.unsaved_panes", self.unsaved))

    def _let_go(self, job: _Job) -> None:
        del self._panes[: len(job.panes)]
        del self._events[: len(job.events)]
        for pane in job.panes:
            name = (pane.model, pane.version, pane.slice, pane.start)
            if self._newest.get(name) is pane:
                del self._newest[name]

    def _work(self) -> None:
        while True:
            with self._wake:
                while self._thread is not None and (self._job is None or self._job.done.is_set()):
                    self._wake.wait()
                job = self._job
            if job is None or job.done.is_set():
                return
            try:
                self._write(job)
            except OSError as error:
                job.error = error
            except Exception as error:
                log.exception("state cannot be written")
                job.error = OSError(str(error))
            job.done.set()

    def _write(self, job: _Job) -> None:
        sequence = self._sequence + 1
        self._before()
        self._archive.store(sequence, job.panes, job.events)
        size = self._checkpoints.write(Checkpoint(sequence, job.state))
        self._board.set_gauge(Statistic("checkpoint.bytes", size))
        # From here on the checkpoint counts: a note that stays is removed by a later turn.
        with contextlib.suppress(OSError, ValueError):
            self._archive.settle(sequence)
