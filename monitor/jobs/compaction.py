"""The job that keeps the state folder small: compaction of the archive, and what is too old."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from collectors.family import Statistic
from monitor.board import Board
from monitor.compaction import Compaction, Done, Reach, size
from monitor.config import Config
from monitor.config_model import ModelConfig
from monitor.event_clock import SECOND
from monitor.jobs.jobs import Job, Stopped
from monitor.judging.calibrations import Calibrations

log = logging.getLogger(__name__)

UNUSED = 90 * 86_400.0
"""Seconds after its last use that a calibration is kept: a reference may come back."""


def make_compaction(config: Config, board: Board) -> Job:
    """The job that this config asks for."""
    compaction = compaction_of(config)
    calibrations = Calibrations(config.state.dir / "calibrations")
    board.add(Statistic("archive.removed", 0))
    _show_size(board, compaction)

    def work(now: float, stopping: threading.Event) -> None:
        done = compaction.run(round(now * SECOND), stopping.is_set)
        board.add(Statistic("archive.removed", done.removed))
        if not done.whole:
            log.info("compaction is cut short", extra=told(done))
            raise Stopped
        _show_size(board, compaction)
        forgotten = calibrations.forget(now - UNUSED)
        log.info("archive is compacted", extra={**told(done), "calibrations": forgotten})
        if done.failed:
            raise OSError(failure(done))

    return Job("compaction", config.jobs.compaction.at, work)


def _show_size(board: Board, compaction: Compaction) -> None:
    files, room = size(compaction.folder)
    board.set_gauge(Statistic("archive.files", files))
    board.set_gauge(Statistic("archive.bytes", room))


def compaction_of(config: Config) -> Compaction:
    """The compaction of the archive of a config."""
    return Compaction(
        folder=config.state.dir / "archive",
        keep=round(config.state.archive.keep * SECOND),
        reach=_reach(config.models),
    )


def told(done: Done) -> dict[str, int]:
    """What a run did, for the log."""
    return {"days": done.days, "files": done.files, "days_removed": done.removed}


def failure(done: Done) -> str:
    """What could not be done, for people."""
    return f"{done.failed} days of the archive could not be put in order; {done.why}"


def _reach(models: Sequence[ModelConfig]) -> dict[str, Reach]:
    return {
        model.name: Reach(late=round(model.late * SECOND), needed=round(model.needs_kept * SECOND))
        for model in models
    }
