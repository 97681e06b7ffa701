"""A reference from the archive: a span of closed panes, each in its last revision, as they are."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from collectors.layout import Layout
from collectors.schema import Schema
from collectors.specs import CategorySpec, ColumnSpec, ScoresSpec
from collectors.summaries.categories import CategorySummary
from collectors.summaries.columns import AnyColumnSummary
from collectors.summaries.scores import ScoresSummary
from collectors.summaries.state import StateError, Stored
from monitor.archive import Archive
from monitor.archive_files import panes_folder
from monitor.archive_table import ClosedPane
from monitor.event_clock import DAY, FOREVER, NEVER
from monitor.references.building import Built, CannotBuild, Task
from monitor.references.file import Writer
from monitor.references.look import OUTPUT
from monitor.references.span import Span, shown
from monitor.settling import make_settled
from monitor.windows import Windows


def from_archive(task: Task, folder: Path) -> Built:
    """Take the panes of the model's span out of the archive in this folder.

    Raises:
        CannotBuild: there is no pane that can be used, or one that cannot be read.
        SchemaMismatch: the model's schema has a column in another way than its config.
        OSError: the reference cannot be written.
    """
    layout, schema = _chosen(task)
    settled = make_settled(task.config, layout, schema, time.perf_counter)
    windows = Windows(settled.collection, (task.pane,), lambda _start, _key: None)
    writer, seen = Writer(task.pane), _Seen(schema)
    left_out: Counter[str] = Counter()
    kept = 0
    for pane in _panes(task, folder):
        if pane.end - pane.start != task.pane:
            left_out["in panes of another length"] += pane.rows
            continue
        try:
            restored = windows.restored(Stored(pane.as_open(), task.config.name))
        except StateError:
            left_out["counted under another schema"] += pane.rows
            continue
        seen.add(restored.summaries)
        writer.add(pane)
        kept += 1
    if not kept:
        raise CannotBuild(
            f"{folder}: no pane of model {task.config.name}{_within(task.span)}; panes are there "
            "once the daemon has closed windows: run it for longer, or build from files by --data"
        )
    reference = writer.finish(
        task.out,
        model=task.config.name,
        schema=seen.schema(),
        discovery=None if task.known is None else task.known.discovery,
        made_from=f"archive {folder}{_within(task.span)}",
        created=task.now,
    )
    return Built(reference, left_out, tuple(seen.notes()))


def _chosen(task: Task) -> tuple[Layout, Schema]:
    known, config = task.known, task.config
    if known is None or (config.needs_discovery and known.discovery is None):
        raise CannotBuild(
            f"model {config.name} has no schema yet, and so no archive; run the daemon first, or "
            "build from files by --data"
        )
    layout = config.layout(known.discovery)
    if lacking := known.schema.lacks(layout):
        raise CannotBuild(
            f"the schema of model {config.name} lacks {', '.join(lacking)}, which the config asks "
            "for; let the daemon run with this config first, or build from files by --data"
        )
    return layout, known.schema.declare(layout)


def _panes(task: Task, folder: Path) -> Iterator[ClosedPane]:
    """The panes of the span, by start, version and slice."""
    name, archive = task.config.name, Archive(folder)
    total = len(archive.days(name, *task.span))
    done = task.progress("days", total)
    seen: set[int] = set()
    try:
        panes = archive.panes(name, *task.span)
        for start, group in groupby(panes, key=lambda pane: pane.start):
            inside = [pane for pane in group if task.span.holds(pane)]
            yield from sorted(inside, key=lambda pane: (pane.version, pane.slice))
            seen.add(start // DAY)
            done(len(seen))
    except (StateError, OSError) as error:
        raise CannotBuild(
            f"{panes_folder(folder, name)}: a pane cannot be read ({error}); restore it from a "
            "backup, or choose a span before it by --to"
        ) from error
    done(total)


class _Seen:
    """Which categories were ever seen, as far as panes tell: their known values count one by one.

    A column whose rows were always of these declares them as the valid ones; of a column with
    others, which are known by their hashes alone, nothing is ever unseen.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._others: set[str | None] = set()

    def add(self, summaries: dict[str, Any]) -> None:
        """Take in one pane."""
        columns: dict[str | None, AnyColumnSummary] = dict(summaries["inputs"].columns)
        if "outputs" in summaries:
            columns[OUTPUT] = summaries["outputs"].answers
        for name, summary in columns.items():
            category = summary.top if isinstance(summary, ScoresSummary) else summary
            if isinstance(category, CategorySummary) and category.buckets.any():
                self._others.add(name)

    def schema(self) -> Schema:
        """The schema, with what was seen declared where nothing is."""
        schema = self._schema
        columns = {name: self._declared(name, spec) for name, spec in schema.columns.items()}
        output = None if schema.output is None else self._declared(OUTPUT, schema.output)
        return msgspec.structs.replace(schema, columns=columns, output=output)

    def notes(self) -> Iterator[str]:
        """What a person had better know."""
        for name in sorted(self._others, key=lambda name: (name is OUTPUT, name or "")):
            what = "the answer" if name is OUTPUT else f"feature {name!r}"
            yield f"{what} has values that are not known by name: none is ever unseen"

    def _declared(self, name: str | None, spec: ColumnSpec) -> ColumnSpec:
        if isinstance(spec, ScoresSpec):
            return msgspec.structs.replace(spec, top=self._declared(name, spec.top))
        if not isinstance(spec, CategorySpec) or spec.declared or name in self._others:
            return spec
        return msgspec.structs.replace(spec, declared=True)


def _within(span: Span) -> str:
    begin = "" if span.start == NEVER else f" from {shown(span.start)} UTC"
    end = "" if span.end == FOREVER else f" to {shown(span.end)} UTC"
    return begin + end
