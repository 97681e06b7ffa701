"""A closed pane as a table, and the table as Parquet: what it holds, and every statistic of it.

A file of the archive is one pane; a reference is many, a row group each.

One row a value, so that every kind of summary fits and SQL can ask: `kind` is `statistic` (its
`name`, `labels` as JSON, and `value`) or `summary` (a part of the summary's state, where `path`
leads to it: a number in `value` or `whole`, an array in `wholes`, `reals` or `hashes`, anything
else as JSON in `text`). The columns before those say, in every row, which pane it is.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from pyarrow import compute as pc
from pyarrow import parquet

from collectors.family import Statistic
from collectors.summaries.state import State, StateError

FORMAT = "1"
_FORMAT_KEY = b"inferwatch.format"

_TIME = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        ("version", pa.string()),
        ("slice", pa.string()),
        ("start", _TIME),
        ("end", _TIME),
        ("revision", pa.int64()),
        ("rows", pa.int64()),
        ("published", _TIME),
        ("schema", pa.string()),
        ("kind", pa.string()),
        ("name", pa.string()),
        ("labels", pa.string()),
        ("path", pa.list_(pa.string())),
        ("value", pa.float64()),
        ("whole", pa.int64()),
        ("text", pa.string()),
        ("wholes", pa.list_(pa.int64())),
        ("reals", pa.list_(pa.float64())),
        ("hashes", pa.list_(pa.uint64())),
    ],
    metadata={_FORMAT_KEY: FORMAT.encode()},
)


DAMAGE = (pa.ArrowException, OSError, LookupError, ValueError, TypeError, AttributeError)
"""What reading a damaged file may raise."""

WRITING: Mapping[str, Any] = {
    "compression": "zstd",
    "compression_level": 3,
    "write_statistics": False,
    "write_page_checksum": True,
}
"""How files of panes are written."""


@dataclass(frozen=True, slots=True)
class ClosedPane:
    """One pane as it was published. Times are in us; `published` is wall time.

    Attributes:
        revision: 0 is the first close.
        schema: id of the model's schema.
        state: its summaries, by family.
        statistics: every statistic of it.
    """

    model: str
    version: str
    slice: str
    start: int
    end: int
    revision: int
    rows: int
    published: int
    schema: str
    state: State
    statistics: Sequence[Statistic]

    def as_open(self) -> State:
        """The state of the pane in memory, as `monitor.windows.Pane.state` gives it."""
        return {
            "version": self.version,
            "slice": self.slice,
            "start": self.start,
            "rows": self.rows,
            "revision": self.revision,
            "summaries": self.state,
        }


def to_parquet(pane: ClosedPane) -> bytes:
    """The pane as a Parquet file."""
    return write(as_table(pane))


def as_table(pane: ClosedPane) -> Any:
    """The pane as a table of `SCHEMA`."""
    values = [*_statistics(pane.statistics), *parts_of(pane.state)]
    rows = len(values)
    same = {
        "version": pane.version,
        "slice": pane.slice,
        "start": pane.start,
        "end": pane.end,
        "revision": pane.revision,
        "rows": pane.rows,
        "published": pane.published,
        "schema": pane.schema,
    }
    columns = {
        name: pa.repeat(pa.scalar(v, SCHEMA.field(name).type), rows) for name, v in same.items()
    }
    for name in ("kind", "name", "labels", "path", "value", "whole", "text"):
        columns[name] = pa.array([v.get(name) for v in values], SCHEMA.field(name).type)
    for name in ("wholes", "reals", "hashes"):
        columns[name] = _lists([v.get(name) for v in values], SCHEMA.field(name).type)
    return pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def write(table: Any) -> bytes:
    """A table as the bytes of a Parquet file."""
    sink = io.BytesIO()
    parquet.write_table(table, sink, **WRITING)
    return sink.getvalue()


def read_table(data: bytes, columns: Sequence[str] | None = None) -> Any:
    """The table again, or some columns of it; whatever of `DAMAGE` where the bytes are not those
    of one."""
    # `parquet.read_table` would take half as long again, for what folders of files need.
    with parquet.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as file:
        return file.read(columns=columns, use_threads=False)


FIGURES = ("version", "start", "end", "rows", "kind", "name", "labels", "value")
"""The columns that the statistics of a pane are in."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The statistics of one pane without its summaries; times in us."""

    version: str
    start: int
    end: int
    rows: int
    statistics: Sequence[Statistic]


