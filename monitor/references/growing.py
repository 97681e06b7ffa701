"""A reference that grows: by whole days of the archive without an alarm, up to 28 of them.

A day is taken once it is a week old: by then an alarm that lasts has begun. From 28 days on a
reference stays what it is: one that grew for ever would follow a slow drift.
Columns that were accepted by themselves grow by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np

from collectors.drift.calibration.seasons import Calendar
from monitor.archive import Archive, Event
from monitor.archive_table import ClosedPane
from monitor.config_model import ModelConfig
from monitor.event_clock import FOREVER, NEVER, SECOND
from monitor.references.accepting import Folders, Standing, standing
from monitor.references.building import Task
from monitor.references.carrying import (
    Columns,
    carried,
    is_whole,
    only,
    united,
    united_schema,
)
from monitor.references.file import Reference, Writer, load
from monitor.references.from_archive import from_archive
from monitor.references.in_force import Change, alone, keep, put_in_force
from monitor.references.span import Span

ENOUGH = 28
"""Days from which on a reference grows no more."""

DAY = 86_400 * SECOND
AGE = 7 * DAY
"""How old a day is when it is taken."""


def grow(task: Task, folders: Folders) -> Change | None:
    """Have the reference of a model grow, and be in force; None where there is nothing to add.

    Args:
        task: `out` is where files may lie meanwhile; its span is not looked at.

    Raises:
        CannotBuild, StateError, SchemaError, SchemaMismatch: a file is damaged, or does not fit.
        OSError: a file cannot be read or written.
    """
    config, folder = task.config, folders.references
    with alone(folder, config.name):
        now = standing(config, folders)
        if now.reference.pane != task.pane:
            return None  # rows without times
        calendar, min_rows = Calendar(config.timezone), config.alarms.min_rows
        days = _days_of(now.reference, calendar, min_rows)
        span = None if days.enough else _span(task, now, folders)
        if span is None:
            return None
        made = _grown(replace(task, span=span), folders, now, days)
        if made is None:
            return None
        change = Change(made.id, "grown", now.reference.id, task.now, span.start, span.end)
        put_in_force(folder, config.name, now.base, change)
        return change


def alarmed(
    events: Iterable[Event], config: ModelConfig, spans: Callable[[str, int], tuple[int, int]]
) -> list[tuple[int, int]]:
    """From each start up to its end (us): windows of a model that were flagged, and alarms.

    Args:
        events: those of the archive, in order of time.
        spans: of a window, by its name and end.
    """
    found: list[tuple[int, int]] = []
    since: dict[str, int] = {}
    for event in events:
        if event.model != config.name:
            continue
        window, verdicts = event.subject, event.detail.get("verdicts", {})
        if event.kind == "alarm" or "alarm" in verdicts.values():
            start, end = spans(window, event.time)
            found.append((start, end))
        if event.kind == "alarm":
            since.setdefault(window, start)
        elif event.kind == "alarm ended" and window in since:
            found.append((since.pop(window), event.time))
        elif event.kind == "reference" and not event.subject:
            # Without a reference no alarm goes on.
            found += [(start, event.time) for start in since.values()]
            since.clear()
    return found + [(start, FOREVER) for start in since.values()]


def windows_of(config: ModelConfig) -> Callable[[str, int], tuple[int, int]]:
    """Where a window of a model lies, by its name and end (us); a day is a local one."""
    calendar = Calendar(config.timezone)
    lengths = {name: round(seconds * SECOND) for name, seconds in config.named_windows()}

    def of(name: str, end: int) -> tuple[int, int]:
        # What has another name by now may have been a day.
        length = lengths.get(name, DAY)
        if length != DAY:
            return end - length, end
        return calendar.day(_day(calendar, end - 1))

    return of


@dataclass(slots=True)
class _Days:
    """The local days (ordinals) on which a reference rests.

    Attributes:
        whole: of panes of the model as a whole that can be judged.
        of: of the panes that carry a feature; the answer is "".
    """

    whole: set[int] = field(default_factory=set)
    of: dict[str, set[int]] = field(default_factory=dict)

    def add(self, pane: ClosedPane, day: int, *, judged: bool) -> None:
        """Take note of a pane."""
        if is_whole(pane):
            if not judged:
                return
            self.whole.add(day)
        some = carried(pane)
        for name in (*some.features, *([""] if some.output else [])):
            self.of.setdefault(name, set()).add(day)

    def wanted(self, pane: ClosedPane, day: int) -> ClosedPane | None:
        """What of a pane is still to be taken: all of it, or columns that have fewer days."""
        if _room(self.whole, day):
            return pane
        some = carried(pane)
        features = frozenset(n for n in some.features if _room(self.of.get(n, set()), day))
        wanted = Columns(features, some.output and _room(self.of.get("", set()), day))
        return only(pane, wanted) if wanted else None

    @property
    def enough(self) -> bool:
        """Whether nothing more is to be taken."""
        return all(len(days) >= ENOUGH for days in (self.whole, *self.of.values()))


def _room(days: set[int], day: int) -> bool:
    return len(days | {day}) <= ENOUGH


def _days_of(reference: Reference, calendar: Calendar, min_rows: int) -> _Days:
    days = _Days()
    for judged, together in _by_start(reference.panes, min_rows):
        for pane in together:
            days.add(pane, _day(calendar, pane.start), judged=judged)
    return days


def _span(task: Task, now: Standing, folders: Folders) -> Span | None:
    """What of the archive may be taken: behind the reference and what was accepted, and old enough.

    By the archive's newest pane: a log that is read long after it was written is old all at once.
    """
    archive = Archive(folders.archive)
    newest = archive.newest(task.config.name)
    if newest is None:
        return None
    calendar = Calendar(task.config.timezone)
    last = max(pane.end for pane in now.reference.panes)
    accepted = None if now.since is None else now.since.accepted
    start = last if accepted is None else max(last, accepted)
    end, _ = calendar.day(_day(calendar, min(newest + task.pane, task.now) - AGE))
    found = archive.panes(task.config.name, start, end) if start < end else iter(())
    return None if next(found, None) is None else Span(start, end)


def _grown(task: Task, folders: Folders, now: Standing, days: _Days) -> Reference | None:
    """The reference with the panes of the task's span that it wants; None where that is none."""
    config, old, beside = task.config, now.reference, task.out.with_suffix(".span")
    spans = alarmed(Archive(folders.archive).events(), config, windows_of(config))
    try:
        span = from_archive(replace(task, out=beside), folders.archive).reference
        good = list(_good(span, spans, days, config))
        if not good:
            return None
        writer = Writer(task.pane)
        for pane in united(old.panes, good):
            writer.add(pane)
        made = writer.finish(
            task.out,
            model=config.name,
            schema=united_schema(old.schema, span.schema, Columns()),
            discovery=span.discovery,
            made_from=f"reference {old.id} (of {now.base}), grown from {span.made_from}",
            created=task.now,
            left_out=(*old.left_out, *_left_out(old, span, good, spans)),
        )
        return load(keep(made, task.out, folders.references))
    finally:
        beside.unlink(missing_ok=True)
        task.out.unlink(missing_ok=True)


