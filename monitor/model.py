"""One model on its way from bytes to statistics: decoded, judged, counted, published."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from collectors.events import Events
from collectors.family import Statistic
from collectors.formats import Decoded, Format, Rejected
from collectors.schema import Schema, SchemaMismatch
from collectors.sources import Records
from collectors.summaries.state import State, StateError, Stored
from monitor.archive import Event, Unreadable
from monitor.archive_table import ClosedPane
from monitor.board import OTHER, Board
from monitor.collection import Collection
from monitor.config_alarms import Alarms
from monitor.config_limits import Limits
from monitor.event_clock import NEVER, SECOND, EventClock, TimeRules
from monitor.judging.beside import NOTHING, Beside, BesideRules
from monitor.judging.first import FirstPanes
from monitor.judging.judging import Judging
from monitor.judging.shown import hide
from monitor.judging.strangers import strangers
from monitor.judging.told import Told
from monitor.showcase import Showcase
from monitor.windows import Pane, PaneKey, Published, Windows

log = logging.getLogger(__name__)

REVISION_INTERVAL = SECOND
"""Revisions of closed panes are published at most this often, in us of wall time."""

_NO_ALARMS, _NO_LIMITS = Alarms(), Limits()

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
        digest: changes where the config of the model does.
        beside: what is shown beside the fixed reference.
        alarms, limits: names in them that are no feature are told of.
    """

    name: str
    time: TimeRules
    windows: tuple[tuple[str, int], ...]
    forget_after: int
    max_versions: int
    digest: str = ""
    beside: BesideRules = NOTHING
    alarms: Alarms = _NO_ALARMS
    limits: Limits = _NO_LIMITS


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


class Keeping(Protocol):
    """Where closed panes and events are kept; see `monitor.keeper.Keeper`."""

    def put(self, pane: ClosedPane) -> None: ...

    def note(self, event: Event) -> None: ...

    def last(self, model: str, version: str, slice: str, start: int) -> ClosedPane | None: ...

    def starting(self, model: str, start: int) -> list[ClosedPane]: ...


@dataclass(slots=True)
class _Version:
    """Wall time of its newest row, and event time of the first one of all (us)."""

    last: int
    first: int


