"""Panes of one model: open, closed, revised, and merged into longer windows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from collectors.events import Events
from monitor.collection import Collection
from monitor.event_clock import FOREVER, NEVER


class PaneKey(NamedTuple):
    """What one pane is of, within its model. `slice` is empty until slices are asked for."""

    version: str
    slice: str = ""


@dataclass(slots=True)
class Pane:
    """One summary a family, over the rows of one key between `start` and `end` (us)."""

    key: PaneKey
    start: int
    end: int
    summaries: dict[str, Any]
    rows: int = 0
    revision: int = 0
    dirty: bool = False

    def merged(self, later: Pane) -> Pane:
        """Both together, from the start of this one to the end of the later one."""
        return Pane(
            key=self.key,
            start=self.start,
            end=later.end,
            summaries={
                name: summary.merge(later.summaries[name])
                for name, summary in self.summaries.items()
            },
            rows=self.rows + later.rows,
        )


@dataclass(frozen=True, slots=True)
class Published:
    """What one advance brought: panes that closed or were revised, and where the edge now is.

    Attributes:
        closed: panes with rows, in order of time; `revision` 0 is the first close.
        end: the newest closed edge (us), `NEVER` before the first.
        moved: whether the edge moved, or the newest windows were revised.
    """

    closed: Sequence[Pane] = ()
    end: int = NEVER
    moved: bool = False


@dataclass(slots=True)
class Windows:
    """The panes of one model. Times are event times in us; `windows` are lengths, shortest first.

    Closed panes are kept as long as a longer window needs them, or late rows may still come.
    """

    collection: Collection
    windows: tuple[int, ...]
    keep_late: int
    closed_until: int = NEVER
    _open: dict[tuple[int, PaneKey], Pane] = field(default_factory=dict)
    _closed: dict[tuple[int, PaneKey], Pane] = field(default_factory=dict)

    @property
    def pane(self) -> int:
        """Length of a pane, us."""
        return self.windows[0]

    @property
    def open_panes(self) -> int:
        """How many panes hold rows that are not published yet."""
        return len(self._open)

    def observe(self, version: str, events: Events) -> None:
        """Put accepted rows of one version into their panes."""
        for start, rows in _by_value(events.time // self.pane * self.pane, events):
            pane = self._pane(start, PaneKey(version))
            pane.rows += len(rows)
            pane.dirty = True
            self.collection.observe(pane.summaries, rows)

    def advance(self, until: int, now: int, *, revise: bool) -> Published:
        """Close every pane that ends at or before `until`, and with `revise` say what was revised.

        Empty panes move the edge only near `now`: silence today is news, the years between a
        backlog's rows are not.
        """
        edge = self.closed_until
        if until != FOREVER and edge != NEVER:
            present = until // self.pane * self.pane
            if present > edge and now - present <= self.windows[-1]:
                edge = present
        return self._close(until, edge, revise)

    def finish(self) -> Published:
        """Close every pane, and say what was revised."""
        return self._close(FOREVER, self.closed_until, revise=True)

    def _close(self, until: int, edge: int, revise: bool) -> Published:
        due = sorted(key for key in self._open if key[0] + self.pane <= until)
        if due:
            edge = max(edge, due[-1][0] + self.pane)
        closed = []
        for key in due:
            pane = self._open.pop(key)
            pane.dirty = False
            pane.revision = 1 if pane.end <= self.closed_until else 0
            self._closed[key] = pane
            closed.append(pane)
        for pane in self._closed.values() if revise else ():
            if pane.dirty:
                pane.dirty = False
                pane.revision += 1
                closed.append(pane)
        moved = edge > self.closed_until or any(
            pane.end > edge - self.windows[-1] for pane in closed
        )
        self.closed_until = edge
        self._forget()
        return Published(tuple(closed), edge, moved)

    def current(self, length: int) -> Mapping[PaneKey, Pane]:
        """The newest window of `length` us, by key: a merge of its whole panes."""
        end, merged = self.closed_until, dict[PaneKey, Pane]()
        for (start, key), pane in sorted(self._closed.items(), key=lambda item: item[0]):
            if end - length <= start and pane.end <= end:
                merged[key] = merged[key].merged(pane) if key in merged else pane
        return merged

    def _pane(self, start: int, key: PaneKey) -> Pane:
        place = (start, key)
        pane = self._closed.get(place) or self._open.get(place)
        if pane is None:
            pane = Pane(key, start, start + self.pane, self.collection.empty())
            self._open[place] = pane
        return pane

    def _forget(self) -> None:
        keep = max(self.windows[-1], self.keep_late + self.pane)
        for place in [p for p in self._closed if p[0] < self.closed_until - keep]:
            del self._closed[place]


def _by_value(
    values: np.ndarray[Any, np.dtype[np.int64]], events: Events
) -> Iterator[tuple[int, Events]]:
    """The rows of each distinct value, in the order of the log; no copy where there is but one."""
    if len(values) == 0:
        return
    first = int(values[0])
    if bool((values == first).all()):
        yield first, events
        return
    order = np.argsort(values, kind="stable")
    edges = np.flatnonzero(np.diff(values[order])) + 1
    for index in np.split(order, edges):
        yield int(values[index[0]]), events.take(index)