def _good(
    span: Reference, spans: Sequence[tuple[int, int]], days: _Days, config: ModelConfig
) -> Iterator[ClosedPane]:
    """The panes of a span that are wanted, and in no alarm."""
    calendar = Calendar(config.timezone)
    for judged, together in _by_start(span.panes, config.alarms.min_rows):
        first = together[0]
        if any(begin < first.end and first.start < end for begin, end in spans):
            continue
        day = _day(calendar, first.start)
        wanted = [days.wanted(pane, day) for pane in together]
        for pane in wanted:
            if pane is not None:
                days.add(pane, day, judged=judged)
                yield pane


def _left_out(
    old: Reference,
    span: Reference,
    good: Sequence[ClosedPane],
    spans: Sequence[tuple[int, int]],
) -> list[tuple[int, int]]:
    """What between the whole panes is no silence: before the span, and alarms in it."""
    begin = max((pane.end for pane in old.panes if is_whole(pane)), default=NEVER)
    end = max((pane.end for pane in good if is_whole(pane)), default=NEVER)
    first = min(pane.start for pane in span.panes)
    gaps: list[tuple[int, int]] = []
    for one, other in sorted([(begin, first), *spans]):
        start, stop = max(one, begin), min(other, end)
        if gaps and start <= gaps[-1][1]:
            gaps[-1] = gaps[-1][0], max(stop, gaps[-1][1])
        elif start < stop:
            gaps.append((start, stop))
    return gaps


def _by_start(
    panes: Iterable[ClosedPane], min_rows: int
) -> Iterator[tuple[bool, list[ClosedPane]]]:
    """The panes of each start, and whether they can be judged."""
    for _, same in groupby(panes, key=lambda pane: pane.start):
        together = list(same)
        yield sum(pane.rows for pane in together) >= min_rows, together


def _day(calendar: Calendar, time: int) -> int:
    return int(calendar.places(np.array([time], dtype=np.int64))[0][0])
