"""The files of the archive by their names: what they are of, and which are settled."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import msgspec

from monitor.disk import PARTIAL

COMPACT = "compact.parquet"
"""The file of a day that holds what once were many. Its name never changes, so that a newer one
takes the place of an older one in one step, and is found without looking into the folder."""

_NAME = re.compile(r"(\d{8}T\d{6}Z)-([0-9a-f]{16})-r([0-9]+)\.parquet", re.ASCII)
_SEQUENCE = re.compile(r"([0-9]+)\.parquet", re.ASCII)
_DAY = re.compile(r"date=(\d{4}-\d\d-\d\d)", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Place(NamedTuple):
    """Which pane of a model: its start as names say it, and the key of its version and slice."""

    stamp: str
    key: str


class PaneFile(NamedTuple):
    """The file of one revision of a pane; they sort by place, and then by revision."""

    place: Place
    revision: int
    path: Path


class EventFile(NamedTuple):
    """The events of one day that one checkpoint counts on."""

    sequence: int
    path: Path


def place_of(version: str, slice: str, start: int) -> Place:
    """The place of a pane."""
    return Place(stamp(start), key(version, slice))


def pane_name(place: Place, revision: int) -> str:
    """The name of the file of one revision of a pane."""
    return f"{place.stamp}-{place.key}-r{revision}.parquet"


def panes_folder(archive: Path, model: str) -> Path:
    """Where the days of a model are."""
    return archive / "panes" / f"model={model}"


def day_folder(model: Path, start: int) -> Path:
    """Where the panes of a model, or events, of the day of a time are."""
    return model / f"date={date(start)}"


def pane_files(day: Path) -> list[PaneFile]:
    """The revisions of panes that have a file of their own in a day's folder, in order."""
    found = ((_NAME.fullmatch(path.name), path) for path in _in(day))
    return sorted(
        PaneFile(Place(name[1], name[2]), int(name[3]), path) for name, path in found if name
    )


def event_files(day: Path) -> list[EventFile]:
    """The files of events in a day's folder, oldest first, without the compact one."""
    found = ((_SEQUENCE.fullmatch(path.name), path) for path in _in(day))
    return sorted(EventFile(int(name[1]), path) for name, path in found if name)


def own_files(day: Path) -> list[Path]:
    """All that this program may have put into a day's folder, half-written files too, in the order
    in which it can be removed: what is newer after what it would leave to count."""
    names = (_NAME, _SEQUENCE, re.compile(re.escape(COMPACT)))
    found = [
        path
        for path in _in(day)
        if any(name.fullmatch(path.name.removesuffix(PARTIAL)) for name in names)
    ]
    newest = {one.path: one.revision + 1 for one in pane_files(day)}
    return sorted(found, key=lambda path: newest.get(path, 0))


def days(folder: Path) -> list[tuple[int, Path]]:
    """The days that have a folder: when they begin (us), in order."""
    found = []
    for path in _in(folder):
        named = _DAY.fullmatch(path.name)
        if named is not None:
            try:
                begin = datetime.strptime(named[1], "%Y-%m-%d").replace(tzinfo=UTC)
            except ValueError:
                continue  # no day that there is, and not of this program's making
            found.append(((begin - _EPOCH) // timedelta(microseconds=1), path))
    return sorted(found)


def models(archive: Path) -> list[str]:
    """The models that have panes."""
    names = (path.name for path in _in(archive / "panes"))
    return sorted(name.removeprefix("model=") for name in names if name.startswith("model="))


def unsettled(archive: Path) -> set[Path]:
    """The files that not both of the newest checkpoints count on, and that a start may remove.

    A file that was there before this looks is settled if it is not among them.

    Raises:
        OSError: what names them cannot be read.
    """
    found: set[Path] = set()
    for note in _in(archive / "unsettled"):
        if note.suffix == ".json" and is_number(note.stem):
            try:
                found.update(archive / name for name in names_in(note))
            except FileNotFoundError:
                continue  # settled just now
    return found


def names_in(note: Path) -> list[str]:
    """The names of files that a note holds, from the archive's folder on.

    Raises:
        OSError: it cannot be read, or is damaged.
    """
    try:
        return msgspec.json.decode(note.read_bytes(), type=list[str])
    except ValueError as error:
        raise OSError(
            f"{note}: damaged ({error}); restore the state folder from a backup, or move it away "
            "to begin anew"
        ) from error


def is_number(text: str) -> bool:
    """Whether a text is the number of a checkpoint."""
    return text.isascii() and text.isdecimal()


def date(time: int) -> str:
    """The day of a time (us) in UTC, as folders say it."""
    return (_EPOCH + timedelta(microseconds=time)).date().isoformat()


def stamp(time: int) -> str:
    """A time (us) in UTC, as names say it."""
    moment = _EPOCH + timedelta(microseconds=time)
    return f"{moment.year:04}{moment:%m%dT%H%M%SZ}"  # %Y would leave out zeros


def time(stamp: str) -> int:
    """The time (us) again."""
    moment = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1)


def key(version: str, slice: str) -> str:
    """What a name says of version and slice, which may be anything: 16 hex digits."""
    return blake2b(msgspec.json.encode([version, slice]), digest_size=8).hexdigest()


def _in(folder: Path) -> Iterable[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []
