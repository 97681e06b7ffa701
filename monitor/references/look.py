"""The first look through files: of all rows, what a schema needs to be chosen, and no more."""

from __future__ import annotations

from collections import Counter

import msgspec
import numpy as np

from collectors.events import AnyColumn, CategoryColumn, Events, ScoresColumn, Status
from collectors.hashing import hash_names
from collectors.layout import Layout
from collectors.schema import Schema
from collectors.specs import MOST_KNOWN, CategorySpec, ColumnSpec, ScoresSpec

MOST_SEEN = 1_000_000
"""Values of one category that are remembered; of a column with more, none is ever unseen."""

MOST_KEPT = 65_536
"""Rows on which grids are fitted: evenly spread over all of them, at least half as many."""

OUTPUT = None
"""The answer's name among the columns: a feature's may be any text."""


class Look:
    """Gathers rows of one layout, in the order of the files.

    Attributes:
        rows: how many there were.
    """

    def __init__(self, layout: Layout) -> None:
        self.rows = 0
        self._features = [one.name for one in layout.features]
        self._present: Counter[str | None] = Counter()
        self._values = {name: Counter[str]() for name in _categories(layout)}
        self._more: set[str | None] = set()
        self._kept: list[Events] = []
        self._stride = 1

    def add(self, events: Events) -> None:
        """Take in the next rows."""
        for name, column in events.features.items():
            self._count(name, column)
        if events.prediction is not None:
            self._count(OUTPUT, events.prediction)
        self._keep(events)
        self.rows += len(events)

    def absent(self) -> list[str]:
        """The features that no row has, not even as null."""
        return [name for name in self._features if not self._present[name]]

    @property
    def answered(self) -> bool:
        """Whether any row has an answer, if only null."""
        return self._present[OUTPUT] > 0

    @property
    def unbounded(self) -> list[str | None]:
        """The columns with more values than are remembered, the answer last."""
        return sorted(self._more, key=lambda name: (name is OUTPUT, name or ""))

    def schema(self, base: Schema | None, layout: Layout) -> Schema:
        """A schema for these rows, which declares the categories that are among them.

        Where `base` has a column it stays as it is. What the layout declares wins over what was
        seen.

        Raises:
            SchemaMismatch: `base` and the layout have a column in different ways.
        """
        if base is None:
            schema = Schema.build(layout, self._kept)
        elif base.lacks(layout):
            schema = base.extended(layout, self._kept)
        else:
            schema = base
        schema = schema.declare(layout)
        old = {} if base is None else base.columns
        columns = {
            name: self._seen(name, spec, schema.seed, known=name not in old)
            for name, spec in schema.columns.items()
        }
        output = schema.output
        if output is not None:
            known = base is None or base.output is None
            output = self._seen(OUTPUT, output, schema.seed, known=known)
        return msgspec.structs.replace(schema, columns=columns, output=output)

    def _count(self, name: str | None, column: AnyColumn) -> None:
        self._present[name] += int(np.count_nonzero(column.status != Status.ABSENT))
        values = self._values.get(name)
        if isinstance(column, ScoresColumn):
            column = column.top
        if values is None or not isinstance(column, CategoryColumn):
            return
        counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.names))
        for value, rows in zip(column.names, counts.tolist(), strict=True):
            if value in values or (rows and len(values) < MOST_SEEN):
                values[value] += rows
            elif rows:
                self._more.add(name)

    def _keep(self, events: Events) -> None:
        """Keep each `stride`-th row of all, and each second of those where they become too many."""
        number = np.arange(self.rows, self.rows + len(events))
        self._kept.append(events.take(np.flatnonzero(number % self._stride == 0)))
        while sum(map(len, self._kept)) > MOST_KEPT:
            self._stride *= 2
            first = 0
            for place, part in enumerate(self._kept):
                number = np.arange(first, first + len(part))
                self._kept[place] = part.take(np.flatnonzero(number % 2 == 0))
                first += len(part)

    def _seen(self, name: str | None, spec: ColumnSpec, seed: int, *, known: bool) -> ColumnSpec:
        """The spec with the values that were seen, and if `known`, the most frequent by name."""
        if isinstance(spec, ScoresSpec):
            top = self._seen(name, spec.top, seed, known=known)
            return msgspec.structs.replace(spec, top=top)
        values = self._values.get(name)
        if values is None or not isinstance(spec, CategorySpec):
            return spec
        if known:
            names = sorted(values, key=lambda value: (-values[value], value))[:MOST_KNOWN]
            if spec.private:
                names = [f"{hashed:016x}" for hashed in hash_names(names, seed).tolist()]
            spec = msgspec.structs.replace(spec, known=tuple(names))
        if name in self._more:
            return spec
        seen = np.unique(hash_names(list(values), seed)).astype("<u8").tobytes()
        return msgspec.structs.replace(spec, seen=seen, declared=True)


def _categories(layout: Layout) -> list[str | None]:
    """The columns whose valid values the config leaves open."""
    names: list[str | None] = [
        f.name for f in layout.features if f.kind == "category" and f.categories is None
    ]
    output = layout.output
    asked = output is not None and output.kind in {"category", "scores"} and output.classes is None
    return [*names, OUTPUT] if asked else names
