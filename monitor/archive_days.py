"""A day of the archive, whole, however many files it lies in.

A day is compacted while others read it: first the compact file is put in its place, then the files
that it holds are removed. So the small files are looked for first, and the compact one after them;
what is not among the small ones any more is in it. What is in both counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from collectors.summaries.state import StateError
from monitor.archive_files import COMPACT, EventFile, PaneFile, Place, pane_files
from monitor.archive_table import (
    DAMAGE,
    FIGURES,
    ClosedPane,
    Figures,
    figures,
    from_parquet,
    read_table,
)
from monitor.compacted import CompactPanes, Footer, read_events

TRIES = 5
"""How often a day is looked at anew whose files were compacted, or removed, before they were read.
One is enough, unless compaction comes again meanwhile."""

_TIME = pa.timestamp("us", tz="UTC")
EVENTS = pa.schema(
    [
        ("time", _TIME),
        ("published", _TIME),
        ("kind", pa.string()),
        ("model", pa.string()),
        ("subject", pa.string()),
        ("detail", pa.string()),
    ],
    metadata={b"inferwatch.format": b"1"},
)
"""Events: when in the log's time, when it was known, what kind, of what, and more as JSON."""

_Found = TypeVar("_Found")


class Unreadable(StateError):
    """The file of a pane is damaged; `revision` is the one that it is of."""

    def __init__(self, text: str, revision: int) -> None:
        super().__init__(text)
        self.revision = revision


BEYOND = 1_000_000
"""Stands for the revision of a pane whose compact file does not tell it: none is as high."""


class PaneDay:
    """A day of a model, as it was when this was made; to be closed.

    Args:
        known: a footer that may be that of its compact file.

    Attributes:
        footer: that of its compact file; `known` where it has none.
        files: the newest revision that has a file of its own, of each pane that has one.
        damage: what is wrong with the compact file, where something is.

    Raises (from all of it):
        FileNotFoundError: a file was compacted before it was read; look at the day anew.
        OSError: a file is there and cannot be read.
    """

    def __init__(self, folder: Path, model: str, known: Footer | None = None) -> None:
        self.model = model
        self.footer = known
        self.files: dict[Place, PaneFile] = {one.place: one for one in pane_files(folder)}
        self.damage: StateError | None = None
        self._compact: CompactPanes | None = None
        try:
            self._compact = CompactPanes(folder / COMPACT, known)
            self.footer = self._compact.footer
        except FileNotFoundError:
            pass
        except StateError as error:
            self.damage = error

    def __enter__(self) -> PaneDay:
        return self

    def __exit__(self, *_: object) -> None:
        if self._compact is not None:
            self._compact.close()

    def places(self) -> list[Place]:
        """All panes, in order.

        Raises:
            StateError: the compact file is damaged.
        """
        if self.damage is not None:
            raise self.damage
        held = () if self._compact is None else self._compact.held
        return sorted({*self.files, *held})

    def pane(self, place: Place) -> ClosedPane | None:
        """A pane in its last revision; None where it was never closed.

        Raises:
            Unreadable: its file is damaged.
        """
        file = self.files.get(place)
        if file is not None and file.revision > self._held(place):
            try:
                return from_parquet(file.path.read_bytes(), self.model)
            except StateError as error:
                raise Unreadable(f"{file.path}: {error}", file.revision) from error
        if self.damage is not None:
            raise Unreadable(str(self.damage), BEYOND) from self.damage
        if self._compact is None or place not in self._compact.held:
            return None
        try:
            return self._compact.pane(place, self.model)
        except StateError as error:
            raise Unreadable(str(error), self._held(place)) from error

    def figures(self, place: Place) -> Figures | None:
        """The statistics of a pane in its last revision, in a fraction of the time; None where it
        was never closed.

        Raises:
            StateError: its file is damaged.
        """
        file = self.files.get(place)
        if file is not None and file.revision > self._held(place):
            try:
                return figures(read_table(file.path.read_bytes(), FIGURES))
            except DAMAGE as error:
                raise StateError(f"{file.path}: damaged ({error})") from error
        if self.damage is not None:
            raise self.damage
        if self._compact is None or place not in self._compact.held:
            return None
        return figures(self._compact.columns(place, FIGURES))

    def _held(self, place: Place) -> int:
        """The revision in the compact file; -1 where it has none."""
        compact = self._compact
        return compact.held[place].revision if compact and place in compact.held else -1


@dataclass(frozen=True, slots=True)
class EventDay:
    """The events of a day.

    Attributes:
        table: all of them, in order of time; at one time, as they were noted.
        upto: the newest checkpoint whose events are among them; -1 where there are none.
        fresh: the files that the compact one does not hold, oldest first.
    """

    table: Any
    upto: int
    fresh: Sequence[EventFile]


def read_event_day(folder: Path, files: Sequence[EventFile]) -> EventDay:
    """The events of the day in this folder, where `event_files` has just found these files.

    Raises:
        StateError: a file is damaged, or of another format.
        FileNotFoundError: a file was compacted before it was read; look at the day anew.
        OSError: a file cannot be read.
    """
    upto, tables = -1, []
    try:
        upto, compact = read_events(folder / COMPACT)
        tables.append(_checked(compact, folder / COMPACT))
    except FileNotFoundError:
        pass
    fresh = [one for one in files if one.sequence > upto]
    tables += [_events_in(one.path) for one in fresh]
    table = pa.concat_tables(tables) if tables else EVENTS.empty_table()
    order = np.argsort(table["time"].cast(pa.int64()).to_numpy(), kind="stable")
    newest = fresh[-1].sequence if fresh else upto
    return EventDay(table.take(pa.array(order)), newest, fresh)


def steady(look: Callable[[], _Found]) -> _Found:
    """What `look` finds; where a file went away meanwhile, it looks anew.

    Raises:
        FileNotFoundError: files went away each time.
    """
    for _ in range(TRIES - 1):
        try:
            return look()
        except FileNotFoundError:
            continue
    return look()


def _events_in(path: Path) -> Any:
    data = path.read_bytes()
    try:
        table = read_table(data)
    except DAMAGE as error:
        raise StateError(f"{path}: damaged ({error})") from error
    return _checked(table, path)


def _checked(table: Any, path: Path) -> Any:
    """The table without what its file says beside it, if it is one of events."""
    said = table.schema.metadata or {}
    key = b"inferwatch.format"
    if not table.schema.equals(EVENTS) or said.get(key) != EVENTS.metadata[key]:
        raise StateError(f"{path}: not a file of events that this inferwatch reads")
    return table.replace_schema_metadata(EVENTS.metadata)
