"""The archive: every closed pane and every revision of it as a file of its own, and every event.

    archive/panes/model=NAME/date=YYYY-MM-DD/START-KEY-rN.parquet
    archive/events/date=YYYY-MM-DD/SEQUENCE.parquet

START is the pane's, KEY a hash of version and slice, N the revision. What a file may count on is
decided by the checkpoint: files are written before the checkpoint that counts them, their names
are put down before they are written (`archive/unsettled/SEQUENCE.json`), and what the checkpoint
that a start finds does not know is removed before anything is read. So a replay writes them again,
and no revision of a life that was lost stands above one that counts.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from pyarrow import compute as pc
from pyarrow import parquet

from collectors.summaries.state import StateError
from monitor.archive_table import DAMAGE, ClosedPane, from_parquet, to_parquet, write
from monitor.disk import PARTIAL, make_folder, sync_folders, write_whole
from monitor.event_clock import FOREVER, NEVER

log = logging.getLogger(__name__)

_NAME = re.compile(r"(\d{8}T\d{6}Z)-([0-9a-f]{16})-r(\d+)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
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


class Unreadable(StateError):
    """The file of a pane is damaged; `revision` is the one that it is of."""

    def __init__(self, text: str, revision: int) -> None:
        super().__init__(text)
        self.revision = revision


class Archive:
    """The files of one archive. All methods but `last` are for one thread alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._unsettled = folder / "unsettled"

    def last(self, model: str, version: str, slice: str, start: int) -> ClosedPane | None:
        """The last revision of a pane; None where it was never closed.

        Raises:
            Unreadable: its file is damaged.
            OSError: its file is there and cannot be read.
        """
        stem = f"{_stamp(start)}-{_key(version, slice)}-r"
        folder = self._day(model, start)
        found = [
            (int(path.stem.removeprefix(stem)), path)
            for path in folder.glob(f"{stem}*.parquet")
            if path.stem.removeprefix(stem).isdecimal()
        ]
        if not found:
            return None
        revision, path = max(found)
        try:
            return from_parquet(path.read_bytes(), model)
        except StateError as error:
            raise Unreadable(f"{path}: {error}", revision) from error

    def store(self, sequence: int, panes: Sequence[ClosedPane], events: Sequence[Event]) -> None:
        """Write what the checkpoint of this number will count on, durably.

        Raises:
            OSError: not all of it could be written; asked again, it begins anew.
        """
        files = [(self._path(pane), pane) for pane in panes]
        by_day: dict[Path, list[Event]] = {}
        for event in events:
            day = self.folder / "events" / f"date={_date(event.time)}"
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

        Raises:
            OSError: they cannot be removed, or a note of them cannot be read.
        """
        removed = 0
        folders = set()
        for number, note in self._notes():
            if number <= sequence:
                continue
            try:
                names = msgspec.json.decode(note.read_bytes(), type=list[str])
            except ValueError as error:
                raise OSError(
                    f"{note}: damaged ({error}); restore the state folder from a backup, or move "
                    "it away to begin anew"
                ) from error
            for name in names:
                path = self.folder / name
                for file in (path, path.with_name(path.name + PARTIAL)):
                    if file.exists():
                        file.unlink()
                        folders.add(file.parent)
                        removed += 1
            sync_folders(folders)
            note.unlink()
        return removed

    def panes(self, model: str, start: int = NEVER, end: int = FOREVER) -> Iterator[ClosedPane]:
        """The last revision of every pane of a model that starts from `start` up to `end` (us), in
        order of time.

        Raises:
            StateError, OSError: one of them cannot be read.
        """
        newest: dict[tuple[str, str], tuple[int, Path]] = {}
        for path in (self.folder / "panes" / f"model={model}").glob("date=*/*.parquet"):
            named = _NAME.fullmatch(path.stem)
            if named is None:
                continue  # not of this program's making
            stamp, key, number = named[1], named[2], int(named[3])
            if number >= newest.get((stamp, key), (0, path))[0]:
                newest[stamp, key] = (number, path)
        for (stamp, _), (_, path) in sorted(newest.items(), key=lambda item: item[0]):
            if start <= _time(stamp) < end:
                yield from_parquet(path.read_bytes(), model)

    def newest(self, model: str) -> int | None:
        """Where the newest pane of a model starts (us); None where there is none."""
        days = (self.folder / "panes" / f"model={model}").glob("date=*")
        for day in sorted(days, reverse=True):
            named = [_NAME.fullmatch(path.stem) for path in day.glob("*.parquet")]
            if stamps := [found[1] for found in named if found is not None]:
                return _time(max(stamps))
        return None

    def events(self, kind: str | None = None) -> Iterator[Event]:
        """All events, or those of one kind, in order of time; at one time, as they were noted.

        Raises:
            StateError, OSError: a file of them cannot be read.
        """
        for day in sorted((self.folder / "events").glob("date=*")):
            files = [path for path in day.glob("*.parquet") if path.stem.isdecimal()]
            found: list[Event] = []
            for path in sorted(files, key=lambda path: int(path.stem)):
                found += _events_in(path, kind)
            yield from sorted(found, key=lambda event: event.time)

    def _notes(self) -> list[tuple[int, Path]]:
        for stray in self._unsettled.glob(f"*{PARTIAL}"):
            stray.unlink()
        notes = [path for path in self._unsettled.glob("*.json") if path.stem.isdecimal()]
        return sorted((int(path.stem), path) for path in notes)

    def _path(self, pane: ClosedPane) -> Path:
        key = _key(pane.version, pane.slice)
        name = f"{_stamp(pane.start)}-{key}-r{pane.revision}.parquet"
        return self._day(pane.model, pane.start) / name

    def _day(self, model: str, start: int) -> Path:
        return self.folder / "panes" / f"model={model}" / f"date={_date(start)}"


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


def _events_in(path: Path, kind: str | None) -> list[Event]:
    """The events of one file, in its order.

    Raises:
        StateError: it is damaged, or of another format.
        OSError: it cannot be read.
    """
    data = path.read_bytes()
    try:
        table = parquet.read_table(
            pa.BufferReader(data), use_threads=False, page_checksum_verification=True
        )
        if table.schema.equals(EVENTS, check_metadata=True):
            if kind is not None:
                table = table.filter(pc.equal(table["kind"], kind))
            times = [table[name].cast(pa.int64()).to_pylist() for name in ("time", "published")]
            texts = [table[name].to_pylist() for name in ("kind", "model", "subject")]
            details = map(msgspec.json.Decoder(dict[str, Any]).decode, table["detail"].to_pylist())
            return [Event(*row) for row in zip(*times, *texts, details, strict=True)]
    except DAMAGE as error:
        raise StateError(f"{path}: damaged ({error})") from error
    raise StateError(f"{path}: not a file of events that this inferwatch reads")


def _key(version: str, slice: str) -> str:
    """What a file's name says of version and slice, which may be anything: 16 hex digits."""
    return blake2b(msgspec.json.encode([version, slice]), digest_size=8).hexdigest()


def _date(time: int) -> str:
    return (_EPOCH + timedelta(microseconds=time)).strftime("%Y-%m-%d")


def _time(stamp: str) -> int:
    moment = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _stamp(time: int) -> str:
    return (_EPOCH + timedelta(microseconds=time)).strftime("%Y%m%dT%H%M%SZ")
