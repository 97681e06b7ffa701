"""One model on its way from bytes to statistics: decoded, judged, counted, published."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from collectors.events import Events
from collectors.family import Statistic
from collectors.formats import Decoded, Format, Rejected
from collectors.schema import Schema
from collectors.sources import Records
from monitor.board import OTHER, Board
from monitor.collection import Collection
from monitor.event_clock import NEVER, SECOND, EventClock, TimeRules
from monitor.windows import Pane, PaneKey, Published, Windows

log = logging.getLogger(__name__)

REVISION_INTERVAL = SECOND
"""Revisions of closed panes are published at most this often, in us of wall time."""

PaneListener = Callable[[str, Pane], None]
"""Told of every closed pane and of every revision: the model's name, and the pane."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What is fixed once a model's first rows were seen: how to read, and what to keep."""

    format: Format
    schema: Schema
    collection: Collection


@dataclass(frozen=True, slots=True)
class ModelRules:
    """The settings of one model that have to do with time and bounds, in us.

    Attributes:
        windows: name as in the config and length, shortest first.
        forget_after: wall time after which the counters of an unseen version go.
        max_versions: more versions than this at once are counted together, as `__other__`.
    """

    name: str
    time: TimeRules
    windows: tuple[tuple[str, int], ...]
    forget_after: int
    max_versions: int


@dataclass(slots=True)
class Outcome:
    """What became of one batch: items by outcome, and where those lie that are no inference."""

    counts: Counter[str] = field(default_factory=Counter)
    dead: list[tuple[int, int, str]] = field(default_factory=list)

    def reject(self, rejected: Sequence[Rejected]) -> None:
        """Count what is no inference, and remember where it lies."""
        for one in rejected:
            self.counts[one.reason] += 1
            self.dead.append((one.index, one.item, one.reason))


class Model:
    """A model whose layout and schema stand. `now` is wall time in us."""

    def __init__(
        self,
        rules: ModelRules,
        settled: Settled,
        clock: EventClock,
        board: Board,
        listeners: Sequence[PaneListener],
    ) -> None:
        self.rules = rules
        self.settled = settled
        self.clock = clock
        lengths = tuple(length for _, length in rules.windows)
        self.windows = Windows(settled.collection, lengths, rules.time.keep_late)
        self._board = board
        self._listeners = listeners
        self._last_row: dict[str, int] = {}
        self._shown: dict[str, set[PaneKey]] = {name: set() for name, _ in rules.windows}
        self._revised_at = NEVER

    def handle(self, records: Records, now: int) -> Outcome:
        """Decode one batch of one partition, and put its rows where they belong."""
        decoded = self.settled.format.decode(records)
        outcome = Outcome()
        outcome.reject(decoded.rejected)
        if len(decoded.events):
            self._take_in(decoded, records, now, outcome)
        return outcome

    def advance(self, now: int) -> None:
        """Close what may close, publish it, and forget versions that are long unseen."""
        revise = now - self._revised_at >= REVISION_INTERVAL
        if revise:
            self._revised_at = now
        self._publish(self.windows.advance(self.clock.closable(now), now, revise=revise), now)
        for version, last in list(self._last_row.items()):
            if now - last >= self.rules.forget_after:
                del self._last_row[version]
                self._board.forget(self.rules.name, version)

    def finish(self, now: int) -> None:
        """Close every open pane: nothing more will come."""
        self._publish(self.windows.finish(), now)

    def _take_in(self, decoded: Decoded, records: Records, now: int, outcome: Outcome) -> None:
        name = self.rules.name
        events = self.settled.schema.qualify(decoded.events)
        for (where, reason), times in events.invalid.items():
            labels = {"field": where, "reason": reason}
            self._board.add(Statistic("field.invalid", times, labels), name)
        admission = self.clock.admit(records.partition, events.time, events.broker_time, now)
        late = int(np.count_nonzero(admission.late))
        accepted = int(np.count_nonzero(admission.accepted))
        outcome.counts.update(ok=accepted, late=late, future=len(events) - accepted - late)
        if late:
            rows_late = events.take(np.flatnonzero(admission.late))
            for version, rows in self._by_version(rows_late, now):
                self._board.add(Statistic("late.rows", len(rows)), name, version)
        if accepted < len(events):
            events = events.take(np.flatnonzero(admission.accepted))
        for version, rows in self._by_version(events, now):
            for statistic in self.settled.collection.count(rows):
                self._board.add(statistic, name, version)
            self.windows.observe(version, rows)

    def _by_version(self, events: Events, now: int) -> Iterator[tuple[str, Events]]:
        present, place = np.unique(events.version.codes, return_inverse=True)
        names = [events.version.names[c] if c >= 0 else "" for c in present.tolist()]
        admitted = [self._admit_version(name, now) for name in names]
        if len(set(admitted)) == 1:
            yield admitted[0], events
            return
        for version in dict.fromkeys(admitted):
            codes = [i for i, name in enumerate(admitted) if name == version]
            yield version, events.take(np.flatnonzero(np.isin(place, codes)))

    def _admit_version(self, version: str, now: int) -> str:
        """The version itself while there is room, else `__other__`."""
        if version not in self._last_row:
            if len(self._last_row) >= self.rules.max_versions:
                self._board.drop(self.rules.name, "version")
                version = OTHER
            if version not in self._last_row:
                known = self.settled.collection.known()
                for statistic in (*known, Statistic("late.rows", 0), Statistic("revisions", 0)):
                    self._board.add(statistic, self.rules.name, version)
                log.info("version first seen", extra={"model": self.rules.name, "version": version})
        self._last_row[version] = now
        return version

    def _publish(self, published: Published, now: int) -> None:
        for pane in published.closed:
            if pane.revision:
                self._board.add(Statistic("revisions", 1), self.rules.name, pane.key.version)
            for listener in self._listeners:
                listener(self.rules.name, pane)
        if not published.moved:
            return
        for name, length in self.rules.windows:
            current = self.windows.current(length)
            for key in self._shown[name] - current.keys():
                self._board.drop_window(self.rules.name, key.version, name)
            self._shown[name] = set(current)
            for key, pane in current.items():
                statistics = self.settled.collection.statistics(pane.summaries, length / SECOND)
                statistics += [
                    Statistic("window.rows", pane.rows),
                    Statistic("window.end", published.end / SECOND),
                    Statistic("window.closed", now / SECOND),
                ]
                self._board.set_window(self.rules.name, key.version, name, statistics)
