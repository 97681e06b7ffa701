"""Rows of files to closed panes: decoded, qualified and counted as those of live traffic are.

One thing is otherwise: no row is late, for those of a file may stand in any order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from collectors.events import Events
from collectors.sources import Records
from monitor.archive_table import ClosedPane
from monitor.board import OTHER
from monitor.event_clock import DAY, FOREVER, SECOND
from monitor.model import Settled
from monitor.references.span import Span
from monitor.windows import Pane, Windows


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which event times are taken in; all in us.

    Attributes:
        pane: length of a pane.
        span: all of a row's pane must lie in it.
        now: wall time; more than a day past it, a row is of the future.
    """

    pane: int
    span: Span
    now: int

    def inside(self, events: Events, left_out: Counter[str]) -> Events:
        """The rows that are; the others are counted by why."""
        start = events.time // self.pane * self.pane
        future = events.time > self.now + DAY
        outside = (start < self.span.start) | (start + self.pane > self.span.end)
        if not (future | outside).any():
            return events
        left_out["future"] += int(np.count_nonzero(future))
        left_out["outside of --from and --to"] += int(np.count_nonzero(outside & ~future))
        return events.take(np.flatnonzero(~(future | outside)))


class Counting:
    """Takes in all rows of one model, and gives the panes that they are in.

    Attributes:
        left_out: rows that are in none, by why.
        capped: whether there were more versions than are told apart.
    """

    def __init__(self, model: str, settled: Settled, bounds: Bounds, max_versions: int) -> None:
        self.left_out: Counter[str] = Counter()
        self.capped = False
        self._bounds = bounds
        self._model = model
        self._settled = settled
        self._windows = Windows(settled.collection, (bounds.pane,), lambda _start, _key: None)
        self._max_versions = max_versions
        self._versions: set[str] = set()

    def add(self, records: Records) -> None:
        """Take in the next rows."""
        decoded = self._settled.format.decode(records)
        self.left_out.update(rejected.reason for rejected in decoded.rejected)
        events = self._bounds.inside(self._settled.schema.qualify(decoded.events), self.left_out)
        if len(events):
            for version, rows in self._by_version(events):
                self._windows.observe(version, rows)

    def close(self, until: int) -> Iterator[ClosedPane]:
        """The panes that end at or before this event time, by start, version and slice.

        No row may be added to them any more.
        """
        closed = self._windows.advance(until, FOREVER, revise=False).closed
        for pane in sorted(closed, key=lambda one: (one.start, one.key)):
            yield self._closed(pane)

    def _by_version(self, events: Events) -> Iterator[tuple[str, Events]]:
        present, place = np.unique(events.version.codes, return_inverse=True)
        named = [events.version.names[c] if c >= 0 else "" for c in present.tolist()]
        admitted = [self._admit(name) for name in named]
        if len(set(admitted)) == 1:
            yield admitted[0], events
            return
        for version in dict.fromkeys(admitted):
            codes = [i for i, name in enumerate(admitted) if name == version]
            yield version, events.take(np.flatnonzero(np.isin(place, codes)))

    def _admit(self, version: str) -> str:
        """The version itself while there is room, else `__other__`."""
        if version not in self._versions and len(self._versions) >= self._max_versions:
            self.capped = True
            return OTHER
        self._versions.add(version)
        return version

    def _closed(self, pane: Pane) -> ClosedPane:
        collection = self._settled.collection
        return ClosedPane(
            model=self._model,
            version=pane.key.version,
            slice=pane.key.slice,
            start=pane.start,
            end=pane.end,
            revision=0,
            rows=pane.rows,
            published=self._bounds.now,
            schema=self._settled.schema.id,
            state={name: summary.state() for name, summary in pane.summaries.items()},
            statistics=collection.statistics(pane.summaries, (pane.end - pane.start) / SECOND),
        )
