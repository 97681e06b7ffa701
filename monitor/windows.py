"""Panes of one model: open, closed, revised, and merged into longer windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from collectors.events import Events
from collectors.summaries.state import State, StateError, Stored
from monitor.collection import Collection
from monitor.event_clock import FOREVER, NEVER, SECOND
from monitor.rollup import Rollup


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

    def state(self) -> State:
        """All that it holds; the caller owns it."""
        return {
            "version": self.key.version,
            "slice": self.key.slice,
            "start": self.start,
            "rows": self.rows,
            "revision": self.revision,
            "summaries": {name: summary.state() for name, summary in self.summaries.items()},
        }

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


Place = tuple[int, PaneKey]
"""A pane's start, and what it is of."""


Shelf = Callable[[int, PaneKey], Pane | None]
"""The last revision of a closed pane that memory does not hold, as a value of its own, by its start
and key; None where it was never closed. It raises OSError where it cannot be read just now: better
to end, and go on from the checkpoint, than to count without it."""


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


def check_pane(stored: Stored, pane: int) -> None:
    """That the state of windows is of panes of this length (us).

    Raises:
        StateError: it is not.
    """
    length = stored.whole("pane", 1)
    if length != pane:
        raise StateError(
            f"{stored.place}: its panes are {length // SECOND} s long, and windows[0] is now "
            f"{pane // SECOND} s; restore the config, or give the model another name"
        )


@dataclass(slots=True)
class Windows:
    """The panes of one model. Times are event times in us; `windows` are lengths, shortest first.

    Closed panes are held as long as a longer window needs them; after a restart they are fetched
    from the shelf as they are needed, and so is an older one for which a late row comes.
    """

    collection: Collection
    windows: tuple[int, ...]
    shelf: Shelf
    closed_until: int = NEVER
    _open: dict[Place, Pane] = field(default_factory=dict)
    _closed: dict[Place, Pane] = field(default_factory=dict)
    _shelved: set[Place] = field(default_factory=set)
    _rollup: Rollup[PaneKey, Pane] = field(init=False)

    def __post_init__(self) -> None:
        def closed(number: int, key: PaneKey) -> Pane | None:
            return self._closed.get((number * self.pane, key))

        self._rollup = Rollup(closed, Pane.merged)

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
            if start + self.pane <= self.closed_until:
                self._rollup.changed(start // self.pane, pane.key)

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

    def set_back(self, now: int) -> bool:
        """The wall clock was set back to `now`, before which silence cannot have been heard;
        whether the edge lay further."""
        edge = max(self._newest_end(), now // self.pane * self.pane)
        if self.closed_until <= edge:
            return False
        self.closed_until = edge
        return True

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
            self._rollup.changed(pane.start // self.pane, pane.key)
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
        if moved or closed:
            self._forget()
        return Published(tuple(closed), edge, moved)

    def current(self, length: int) -> Mapping[PaneKey, Pane]:
        """The newest window of `length` us, by key: a merge of its whole panes."""
        end = self.closed_until
        for place in [p for p in self._shelved if end - length <= p[0]]:
            self._fetch(place)
        first, last = (end - length) // self.pane, end // self.pane
        keys = {key for start, key in self._closed if end - length <= start < end}
        merged = {key: self._rollup.window(first, last, key) for key in sorted(keys)}
        return {key: pane for key, pane in merged.items() if pane is not None}

    def closed_pane(self, start: int, key: PaneKey) -> Pane | None:
        """The last revision of a closed pane, from memory or from the shelf."""
        return self._closed.get((start, key)) or self.shelf(start, key)

    def closed_at(self, start: int) -> list[Pane] | None:
        """Every closed pane that starts then; None where memory need not have them all."""
        if start < self.closed_until - self.windows[-1]:
            return None
        for place in [place for place in self._shelved if place[0] == start]:
            self._fetch(place)
        return [pane for (at, _), pane in self._closed.items() if at == start]

    def state(self) -> State:
        """All that it holds, and which closed panes lie on the shelf; the caller owns it."""
        shelved = [*self._shelved, *(place for place in self._closed)]
        return {
            "pane": self.pane,
            "closed_until": self.closed_until,
            "open": [pane.state() for pane in self._open.values()],
            "revised": [pane.state() for pane in self._closed.values() if pane.dirty],
            "closed": [[start, key.version, key.slice] for start, key in shelved],
        }

    def restore(self, stored: Stored) -> None:
        """Become what the state was taken of.

        Raises:
            StateError: it is damaged, or of panes of another length.
        """
        check_pane(stored, self.pane)
        self.closed_until = stored.whole("closed_until", NEVER)
        self._shelved = {
            (start, PaneKey(version, slice)) for start, version, slice in stored.rows("closed")
        }
        for name, panes in (("open", self._open), ("revised", self._closed)):
            for number, one in enumerate(stored.rows(name)):
                pane = self.restored(Stored(one, f"{stored.place}.{name}[{number}]"))
                pane.dirty = True
                panes[pane.start, pane.key] = pane
                self._shelved.discard((pane.start, pane.key))

    def restored(self, stored: Stored) -> Pane:
        """The pane that a state was taken of.

        Raises:
            StateError: it is damaged, or was counted under another schema.
        """
        start = stored.whole("start", NEVER)
        key = PaneKey(stored.text("version"), stored.text("slice"))
        pane = Pane(key, start, start + self.pane, self.collection.empty())
        pane.rows, pane.revision = stored.whole("rows"), stored.whole("revision")
        summaries = stored.part("summaries")
        for name, summary in pane.summaries.items():
            if name in summaries:
                summary.restore(summaries.part(name))
        return pane

    def warm(self) -> bool:
        """Fetch one pane that a window will need; whether there was any, and it could be had."""
        wanted = [p for p in self._shelved if p[0] >= self.closed_until - self.windows[-1]]
        try:
            if wanted:
                self._fetch(max(wanted))
        except OSError:
            return False
        return bool(wanted)

    def _fetch(self, place: Place) -> Pane | None:
        """Bring a closed pane back into memory."""
        pane = self.shelf(*place)
        self._shelved.discard(place)
        if pane is not None:
            self._closed[place] = pane
            self._rollup.changed(pane.start // self.pane, pane.key)
        return pane

    def _pane(self, start: int, key: PaneKey) -> Pane:
        place = (start, key)
        pane = self._closed.get(place) or self._open.get(place)
        if pane is None and start + self.pane <= self.closed_until:
            pane = self._fetch(place)
        if pane is None:
            pane = Pane(key, start, start + self.pane, self.collection.empty())
            self._open[place] = pane
        return pane

    def _forget(self) -> None:
        keep = self.windows[-1]
        # Silence alone lets go of nothing: the clock that says it may be set back.
        oldest = min(self.closed_until, self._newest_end()) - keep
        for place in [p for p, pane in self._closed.items() if p[0] < oldest and not pane.dirty]:
            del self._closed[place]
        self._shelved = {place for place in self._shelved if place[0] >= oldest}
        self._rollup.forget(oldest // self.pane)

    def _newest_end(self) -> int:
        """Where the newest closed pane with rows ends."""
        starts = [start for start, _ in (*self._closed, *self._shelved)]
        return max(starts) + self.pane if starts else self.closed_until


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
