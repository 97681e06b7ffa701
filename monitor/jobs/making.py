"""From the config to the jobs of the daemon."""

from __future__ import annotations

from monitor.board import Board
from monitor.config import Config
from monitor.jobs.compaction import make_compaction
from monitor.jobs.jobs import Job


def make_jobs(config: Config, board: Board) -> list[Job]:
    """All jobs that this config asks for."""
    return [make_compaction(config, board)]
