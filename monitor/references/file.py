"""A reference as a value, and its file: one Parquet file that pandas and DuckDB read as it is.

The rows are those of the archive's table (`monitor/archive_table.py`), a row group a pane, in order
of start, version and slice. Beside them, in the file's own metadata: `inferwatch.reference` (what
it is, as JSON), `inferwatch.schema` (under what it was counted) and `inferwatch.crc32c` (of the
whole file, with zeros in its own place), so that no byte of it can change unnoticed.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any, overload

import crc32c
import msgspec
import numpy as np
from pyarrow import parquet

from collectors.discovery import Discovery
from collectors.schema import Schema, SchemaError
from collectors.summaries.state import StateError
from monitor.archive_table import (
    DAMAGE,
    SCHEMA,
    WRITING,
    ClosedPane,
    as_table,
    from_table,
    parts_of,
)
from monitor.disk import sync_folders, write_whole
from monitor.references.schemas import without_values

FORMAT = 1
"""Version of the file's form."""

_HEADER, _SCHEMA, _CRC = b"inferwatch.reference", b"inferwatch.schema", b"inferwatch.crc32c"
_ZEROS = b"0" * 8
_CRC_BEFORE = _CRC + b"\x18\x08"
"""What stands before the checksum's digits in the footer: in Thrift's compact protocol the next
field, a text of 8 bytes. No text of the footer can contain it, for JSON writes control characters
otherwise."""

_CHUNK = 1024 * 1024
_TAIL = 8
"""Bytes behind the footer: its length, and `PAR1`."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Pane summaries over a span, and all that is needed to count alike. Times are in us.

    Attributes:
        id: 16 hex digits; the same for the same panes under the same schema, whenever they were
            made and from whatever.
        schema: of `panes`; what it declares as valid are the categories that were seen in them.
        discovery: what was found in the first rows, where the config left something open.
        panes: by start, version and slice; those of a file are read as they are asked for.
        pane: length of a pane; 0 where the rows had no times: there is one pane a version then,
            without a span, and nothing can be calibrated on it.
        made_from: for people.
        created: wall time.
        left_out: from each start up to its end: what between the panes is no part of it, so that
            it is not taken for silence.
    """

    id: str
    model: str
    schema: Schema
    discovery: Discovery | None
    panes: Sequence[ClosedPane]
    pane: int
    made_from: str
    created: int
    left_out: tuple[tuple[int, int], ...] = ()


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a file says of itself, beside its schema."""

    format: int
    id: str
    model: str
    discovery: Discovery | None
    pane: int
    made_from: str
    created: int
    left_out: tuple[tuple[int, int], ...] = ()


class _Version(msgspec.Struct, frozen=True):
    """All that is known of a header whose format may be another."""

    format: int


class Writer:
    """Takes in panes one at a time, and writes them as one reference."""

    def __init__(self, pane: int) -> None:
        self._pane = pane
        self._sink = io.BytesIO()
        self._file = parquet.ParquetWriter(self._sink, SCHEMA, **WRITING)
        self._digest = blake2b(digest_size=8)
        self._last: tuple[int, str, str] | None = None

    def add(self, pane: ClosedPane) -> None:
        """Take in the next pane.

        Raises:
            ValueError: it is not behind those before it, or of another length.
        """
        place = (pane.start, pane.version, pane.slice)
        if self._last is not None and place <= self._last:
            raise ValueError(f"pane {place} does not come behind {self._last}")
        if pane.end - pane.start != self._pane:
            raise ValueError(f"pane {place} is not {self._pane} us long")
        table = as_table(pane)
        self._file.write_table(table, row_group_size=len(table))
        _add_pane(self._digest, pane)
        self._last = place

    def finish(
        self,
        path: Path,
        *,
        model: str,
        schema: Schema,
        discovery: Discovery | None,
        made_from: str,
        created: int,
        left_out: Sequence[tuple[int, int]] = (),
    ) -> Reference:
        """Put the file at `path`, whole or not at all, and give what `load` gives of it.

        Raises:
            ValueError: no pane was added.
            OSError: it cannot be written; what was at `path` is still there.
        """
        if self._last is None:
            raise ValueError("a reference of no pane")
        text = schema.to_json()
        self._digest.update(text)
        if left_out:
            self._digest.update(msgspec.json.encode(left_out))
        id = self._digest.hexdigest()
        found, spans = without_values(discovery), tuple(left_out)
        header = _Header(FORMAT, id, model, found, self._pane, made_from, created, spans)
        self._file.add_key_value_metadata(
            {_HEADER: msgspec.json.encode(header), _SCHEMA: text, _CRC: _ZEROS}
        )
        self._file.close()
        with self._sink.getbuffer() as data:
            place = _place_of_crc(self._sink)
            data[place : place + 8] = b"%08x" % crc32c.crc32c(data)
        write_whole(path, self._sink.getvalue())
        sync_folders([path.parent])
        return load(path)


def identify(schema: Schema, panes: Iterable[ClosedPane]) -> str:
    """The id of a reference of these panes, in their order, under this schema."""
    digest = blake2b(digest_size=8)
    for pane in panes:
        _add_pane(digest, pane)
    digest.update(schema.to_json())
    return digest.hexdigest()


def load(path: Path) -> Reference:
    """The reference in a file, every byte of it checked. Its panes stay in the file.

    Raises:
        StateError, SchemaError: it is damaged, of a newer format, or no reference.
        OSError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            _check_crc(file)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path}: no such file; `inferwatch reference build` writes one"
        ) from None
    except StateError as error:
        raise StateError(f"{path}: {error}") from error
    with _opened(path) as (header, opened):
        metadata = opened.metadata
        try:
            schema = Schema.from_json(metadata.metadata[_SCHEMA])
        except SchemaError as error:
            raise SchemaError(f"{path}: {error}") from error
        return Reference(
            id=header.id,
            model=header.model,
            schema=schema,
            discovery=header.discovery,
            panes=StoredPanes(path, header.id, header.model, metadata.num_row_groups),
            pane=header.pane,
            made_from=header.made_from,
            created=header.created,
            left_out=header.left_out,
        )


