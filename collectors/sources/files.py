"""Files as a source: JSONL, CSV and Parquet, plain or gzip, read once or followed as they grow.

Each file is a partition, numbered as it is found, in the order of the paths; an offset is the
number of a line or row. Whatever the file's kind, a record is the bytes of a JSON object, so that
formats see one thing.
"""

from __future__ import annotations

import csv
import errno
import glob
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec
import numpy as np

from collectors.sources import Assigned, CaughtUp, Gap, Partition, Records, StreamValue
from collectors.sources.lines import BROKEN, Line, LineReader

log = logging.getLogger(__name__)

FileKind = Literal["auto", "jsonl", "csv", "parquet"]

BATCH = 5_000
HEAD = 1024
"""Bytes handed over of a record that passes the limit."""

PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.EACCES, errno.EIO, errno.ESTALE})
"""What may be over at the next look."""

LOOK_AGAIN = 2.0
"""Seconds between looks for new files that match."""


@dataclass(frozen=True, slots=True)
class FilesOptions:
    """What to read.

    Attributes:
        paths: paths and glob patterns.
        follow: go on as files grow, and as new ones appear; not for Parquet.
        topic: the topic's name of what is read.
    """

    paths: tuple[str, ...]
    kind: FileKind = "auto"
    follow: bool = False
    max_record_bytes: int = 1024 * 1024
    topic: str = "files"


class _Reader(Protocol):
    def read(self, most: int) -> list[Line]: ...

    def finish(self) -> list[Line]: ...

    def close(self) -> None: ...


@dataclass(slots=True)
class _File:
    path: Path
    reader: _Reader
    next_offset: int = 0
    begin_at: int = 0
    ended: bool = False


