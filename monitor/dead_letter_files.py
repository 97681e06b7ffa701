"""Dead letters in two files of JSON lines that take turns, so that they never pass their bound."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from collectors.sources import Partition
from monitor.disk import make_folder
from monitor.letter import Letter, Name

log = logging.getLogger(__name__)

_TAIL = 256 * 1024  # more than the longest line


class _Named(msgspec.Struct):
    """What a line is read back for; the rest of it is passed over."""

    topic: str
    partition: int
    offset: int
    item: int


_decode = msgspec.json.Decoder(_Named).decode


class LetterFiles:
    """`dead-letters.jsonl`, and the one before it."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.path = folder / "dead-letters.jsonl"
        self._older = folder / "dead-letters.1.jsonl"
        self._half = max_bytes // 2
        self._whole = False  # whether the newer file is known to end with a whole line

    def put(self, letter: Letter) -> bool:
        """Add a line; whether there was room for one of its length.

        Raises:
            OSError: it cannot be written.
        """
        line = letter.line()
        if len(line) > self._half:
            return False
        make_folder(self.path.parent)
        if not self._whole:
            self._repair()
        size = self.path.stat().st_size if self.path.exists() else 0
        if size + len(line) > self._half:
            self.path.replace(self._older)
        self._whole = False
        with self.path.open("ab") as file:
            file.write(line)
        self._whole = True
        return True

    def names(self, positions: Mapping[Partition, int]) -> set[Name]:
        """The letters kept of these partitions, from the offsets on. What is damaged is none.

        Raises:
            OSError: a file is there, and cannot be read.
        """
        return {
            name
            for path in (self._older, self.path)
            if path.exists()
            for name in _names(path)
            if name.partition in positions and name.offset >= positions[name.partition]
        }

    def sync(self) -> None:
        """Make durable what was put. For any thread.

        Raises:
            OSError: it cannot be done.
        """
        for path in (self._older, self.path):
            if path.exists():
                handle = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)

    def _repair(self) -> None:
        """Cut off what a crash, or a full disk, left behind the last whole line."""
        if not self.path.exists():
            return
        size, reach = self.path.stat().st_size, _TAIL
        while True:
            begin = max(size - reach, 0)
            with self.path.open("rb") as file:
                file.seek(begin)
                end = _end_of_whole_lines(file.read(size - begin))
            if end or not begin:
                break
            reach *= 4
        if begin + end < size:
            os.truncate(self.path, begin + end)
            what = {"file": str(self.path), "bytes": size - begin - end}
            log.warning("the end of the dead letters was damaged, and is cut off", extra=what)


def _names(path: Path) -> Iterator[Name]:
    with path.open("rb") as file:
        for line in file:
            name = _name(line)
            # A line without its end will be cut off: it is not kept, however much of it is there.
            if name is not None and line.endswith(b"\n"):
                yield name


def _name(line: bytes) -> Name | None:
    try:
        found = _decode(line)
    except (msgspec.DecodeError, RecursionError):
        return None
    return Name(Partition(found.topic, found.partition), found.offset, found.item)


def _end_of_whole_lines(data: bytes) -> int:
    """Where the last line ends that can be read; 0 where none can."""
    end = data.rfind(b"\n") + 1
    while end:
        begin = data.rfind(b"\n", 0, end - 1) + 1
        if _name(data[begin:end]) is not None:
            return end
        end = begin
    return 0
