"""A reference from files: their rows go the way of live traffic, into panes of event time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from collectors.discover import discover
from collectors.discovery import Discovery
from collectors.formats import make_format
from collectors.layout import Layout
from collectors.sources import NO_TIMESTAMP
from monitor.archive_table import ClosedPane
from monitor.paths import format_path
from monitor.references.building import Built, CannotBuild, Task, counted
from monitor.references.counting import Bounds, Counting
from monitor.references.extent import Extent
from monitor.references.file import Writer
from monitor.references.look import OUTPUT, Look
from monitor.references.places import Places, hints_in, in_the_log
from monitor.references.span import Span
from monitor.references.training_files import TrainingFiles, find
from monitor.routing import Router, Rule
from monitor.settling import ENOUGH_ROWS, kinds_kept, make_settled

MOST_SHOWN = 10
"""Names that one message lists."""

LONGEST = 60
"""Characters of one of them."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """How the files are read.

    Attributes:
        layout: where things lie in the files.
        log: where they lie in the model's log.
        timed: whether rows have times of their own; without, all are of the epoch's first pane.
    """

    files: TrainingFiles
    discovery: Discovery | None
    layout: Layout
    log: Layout
    timed: bool

    @property
    def timestamp(self) -> int:
        """In the broker's place, ms."""
        return NO_TIMESTAMP if self.timed else 0

    def unanswered(self) -> _Reading:
        """The same, of a model without an answer."""
        layout, log = replace(self.layout, output=None), replace(self.log, output=None)
        return replace(self, layout=layout, log=log)


def from_files(task: Task, patterns: Sequence[str], max_record_bytes: int) -> Built:
    """Count the rows of these files (paths or glob patterns) into a reference.

    They are read twice: first to see which categories there are, and where the model has no schema
    yet, to choose one.

    Raises:
        CannotBuild: a file cannot be read, or no row of it used, or a feature is not in them.
        SchemaMismatch: the model's schema has a column in another way than its config.
        OSError: the reference cannot be written.
        ImportError: a package is needed that is not installed.
    """
    files = find(patterns, max_record_bytes)
    if task.out.exists() and any(path.samefile(task.out) for path, _ in files.paths):
        raise CannotBuild(f"{task.out}: is one of the files to be read; write to another one")
    done = task.progress("bytes", 2 * files.size)
    files = _own_rows(task, files)
    places = Places(files.first_rows(ENOUGH_ROWS))
    if not places.rows:
        raise CannotBuild("no row can be used: none of the first is a record that can be read")
    reading = _reading(task, files, places)
    extent = Extent(task.pane)
    look = _look(task, reading, extent, done)
    if absent := look.absent():
        raise CannotBuild(_not_there(absent, places))
    if not look.answered:
        reading = reading.unanswered()
    schema = look.schema(None if task.known is None else task.known.schema, reading.log)
    settled = make_settled(task.config, reading.layout, schema, time.perf_counter)
    counting = Counting(task.config.name, settled, _bounds(task), task.config.caps.versions)
    writer = Writer(task.pane if reading.timed else 0)
    for pane in _panes(reading, extent, counting, lambda at: done(files.size + at)):
        writer.add(pane if reading.timed else _untimed(pane))
    reference = writer.finish(
        task.out,
        model=task.config.name,
        schema=schema,
        discovery=reading.discovery,
        made_from=_listed([path.name for path, _ in files.paths]),
        created=task.now,
    )
    notes = _notes(task, reading, look, places)
    if counting.capped:
        most = task.config.caps.versions
        notes.append(f"more than {most} versions (caps.versions): the rest is counted together")
    return Built(reference, counting.left_out, tuple(notes))


def _own_rows(task: Task, files: TrainingFiles) -> TrainingFiles:
    """The files with only the model's own rows, where they have what tells them."""
    match = task.config.match
    if match is None or match.field is None:
        return files
    places = Places(files.first_rows(ENOUGH_ROWS))
    path = places.of("match.field", match.field, ())
    if not places.there(path):
        return files
    return replace(files, router=Router([Rule(task.config.name, path=path, equals=match.equals)]))


