"""Events of the archive as pages need them: by day, of one model, and remembered while they last.

Days that were read are remembered as tables, the newest asked for first, within a bound; a day
whose files have changed is read again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from msgspec import Struct
from pyarrow import compute as pc

from collectors.summaries.state import StateError
from monitor.archive_days import read_event_day, steady
from monitor.archive_files import COMPACT, date, day_folder, days, event_files
from monitor.archive_table import DAMAGE
from monitor.event_clock import NEVER

REMEMBERED = 48 * 1024 * 1024
"""Bytes of tables that are remembered."""

PARSED = 200_000
"""Verdicts that are remembered in short."""

DAY = 86_400_000_000

_Mark = tuple[Any, ...]


class Happened(Struct, frozen=True):
    """One event; times in us."""

    time: int
    published: int
    kind: str
    model: str
    subject: str
    detail: str


class Verdicts(Struct, frozen=True):
    """What the detail of a verdict says in short."""

    reference: str
    verdicts: dict[str, str]
    score: float
    alone: float
    together: float | None = None


class Scores(Struct, frozen=True):
    """All that the detail of a verdict says."""

    reference: str
    verdicts: dict[str, str]
    score: float
    alone: float
    together: float | None = None
    scores: dict[str, float] = {}
    above_fixed: dict[str, float] = {}


class Unreadable(Exception):
    """A day cannot be read; the message says why, for people."""


class History:
    """Reads the events of an archive; for one thread at a time."""

    def __init__(self, archive: Path) -> None:
        self._folder = archive / "events"
        self._tables: OrderedDict[Path, tuple[_Mark, Any]] = OrderedDict()
        self._verdicts: OrderedDict[
            tuple[Path, str], tuple[_Mark, list[tuple[Happened, Verdicts]]]
        ] = OrderedDict()
        self._held = 0

    def first(self) -> int | None:
        """When the oldest day begins (us); None where there is none."""
        return next((begin for begin, _ in days(self._folder)), None)

    def newest(self) -> int | None:
        """When the newest day ends (us); None where there is none."""
        found = days(self._folder)
        return found[-1][0] + DAY if found else None

    def folders(self, start: int, end: int) -> list[Path]:
        """The days that have events from `start` up to `end` (us), in order."""
        first = "" if start == NEVER else date(start)
        return [path for begin, path in days(self._folder) if begin < end and date(begin) >= first]

    def verdicts(self, model: str, start: int, end: int) -> Iterator[tuple[Happened, Verdicts]]:
        """Verdicts on a model's windows that end after `start`, up to `end` (us), in short.

        Raises:
            Unreadable: a day cannot be read.
        """
        for folder in self.folders(start, end + 1):
            for one in self._short(folder, model):
                if start < one[0].time <= end:
                    yield one

    def scores(self, model: str, window: str, start: int, end: int) -> Iterator[tuple[int, Scores]]:
        """Windows of one length with all of their scores, by their end (us), as above."""
        decode = msgspec.json.Decoder(Scores).decode
        for folder in self.folders(start, end + 1):
            for one in self.of(folder, ("verdict",), model):
                if start < one.time <= end and one.subject == window:
                    yield one.time, _decoded(decode, one, folder)

    def events(
        self, kinds: tuple[str, ...], model: str | None, start: int, end: int
    ) -> Iterator[Happened]:
        """Events of these kinds from `start` up to `end` (us), in order."""
        for folder in self.folders(start, end):
            yield from (one for one in self.of(folder, kinds, model) if start <= one.time < end)

    def back(
        self, kinds: tuple[str, ...], model: str | None, before: int, most_days: int
    ) -> Iterator[Happened]:
        """The same from `before` (us) backwards, the newest first, over so many days at most that
        have events: those of wall time may lie years behind what is replayed."""
        for folder in reversed(self.folders(NEVER, before + 1)[-most_days:]):
            for one in reversed(self.of(folder, kinds, model)):
                if one.time <= before:
                    yield one

    def at(self, time: int, kinds: tuple[str, ...]) -> list[Happened]:
        """Events of these kinds at one moment (us)."""
        folder = day_folder(self._folder, time)
        return [one for one in self.of(folder, kinds, None) if one.time == time]

    def of(self, folder: Path, kinds: tuple[str, ...], model: str | None) -> list[Happened]:
        """Events of one day."""
        _, table = self._table(folder)
        wanted = pc.is_in(table["kind"], pa.array(kinds, pa.string()))
        if model is not None:
            wanted = pc.and_(wanted, pc.equal(table["model"], model))
        found = table.filter(wanted)
        times = [found[name].cast(pa.int64()).to_pylist() for name in ("time", "published")]
        texts = [found[name].to_pylist() for name in ("kind", "model", "subject", "detail")]
        return [Happened(*row) for row in zip(*times, *texts, strict=True)]

    def _short(self, folder: Path, model: str) -> list[tuple[Happened, Verdicts]]:
        key, mark = (folder, model), _mark(folder)
        known = self._verdicts.get(key)
        if known is not None and known[0] == mark:
            self._verdicts.move_to_end(key)
            return known[1]
        decode = msgspec.json.Decoder(Verdicts).decode
        found = [
            (msgspec.structs.replace(one, detail=""), _decoded(decode, one, folder))
            for one in self.of(folder, ("verdict",), model)
        ]
        self._held += len(found) - (0 if known is None else len(known[1]))
        self._verdicts[key] = (mark, found)
        self._verdicts.move_to_end(key)
        while self._held > PARSED and len(self._verdicts) > 1:
            self._held -= len(self._verdicts.popitem(last=False)[1][1])
        return found

    def _table(self, folder: Path) -> tuple[_Mark, Any]:
        mark = _mark(folder)
        known = self._tables.get(folder)
        if known is not None and known[0] == mark:
            self._tables.move_to_end(folder)
            return known
        try:
            table = steady(lambda: read_event_day(folder, event_files(folder))).table
        except (StateError, OSError) as error:
            raise Unreadable(f"events of {folder.name} cannot be read: {error}") from error
        self._tables[folder] = (mark, table)
        self._tables.move_to_end(folder)
        while len(self._tables) > 1 and self._bytes() > REMEMBERED:
            self._tables.popitem(last=False)
        return mark, table

    def _bytes(self) -> int:
        return sum(table.nbytes for _, table in self._tables.values())


def detail_of(one: Happened) -> Mapping[str, Any]:
    """The detail of an event as plain values; none where it is damaged."""
    try:
        found: dict[str, Any] = msgspec.json.decode(one.detail, type=dict[str, Any])
    except DAMAGE:
        return {}
    return found


def _decoded(decode: Callable[[str], Any], one: Happened, folder: Path) -> Any:
    try:
        return decode(one.detail)
    except DAMAGE as error:
        raise Unreadable(f"a verdict in {folder.name} is damaged: {error}") from error


def _mark(folder: Path) -> _Mark:
    """What changes where the files of a day do."""
    compact = folder / COMPACT
    try:
        stat: tuple[int, ...] = (compact.stat().st_mtime_ns, compact.stat().st_size)
    except OSError:
        stat = ()
    files = event_files(folder)
    return (*stat, len(files), files[-1].sequence if files else -1)
