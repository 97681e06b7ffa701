"""One partition: a path, and the files that were found under it one after the other."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from collectors.sources import CaughtUp, Gap, Partition, Records, StreamValue
from collectors.sources.files.identity import (
    FRONT,
    Identity,
    Seen,
    age,
    digest,
    places,
    rotations,
    see,
)
from collectors.sources.files.lines import BROKEN, Line
from collectors.sources.files.options import FilesOptions, kind_of
from collectors.sources.files.rows import Mark, RowReader, open_rows
from collectors.sources.files.stretches import Known, Stretch

log = logging.getLogger(__name__)

PASSING = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.EACCES, errno.EPERM, errno.EIO, errno.ENOENT}
    | {errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT}
)
"""What may be over at the next look, if only because a file was renamed in between."""

Take = Callable[[Seen], bool]
"""Whether a file that was found is free to be read, and never was; it is taken then."""

_State = tuple[int, int, int, int]  # of a file: device, inode, size, time of the last change


@dataclass(slots=True)
class _Opened:
    """The file that is read now.

    Attributes:
        left: whether it grows no more, so that its end is the end of its stretch.
        cut: whether it was truncated, so that what was not read of it is gone.
        last: what its path led to when it last led to this file.
        before: the same, before what was read last.
        own: the size of the file, and the time of its last change.
    """

    stretch: Stretch
    reader: RowReader
    left: bool
    cut: bool = False
    last: _State | None = None
    before: _State | None = None
    own: tuple[int, int] | None = None


class FileLog:
    """Reads the files of one partition in their order, with offsets that go on over all of them.

    A file is left for the next one once the path leads to another that is not empty, and all of the
    old one was read after this was seen: whoever writes has then turned to the new one. A file that
    was truncated in place is a new file; the rest of the old one is read from its copy, if there is
    one.

    Attributes:
        history: its rotations that were there before it was first read, and are to be read.
        offset: of the next row.
        changed: whether a restart must know more than it was told.
        ended: whether nothing can follow: it is read once, and was.
        quiet: whether all that was there was read at the last look.
        sought: whether an offset was ever sought.
    """

    def __init__(self, partition: Partition, path: Path, options: FilesOptions) -> None:
        self.partition = partition
        self.path = path
        self.stretches: list[Stretch] = []
        self.history: list[Path] = []
        self.offset = 0
        self.changed = False
        self.ended = False
        self.quiet = False
        self.sought = False
        self._options = options
        self._kind = kind_of(path, options.kind, options.follow)
        self._opened: _Opened | None = None
        self._rested: tuple[_State, Mark] | None = None
        self._look_now = True
        self._waits = False  # for what stands in the way, or for a file that is gone, to come

    @property
    def open(self) -> bool:
        """Whether a file is open."""
        return self._opened is not None

    @property
    def gone(self) -> bool:
        """Whether nothing is under its path, and all that was there was read."""
        try:
            return self.quiet and self._state() is None
        except OSError:
            return False

    def go_on(self, known: Known) -> None:
        """Be what an earlier life was, as far as it told."""
        self.stretches = known.stretches
        self.offset = self.stretches[0].base if self.stretches else 0

    def seek(self, offset: int) -> None:
        """Go on at this offset."""
        self.close()
        self.offset = offset
        self.sought = True
        self.ended = False
        self._rested = None
        self._look_now = True

    def close(self) -> None:
        """Close the file that is open."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.reader.close()

    def rest(self) -> None:
        """Close the file, if it is quiet and can be gone on with later; for another's sake."""
        opened = self._opened
        if opened is None or opened.left or opened.before is None:
            return
        place = opened.reader.place
        mark = Mark(0, 0) if place is None else Mark(self.offset - opened.stretch.base, place)
        self._rested = (opened.before, mark)
        self.close()

    def look(self, take: Take, due: bool) -> None:
        """Notice what a restart has to know, before more is read."""
        self._waits = self._waits and not due
        try:
            if self._current() is None:
                if (due or self._look_now) and (self._options.follow or not self.stretches):
                    self._look_now = self._begin_next(take)
            elif self._opened is not None and self._options.follow:
                self._watch(self._opened)
        except OSError as error:
            self._waits = True
            if error.errno not in PASSING:
                log.warning(
                    "file is passed over", extra={"file": str(self.path), "why": str(error)}
                )
                self.ended = True

    def wants_file(self) -> bool:
        """Whether a file has to be opened to go on."""
        if self._waits or self._opened is not None or self._current() is None:
            return False
        try:
            return self._rested is None or self._state() != self._rested[0]
        except OSError:
            return True  # opening it says what is wrong

    def read(self) -> Iterator[StreamValue]:
        """What comes next in the file that is read now, and where it ends."""
        if self._waits and self._opened is None and not self._options.follow:
            return
        try:
            yield from self._read()
        except BROKEN as error:
            if isinstance(error, OSError) and error.errno in PASSING:
                self.close()  # lines that were read before it are not handed over: read again
                return
            log.warning("file is damaged", extra={"file": str(self.path), "why": str(error)})
            yield Gap(self.partition, self.offset, self.offset + 1, "undecodable")
            self.offset += 1
            self._leave(self._current())
            yield from self._caught_up()

    def forget_before(self, offset: int) -> None:
        """Let go what no restart needs, which begins at this offset or later."""
        self.stretches = [
            stretch
            for number, stretch in enumerate(self.stretches, 1)
            if number == len(self.stretches)
            or stretch.named
            or stretch.end is None
            or stretch.end > offset
        ]
        for stretch in self.stretches:
            stretch.forget_before(offset)

    def _current(self) -> Stretch | None:
        """What the next row is of; None where no such file was found yet."""
        return next((s for s in self.stretches if s.end is None or s.end > self.offset), None)

    def _state(self) -> _State | None:
        try:
            now = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns

    def _watch(self, opened: _Opened) -> None:
        """See what became of the file that is open, and of its path."""
        if opened.left or self._is_cut(opened):
            return
        now = self._state()
        facts = opened.reader.facts
        if now is not None and now[:2] == (facts.st_dev, facts.st_ino):
            opened.last = now
        else:
            opened.left = now is not None and now[2] > 0

    def _is_cut(self, opened: _Opened) -> bool:
        """Whether the file, under whatever name, was truncated; if not, it may have grown."""
        reader, known = opened.reader, opened.stretch.identity
        now = reader.now()
        if now is None or (now.st_size, now.st_mtime_ns) == opened.own:
            return False
        opened.own = now.st_size, now.st_mtime_ns
        front = reader.front(FRONT)
        if now.st_size < (reader.place or 0) + reader.held or not known.begins(front):
            self._truncated(opened)
            return True
        if len(front) >= min(2 * known.length, FRONT) and len(front) > known.length:
            grown = Identity(known.device, known.inode, len(front), digest(front))
            opened.stretch.identity = grown
            self.changed = True
        return False

    def _truncated(self, opened: _Opened) -> None:
        """What was in the file is not there any more; it may be in a copy."""
        stretch = opened.stretch
        stretch.identity = stretch.identity._replace(device=0, inode=0)
        self.changed = opened.left = opened.cut = True
        mark = Mark(self.offset - stretch.base, opened.reader.place or 0)
        copy = self._find(stretch, mark)
        if copy is not None:
            opened.reader.close()
            self._opened = copy
        elif not self.quiet:
            log.warning(
                "file was truncated before all of it was read", extra={"file": str(self.path)}
            )

    def _begin_next(self, take: Take) -> bool:
        """Find the file that comes after all that were read; whether there is one to wait for."""
        for place in [*self._between(), self.path]:
            seen = see(place, self._kind == "parquet")
            if seen is None:
                continue
            if place == self.path and self._options.follow and not self._tells(seen.front):
                return True
            if take(seen):
                self.stretches.append(Stretch(seen.identity, self.offset if self.stretches else 0))
                self.changed = True
                return False
        return False

    def _tells(self, front: bytes) -> bool:
        """Whether a row is complete, before which a file could be mistaken for another."""
        rows = 2 if self._kind == "csv" else 1
        return front.count(b"\n") >= rows or len(front) >= FRONT

    def _between(self) -> list[Path]:
        """Rotations that were written after the last file that was read, the oldest first.

        At the very first those that were there.
        """
        if not self.stretches:
            there = [place for place in self.history if place.exists()]
            return [place for _, place in sorted((age(place), place) for place in there)]
        where = next(places(self.stretches[-1].identity, self.path), None)
        if where is None or where == self.path:
            return []
        since = age(where)
        aged = sorted((age(place), place) for place in rotations(self.path))
        return [place for at, place in aged if at > since]

    def _read(self) -> Iterator[StreamValue]:
        stretch = self._current()
        if stretch is not None and stretch.base > self.offset:
            yield from self._gap(stretch.base, "lost")
        if stretch is not None and self.wants_file():
            self._opened = self._find(stretch, stretch.mark_before(self.offset))
            if self._opened is None:
                yield from self._missing(stretch)
        if self._opened is not None:
            self._rested = None
            yield from self._read_rows(self._opened)
        elif self._options.follow or self._current() is None:
            self.quiet = True
            yield from self._caught_up()

    def _read_rows(self, opened: _Opened) -> Iterator[StreamValue]:
        stretch, reader = opened.stretch, opened.reader
        opened.before = opened.last
        lines = [] if opened.cut else reader.read()
        self.quiet = opened.cut or reader.at_end
        nothing = self.quiet and not lines
        over = nothing and opened.left
        if over:
            lines = reader.finish()
        if stretch.end is not None:
            lines = lines[: stretch.end - self.offset]
        first, self.offset = self.offset, self.offset + len(lines)
        kept = [
            (offset, line)
            for offset, line in enumerate(lines, first)
            if line.data.strip() or line.size
        ]
        if kept:
            yield _records(self.partition, kept)
        self.changed |= stretch.mark(self.offset, reader.place)
        if over and stretch.end is not None and self.offset < stretch.end:
            yield from self._gap(stretch.end, "lost")
        if over or self.offset == stretch.end:
            self._leave(stretch)
        if self.ended or (nothing and not over):
            yield from self._caught_up()

    def _find(self, stretch: Stretch, mark: Mark) -> _Opened | None:
        """The stretch's file, wherever it is by now, open at the next offset."""
        whole = self._kind == "parquet"
        if self._rested is not None:
            mark = max(mark, self._rested[1])
        for place in places(stretch.identity, self.path, whole):
            reader = open_rows(place, self._kind, self._options.max_record_bytes)
            try:
                found = reader.begin(self.offset - stretch.base, mark)
            except BROKEN:
                reader.close()
                raise
            seen = see(place, whole) if found else None
            facts = reader.facts
            if seen is None or (seen.device, seen.inode) != (facts.st_dev, facts.st_ino):
                reader.close()
                continue
            # By its copy from now on, if it is one, and by more of its first bytes.
            self.changed |= seen.identity != stretch.identity
            stretch.identity = seen.identity
            there = self._state()
            here = there is not None and there[:2] == (facts.st_dev, facts.st_ino)
            moved = there is not None and not here and there[2] > 0
            left = moved or stretch.end is not None or not self._options.follow
            return _Opened(stretch, reader, left, last=there if here else None)
        return None

    def _missing(self, stretch: Stretch) -> Iterator[StreamValue]:
        """The file is nowhere. How much was in the rest of it is known if it was left."""
        if self._options.follow and stretch.end is None and self._state() is None:
            self._waits = True  # it may come again, and what comes instead says that it is lost
            return
        log.warning(
            "the rest of a file is lost: it is under its path no more, nor beside it",
            extra={"file": str(self.path), "from": self.offset, "to": stretch.end},
        )
        # Where it is not known, one offset stands for it, so that it is counted and noted.
        yield from self._gap(stretch.end or self.offset + 1, "lost")
        stretch.identity = stretch.identity._replace(device=0, inode=0)
        self._leave(stretch)

    def _gap(self, end: int, reason: str) -> Iterator[StreamValue]:
        yield Gap(self.partition, self.offset, end, reason)
        self.offset = end

    def _leave(self, stretch: Stretch | None) -> None:
        self.close()
        if stretch is not None:
            stretch.end = self.offset
        self._look_now = self.changed = True
        if not self._options.follow:
            self.ended = self._current() is None

    def _caught_up(self) -> Iterator[StreamValue]:
        if not self._options.follow:
            self.ended = self._current() is None
        yield CaughtUp(self.partition, self.offset, final=self.ended)


def _records(partition: Partition, kept: list[tuple[int, Line]]) -> Records:
    rows = len(kept)
    return Records(
        partition=partition,
        offsets=np.array([offset for offset, _ in kept], dtype=np.int64),
        values=[line.data for _, line in kept],
        keys=[None] * rows,
        headers=[()] * rows,
        timestamps=np.full(rows, -1, dtype=np.int64),
        oversized={index: line.size for index, (_, line) in enumerate(kept) if line.size},
    )
