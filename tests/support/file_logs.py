"""A program that writes logs and has them rotated, and what an app does with a source of files."""

from __future__ import annotations

import gzip
import os
import shutil
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import IO

from collectors.sources import Assigned, CaughtUp, Gap, Partition, Records, Revoked, StreamValue
from collectors.sources.files import FilesOptions, FilesSource

TOPIC = "files"


class Writer:
    """A program that logs to one path, and what rotates its file beside it."""

    def __init__(self, path: Path, random: Random) -> None:
        self.path = path
        self.lines: list[bytes] = []
        self._random = random
        self._file: IO[bytes] = path.open("ab", buffering=0)
        self._half = b""  # of a line that is begun
        self._moved = False
        self._file.write(self._begin() + b"\n")

    def write(self) -> None:
        """Some lines, and maybe the front of one."""
        self._complete()
        for _ in range(self._random.randrange(30)):
            self._file.write(self._begin() + b"\n")
        if self._random.random() < 0.4:
            line = self._begin()
            self._half = line[self._random.randrange(1, len(line)) :]
            self._file.write(line.removesuffix(self._half))

    def rotate(self) -> None:
        """The file gets another name; the program notices later."""
        if self._moved:
            return
        names = [self.path, *(self.path.with_name(f"{self.path.name}.{n}") for n in range(1, 60))]
        free = next(n for n, name in enumerate(names) if not _there(name))
        for number in range(free, 0, -1):
            for ending in ("", ".gz"):
                old = names[number - 1].with_name(names[number - 1].name + ending)
                if old.exists():
                    old.rename(names[number].with_name(names[number].name + ending))
        self._moved = True

    def reopen(self) -> None:
        """The program turns to a new file; its last line may never get an end."""
        if self._moved:
            if self._random.random() < 0.5:
                self._complete(end=b"")
            else:
                self._complete()
            self._file.close()
            self._file = self.path.open("ab", buffering=0)
            self._moved = False

    def compress(self) -> None:
        """What was rotated twice or more becomes gzip, as logrotate's delaycompress has it."""
        self.reopen()
        for old in sorted(self.path.parent.glob(f"{self.path.name}.*")):
            if old.suffix not in {".gz", ".1"}:
                times = old.stat()
                packed = old.with_name(old.name + ".gz")
                packed.write_bytes(gzip.compress(old.read_bytes()))
                os.utime(packed, ns=(times.st_atime_ns, times.st_mtime_ns))
                old.unlink()

    def truncate(self) -> None:
        """The file is copied and truncated in place, where no line is begun."""
        self.reopen()
        self._complete()
        if self.path.stat().st_size:
            self.rotate()
            shutil.copy2(self.path.with_name(self.path.name + ".1"), self.path)
            moved = self.path.with_name(self.path.name + ".1")
            moved.replace(self.path.with_name("aside"))
            self.path.replace(moved)
            self.path.with_name("aside").replace(self.path)
            self._moved = False
            os.truncate(self.path, 0)

    def finish(self) -> None:
        """A last line, so that all before it have their ends, and the old file is left."""
        self.reopen()
        self._complete()
        self._file.write(self._begin() + b"\n")

    def close(self) -> None:
        self._file.close()

    def _begin(self) -> bytes:
        line = b'{"%s": %d, "x": "%s"}' % (
            self.path.name.encode(),
            len(self.lines),
            b"x" * self._random.choice([0, 5, 200]),
        )
        self.lines.append(line)
        return line

    def _complete(self, end: bytes = b"\n") -> None:
        if self._half:
            self._file.write(self._half + end)
            self._half = b""


def _there(path: Path) -> bool:
    return path.exists() or path.with_name(path.name + ".gz").exists()


