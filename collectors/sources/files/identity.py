"""Which file is which: by device, inode and first bytes, and where one is after a rotation."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from collectors.sources.files.lines import BROKEN

FRONT = 1024
"""First bytes that tell one file from another."""


class Identity(NamedTuple):
    """What a file is known by: its inode may be given to another, its first bytes stay.

    Attributes:
        inode: 0 where its bytes are in that inode no more: it was truncated.
        length: how many first bytes `digest` is of; of a gzip file, as they unfold.
    """

    device: int
    inode: int
    length: int
    digest: str

    def begins(self, front: bytes) -> bool:
        """Whether a file with these first bytes may be this one."""
        return len(front) >= self.length and digest(front[: self.length]) == self.digest


class Seen(NamedTuple):
    """A file as it was found, not empty."""

    device: int
    inode: int
    front: bytes

    @property
    def identity(self) -> Identity:
        """What it is known by from now on."""
        return Identity(self.device, self.inode, len(self.front), digest(self.front))

    def is_file(self, known: Identity) -> bool:
        """Whether it is the very file, and not another with its inode."""
        same = (self.device, self.inode) == (known.device, known.inode)
        return same and known.begins(self.front)


def digest(front: bytes) -> str:
    """Of a file's first bytes."""
    return hashlib.blake2b(front, digest_size=12).hexdigest()


def see(path: Path, whole: bool = False) -> Seen | None:
    """The file at this path; None where there is none, or nothing in it.

    Args:
        whole: it is written whole (Parquet): its last bytes, which tell more, count too.

    Raises:
        OSError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            facts = os.fstat(file.fileno())
            front = _front(file, path.suffix.lower() == ".gz")
            if whole and facts.st_size > FRONT:
                file.seek(-FRONT // 2, os.SEEK_END)
                front = front[: FRONT // 2] + file.read()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    return Seen(facts.st_dev, facts.st_ino, front) if front else None


def _front(file: IO[bytes], packed: bool) -> bytes:
    if not packed:
        return file.read(FRONT)
    try:
        with gzip.GzipFile(fileobj=file) as unfolded:
            return unfolded.read(FRONT)
    except BROKEN:  # damaged, or not written to its end: then by its bytes as they are
        file.seek(0)
        return file.read(FRONT)


def places(known: Identity, path: Path, whole: bool = False) -> Iterator[Path]:
    """Where the file may be that was once under `path`, the surest place first.

    First the very file, under any name in the folder; then one at `path` with the same inode or
    the same first `FRONT` bytes (mounted or restored anew); then what a rotation made of it by
    copying or compressing, known by its first bytes.
    """
    yield from _same(known, path, whole)
    for place in [path, *rotations(path)]:
        seen = see(place, whole)
        if seen is None or seen.is_file(known) or not known.begins(seen.front):
            continue
        if place != path or seen.inode == known.inode or known.length >= FRONT:
            yield place


def is_there(known: Identity, path: Path) -> bool:
    """Whether the very file is still there, under any name in the folder of `path`."""
    return next(_same(known, path, whole=False), None) is not None


def _same(known: Identity, path: Path, whole: bool) -> Iterator[Path]:
    if not known.inode:
        return
    seen = see(path, whole)
    if seen is not None and seen.is_file(known):
        yield path
    for place in _with_inode(known.inode, path):
        seen = see(place, whole)
        if seen is not None and seen.is_file(known):
            yield place


def _with_inode(inode: int, path: Path) -> list[Path]:
    try:
        with os.scandir(path.parent) as entries:
            return [
                path.parent / entry.name
                for entry in entries
                if entry.inode() == inode and entry.name != path.name and entry.is_file()
            ]
    except (FileNotFoundError, NotADirectoryError):
        return []


_ROTATED = re.compile(r"(?P<name>.+?)[.\-_](?P<turn>\d[\d.\-_T:]*)(?P<ending>(?:\.[A-Za-z]+)?)")


def rotated_from(path: Path) -> Path | None:
    """Whose rotation it is by its name: app.log.1, app.log-20260101.gz and app.1.log of app.log."""
    found = _ROTATED.fullmatch(path.name.removesuffix(".gz"))
    return None if found is None else path.with_name(found["name"] + found["ending"])


def rotations(path: Path) -> list[Path]:
    """The files beside it that are its rotations by their names."""
    try:
        names = [path.parent / name for name in os.listdir(path.parent)]  # noqa: PTH208  # faster
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(place for place in names if rotated_from(place) == path)


def age(path: Path) -> tuple[int, int]:
    """A key by which rotations of one path are in the order in which they were written."""
    found = _ROTATED.fullmatch(path.name.removesuffix(".gz"))
    turn = found["turn"] if found else ""
    number = int(turn) if turn.isdigit() and len(turn) <= 5 else 0
    return path.stat().st_mtime_ns, -number