def figures(table: Any) -> Figures:
    """The statistics of a pane, from the columns `FIGURES` of its table.

    Raises:
        StateError: it is none.
    """
    try:
        first = {name: table.column(name)[0] for name in FIGURES[:4]}
        return Figures(
            version=first["version"].as_py(),
            start=first["start"].value,
            end=first["end"].value,
            rows=first["rows"].as_py(),
            statistics=_statistics_in(table),
        )
    except DAMAGE as error:
        raise StateError(f"not a pane of the archive: {error}") from error


def from_parquet(data: bytes, model: str) -> ClosedPane:
    """The pane again.

    Raises:
        StateError: the bytes are no such file, or of a newer format.
    """
    try:
        return from_table(read_table(data), model)
    except DAMAGE as error:
        raise StateError(f"not a pane of the archive: {error}") from error


def from_table(table: Any, model: str) -> ClosedPane:
    """The pane that `as_table` made this of.

    Raises:
        StateError: it is none, or of a newer format.
    """
    try:
        _check_format(table)
        same = {name: table.column(name)[0] for name in SCHEMA.names[:8]}
        return ClosedPane(
            model=model,
            version=same["version"].as_py(),
            slice=same["slice"].as_py(),
            start=same["start"].value,
            end=same["end"].value,
            revision=same["revision"].as_py(),
            rows=same["rows"].as_py(),
            published=same["published"].value,
            schema=same["schema"].as_py(),
            state=_state(table.filter(pc.equal(table["kind"], "summary"))),
            statistics=_statistics_in(table),
        )
    except DAMAGE as error:
        raise StateError(f"not a pane of the archive: {error}") from error


def _check_format(table: Any) -> None:
    written = (table.schema.metadata or {}).get(_FORMAT_KEY, b"none").decode()
    if written != FORMAT:
        raise StateError(f"a pane of format {written}; this inferwatch reads format {FORMAT}")


def _state(parts: Any) -> State:
    """The state that the rows of kind `summary` are of, by column."""
    values: list[Any] = [
        whole if whole is not None else value
        for whole, value in zip(parts["whole"].to_pylist(), parts["value"].to_pylist(), strict=True)
    ]
    for place, text in enumerate(parts["text"].to_pylist()):
        if text is not None:
            values[place] = msgspec.json.decode(text)
    for name in ("wholes", "reals", "hashes"):
        column = parts[name].combine_chunks()
        ends, numbers = column.offsets.to_numpy().tolist(), column.values.to_numpy()
        for place in np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False)).tolist():
            values[place] = numbers[ends[place] : ends[place + 1]]
    state: State = {}
    for path, value in zip(parts["path"].to_pylist(), values, strict=True):
        inner = state
        for step in path[:-1]:
            inner = inner.setdefault(step, {})
        inner[path[-1]] = value
    return state


def _statistics_in(table: Any) -> list[Statistic]:
    statistics = table.filter(pc.equal(table["kind"], "statistic"))
    found = zip(
        *(statistics[name].to_pylist() for name in ("name", "value", "labels")), strict=True
    )
    labels = msgspec.json.Decoder(dict[str, str])
    return [Statistic(name, value, labels.decode(text)) for name, value, text in found]


def _statistics(statistics: Sequence[Statistic]) -> Iterator[dict[str, Any]]:
    for statistic in statistics:
        labels = msgspec.json.encode(dict(statistic.labels)).decode()
        yield {
            "kind": "statistic",
            "name": statistic.id,
            "labels": labels,
            "value": statistic.value,
        }


def parts_of(state: State, path: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]:
    """The rows of a state, in its order: `name`, `path`, and the value under its column's name."""
    for name, value in state.items():
        here = (*path, name)
        if isinstance(value, dict):
            if value:
                yield from parts_of(value, here)
                continue
            field, held = "text", "{}"
        else:
            field, held = _field(value)
        yield {"kind": "summary", "name": name, "path": list(here), field: held}


def _field(value: Any) -> tuple[str, Any]:
    if isinstance(value, np.ndarray):
        kinds = {"i": "wholes", "u": "hashes", "f": "reals"}
        return kinds[value.dtype.kind], value
    if isinstance(value, float):
        return "value", value
    if isinstance(value, int) and not isinstance(value, bool):
        return "whole", value
    return "text", msgspec.json.encode(value).decode()


def _lists(values: list[Any], kind: Any) -> Any:
    """A list column from arrays and None, without a Python object a number."""
    lengths = np.array([0 if v is None else len(v) for v in values], dtype=np.int32)
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    given = [v for v in values if v is not None]
    dtype = kind.value_type.to_pandas_dtype()
    joined = np.concatenate(given).astype(dtype, copy=False) if given else np.zeros(0, dtype)
    mask = pa.array([v is None for v in values])
    return pa.ListArray.from_arrays(
        pa.array(offsets), pa.array(joined, kind.value_type), type=kind, mask=mask
    )