@dataclass
class Reader:
    """What an app does with a source, and what is left of it when it dies."""

    options: FilesOptions
    random: Random
    certain: bool = False
    commits: bool = True
    text: str = ""
    saved: dict[Partition, int] = field(default_factory=dict)
    positions: dict[Partition, int] = field(default_factory=dict)
    taken: defaultdict[Partition, dict[int, bytes]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    ever: dict[tuple[Partition, int], bytes] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    ended: set[Partition] = field(default_factory=set)
    now: float = 0.0
    topic_id: str = ""

    def live(self) -> None:
        """Begin as a process does."""
        self.source = FilesSource(self.options)
        self.topic_id, self.positions = self.text, dict(self.saved)
        self.ended.clear()
        for partition, lines in self.taken.items():
            for offset in [o for o in lines if o >= self.saved.get(partition, 0)]:
                del lines[offset]
        if self.text:
            self.source.remember(TOPIC, self.text)
        for partition, offset in self.saved.items():
            self.source.seek(partition, offset)

    def die(self) -> None:
        self.source.close()

    def poll(self, times: int = 1) -> None:
        for _ in range(times):
            self.now += 1.0
            for value in self.source.poll(0.0, self.now):
                self.handle(value)
            if self.certain or self.random.random() < 0.3:
                self.save()
                if self.commits:
                    self.source.commit(self.saved)

    def handle(self, value: StreamValue) -> None:
        match value:
            case Records(partition, offsets):
                for offset, line in zip(offsets.tolist(), value.values, strict=True):
                    assert line is not None
                    assert offset >= self.positions[partition]
                    self.taken[partition][offset] = line
                    # Whatever life reads an offset, it is the same line.
                    assert self.ever.setdefault((partition, offset), line) == line
                self.positions[partition] = offsets.tolist()[-1] + 1
            case Assigned(positions, ids):
                for partition, offset in positions.items():
                    assert offset >= self.positions.get(partition, 0)
                self.positions |= positions
                self.topic_id = ids[TOPIC]
                self.save()
            case Gap(partition, start, end):
                assert start >= self.positions[partition]
                self.positions[partition] = end
                self.gaps.append(value)
            case CaughtUp(partition, _, final) if final:
                self.ended.add(partition)
            case Revoked(partitions):
                raise AssertionError(partitions)

    def save(self) -> None:
        """A checkpoint: what some model held is not taken yet, so that a restart begins before."""
        self.text = self.topic_id
        for partition, position in self.positions.items():
            last = self.saved.get(partition, position)
            held = not self.certain and self.random.random() < 0.3
            self.saved[partition] = self.random.randint(last, position) if held else position

    def lines(self) -> list[bytes]:
        return [line for lines in self.taken.values() for _, line in sorted(lines.items())]


def options_of(folder: Path, *names: str, kind: str = "jsonl", follow: bool = True) -> FilesOptions:
    paths = tuple(str(folder / name) for name in names)
    return FilesOptions(paths, kind=kind, follow=follow)  # type: ignore[arg-type]


def reader_of(
    folder: Path, *names: str, seed: int = 0, kind: str = "jsonl", follow: bool = True
) -> Reader:
    reader = Reader(options_of(folder, *names, kind=kind, follow=follow), Random(seed))  # noqa: S311
    reader.live()
    return reader


def rows(number: int, first: int = 0) -> bytes:
    return b"".join(b'{"row": %d}\n' % n for n in range(first, first + number))


def again(reader: Reader, polls: int = 6) -> None:
    """Die, and be read on by a new life."""
    reader.save()
    reader.die()
    reader.live()
    reader.poll(polls)


def row_numbers(reader: Reader) -> list[bytes]:
    return [line[8:-1] for line in reader.lines()]


def numbers(*spans: tuple[int, int]) -> list[bytes]:
    return [b"%d" % n for first, end in spans for n in range(first, end)]


def certain(folder: Path, *names: str, kind: str = "jsonl", follow: bool = True) -> Reader:
    """A reader that saves after each poll, and whose models hold nothing back."""
    reader = reader_of(folder, *names, kind=kind, follow=follow)
    reader.certain = True
    return reader
