"""The archive: every closed pane and every revision of it, and every event.

    archive/panes/model=NAME/date=YYYY-MM-DD/START-KEY-rN.parquet
    archive/events/date=YYYY-MM-DD/SEQUENCE.parquet
    archive/.../date=YYYY-MM-DD/compact.parquet

START is the pane's, KEY a hash of version and slice, N the revision. What a file may count on is
decided by the checkpoint: files are written before the checkpoint that counts them, their names
are put down before they are written (`archive/unsettled/SEQUENCE.json`), and what the checkpoint
that a start finds does not know is removed before anything is read. So a replay writes them again,
and no revision of a life that was lost stands above one that counts.

What was settled for long is compacted, a day into one file (`monitor.compaction`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from pyarrow import compute as pc

from collectors.summaries.state import StateError
from monitor.archive_days import (
    EVENTS,
    TRIES,
    EventDay,
    PaneDay,
    Unreadable,
    read_event_day,
    steady,
)
from monitor.archive_files import (
    Place,
    date,
    day_folder,
    days,
    event_files,
    is_number,
    names_in,
    pane_name,
    panes_folder,
    place_of,
    time,
)
from monitor.archive_table import DAMAGE, ClosedPane, Figures, to_parquet, write
from monitor.compacted import Footer
from monitor.disk import PARTIAL, make_folder, sync_folders, write_whole
from monitor.event_clock import FOREVER, NEVER

__all__ = ["Archive", "Event", "Unreadable"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to what is watched, or to the watching. Times are in us.

    Attributes:
        kind: config, reference, version, gap ...
        model: "" where it is of none.
        subject: what it is of: a version, a partition, a file.
        detail: more about it, as plain values.
    """

    time: int
    published: int
    kind: str
    model: str
    subject: str
    detail: dict[str, Any]


class Archive:
    """The files of one archive.

    `store`, `settle` and `undo` are for one thread alone; the others may be asked from any thread
    and process, while that one writes and another one compacts.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._unsettled = folder / "unsettled"
        self._footer: Footer | None = None  # of the day that `last` was asked for

    def last(self, model: str, version: str, slice: str, start: int) -> ClosedPane | None:
        """The last revision of a pane; None where it was never closed.

        Raises:
            Unreadable: its file is damaged.
            OSError: its file is there and cannot be read.
        """
        folder = day_folder(panes_folder(self.folder, model), start)

        def look() -> ClosedPane | None:
            with PaneDay(folder, model, self._footer) as day:
                self._footer = day.footer
                return day.pane(place_of(version, slice, start))

        return steady(look)

    def starting(self, model: str, start: int) -> list[ClosedPane]:
        """The last revision of every pane of a model that starts then.

        Raises:
            StateError: the file of one of them is damaged.
            OSError: a file is there and cannot be read.
        """
        folder = day_folder(panes_folder(self.folder, model), start)
        return list(_panes_of(folder, model, start, start + 1))

    def store(self, sequence: int, panes: Sequence[ClosedPane], events: Sequence[Event]) -> None:
        """Write what the checkpoint of this number will count on, durably.

        Raises:
            OSError: not all of it could be written; asked again, it begins anew.
        """
        files = [(self._path(pane), pane) for pane in panes]
        by_day: dict[Path, list[Event]] = {}
        for event in events:
            day = day_folder(self.folder / "events", event.time)
            by_day.setdefault(day / f"{sequence:016d}.parquet", []).append(event)
        if not files and not by_day:
            return
        names = [str(path.relative_to(self.folder)) for path, _ in files]
        names += [str(path.relative_to(self.folder)) for path in by_day]
        make_folder(self._unsettled)
        write_whole(self._unsettled / f"{sequence:016d}.json", msgspec.json.encode(names))
        sync_folders([self._unsettled])
        folders = {path.parent for path, _ in files} | {path.parent for path in by_day}
        for folder in folders:
            make_folder(folder)
        for path, pane in files:
            write_whole(path, to_parquet(pane))
        for path, some in by_day.items():
            write_whole(path, _events(some))
        sync_folders(folders)

    def settle(self, sequence: int) -> None:
        """What the checkpoint before this one counted on stays for good.

        Raises:
            OSError: the note of it cannot be removed.
        """
        for number, path in self._notes():
            if number < sequence:
                path.unlink()

    def undo(self, sequence: int) -> int:
        """Remove what was written after the checkpoint of this number; how many files that were.

        Nothing of it was compacted, for it was not settled.

        Raises:
            OSError: they cannot be removed, or a note of them cannot be read.
        """
        removed = 0
        folders = set()
        for number, note in self._notes():
            if number <= sequence:
                continue
            for name in names_in(note):
                path = self.folder / name
                for file in (path, path.with_name(path.name + PARTIAL)):
                    if file.exists():
                        file.unlink()
                        folders.add(file.parent)
                        removed += 1
            sync_folders(folders)
            note.unlink()
        return removed

    def days(self, model: str, start: int = NEVER, end: int = FOREVER) -> list[Path]:
        """The folders of a model's days that may have panes from `start` up to `end` (us)."""
        found = days(panes_folder(self.folder, model))
        first = "" if start == NEVER else date(start)
        return [path for begin, path in found if begin < end and date(begin) >= first]

    def panes(
        self,
        model: str,
        start: int = NEVER,
        end: int = FOREVER,
        damaged: Callable[[Unreadable], None] | None = None,
    ) -> Iterator[ClosedPane]:
        """The last revision of every pane of a model that starts from `start` up to `end` (us), in
        order of time.

        Args:
            damaged: told of each pane whose file is damaged, which is then left out.

        Raises:
            StateError, OSError: one of them cannot be read.
        """
        for folder in self.days(model, start, end):
            yield from _panes_of(folder, model, start, end, damaged)

    def figures(self, model: str, start: int, end: int) -> Iterator[Figures]:
        """The statistics of the same panes without their summaries, a day at a time.

        Raises:
            StateError, OSError: one of them cannot be read.
        """
        for folder in self.days(model, start, end):

            def look(folder: Path = folder) -> list[Figures]:
                with PaneDay(folder, model) as day:
                    wanted = [p for p in day.places() if start <= time(p.stamp) < end]
                    found = map(day.figures, wanted)
                    return [one for one in found if one is not None]

            yield from steady(look)

    def has(self, model: str, start: int, end: int) -> bool:
        """Whether a pane of a model starts from `start` up to `end` (us).

        Raises:
            StateError, OSError: a file of these days cannot be read.
        """
        for folder in self.days(model, start, end):

            def look(folder: Path = folder) -> list[Place]:
                with PaneDay(folder, model) as day:
                    return day.places()

            if any(start <= time(place.stamp) < end for place in steady(look)):
                return True
        return False

    def newest(self, model: str) -> int | None:
        """Where the newest pane of a model starts (us); None where there is none.

        Raises:
            StateError, OSError: a file of its day cannot be read.
        """
        for folder in reversed(self.days(model)):

            def look(folder: Path = folder) -> list[Place]:
                with PaneDay(folder, model) as day:
                    return day.places()

            if places := steady(look):
                return time(max(places).stamp)
        return None

    def events(self, kind: str | None = None, model: str | None = None) -> Iterator[Event]:
        """All events, or those of one kind or model, in order of time; at one time, as they were
        noted.

        Raises:
            StateError, OSError: a file of them cannot be read.
        """
        for _, folder in days(self.folder / "events"):

            def look(folder: Path = folder) -> EventDay:
                return read_event_day(folder, event_files(folder))

            yield from _of(steady(look).table, kind, model, folder)

    def _notes(self) -> list[tuple[int, Path]]:
        for stray in self._unsettled.glob(f"*{PARTIAL}"):
            stray.unlink()
        notes = [path for path in self._unsettled.glob("*.json") if is_number(path.stem)]
        return sorted((int(path.stem), path) for path in notes)

    def _path(self, pane: ClosedPane) -> Path:
        day = day_folder(panes_folder(self.folder, pane.model), pane.start)
        return day / pane_name(place_of(pane.version, pane.slice, pane.start), pane.revision)