class FilesSource:
    """A `Source` over files.

    Raises (from the constructor):
        ValueError: a Parquet file is to be followed, or its kind cannot be told from its name.
    """

    def __init__(self, options: FilesOptions) -> None:
        self._options = options
        self._files: dict[Partition, _File] = {}
        self._numbers: dict[str, int] = {}
        self._paused: frozenset[Partition] = frozenset()
        self._refused: set[str] = set()
        self._next_look = 0.0
        self._sought: dict[Partition, int] = {}
        for pattern in (path for path in options.paths if not glob.has_magic(path)):
            kind_of(Path(pattern), options.kind, options.follow)

    def poll(self, timeout: float, now: float) -> Sequence[StreamValue]:
        """See `Source.poll`. Files take turns, so that their panes close together."""
        values: list[StreamValue] = []
        if now >= self._next_look and (self._options.follow or not self._files):
            self._next_look = now + LOOK_AGAIN
            values += self._find()
        for partition, file in self._files.items():
            if not file.ended and partition not in self._paused:
                values += self._read(partition, file)
        if not any(isinstance(value, Records) for value in values):
            threading.Event().wait(timeout)
        return values

    def seek(self, partition: Partition, offset: int) -> None:
        """See `Source.seek`. Lines before the offset are read again, and passed over."""
        file = self._files.get(partition)
        if file is None:
            self._sought[partition] = offset
            return
        file.reader.close()
        reader = self._reader(file.path)
        self._files[partition] = _File(file.path, reader, begin_at=offset)

    def pause(self, partitions: frozenset[Partition]) -> None:
        """See `Source.pause`."""
        self._paused |= partitions

    def resume(self, partitions: frozenset[Partition]) -> None:
        """See `Source.resume`."""
        self._paused -= partitions

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Nothing: files have nobody to tell."""

    def lag(self) -> Mapping[Partition, int]:
        """Nothing: how many lines are left is not known."""
        return {}

    def close(self) -> None:
        """See `Source.close`."""
        for file in self._files.values():
            file.reader.close()

    def _end(self, file: _File) -> None:
        file.ended = True
        file.reader.close()

    def _find(self) -> list[StreamValue]:
        begun: dict[Partition, int] = {}
        known = {str(file.path) for file in self._files.values()} | self._refused
        found = sorted({p for pattern in self._options.paths for p in _matching(pattern)} - known)
        for path in found:
            try:
                reader = self._reader(Path(path))
            except ValueError as error:
                self._refused.add(path)
                log.warning("file is passed over", extra={"file": path, "why": str(error)})
                continue
            partition = Partition(self._options.topic, len(self._files))
            begin = self._sought.pop(partition, 0)
            self._files[partition] = _File(Path(path), reader, begin_at=begin)
            begun[partition] = begin
            log.info("file found", extra={"file": path, "partition": partition.number})
        return [Assigned(begun)] if begun else []

    def _reader(self, path: Path) -> _Reader:
        kind = kind_of(path, self._options.kind, self._options.follow)
        if kind == "parquet":
            return _ParquetRows(path)
        lines = LineReader(path, self._options.max_record_bytes, HEAD)
        return _CsvRows(lines, path) if kind == "csv" else lines

    def _read(self, partition: Partition, file: _File) -> Iterator[StreamValue]:
        try:
            lines = file.reader.read(BATCH)
            ended = not lines and not self._options.follow
            if ended:
                lines = file.reader.finish()
        except BROKEN as error:
            if isinstance(error, OSError) and error.errno in PASSING:
                return
            log.warning("file is damaged", extra={"file": str(file.path), "why": str(error)})
            self._end(file)
            yield Gap(partition, file.next_offset, file.next_offset + 1, "undecodable")
            yield CaughtUp(partition, file.next_offset + 1, final=True)
            return
        first, file.next_offset = file.next_offset, file.next_offset + len(lines)
        kept = [
            (offset, line)
            for offset, line in enumerate(lines, first)
            if offset >= file.begin_at and (line.data.strip() or line.size)
        ]
        if kept:
            yield _records(partition, kept)
        if ended or not lines:
            if ended:
                self._end(file)
            yield CaughtUp(partition, file.next_offset, final=ended)


def kind_of(path: Path, kind: FileKind, follow: bool) -> Literal["jsonl", "csv", "parquet"]:
    """What is in a file, by its name where `kind` is `auto`.

    Raises:
        ValueError: it cannot be told, or it is Parquet and to be followed.
    """
    if kind == "auto":
        suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
        endings = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".log": "jsonl"}
        endings |= {".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}
        found = endings.get(suffixes[-1] if suffixes else "")
        if found is None:
            raise ValueError(f"{path}: not .jsonl, .csv or .parquet; say which by `format:`")
        kind = found  # type: ignore[assignment]
    if kind == "parquet" and follow:
        raise ValueError(f"{path}: a Parquet file cannot be followed, for it is written whole")
    return kind  # type: ignore[return-value]


def _matching(pattern: str) -> list[str]:
    if glob.has_magic(pattern):
        return glob.glob(pattern, recursive=True)  # noqa: PTH207  # of an absolute pattern
    return [pattern]


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


class _CsvRows:
    """Rows of a CSV file as JSON objects of strings. The header is row -1 and no record.

    A row of another length than the header is handed over as it is, and no JSON. Cells may not
    contain line breaks: a record is a line, so that a damaged one costs only itself.
    """

    def __init__(self, lines: LineReader, path: Path) -> None:
        self._lines = lines
        self._path = path
        self._header: list[str] | None = None
        self._generation = 0

    def read(self, most: int) -> list[Line]:
        return self._rows(self._lines.read(most))

    def finish(self) -> list[Line]:
        return self._rows(self._lines.finish())

    def close(self) -> None:
        self._lines.close()

    def _rows(self, lines: list[Line]) -> list[Line]:
        if lines and self._lines.generation != self._generation:
            self._generation = self._lines.generation
            head = lines.pop(0).data.removeprefix(b"\xef\xbb\xbf")
            self._header = _cells(head) or []
            twice = {name for name in self._header if self._header.count(name) > 1}
            if twice:
                raise OSError(f"{self._path}: column {sorted(twice)[0]!r} stands in it twice")
        return [self._row(line) for line in lines]

    def _row(self, line: Line) -> Line:
        if line.size or not line.data.strip():
            return line
        cells = _cells(line.data)
        if cells is None or len(cells) != len(self._header or ()):
            return line
        return Line(msgspec.json.encode(dict(zip(self._header or (), cells, strict=True))))


def _cells(data: bytes) -> list[str] | None:
    try:
        return next(csv.reader([data.decode("utf-8", "replace")], strict=True), [])
    except csv.Error:
        return None


class _ParquetRows:
    """Rows of a Parquet file as JSON objects; NaN is null, times are ISO 8601."""

    def __init__(self, path: Path) -> None:
        from pyarrow import parquet  # 0.1 s that only Parquet files are worth

        self._path = path
        self._parquet = parquet
        self._batches: Iterator[Any] | None = None

    def read(self, most: int) -> list[Line]:
        try:
            if self._batches is None:
                self._batches = self._parquet.ParquetFile(self._path).iter_batches(most)
            batch = next(self._batches, None)
        except ValueError as error:  # pyarrow's errors of damaged files are ValueErrors too
            raise OSError(str(error)) from error
        rows = [] if batch is None else batch.to_pylist()
        return [Line(msgspec.json.encode(row, enc_hook=str)) for row in rows]

    def finish(self) -> list[Line]:
        return []

    def close(self) -> None:
        self._batches = None