@dataclass(frozen=True, slots=True)
class StoredPanes(Sequence[ClosedPane]):
    """The panes of a file, each read when it is asked for, and none of them held.

    Raises (where panes are read):
        StateError: the file is damaged, or holds another reference by now.
        OSError: it cannot be read.
    """

    path: Path
    id: str
    model: str
    length: int

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, index: int) -> ClosedPane: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[ClosedPane]: ...

    def __getitem__(self, index: int | slice) -> ClosedPane | Sequence[ClosedPane]:
        places = range(self.length)[index]
        if isinstance(places, range):
            return list(self._read(places))
        return next(self._read([places]))

    def __iter__(self) -> Iterator[ClosedPane]:
        return self._read(range(self.length))

    def _read(self, places: Iterable[int]) -> Iterator[ClosedPane]:
        with _opened(self.path) as (header, file):
            if header.id != self.id:
                raise StateError(
                    f"{self.path}: another reference ({header.id}) took the place of {self.id}, "
                    "which is in use; reload the config"
                )
            for place in places:
                yield self._pane(file, place)

    def _pane(self, file: Any, place: int) -> ClosedPane:
        try:
            return from_table(file.read_row_group(place, use_threads=False), self.model)
        except (StateError, *DAMAGE) as error:
            raise _damaged(self.path, error) from error


class _opened:  # noqa: N801  # used as a function is
    """The header of a file, and the file open for reading.

    Raises:
        StateError: it is damaged, or no reference.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: Any = None

    def __enter__(self) -> tuple[_Header, Any]:
        path = self._path
        try:
            self._file = parquet.ParquetFile(
                path, page_checksum_verification=True, thrift_string_size_limit=2**30
            )
            said = self._file.metadata.metadata[_HEADER]
            written = msgspec.json.decode(said, type=_Version).format
            if written == FORMAT:
                return msgspec.json.decode(said, type=_Header), self._file
        except FileNotFoundError:
            raise
        except DAMAGE as error:
            self.__exit__()
            raise _damaged(path, error) from error
        self.__exit__()
        raise StateError(
            f"{path}: a reference of format {written}, and this program reads format {FORMAT}: run "
            "the inferwatch that wrote it, or a newer one"
        )

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def _damaged(path: Path, error: Exception) -> StateError:
    return StateError(
        f"{path}: damaged ({error}); restore it from a backup, or build it again by "
        "`inferwatch reference build`"
    )


def _add_pane(digest: Any, pane: ClosedPane) -> None:
    """What of a pane counts for the id: all but when it was published, and what follows from it."""
    key = [pane.version, pane.slice, pane.start, pane.end, pane.rows, pane.schema]
    digest.update(msgspec.json.encode(key))
    for part in parts_of(pane.state):
        column, value = part.popitem()
        if isinstance(value, np.ndarray):
            # A number is the same number in whatever width it is held.
            kind = SCHEMA.field(column).type.value_type.to_pandas_dtype()
            data = value.astype(np.dtype(kind).newbyteorder("<")).tobytes()
        elif isinstance(value, float):
            data = struct.pack("<d", value)  # JSON has no word for infinities
        else:
            data = msgspec.json.encode(value)
        digest.update(msgspec.json.encode([part["path"], column, len(data)]))
        digest.update(data)


def _place_of_crc(file: IO[bytes]) -> int:
    """Where in the file its checksum stands.

    Raises:
        StateError: nowhere.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(max(size - _TAIL, 0))
    tail = file.read(_TAIL)
    footer = int.from_bytes(tail[:4], "little")
    if tail[4:] == b"PAR1" and 0 < footer <= size - _TAIL:
        begin = size - _TAIL - footer
        file.seek(begin)
        place = file.read(footer).rfind(_CRC_BEFORE)
        if place >= 0:
            return begin + place + len(_CRC_BEFORE)
    raise StateError(
        "not a reference, or damaged; restore it from a backup, or build one by "
        "`inferwatch reference build`"
    )


def _check_crc(file: IO[bytes]) -> None:
    """That the file is as it was written.

    Raises:
        StateError: it is not.
    """
    place = _place_of_crc(file)
    file.seek(0)
    found = _crc(file, place, 0)
    said = file.read(8)
    found = _crc(file, None, crc32c.crc32c(_ZEROS, found))
    if said != b"%08x" % found:
        raise StateError(
            "damaged (its checksum is of other contents); restore it from a backup, or build it "
            "again by `inferwatch reference build`"
        )


def _crc(file: IO[bytes], length: int | None, crc: int) -> int:
    """Go on with a checksum over the next `length` bytes, or all the rest."""
    while length is None or length > 0:
        chunk = file.read(_CHUNK if length is None else min(length, _CHUNK))
        if not chunk:
            break
        crc = crc32c.crc32c(chunk, crc)
        length = None if length is None else length - len(chunk)
    return crc
