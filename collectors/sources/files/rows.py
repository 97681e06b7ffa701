"""Rows of one file as JSON objects, whatever its kind: one reader a kind, behind one protocol."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec

from collectors.sources.files.lines import Line, LineReader
from collectors.sources.files.options import HEAD, OneKind

BATCH = 5_000
"""Rows of one file that are read at once."""

BATCH_BYTES = 8 * 1024 * 1024
"""Bytes of them, about."""


class Mark(NamedTuple):
    """A row that is known to begin at a byte: rows before it need not be read to pass them."""

    row: int
    place: int


class RowReader(Protocol):
    """Reads one file, open from the beginning on; what is damaged raises one of `BROKEN`."""

    @property
    def facts(self) -> os.stat_result:
        """Of the file that is open."""

    @property
    def at_end(self) -> bool:
        """Whether the last `read` came to the end of what is there."""

    @property
    def place(self) -> int | None:
        """The byte of the next row; None where it cannot be gone to."""

    @property
    def held(self) -> int:
        """Bytes read of a row that is not complete."""

    def begin(self, row: int, mark: Mark) -> bool:
        """Go to this row, by way of a mark that is not behind it; whether there are as many."""

    def read(self) -> list[Line]:
        """The next rows that are complete."""

    def finish(self) -> list[Line]:
        """The last row, if it is without an end."""

    def now(self) -> os.stat_result | None:
        """Of the file as it is now; None where it cannot change in place."""

    def front(self, length: int) -> bytes:
        """Its first bytes as they are now."""

    def close(self) -> None:
        """Close the file."""


def open_rows(path: Path, kind: OneKind, limit: int) -> RowReader:
    """A reader of the file.

    Raises:
        OSError: it cannot be opened.
    """
    if kind == "parquet":
        return ParquetRows(path)
    lines = LineReader(path, limit, HEAD)
    packed = path.suffix.lower() == ".gz"
    return CsvRows(lines, path, packed) if kind == "csv" else JsonRows(lines, packed)


class JsonRows:
    """Lines as they are."""

    def __init__(self, lines: LineReader, packed: bool) -> None:
        self.facts = lines.facts
        self._lines = lines
        self._packed = packed

    @property
    def at_end(self) -> bool:
        """See `RowReader.at_end`."""
        return self._lines.at_end

    @property
    def place(self) -> int | None:
        """See `RowReader.place`."""
        return self._lines.place

    @property
    def held(self) -> int:
        """See `RowReader.held`."""
        return self._lines.held

    def begin(self, row: int, mark: Mark) -> bool:
        """See `RowReader.begin`."""
        if mark.place and not self._packed:
            if self.facts.st_size < mark.place:
                return False
            self._lines.go_to(mark.place)
            row -= mark.row
        return self._lines.pass_over(row)

    def read(self) -> list[Line]:
        """See `RowReader.read`."""
        return self._lines.read(BATCH, BATCH_BYTES)

    def finish(self) -> list[Line]:
        """See `RowReader.finish`."""
        return self._lines.finish()

    def now(self) -> os.stat_result | None:
        """See `RowReader.now`."""
        return None if self._packed else self._lines.now()

    def front(self, length: int) -> bytes:
        """See `RowReader.front`."""
        return self._lines.front(length)

    def close(self) -> None:
        """See `RowReader.close`."""
        self._lines.close()


class CsvRows(JsonRows):
    """Rows of a CSV file as JSON objects of strings. The header is row -1 and no record.

    A row of another length than the header is handed over as it is, and no JSON. Cells may not
    contain line breaks: a record is a line, so that a damaged one costs only itself.
    """

    def __init__(self, lines: LineReader, path: Path, packed: bool) -> None:
        super().__init__(lines, packed)
        self._path = path
        self._header: list[str] | None = None

    def begin(self, row: int, mark: Mark) -> bool:
        """See `RowReader.begin`."""
        return self._headed() and super().begin(row, mark) if row else True

    def read(self) -> list[Line]:
        """See `RowReader.read`."""
        if not self._headed():
            self._lines.at_end = True
            return []
        return [self._row(line) for line in super().read()]

    def finish(self) -> list[Line]:
        """See `RowReader.finish`."""
        return [] if self._header is None else [self._row(line) for line in super().finish()]

    def _headed(self) -> bool:
        """Whether the header is there and read, and the lines stand behind it."""
        if self._header is None:
            head = self._lines.first_line()
            if head is None:
                return False
            self._header = _cells(head.removeprefix(b"\xef\xbb\xbf")) or []
            twice = {name for name in self._header if self._header.count(name) > 1}
            if twice:
                raise OSError(f"{self._path}: column {sorted(twice)[0]!r} stands in it twice")
            self._lines.pass_over(1)
        return True

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


class ParquetRows:
    """Rows of a Parquet file as JSON objects; NaN is null, times are ISO 8601."""

    place = None
    held = 0

    def __init__(self, path: Path) -> None:
        from pyarrow import parquet  # 0.1 s that only Parquet files are worth

        self.at_end = False
        self._path = path
        self._parquet = parquet
        self._file: Any = None
        self._batches: Iterator[Any] | None = None
        self._pass = 0
        self.facts = path.stat()

    def begin(self, row: int, mark: Mark) -> bool:
        """See `RowReader.begin`. Groups of rows before it are not read."""
        try:
            self._file = self._parquet.ParquetFile(self._path)
            facts = self._file.metadata
            groups, passed = 0, 0
            while groups < facts.num_row_groups:
                rows = facts.row_group(groups).num_rows
                if passed + rows > row:
                    break
                groups, passed = groups + 1, passed + rows
            self._pass = row - passed
            wanted = range(groups, facts.num_row_groups)
            self._batches = self._file.iter_batches(BATCH, row_groups=list(wanted))
        except ValueError as error:  # pyarrow's errors of damaged files are ValueErrors too
            raise OSError(str(error)) from error
        return row <= int(facts.num_rows)

    def read(self) -> list[Line]:
        """See `RowReader.read`."""
        try:
            batch = next(self._batches, None) if self._batches is not None else None
        except ValueError as error:
            raise OSError(str(error)) from error
        self.at_end = batch is None
        rows = [] if batch is None else batch.to_pylist()
        passed = min(self._pass, len(rows))
        self._pass -= passed
        return [Line(msgspec.json.encode(row, enc_hook=str)) for row in rows[passed:]]

    def finish(self) -> list[Line]:
        """See `RowReader.finish`."""
        return []

    def now(self) -> os.stat_result | None:
        """See `RowReader.now`."""
        return None

    def front(self, length: int) -> bytes:
        """See `RowReader.front`."""
        return b""

    def close(self) -> None:
        """See `RowReader.close`."""
        self._batches = None
        if self._file is not None:
            self._file.close()
            self._file = None
