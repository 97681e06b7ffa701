"""From the config to the jobs of the daemon."""

from __future__ import annotations

from monitor.board import Board
from monitor.config import Config
from monitor.jobs.annotations import make_annotations
from monitor.jobs.compaction import make_compaction
from monitor.jobs.growth import make_growth
from monitor.jobs.jobs import Job
from monitor.jobs.report.making import make_report_job


def make_jobs(config: Config, board: Board) -> list[Job]:
    """All jobs that this config asks for."""
    found = (
        make_compaction(config, board),
        make_report_job(config, board),
        make_growth(config),
        make_annotations(config),
    )
    return [job for job in found if job is not None]
