"""The compact file of a day: the panes of many files, a row group each, or the events of many.

The rows are as they were. What the file holds stands in its own metadata, as `inferwatch.compact`,
behind a CRC-32C of it: for panes their places and revisions in the order of the row groups, for
events the newest checkpoint whose file of the day is in it. So a reader that finds a file of before
beside it knows which of the two to take.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

import crc32c
import msgspec
from pyarrow import parquet

from collectors.summaries.state import StateError
from monitor.archive_files import Place, place_of
from monitor.archive_table import DAMAGE, SCHEMA, WRITING, ClosedPane, from_table
from monitor.disk import Whole

_HOLDS = b"inferwatch.compact"
_CRC = 8
"""Hex digits in front of what it is of."""

_Said = TypeVar("_Said")


class PanesHeld(msgspec.Struct, frozen=True):
    """What a compact file of panes says of itself: stamp, key and revision of each row group."""

    panes: Sequence[tuple[str, str, int]]


class EventsHeld(msgspec.Struct, frozen=True):
    """What a compact file of events says of itself: it has all of the day up to a checkpoint."""

    upto: int


class _Spool(io.RawIOBase):
    """Takes in what a Parquet writer writes, until it is taken out."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._waiting += data
        self._written += len(data)
        return len(data)

    def tell(self) -> int:
        return self._written

    def taken(self) -> bytes:
        """What was written since it was last asked."""
        data = bytes(self._waiting)
        self._waiting.clear()
        return data


class CompactWriter:
    """Writes a compact file, a table at a time; no more than two of them are in memory."""

    def __init__(self, file: Whole, schema: Any = SCHEMA) -> None:
        self._file = file
        self._schema = schema
        self._spool = _Spool()
        self._parquet = parquet.ParquetWriter(self._spool, schema, **WRITING)

    def add(self, table: Any) -> None:
        """Add a row group.

        Raises:
            OSError: it cannot be written.
        """
        table = table.replace_schema_metadata(self._schema.metadata)
        self._parquet.write_table(table, row_group_size=max(len(table), 1))
        self._file.write(self._spool.taken())

    def finish(self, held: PanesHeld | EventsHeld) -> None:
        """Say what was added; nothing is added any more.

        Raises:
            OSError: it cannot be written.
        """
        said = msgspec.json.encode(held)
        self._parquet.add_key_value_metadata({_HOLDS: b"%08x" % crc32c.crc32c(said) + said})
        self._parquet.close()
        self._file.write(self._spool.taken())


class _Held(NamedTuple):
    """Where in a compact file a pane is, and in which revision."""

    revision: int
    group: int


class Footer(NamedTuple):
    """What the end of a compact file says, and which file that is: of thousands of panes it takes
    longer to read than one of them."""

    file: tuple[int, ...]
    metadata: Any
    held: Mapping[Place, _Held]


class CompactPanes:
    """A compact file of panes, open for reading: what it holds does not change any more.

    Args:
        known: the footer of the file that was read last, which may be this one.

    Attributes:
        footer: that of this file.
        held: revision and row group of each pane.

    Raises (from all of it):
        StateError: the file is damaged, or of another form.
        OSError: it cannot be read.
    """

    def __init__(self, path: Path, known: Footer | None = None) -> None:
        self.path = path
        self._handle = path.open("rb")
        try:
            self._file, self.footer = self._opened(known)
        except BaseException:
            self._handle.close()
            raise
        self.held = self.footer.held

    def _opened(self, known: Footer | None) -> tuple[Any, Footer]:
        found = os.fstat(self._handle.fileno())
        which = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        if known is not None and known.file == which:
            return _parquet(self._handle, self.path, known.metadata), known
        file = _parquet(self._handle, self.path)
        said = _said(file, self.path, PanesHeld)
        held = {
            Place(stamp, key): _Held(revision, group)
            for group, (stamp, key, revision) in enumerate(said.panes)
        }
        if not len(held) == len(said.panes) == file.metadata.num_row_groups:
            raise StateError(f"{self.path}: damaged (its row groups are not those that it names)")
        return file, Footer(which, file.metadata, held)

    def table(self, place: Place) -> Any:
        """The rows of a pane."""
        held = self.held[place]
        try:
            table = self._file.read_row_group(held.group, use_threads=False)
            check_pane(table, place, held.revision)
        except DAMAGE as error:
            raise _damaged(self.path, error) from error
        except StateError as error:
            raise StateError(f"{self.path}: {error}") from error
        return table

    def columns(self, place: Place, names: Sequence[str]) -> Any:
        """Some columns of the rows of a pane."""
        try:
            group = self.held[place].group
            return self._file.read_row_group(group, columns=list(names), use_threads=False)
        except DAMAGE as error:
            raise _damaged(self.path, error) from error

    def pane(self, place: Place, model: str) -> ClosedPane:
        """A pane."""
        return from_table(self.table(place), model)

    def close(self) -> None:
        """Close it; may be called twice."""
        self._handle.close()


def read_events(path: Path) -> tuple[int, Any]:
    """A compact file of events: the checkpoint up to which it has all, and its rows.

    Raises:
        StateError: it is damaged, or of another form.
        OSError: it cannot be read.
    """
    with path.open("rb") as handle:
        file = _parquet(handle, path)
        said = _said(file, path, EventsHeld)
        try:
            return said.upto, file.read(use_threads=False)
        except DAMAGE as error:
            raise _damaged(path, error) from error


def check_pane(table: Any, place: Place, revision: int) -> None:
    """That a table is of this revision of the pane at this place.

    Raises:
        StateError: it is not, or is no pane at all.
    """
    try:
        if not table.schema.equals(SCHEMA):
            raise StateError("not a pane of the archive: its columns are others")
        version, slice, start, found = (
            table.column(name)[0] for name in ("version", "slice", "start", "revision")
        )
        of = place_of(version.as_py(), slice.as_py(), start.value), found.as_py()
    except DAMAGE as error:
        raise StateError(f"not a pane of the archive: {error}") from error
    if of != (place, revision):
        raise StateError("damaged (what it holds is another pane than its name says)")


def _parquet(handle: IO[bytes], path: Path, metadata: Any = None) -> Any:
    try:
        return parquet.ParquetFile(
            handle,
            metadata=metadata,
            page_checksum_verification=True,
            thrift_string_size_limit=2**30,
        )
    except DAMAGE as error:
        raise _damaged(path, error) from error


def _said(file: Any, path: Path, kind: type[_Said]) -> _Said:
    """What a compact file says that it holds."""
    try:
        said = file.metadata.metadata[_HOLDS]
        if said[:_CRC] == b"%08x" % crc32c.crc32c(said[_CRC:]):
            return msgspec.json.decode(said[_CRC:], type=kind)
    except DAMAGE as error:
        raise _damaged(path, error) from error
    raise StateError(f"{path}: damaged (the checksum of what it holds is of something else)")


def _damaged(path: Path, error: Exception) -> Exception:
    """The error itself where the disk failed, which is no damage; else what it says of the file."""
    if isinstance(error, OSError) and error.errno is not None:
        return error
    return StateError(f"{path}: damaged ({error})")