class Model:
    """A model whose layout and schema stand. `now` is wall time in us."""

    def __init__(
        self,
        rules: ModelRules,
        settled: Settled,
        clock: EventClock,
        board: Board,
        keeping: Keeping,
        listeners: Sequence[PaneListener] = (),
        judging: Judging | FirstPanes | None = None,
    ) -> None:
        self.rules = rules
        self.settled = settled
        self.clock = clock
        lengths = tuple(length for _, length in rules.windows)
        self.windows = Windows(settled.collection, lengths, self._last)
        self._board = board
        self._keeping = keeping
        self._listeners = listeners
        self._versions: dict[str, _Version] = {}
        self._judging = judging if isinstance(judging, Judging) else None
        self._first = judging if isinstance(judging, FirstPanes) else None
        self._told = Told()
        self._reference = ""
        if self._judging is None:  # the board may know one from before a reload
            hide(board, rules.name, [name for name, _ in rules.windows])
            for group in ("calibration", "expected"):
                board.replace_group((group, rules.name), (), rules.name)
        self._showcase = Showcase(
            rules.name, rules.windows, settled.collection, board, self._judging
        )
        self._beside = Beside(rules.beside, rules.name, rules.windows, board, self._starting)
        self._revised_at = NEVER
        self._strangers = list(strangers(rules.alarms, settled.schema.columns, rules.limits))

    @property
    def judging(self) -> Judging | None:
        """What windows are judged by; None while there is no reference."""
        return self._judging

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
        self._look_for_reference(now)
        if self._judging is not None:
            self._judging.at(now)
        self._beside.work(now)
        for one in self._strangers:
            log.warning(str(one), extra={"model": self.rules.name})
        self._strangers.clear()
        for name, version in list(self._versions.items()):
            if now - version.last >= self.rules.forget_after:
                del self._versions[name]
                self._board.forget(self.rules.name, name)
                self._note_version(name, now, now, "forgotten")

    def set_back(self, now: int) -> None:
        """The wall clock was set back to `now`."""
        self._revised_at = NEVER
        if self.windows.set_back(now):
            self._showcase.show(self.windows, now)
            self._showcase.forget_panes()
        self._beside.set_back(self.windows.closed_until)
        for version in self._versions.values():
            version.last = min(version.last, now)

    def finish(self, now: int) -> None:
        """Close every open pane: nothing more will come."""
        self._publish(self.windows.finish(), now)

    def state(self) -> State:
        """All that it holds; the caller owns it."""
        versions = [[name, one.last, one.first] for name, one in self._versions.items()]
        return {
            "config": self.rules.digest,
            "versions": versions,
            "windows": self.windows.state(),
            "shown": self._showcase.state(),
            "beside": self._beside.state(),
            "judging": None if self._judging is None else self._judging.state(),
            "first": None if self._first is None else self._first.state(),
            "reference": self._reference,
            "told": self._told.state(),
        }

    def restore(self, stored: Stored) -> None:
        """Become what the state was taken of, and show the windows that it showed.

        Raises:
            StateError: it is damaged, or does not fit the config and schema as they are now.
        """
        self.windows.restore(stored.part("windows"))
        for name, last, first in stored.rows("versions"):
            self._versions[name] = _Version(last, first)
            self._begin_counting(name, first)
        if self._judging is not None:
            # States from before there were references have none.
            if "judging" in stored and stored.given("judging"):
                self._judging.restore(stored.part("judging"))
            self._judging.show()
        if self._first is not None and "first" in stored and stored.given("first"):
            self._first.restore(stored.part("first"))
        if "reference" in stored:
            self._reference = stored.text("reference")
        if "told" in stored:
            self._told.restore(stored.part("told"))
        self._showcase.restore(stored.part("shown"))
        same = stored.text("config") == self.rules.digest
        beside = stored.part("beside") if "beside" in stored else Stored({})
        self._beside.restore(beside, self.windows.closed_until, same=same)
        if not same:
            self._showcase.show(self.windows)
            self._showcase.forget_panes()

    def _last(self, start: int, key: PaneKey) -> Pane | None:
        """The shelf of `windows`."""
        name = self.rules.name
        try:
            pane = self._keeping.last(name, key.version, key.slice, start)
            return None if pane is None else self.windows.restored(Stored(pane.as_open(), name))
        except Unreadable as error:
            log.error(  # noqa: TRY400  # a person is told, and needs no traceback
                "a closed pane is damaged: its windows lack what was in it",
                extra={"model": name, "start": start // SECOND, "why": str(error)},
            )
            # What comes for it now must not stand under a name that is taken.
            empty = self.settled.collection.empty()
            return Pane(key, start, start + self.windows.pane, empty, revision=error.revision)

    def _starting(self, start: int) -> list[Pane]:
        """Every closed pane that starts then; those that cannot be had are left out, and said."""
        if (held := self.windows.closed_at(start)) is not None:
            return held
        name = self.rules.name
        try:
            panes = self._keeping.starting(name, start)
            return [self.windows.restored(Stored(pane.as_open(), name)) for pane in panes]
        except (StateError, SchemaMismatch, OSError) as error:
            what = "closed panes cannot be read: what is shown beside lacks them"
            log.warning(what, extra={"model": name, "start": start // SECOND, "why": str(error)})
            return []

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
        present, first, place = np.unique(
            events.version.codes, return_index=True, return_inverse=True
        )
        names = [events.version.names[c] if c >= 0 else "" for c in present.tolist()]
        times = events.time[first].tolist()
        admitted = [self._admit_version(*one, now) for one in zip(names, times, strict=True)]
        if len(set(admitted)) == 1:
            yield admitted[0], events
            return
        for version in dict.fromkeys(admitted):
            codes = [i for i, name in enumerate(admitted) if name == version]
            yield version, events.take(np.flatnonzero(np.isin(place, codes)))

    def _admit_version(self, version: str, time: int, now: int) -> str:
        """The version itself while there is room, else `__other__`."""
        if version not in self._versions:
            if len(self._versions) >= self.rules.max_versions:
                self._board.drop(self.rules.name, "version")
                version = OTHER
            if version not in self._versions:
                self._versions[version] = _Version(now, time)
                self._begin_counting(version, time)
                self._note_version(version, time, now, "first seen")
        self._versions[version].last = now
        return version

    def _begin_counting(self, version: str, first: int) -> None:
        known = self.settled.collection.known()
        for statistic in (*known, Statistic("late.rows", 0), Statistic("revisions", 0)):
            self._board.add(statistic, self.rules.name, version)
        self._board.set_version(
            self.rules.name, version, [Statistic("version.first_seen", first / SECOND)]
        )

    def _look_for_reference(self, now: int) -> None:
        """Take over the reference of the first panes once it is made, or one that succeeds the
        present one, and keep every change."""
        old = self._judging
        made = None if self._first is None else self._first.made()
        if old is not None and old.succession is not None:
            made = old.succession.made(now)
        if made is not None:
            self._first, self._judging = None, made
            if old is not None:
                made.follow(old)
            self._showcase.judge_by(made)
            made.show()
        if self._judging is not None:
            for event in (*self._judging.over(), *self._told.news(self._judging, now)):
                self._keeping.note(replace(event, published=now))
        current = "" if self._judging is None else self._judging.reference
        if current != self._reference:
            before, self._reference = self._reference, current
            about = {} if self._judging is None else self._judging.about()
            detail = {"before": before, **about}
            log.info("reference", extra={"model": self.rules.name, "reference": self._reference})
            name = self.rules.name
            self._keeping.note(Event(now, now, "reference", name, self._reference, detail))
            if self._judging is not None:
                self._keeping.note(replace(self._judging.kept(), time=now, published=now))

    def _note_version(self, version: str, time: int, now: int, what: str) -> None:
        log.info(f"version {what}", extra={"model": self.rules.name, "version": version})
        detail = {"change": what}
        self._keeping.note(Event(time, now, "version", self.rules.name, version, detail))

    def _publish(self, published: Published, now: int) -> None:
        for pane in published.closed:
            if pane.revision:
                self._board.add(Statistic("revisions", 1), self.rules.name, pane.key.version)
            for listener in self._listeners:
                listener(self.rules.name, pane)
            self._keeping.put(
                ClosedPane(
                    model=self.rules.name,
                    version=pane.key.version,
                    slice=pane.key.slice,
                    start=pane.start,
                    end=pane.end,
                    revision=pane.revision,
                    rows=pane.rows,
                    published=now,
                    schema=self.settled.schema.id,
                    state={name: one.state() for name, one in pane.summaries.items()},
                    statistics=self._showcase.of_pane(pane),
                )
            )
        if self._first is not None:
            self._first.closed(published.closed)
        if published.closed or published.moved:
            starts = [pane.start for pane in published.closed]
            self._beside.closed(starts, self.windows.closed_until)
        if self._judging is not None and (published.closed or published.moved):
            for event in self._judging.closed(self.windows, published.closed):
                self._keeping.note(replace(event, published=now))
        if published.moved:
            self._showcase.show(self.windows, now)
        self._showcase.forget_panes()
