"""The archive as OpenMetrics text: what `/metrics` showed, with the times at which it did.

A gauge is written where a window ends, with the event time of that, and again after each `step` for
as long as it stood: until the next window of the same length closed. Where a version, an alarm or a
model ends, its series just end: the format has no mark for that, so Prometheus takes them as ended
one look-back later.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from prometheus_client.utils import floatToGoString

from collectors.schema import SchemaError, SchemaMismatch
from collectors.summaries.state import StateError
from monitor import limits
from monitor.archive import Archive
from monitor.board import Board, Series
from monitor.config_model import ModelConfig
from monitor.event_clock import NEVER, SECOND
from monitor.history.moments import Moment, Moments
from monitor.history.said import Said
from monitor.history.spool import MOST, Spool
from monitor.metrics import BY_STATISTIC, METRICS
from monitor.parts import declare
from monitor.references.building import CannotBuild
from monitor.references.span import Span, shown
from monitor.settling import Known, schema_path
from monitor.web.lines import about, beginning

CANNOT = (CannotBuild, StateError, SchemaError, SchemaMismatch, OSError)
"""What writing raises where config, schema, archive and disk do not fit."""

LINES = 100_000
"""Lines that are written at once."""

_number: Callable[[float], str] = floatToGoString


class Out(Protocol):
    """What takes the text."""

    def write(self, data: bytes) -> object: ...


@dataclass(slots=True)
class Written:
    """What was written, and what was not. Times are in us.

    Attributes:
        start, end: the first and the last sample; `NEVER` where there is none.
        notes: what of the archive could not be used, for people.
        damage: files that are damaged.
    """

    samples: int = 0
    series: int = 0
    start: int = NEVER
    end: int = NEVER
    notes: tuple[str, ...] = ()
    damage: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.samples:
            return "no sample: the archive has no window of that span"
        span = f"{shown(self.start)} to {shown(self.end)} UTC"
        return f"{self.samples:,} samples of {self.series:,} series, {span}"


class History:
    """The past of the models of one state folder.

    Args:
        step: after which a gauge that stands is written again, us.
        most: samples that memory holds.
        day: told of each day of the archive that is done.
    """

    def __init__(
        self,
        state: Path,
        step: int,
        most: int = MOST,
        day: Callable[[], None] = lambda: None,
    ) -> None:
        self._archive = Archive(state / "archive")
        self._models = state / "models"
        self._step = step
        self._most = most
        self._day = day

    def days(self, model: str, span: Span) -> int:
        """Days of a model that will be read."""
        return len(self._archive.days(model, *span))

    def write(self, models: list[tuple[ModelConfig, Span]], out: Out) -> Written:
        """Write the past of these models, each within its span.

        Raises:
            CannotBuild: a model has no schema yet.
            StateError, SchemaError, SchemaMismatch: the archive or a schema is damaged, or is not
                of this config.
            OSError: something cannot be read or written.
        """
        written = Written()
        # Nobody but this process sees the file, and it is gone with it.
        with tempfile.TemporaryFile(prefix="inferwatch-history-") as file:
            spool = Spool(file, self._most)
            for config, span in models:
                self._gather(config, span, spool, written)
            _write(spool, out, written)
        return written

    def _gather(self, config: ModelConfig, span: Span, spool: Spool, written: Written) -> None:
        moments = Moments.of(config, Known.read(schema_path(self._models, config.name)))
        said = Said(self._archive, config.name, moments.windows, moments.subjects, config.timezone)
        board = _Board(config, said)
        days: set[int] = set()

        def day(start: int) -> None:
            if start // (86_400 * SECOND) not in days:
                days.add(start // (86_400 * SECOND))
                self._day()

        found = moments.read(self._archive, span, day)
        for moment, stands_until in _until_next(found, moments.pane):
            times = range(moment.end, stands_until, self._step)
            spool.add([time / SECOND for time in times], board.at(moment))
            first = moment.end if written.start == NEVER else min(written.start, moment.end)
            written.start, written.end = first, max(written.end, times[-1])
        written.notes += tuple(
            f"model {config.name}: {number:,} panes {why}" for why, number in moments.amiss.items()
        )
        written.damage += tuple(moments.damage)


class _Board:
    """What is shown of one model at each moment."""

    def __init__(self, config: ModelConfig, said: Said) -> None:
        self._model = config.name
        self._said = said
        self._board = Board()
        self._present: set[tuple[str, str]] = set()
        declare(self._board, [config])
        limits.show(self._board, config)

    def at(self, moment: Moment) -> Iterator[Series]:
        """Every gauge; counters are of a process, and the archive is of no one's."""
        shown = {
            (window, version): statistics
            for window, versions in moment.shown.items()
            for version, statistics in versions.items()
        }
        for window, version in self._present - shown.keys():
            self._board.drop_window(self._model, version, window)
        self._present = set(shown)
        for (window, version), statistics in shown.items():
            self._board.set_window(self._model, version, window, statistics)
        self._said.put(self._board, moment)
        return (one for one in self._board.series()[1] if BY_STATISTIC[one.id].kind == "gauge")


def _until_next(moments: Iterator[Moment], pane: int) -> Iterator[tuple[Moment, int]]:
    """Each moment, and when the next one begins; the last one stands for as long as a pane."""
    before = next(moments, None)
    for moment in moments:
        assert before is not None  # noqa: S101
        yield before, min(moment.end, before.end + pane)
        before = moment
    if before is not None:
        yield before, before.end + pane


def _write(spool: Spool, out: Out, written: Written) -> None:
    """The text: families in the order of the table, series sorted, samples by time."""
    lines: list[str] = []
    series = spool.series()
    for metric in METRICS:
        if metric.statistic in series:
            lines.append(about(metric, "openmetrics"))
        for labels in series.get(metric.statistic, ()):
            written.series += 1
            head = beginning(metric, labels)
            for times, values in spool.of(metric.statistic, labels):
                lines += [
                    f"{head}{_number(value)} {_stamp(time)}\n"
                    for time, value in zip(times, values, strict=True)
                ]
                written.samples += len(times)
                if len(lines) >= LINES:
                    out.write("".join(lines).encode())
                    lines.clear()
    lines.append("# EOF\n")
    out.write("".join(lines).encode())


def _stamp(time: float) -> str:
    return str(int(time)) if time.is_integer() else repr(time)
