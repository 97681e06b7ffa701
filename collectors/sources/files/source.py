"""The source over files: which there are, which number each has, and whose turn it is."""

from __future__ import annotations

import glob
import logging
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from collectors.sources import Assigned, Partition, Records, Revoked, StreamValue
from collectors.sources.files.identity import Seen, is_there, rotated_from, see
from collectors.sources.files.log import FileLog
from collectors.sources.files.options import FilesOptions, kind_of
from collectors.sources.files.stretches import Known, Stretch, as_text, from_text

log = logging.getLogger(__name__)

LOOK_AGAIN = 2.0
"""Seconds between looks for new files that match."""

MOST_OPEN = 256
"""Files that are open at once: quiet ones are closed for others, and the rest waits."""

MOST_GONE = 1_000
"""Paths with nothing under them that are waited for: of more, the oldest are let go."""

POLL_BYTES = 32 * 1024 * 1024
"""Bytes of records that one poll hands over, about; the next goes on with the next file."""


class FilesSource:
    """A `Source` over files.

    A file is known by its device, inode and first bytes, so that it is read once under whatever
    name: a rotation, a restart and a link change nothing.

    Raises (from the constructor):
        ValueError: a Parquet file is to be followed, or its kind cannot be told from its name.
    """

    def __init__(self, options: FilesOptions) -> None:
        self._options = options
        self._logs: dict[Partition, FileLog] = {}
        self._unread: dict[int, Known] = {}  # of paths that are not asked for any more
        self._next_number = 0
        self._started = False
        self._paused: frozenset[Partition] = frozenset()
        self._refused: set[str] = set()
        self._next_look = 0.0
        self._sought: dict[Partition, int] = {}
        self._durable: dict[Partition, int] = {}
        self._first = 0  # whose turn it is
        for pattern in (path for path in options.paths if not glob.has_magic(path)):
            kind_of(Path(pattern), options.kind, options.follow)

    def poll(self, timeout: float, now: float) -> Sequence[StreamValue]:
        """See `Source.poll`. Files take turns, so that their panes close together."""
        due = now >= self._next_look
        if due:
            self._next_look = now + LOOK_AGAIN
        values: list[StreamValue] = list(self._look(due))
        logs = list(self._logs.values())
        slots = _Slots(logs)
        first = self._first if self._first < len(logs) else 0
        size = 0
        for place, one in enumerate([*logs[first:], *logs[:first]], first):
            if one.ended or one.partition in self._paused or not slots.may_read(one):
                continue
            found = list(one.read())
            slots.was_read(one)
            values += found
            size += sum(map(_size, found))
            if size >= POLL_BYTES:
                self._first = (place + 1) % len(logs)
                break
        values += self._say({one.partition for one in logs if one.ended and one.changed})
        if not any(isinstance(value, Records) for value in values):
            threading.Event().wait(timeout)
        return values

    def remember(self, topic: str, topic_id: str) -> None:
        """See `Source.remember`. The id says which files the partitions are.

        Raises:
            ValueError: it does not.
        """
        if topic != self._options.topic or not topic_id:
            return
        self._next_number, known = from_text(topic_id)
        for number, was in known.items():
            if not self._options.asks_for(Path(was.path)):
                self._unread[number] = was
                continue
            self._add(number, was.path).go_on(was)

    def seek(self, partition: Partition, offset: int) -> None:
        """See `Source.seek`. Lines after the last mark before the offset are passed over."""
        known = self._logs.get(partition)
        if known is None:
            self._sought[partition] = offset
        else:
            known.seek(offset)

    def pause(self, partitions: frozenset[Partition]) -> None:
        """See `Source.pause`."""
        self._paused |= partitions

    def resume(self, partitions: frozenset[Partition]) -> None:
        """See `Source.resume`."""
        self._paused -= partitions

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Files have nobody to tell; but no restart begins before these offsets."""
        self._durable = dict(offsets)

    def lag(self) -> Mapping[Partition, int]:
        """Nothing: how many lines are left is not known."""
        return {}

    def close(self) -> None:
        """See `Source.close`."""
        for one in self._logs.values():
            one.close()

    def _look(self, due: bool) -> Iterator[StreamValue]:
        """Find what is new, and say what a restart must know of it before it is read."""
        if not self._started:
            for partition in [p for p, one in self._logs.items() if not one.sought]:
                del self._logs[partition]  # it was let go of after the text was said
        said = set() if self._started else set(self._logs)
        files = _Files(self._all_stretches())
        if due and (self._options.follow or not self._started or not self._logs):
            said |= self._find(files)
            yield from self._forget(files)
        self._started = True
        for partition, one in self._logs.items():
            if partition not in self._paused and not one.ended:
                one.look(files.take, due)
            if one.changed:
                said.add(partition)
        yield from self._say(said)

    def _say(self, said: set[Partition]) -> Iterator[StreamValue]:
        """Where these partitions are, and all that a restart must know."""
        for partition in said:
            self._logs[partition].changed = False
        offsets = {partition: self._logs[partition].offset for partition in sorted(said)}
        if offsets:
            yield Assigned(offsets, {self._options.topic: self._text()})

    def _text(self) -> str:
        logs = {p.number: Known(str(one.path), one.stretches) for p, one in self._logs.items()}
        return as_text(self._next_number, self._unread | logs)

    def _find(self, files: _Files) -> set[Partition]:
        """Give a number to each file that is new."""
        begun = set()
        by_path: defaultdict[str, list[FileLog]] = defaultdict(list)
        for one in self._logs.values():
            by_path[str(one.path)].append(one)
        found = {path for pattern in self._options.paths for path in _matching(pattern)}
        known_paths = found | set(by_path)
        history: defaultdict[str, list[Path]] = defaultdict(list)
        for path in sorted(found - self._refused):
            of = str(rotated_from(Path(path)))
            if self._options.follow and of in known_paths:
                history[of].append(Path(path))  # read, if it is to be, as a part of that path's
                continue
            known = by_path.get(path, [])
            if known and (self._options.follow or self._started):
                continue
            try:
                if self._is_new(Path(path), known, files, by_path):
                    begun.add(self._add(self._next_number, path).partition)
            except ValueError as error:
                self._refused.add(path)
                log.warning("file is passed over", extra={"file": path, "why": str(error)})
            except OSError as error:
                log.warning("file cannot be read", extra={"file": path, "why": str(error)})
        for partition in begun:
            self._logs[partition].history = history[str(self._logs[partition].path)]
        return begun

    def _is_new(
        self,
        path: Path,
        known: list[FileLog],
        files: _Files,
        by_path: Mapping[str, list[FileLog]],
    ) -> bool:
        kind = kind_of(path, self._options.kind, self._options.follow)
        seen = see(path, kind == "parquet")
        if seen is None:
            return not known
        if files.is_taken(seen):
            return False
        # A rotation that was compressed or copied, of a file that is not there itself any more.
        parents = by_path.get(str(rotated_from(path)), [])
        return not any(
            stretch.identity.begins(seen.front) and not is_there(stretch.identity, one.path)
            for one in parents
            for stretch in one.stretches
        )

    def _add(self, number: int, path: str) -> FileLog:
        partition = Partition(self._options.topic, number)
        one = FileLog(partition, Path(path), self._options)
        self._logs[partition] = one
        if number >= self._next_number:
            self._next_number = number + 1
            one.seek(self._sought.pop(partition, 0))
            log.info("file found", extra={"file": path, "partition": number})
        return one

    def _forget(self, files: _Files) -> Iterator[StreamValue]:
        """Let go of files what no restart needs and no path leads to."""
        for partition, one in self._logs.items():
            for stretch in one.stretches[:-1]:
                stretch.named = id(stretch) in files.named
            one.forget_before(self._durable.get(partition, 0))
        if self._options.follow and len(self._logs) > MOST_GONE:
            gone = [partition for partition, one in self._logs.items() if one.gone][:-MOST_GONE]
            for partition in gone:
                self._logs.pop(partition).close()
            if gone:
                yield Revoked(frozenset(gone))

    def _all_stretches(self) -> Iterator[Stretch]:
        for one in self._logs.values():
            yield from one.stretches
        for known in self._unread.values():
            yield from known.stretches


class _Slots:
    """Who may open a file in one poll, so that there are never more than `MOST_OPEN`."""

    def __init__(self, logs: Sequence[FileLog]) -> None:
        self._open = {one.partition for one in logs if one.open}
        self._quiet = [one for one in logs if one.open and one.quiet]

    def may_read(self, one: FileLog) -> bool:
        """Whether it has a file open, needs none, or may open one: a quiet one is closed then."""
        if one.open or len(self._open) < MOST_OPEN or not one.wants_file():
            return True
        while self._quiet and len(self._open) >= MOST_OPEN:
            other = self._quiet.pop()
            other.rest()
            if not other.open:
                self._open.discard(other.partition)
        return len(self._open) < MOST_OPEN

    def was_read(self, one: FileLog) -> None:
        """Take note of what it has open now."""
        if not one.open:
            self._open.discard(one.partition)
        elif one.partition not in self._open:
            self._open.add(one.partition)
            if one.quiet:
                self._quiet.append(one)


class _Files:
    """All files that are read, or were, by device and inode.

    Attributes:
        named: the stretches (by their `id`) to which a path leads that is not their own.
    """

    def __init__(self, stretches: Iterable[Stretch]) -> None:
        self.named: set[int] = set()
        self._stretches = stretches
        self._by_inode: dict[tuple[int, int], list[Stretch]] | None = None

    def is_taken(self, seen: Seen) -> bool:
        """Whether it is read or was."""
        same = [stretch for stretch in self._with_inode(seen) if seen.is_file(stretch.identity)]
        self.named |= {id(stretch) for stretch in same}
        return bool(same)

    def take(self, seen: Seen) -> bool:
        """Whether it is free; if so, it counts as read from now on."""
        free = not self.is_taken(seen)
        if free:
            self._with_inode(seen).append(Stretch(seen.identity, 0))
        return free

    def _with_inode(self, seen: Seen) -> list[Stretch]:
        if self._by_inode is None:
            self._by_inode = {}
            for stretch in self._stretches:
                key = (stretch.identity.device, stretch.identity.inode)
                self._by_inode.setdefault(key, []).append(stretch)
        return self._by_inode.setdefault((seen.device, seen.inode), [])


def _size(value: StreamValue) -> int:
    if not isinstance(value, Records):
        return 0
    return sum(map(len, (data for data in value.values if data is not None)))


def _matching(pattern: str) -> list[str]:
    if glob.has_magic(pattern):
        return glob.glob(pattern, recursive=True)  # noqa: PTH207  # of an absolute pattern
    return [pattern]
