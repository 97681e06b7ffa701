"""From raw columns to events: what every format does alike, once it has read its records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any

import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from collectors.events import (
    AnyColumn,
    CategoryColumn,
    Codes,
    Events,
    Index,
    Ints,
    NumberColumn,
    Status,
)
from collectors.formats import Decoded, Rejected
from collectors.formats.answers import Answers
from collectors.formats.columns import (
    booleans,
    bounded,
    categories,
    lists,
    name_of,
    named,
    numbers,
    texts,
)
from collectors.formats.images import Images
from collectors.formats.paths import Columns
from collectors.formats.times import AFTER_LATEST, NO_TIME, event_times, zone
from collectors.layout import Layout, Path, Where
from collectors.sources import Records

MAX_ERROR = 100
"""Characters of an error's name; a longer one is cut."""

_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6}
_ERROR_KEYS = ("type", "code", "name", "message")

Invalid = Counter[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Rows:
    """n inferences that were found in a batch of records.

    Attributes:
        owners: intp [n], the place in the batch of the record that each came in, ascending.
        items: int64 [n], its place in that record's list, -1 for a record that is no list.
        sizes: {owner: items in the list} for records that are lists.
    """

    owners: Index
    items: Ints
    sizes: dict[int, int]


class Assembler:
    """Makes events of raw columns, for one model.

    Raises:
        ValueError: the output's kind is not settled, or the time zone is unknown.
        ImportError: an image is to be measured, and Pillow is not installed.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._zone = zone(layout.time_zone)
        self._answers = None if layout.output is None else Answers(layout.output)
        makers: dict[str, Callable[[Sequence[Any]], AnyColumn]] = {
            "number": numbers,
            "category": categories,
            "boolean": booleans,
            "text": texts,
            "list": lists,
        }
        if any(feature.kind == "image" for feature in layout.features):
            makers["image"] = Images(layout.image_limits).column
        self._makers = [makers[feature.kind] for feature in layout.features]

    def paths(self) -> Iterable[Path]:
        """Every path whose raw column `assemble` needs."""
        layout = self._layout
        for feature in layout.features:
            yield feature.path
        if layout.output is not None:
            yield layout.output.path
        for where in (layout.time, layout.version, layout.request_id):
            if where is not None and where.path is not None:
                yield where.path
        for path in (layout.latency, layout.error, layout.status, *layout.resources.values()):
            if path is not None:
                yield path

    def assemble(self, records: Records, rows: Rows, columns: Columns) -> Decoded:
        """The rows as events; those without any time are rejected."""
        broker = _broker_times(records.timestamps)[rows.owners]
        times, unreadable = self._times(records, rows, columns)
        time = np.where(times == NO_TIME, broker, times)
        dated = (times != NO_TIME) | (broker >= 0)
        rejected: list[Rejected] = []
        if not dated.all():
            rejected = [
                Rejected(owner, item, "no_time")
                for owner, item in zip(
                    rows.owners[~dated].tolist(), rows.items[~dated].tolist(), strict=True
                )
            ]
            kept = np.flatnonzero(dated)
            places = kept.tolist()
            columns = {path: [raw[i] for i in places] for path, raw in columns.items()}
            rows = Rows(rows.owners[kept], rows.items[kept], rows.sizes)
            time, broker, unreadable = time[kept], broker[kept], unreadable[kept]
        invalid: Invalid = Counter()
        _count(invalid, "time", "type", np.count_nonzero(unreadable))
        return Decoded(self._events(records, rows, columns, time, broker, invalid), rejected)

    def _events(
        self,
        records: Records,
        rows: Rows,
        columns: Columns,
        time: Ints,
        broker: Ints,
        invalid: Invalid,
    ) -> Events:
        layout = self._layout
        record_bytes, record_items = _volumes(records, rows)
        error, error_names = self._errors(columns, len(time), invalid)
        return Events(
            partition=records.partition,
            offsets=records.offsets[rows.owners],
            items=np.maximum(rows.items, 0),
            broker_time=broker,
            time=time,
            request_id=(
                None
                if layout.request_id is None
                else _texts_of(_find(layout.request_id, records, rows, columns))
            ),
            version=self._versions(records, rows, columns, invalid),
            error=error,
            error_names=error_names,
            latency=self._latency(columns, len(time), invalid),
            resources={
                name: _amounts(name, columns[path], invalid)
                for name, path in layout.resources.items()
            },
            record_bytes=record_bytes,
            record_items=record_items,
            features={
                feature.name: make(columns[feature.path])
                for feature, make in zip(layout.features, self._makers, strict=True)
            },
            prediction=(
                None
                if self._answers is None or layout.output is None
                else self._answers.column(columns[layout.output.path])
            ),
            invalid=dict(invalid),
        )

    def _times(
        self, records: Records, rows: Rows, columns: Columns
    ) -> tuple[Ints, NDArray[np.bool_]]:
        if self._layout.time is None:
            n = len(rows.owners)
            return np.full(n, NO_TIME, dtype=np.int64), np.zeros(n, dtype=np.bool_)
        return event_times(_find(self._layout.time, records, rows, columns), self._zone)

    def _versions(
        self, records: Records, rows: Rows, columns: Columns, invalid: Invalid
    ) -> CategoryColumn:
        """Versions by name, "" where there is none; the status is OK in every row."""
        where = self._layout.version
        n = len(rows.owners)
        fine = np.zeros(n, dtype=np.uint8)
        if where is None:
            return CategoryColumn(np.zeros(n, dtype=np.int32), ("",), fine)
        column = categories(_find(where, records, rows, columns))
        for status in (Status.TYPE, Status.NONFINITE):
            _count(invalid, "version", status.name, np.count_nonzero(column.status == status))
        if not column.status.any():
            return column
        nameless = np.where(column.codes < 0, len(column.names), column.codes)
        return CategoryColumn(nameless.astype(np.int32), (*column.names, ""), fine)

    def _latency(self, columns: Columns, n: int, invalid: Invalid) -> NumberColumn:
        layout = self._layout
        if layout.latency is None:
            absent = np.full(n, Status.ABSENT, dtype=np.uint8)
            return NumberColumn(np.full(n, np.nan), absent)
        column = _amounts("latency", columns[layout.latency], invalid)
        return NumberColumn(column.values / _PER_SECOND[layout.latency_unit], column.status)

    def _errors(self, columns: Columns, n: int, invalid: Invalid) -> tuple[Codes, tuple[str, ...]]:
        """Codes and names of errors: the error's own name, else that of its HTTP-like status."""
        layout = self._layout
        names: list[str | None] = [None] * n
        if layout.status is not None:
            names = _failed_statuses(columns[layout.status], invalid)
        if layout.error is not None:
            raw = columns[layout.error]
            if not set(map(type, raw)) <= {NoneType, UnsetType}:
                names = [error_name(value) or name for value, name in zip(raw, names, strict=True)]
        column = named(names)
        return column.codes, column.names


def _find(where: Where, records: Records, rows: Rows, columns: Columns) -> Sequence[Any]:
    """One raw value a row, from wherever it lies; UNSET where there is none."""
    if where.path is not None:
        return columns[where.path]
    n = len(records)
    if where.header is not None:
        found = [_header(where.header, records, i) for i in range(n)]
    elif where.key:
        found = [_decoded(key) for key in records.keys]
    else:
        found = [(where.topics or {}).get(records.partition.topic, UNSET)] * n
    return [found[owner] for owner in rows.owners.tolist()]


def _header(name: str, records: Records, i: int) -> Any:
    """The last header of that name, as Kafka's own clients take it."""
    for key, value in reversed(records.headers[i]):
        if key == name:
            return _decoded(value)
    return UNSET


def _decoded(value: bytes | None) -> Any:
    return UNSET if value is None else value.decode("utf-8", "replace")


def _texts_of(values: Sequence[Any]) -> Sequence[str | None]:
    """Each value as a bounded text, None where it says nothing."""
    names = (name_of(value) for value in values)
    return [bounded(name) if type(name) is str and name else None for name in names]


def _broker_times(timestamps: Ints) -> Ints:
    """Broker timestamps in us, -1 where there is none, or none of the years up to 9999."""
    known = (timestamps >= 0) & (timestamps < AFTER_LATEST // 1000)
    return np.where(known, timestamps, 0) * 1000 - ~known


def _volumes(records: Records, rows: Rows) -> tuple[Ints, Ints]:
    """Bytes and items of each record, on its first row."""
    record_bytes = np.zeros(len(rows.owners), dtype=np.int64)
    record_items = np.zeros(len(rows.owners), dtype=np.int64)
    first = np.flatnonzero(np.diff(rows.owners, prepend=-1))
    owners = rows.owners[first].tolist()
    record_bytes[first] = [len(records.values[owner] or b"") for owner in owners]
    record_items[first] = [rows.sizes.get(owner, 1) for owner in owners]
    return record_bytes, record_items


def _amounts(name: str, raw: Sequence[Any], invalid: Invalid) -> NumberColumn:
    """Numbers that cannot be negative; every other one is counted and taken as absent."""
    column = numbers(raw)
    status = column.status.copy()
    status[column.values < 0] = Status.RANGE
    for reason in (Status.TYPE, Status.NONFINITE, Status.RANGE):
        _count(invalid, name, reason.name, np.count_nonzero(status == reason))
    good = status == Status.OK
    return NumberColumn(
        np.where(good, column.values, np.nan),
        np.where(good, Status.OK, Status.ABSENT).astype(np.uint8),
    )


def _count(invalid: Invalid, field: str, reason: str, rows: int | np.intp) -> None:
    if rows:
        invalid[field, reason.lower()] += int(rows)


def _failed_statuses(raw: Sequence[Any], invalid: Invalid) -> list[str | None]:
    """Names of HTTP-like statuses of 400 and above."""
    column = numbers(raw)
    for reason in (Status.TYPE, Status.NONFINITE):
        _count(invalid, "status", reason.name, np.count_nonzero(column.status == reason))
    names: list[str | None] = [None] * len(raw)
    for i in np.flatnonzero(column.values >= 400).tolist():
        names[i] = _short(f"http_{name_of(float(column.values[i]))}")
    return names


def error_name(value: Any) -> str | None:
    """The name of an error, None for what says that there was none."""
    kind = type(value)
    if kind is dict and value:
        found = (_said(value.get(key)) for key in _ERROR_KEYS)
        return next((name for name in found if name), "error")
    if (kind is list and value) or value is True:
        return "error"
    return _said(value)


def _said(value: Any) -> str | None:
    """A string or a number other than 0 as a name."""
    if type(value) is str:
        return _short(value)
    if type(value) in (int, float) and value:
        name = name_of(value)
        if type(name) is str:
            return _short(name)
        return None if name is Status.NAN else "error"
    return None


def _short(text: str) -> str | None:
    """`text` on one line, at most `MAX_ERROR` characters; None if it is blank."""
    line = " ".join(text.split())
    return (line if len(line) <= MAX_ERROR else line[: MAX_ERROR - 1] + "…") or None