def _reading(task: Task, files: TrainingFiles, places: Places) -> _Reading:
    discovery = _discovery(task, places)
    log = task.config.layout(discovery)
    if task.known is not None:
        log = kinds_kept(task.config, log, task.known.schema)
    layout = places.layout(log)
    path = None if layout.time is None else layout.time.path
    timed = path is not None and places.there(path)
    if not timed and task.span != Span():
        raise CannotBuild("these rows have no times, of which --from and --to could choose some")
    if not timed:
        layout = replace(layout, time=None)
    return _Reading(files, discovery, layout, log, timed)


def _discovery(task: Task, places: Places) -> Discovery | None:
    """What the config leaves open: as it was found before, else as it is in the files."""
    config = task.config
    known = None if task.known is None else task.known.discovery
    if known is not None or not config.needs_discovery:
        return known
    hints = config.hints()
    if hints.features_at is not None and not places.there(hints.features_at):
        raise CannotBuild(
            "what the config has as fields.features is not in these files, and it does not say "
            "which columns are features; name them under `features`"
        )
    return in_the_log(discover(places.rows, hints_in(places, hints)), hints)


def _look(task: Task, reading: _Reading, extent: Extent, done: Callable[[int], None]) -> Look:
    look = Look(reading.layout)
    decoder = make_format(task.config.format, reading.layout)
    left_out: Counter[str] = Counter()
    for records in reading.files.records(done, reading.timestamp, left_out):
        decoded = decoder.decode(records)
        left_out.update(rejected.reason for rejected in decoded.rejected)
        events = _bounds(task).inside(decoded.events, left_out)
        look.add(events)
        extent.add(records, events.time)
    extent.finish()
    if not look.rows:
        raise CannotBuild(f"no row can be used: {counted(left_out) or 'there is none'}")
    return look


def _panes(
    reading: _Reading, extent: Extent, counting: Counting, done: Callable[[int], None]
) -> Iterator[ClosedPane]:
    """Every pane, each as soon as all its rows are counted."""
    for records in reading.files.records(done, reading.timestamp, counting.left_out):
        known = extent.within(records)
        if known is not None:
            counting.add(known)
            yield from counting.close(extent.closed_by(known))


def _bounds(task: Task) -> Bounds:
    return Bounds(task.pane, task.span, task.now)


def _untimed(pane: ClosedPane) -> ClosedPane:
    """The pane without a time, and without what is said by the second."""
    statistics = [one for one in pane.statistics if one.id != "software.throughput"]
    return replace(pane, start=0, end=0, statistics=statistics)


def _not_there(absent: Sequence[str], places: Places) -> str:
    features = "features" if len(absent) > 1 else "feature"
    return (
        f"no row has {features} {_listed([_short(name) for name in absent])}; there are columns "
        f"{_listed([_short(name) for name in places.columns])}: rename them, say by `path` which "
        "is meant, or remove the feature from the config"
    )


def _short(name: str) -> str:
    return repr(name) if len(name) <= LONGEST else f"{name[:LONGEST]!r}..."


def _notes(task: Task, reading: _Reading, look: Look, places: Places) -> list[str]:
    notes = []
    match, fields = task.config.match, task.config.fields
    if match is not None and match.field is not None and reading.files.router is None:
        what = format_path(match.field)
        notes.append(f"{what} (match.field) is not in the files: all rows are taken")
    renamed = [(w, column) for w, column in places.taken.items() if w != f"feature {column!r}"]
    if by_name := len(places.taken) - len(renamed):
        what = "features lie in columns of their names, not where the config has them"
        notes.append(f"{by_name} {what}")
    notes += [f"{what} is read from column {column!r}" for what, column in renamed]
    if not reading.timed:
        lacking = "without a time" if reading.log.time is None else "without the time of the config"
        what = "all of a version are one summary, on which nothing can be calibrated"
        notes.append(f"rows are {lacking}: {what}")
    if fields is not None and fields.prediction and not look.answered:
        notes.append("no row has an answer: nothing can be compared with live answers")
    if fields is None and task.known is None:
        notes.append(
            "where things lie was found in these files, and the log is read alike; if it is shaped "
            "otherwise, write `fields` into the config first (`inferwatch init` does)"
        )
    for name in look.unbounded:
        what = "the answer" if name is OUTPUT else f"feature {name!r}"
        notes.append(f"{what} has so many values that none will ever count as unseen")
    return notes


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_SHOWN
    return ", ".join(names[:MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")
