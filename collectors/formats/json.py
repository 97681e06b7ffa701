"""Format `json`: each record one inference as a JSON object, or a list of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from collectors.formats import Decoded, Rejected
from collectors.formats.assembly import Assembler, Rows
from collectors.formats.parsing import Parser, Refused
from collectors.formats.paths import Shape
from collectors.layout import Layout
from collectors.sources import Records


class JsonFormat:
    """Reads JSON by one model's layout.

    Raises:
        ValueError: the output's kind is not settled, the time zone is unknown, or a path is
            longer than any record may nest.
        ImportError: an image is to be measured, and Pillow is not installed.
    """

    def __init__(self, layout: Layout) -> None:
        self._max_bytes = layout.max_record_bytes
        self._max_items = layout.max_items
        self._assembler = Assembler(layout)
        self._shape = Shape(self._assembler.paths())
        self.parser = Parser(self._shape)

    def decode(self, records: Records) -> Decoded:
        """All of `records` as events, in order, and every record that is none as rejected."""
        batch = _Batch()
        quick, max_bytes, oversized = self.parser.quick, self._max_bytes, records.oversized
        for i, value in enumerate(records.values):
            if i in oversized:
                batch.reject(i, "too_large")
            elif value is None:
                batch.reject(i, "tombstone")
            elif len(value) > max_bytes:
                batch.reject(i, "too_large")
            else:
                try:
                    batch.rows.append(quick(value))
                except (ValueError, RecursionError) as error:
                    self._second_way(i, value, error, batch)
                else:
                    batch.owners.append(i)
        columns = self._shape.columns(batch.rows)
        decoded = self._assembler.assemble(records, batch.places(), columns)
        rejected = sorted([*batch.rejected, *decoded.rejected], key=lambda r: (r.index, r.item))
        return Decoded(decoded.events, rejected)

    def _second_way(self, i: int, value: bytes, error: Exception, batch: _Batch) -> None:
        try:
            parsed = self.parser.read(value, error)
        except Refused as refused:
            batch.reject(i, refused.reason)
            return
        if not parsed.listed:
            batch.rows += parsed.rows
            batch.owners.append(i)
        elif not parsed.rows:
            batch.reject(i, "empty")
        elif len(parsed.rows) > self._max_items:
            batch.reject(i, "too_large")
        else:
            batch.add_list(i, parsed.rows)


class _Batch:
    """Rows found so far, and what was no row."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self.owners: list[int] = []
        self.rejected: list[Rejected] = []
        self._items: dict[int, int] = {}
        self._sizes: dict[int, int] = {}

    def reject(self, index: int, reason: str) -> None:
        self.rejected.append(Rejected(index, -1, reason))

    def add_list(self, index: int, rows: list[Any]) -> None:
        self._sizes[index] = len(rows)
        for item, row in enumerate(rows):
            if row is None:
                self.rejected.append(Rejected(index, item, "malformed"))
            else:
                self._items[len(self.rows)] = item
                self.rows.append(row)
                self.owners.append(index)

    def places(self) -> Rows:
        items = np.full(len(self.rows), -1, dtype=np.int64)
        items[list(self._items)] = list(self._items.values())
        return Rows(np.array(self.owners, dtype=np.intp), items, self._sizes)