def _panes_of(
    folder: Path,
    model: str,
    start: int,
    end: int,
    damaged: Callable[[Unreadable], None] | None = None,
) -> Iterator[ClosedPane]:
    """The panes of one day that start from `start` up to `end`; where their files are compacted
    meanwhile, it goes on behind the last one that it gave."""
    done: Place | None = None
    for tries in range(1, TRIES + 1):
        try:
            with PaneDay(folder, model) as day:
                for place in day.places():
                    if (done is None or place > done) and start <= time(place.stamp) < end:
                        try:
                            pane = day.pane(place)
                        except Unreadable as error:
                            if damaged is None:
                                raise
                            pane = None
                            damaged(error)
                        if pane is not None:
                            yield pane
                        done = place
        except FileNotFoundError:
            if tries == TRIES:
                raise
        else:
            return


def _events(events: Sequence[Event]) -> bytes:
    rows = [
        {
            "time": event.time,
            "published": event.published,
            "kind": event.kind,
            "model": event.model,
            "subject": event.subject,
            "detail": msgspec.json.encode(event.detail).decode(),
        }
        for event in events
    ]
    return write(pa.Table.from_pylist(rows, schema=EVENTS))


def _of(table: Any, kind: str | None, model: str | None, folder: Path) -> list[Event]:
    """The events of a table.

    Raises:
        StateError: they are damaged.
    """
    try:
        for name, wanted in (("kind", kind), ("model", model)):
            if wanted is not None:
                table = table.filter(pc.equal(table[name], wanted))
        times = [table[name].cast(pa.int64()).to_pylist() for name in ("time", "published")]
        texts = [table[name].to_pylist() for name in ("kind", "model", "subject")]
        details = map(msgspec.json.Decoder(dict[str, Any]).decode, table["detail"].to_pylist())
        return [Event(*row) for row in zip(*times, *texts, details, strict=True)]
    except DAMAGE as error:
        raise StateError(f"{folder}: damaged ({error})") from error
