"""The job: a report of the last whole days of every model, and its numbers as metrics."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from collectors.family import Statistic
from collectors.summaries.state import StateError
from monitor.archive import Archive
from monitor.board import Board
from monitor.config import Config
from monitor.config_jobs import ReportJob
from monitor.config_model import ModelConfig
from monitor.event_clock import SECOND
from monitor.jobs.jobs import Job, Stopped
from monitor.jobs.report.files import Reports, Stored
from monitor.jobs.report.methods import PREFIX
from monitor.jobs.report.running import (
    MISSING,
    NotMade,
    installed,
    reference_of,
    run,
    task_for,
)
from monitor.jobs.report.task import Numbers
from monitor.references.span import Span, shown

log = logging.getLogger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GROUP = "report"

MOST = 7
"""Reports of a model that one run begins: days that were missed are made up for, newest first."""


def make_report_job(config: Config, board: Board) -> Job | None:
    """The job, where there is something for it to do; the numbers of the newest reports are shown.

    Where the extra is missing and the config does not ask for the job, there is none; where it
    does, each run fails and says so.
    """
    work = _Work(config, board, Reports(config.state.dir))
    work.show_newest()
    settings = config.jobs.report
    wanted = any(_compared(model) for model in config.models)
    if not settings.enabled or not wanted:
        return None
    if not installed() and "report" not in config.jobs.model_fields_set:
        log.info("no reports are made", extra={"why": MISSING})
        return None
    return Job("report", settings.at, work)


@dataclass(frozen=True, slots=True)
class _Work:
    config: Config
    board: Board
    reports: Reports

    @property
    def settings(self) -> ReportJob:
        return self.config.jobs.report

    def __call__(self, now: float, stopping: threading.Event) -> None:
        """Make the reports of each model that its last days lack; remove old ones.

        Raises:
            NotMade: some of them could not be made; the others are made all the same.
            Stopped: the daemon wants to stop, and not all of them are made.
        """
        if not installed():
            raise NotMade(MISSING)
        self.reports.sweep(now - self.settings.keep)
        failed = []
        for model in self.config.models:
            reference = reference_of(model, self.config.state.dir)
            if reference is None:
                continue  # there is nothing to compare with, or not yet
            begun = 0
            for span in self._spans(model, now):
                if stopping.is_set():
                    raise Stopped
                try:
                    begun += self._make(model, reference, span, stopping)
                except (NotMade, StateError, OSError) as error:
                    said = {"model": model.name, "to": shown(span.end)}
                    log.warning("report not made", extra={**said, "why": str(error)})
                    failed.append(f"{model.name}: {error}")
                    begun += 1
                if begun == MOST:
                    break
        if failed:
            raise NotMade("; ".join(dict.fromkeys(failed)))

    def _spans(self, model: ModelConfig, now: float) -> Iterator[Span]:
        """The days that no row can come for any more, the newest first, as far back as reports
        are kept."""
        span = last_days(
            round((now - model.lateness - model.windows[0]) * SECOND),
            self.settings.span,
            model.timezone,
        )
        yield span
        oldest = (now - self.settings.keep) * SECOND
        while span.start >= oldest:
            span = last_days(span.start, self.settings.span, model.timezone)
            yield span

    def _make(
        self, model: ModelConfig, reference: Path, span: Span, stopping: threading.Event
    ) -> bool:
        """Make a report, if there is none and there is something to tell; whether there was."""
        state = self.config.state.dir
        stored = self.reports.place(model.name, *span)
        if stored.path.exists() or not Archive(state / "archive").has(model.name, *span):
            return False
        numbers = run(task_for(model, state, reference, stored, self.settings), stored, stopping)
        said = {"model": model.name, "file": str(stored.path), "rows": numbers.now.rows}
        log.info("report made", extra=said)
        self._show(model)
        return True

    def show_newest(self) -> None:
        """Show the numbers of the newest report of each model: a restart forgets none."""
        for model in self.config.models:
            self._show(model)

    def _show(self, model: ModelConfig) -> None:
        found = self.reports.of(model.name) if _compared(model) else []
        seen: list[Statistic] = []
        for stored in found[:1]:
            numbers = read(stored.numbers)
            if numbers is not None:
                seen = list(statistics(stored, numbers))
        self.board.replace_group((_GROUP, model.name), seen, model.name)


def _compared(model: ModelConfig) -> bool:
    """Whether a model has, or will have, a reference that a report can be made against."""
    return model.reference is not None and model.reference.fixed


def read(path: Path) -> Numbers | None:
    """The numbers of a report; None where they cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Numbers)
    except (OSError, msgspec.DecodeError):
        return None


def last_days(end: int, length: float, zone: str) -> Span:
    """So many whole days (s) up to the last midnight in `zone` at or before `end` (us)."""
    local = (_EPOCH + timedelta(microseconds=end)).astimezone(ZoneInfo(zone))
    last = local.date()
    first = last - timedelta(seconds=length)
    return Span(*(_midnight(day, zone) for day in (first, last)))


def _midnight(day: date, zone: str) -> int:
    moment = datetime.combine(day, time(), tzinfo=ZoneInfo(zone))
    return (moment - _EPOCH) // timedelta(microseconds=1)


def statistics(stored: Stored, numbers: Numbers) -> Iterator[Statistic]:
    """The numbers as metrics."""
    yield Statistic("report.end", stored.end / SECOND)
    yield Statistic("report.rows", numbers.now.rows, {"side": "now"})
    yield Statistic("report.rows", numbers.before.rows, {"side": "reference"})
    yield Statistic("report.drifted", numbers.share)
    domain = numbers.domain
    if domain is not None:
        yield Statistic("report.domain_auc", domain.auc)
        if domain.threshold is not None:
            yield Statistic("report.domain_auc_threshold", domain.threshold)
        if domain.spread is not None:
            share = domain.spread.as_far / domain.spread.parts
            yield Statistic("report.domain_as_far", share)
    for one in numbers.asked:
        if one.value is not None:
            labels = {"feature": one.column, "method": f"{PREFIX}{one.method}"}
            yield Statistic("report.value", one.value, labels)
