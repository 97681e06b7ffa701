"""What makes two summaries of a model mergeable: grids, known categories, hash seeds, and an id.

A schema is chosen once, from a reference or from the first rows, and kept: every summary carries
its id, and a merge across ids is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import msgspec
import numpy as np

from collectors.events import (
    RESOURCES,
    AnyColumn,
    CategoryColumn,
    Events,
    Floats,
    ListColumn,
    NumberColumn,
    ScoresColumn,
    Status,
    TextColumn,
)
from collectors.grid import Grid
from collectors.hashing import hash_text
from collectors.layout import Feature, Kind, Layout, OutputKind

FORMAT = 1
"""Version of the JSON form of a schema."""

MOST_KNOWN = 1_000
"""Categories that are counted one by one; the rest goes into hash buckets."""

HUGE = 1e150
"""Numbers beyond it would overflow a sum of squares."""


class SchemaError(Exception):
    """A stored schema cannot be read; the message says why and what to do."""


class SchemaMismatch(Exception):
    """Two things were made under different schemas; the message says which, and what to do."""


class NumberSpec(msgspec.Struct, frozen=True, tag="number"):
    """A number: its grid, and the range declared as valid."""

    grid: Grid
    range: tuple[float, float] | None = None


class CategorySpec(msgspec.Struct, frozen=True, tag="category"):
    """A category or boolean: values counted one by one, as names, or as hex hashes when private.

    Where `declared`, a value that is not among `known` is unseen; else nothing is.
    """

    known: tuple[str, ...]
    declared: bool = False
    private: bool = False

    def place_of(self, names: Iterable[str], seed: int) -> list[int]:
        """Index of each name in `known`, -1 where it is not there."""
        places = {name: i for i, name in enumerate(self.known)}
        if self.private:
            return [places.get(_hidden(name, seed), -1) for name in names]
        return [places.get(name, -1) for name in names]


class TextSpec(msgspec.Struct, frozen=True, tag="text"):
    """Text: the grids of its length in characters and in words."""

    chars: Grid
    words: Grid


class ListSpec(msgspec.Struct, frozen=True, tag="list"):
    """A list: the grid of its length."""

    items: Grid


class ImageSpec(msgspec.Struct, frozen=True, tag="image"):
    """An image: brightness and contrast from 0 to 1, width and height in pixels."""

    brightness: Grid = Grid(0.5, -2)
    contrast: Grid = Grid(0.25, -3)
    width: Grid = Grid(0.0, 6)
    height: Grid = Grid(0.0, 6)


class ScoresSpec(msgspec.Struct, frozen=True, tag="scores"):
    """Class scores: the winning class, and the grid of their entropy in nats."""

    top: CategorySpec
    entropy: Grid = Grid(0.0, -2)


ColumnSpec = NumberSpec | CategorySpec | TextSpec | ListSpec | ImageSpec | ScoresSpec


class Schema(msgspec.Struct, frozen=True, dict=True):
    """The schema of one model.

    Attributes:
        columns: what every feature is, by name, in the config's order.
        output: what the answer is; None where the config maps none.
        latency: grid of seconds; resources: grids by name.
        seed: of every hash.
        reruns_k, sample_k, unseen_k: how many smallest hashes are kept in a pane.
    """

    model: str
    columns: dict[str, ColumnSpec]
    output: ColumnSpec | None
    latency: Grid = Grid(0.0, -10)
    resources: dict[str, Grid] = {}
    seed: int = 0
    reruns_k: int = 4096
    sample_k: int = 200
    unseen_k: int = 64
    format: int = FORMAT

    @property
    def id(self) -> str:
        """16 hex digits, the same for the same schema everywhere."""
        found: str | None = self.__dict__.get("_id")
        if found is None:
            found = f"{hash_text(self.to_json(), 0):016x}"
            self.__dict__["_id"] = found
        return found

    @classmethod
    def build(cls, layout: Layout, rows: Sequence[Events], seed: int = 0) -> Schema:
        """The schema for rows like these. What the layout declares wins over what is seen."""
        columns = {
            feature.name: _spec(
                feature.kind,
                [events.features[feature.name] for events in rows],
                feature.range,
                feature.categories,
                feature.private,
                seed,
            )
            for feature in layout.features
        }
        output: ColumnSpec | None = None
        if layout.output is not None and layout.output.kind is not None:
            answers = [events.prediction for events in rows if events.prediction is not None]
            declared = layout.output.classes
            output = _spec(layout.output.kind, answers, None, declared, layout.output.private, seed)
        resources = {
            name: Grid.fit(_joined([e.resources[name].values for e in rows if name in e.resources]))
            for name in RESOURCES
        }
        return cls(layout.model, columns, output, resources=resources, seed=seed)

    def to_json(self) -> bytes:
        """Canonical: equal schemas give equal bytes."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, data: bytes) -> Schema:
        """The schema again.

        Raises:
            SchemaError: the bytes are damaged, or of a newer format.
        """
        try:
            schema = msgspec.json.decode(data, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SchemaError(f"not a schema that can be read ({error})") from error
        if schema.format > FORMAT:
            raise SchemaError(
                f"schema format {schema.format} is newer than this program reads ({FORMAT}): "
                "run the newer inferwatch"
            )
        return schema

    def check(self, layout: Layout) -> None:
        """That the schema is of this layout.

        Raises:
            SchemaMismatch: names the first feature or output that differs.
        """
        cure = (
            "; either restore the config, or remove the model's schema file so that a new schema "
            "is chosen (windows under the old one can then not be merged with new ones)"
        )
        wanted = {feature.name: feature for feature in layout.features}
        for name in [*wanted, *self.columns]:
            if name not in self.columns:
                raise SchemaMismatch(f"feature {name!r} is not in the stored schema{cure}")
            if name not in wanted:
                raise SchemaMismatch(f"feature {name!r} of the stored schema is gone{cure}")
            self._check_column(wanted[name], cure)
        stored = None if self.output is None else _kind_of(self.output)
        kind = None if layout.output is None else layout.output.kind
        if stored != (kind if kind != "boolean" else "category"):
            raise SchemaMismatch(f"the output is {kind}, in the stored schema {stored}{cure}")

    def _check_column(self, feature: Feature, cure: str) -> None:
        stored = _kind_of(self.columns[feature.name])
        kind = "category" if feature.kind == "boolean" else feature.kind
        if stored != kind:
            raise SchemaMismatch(
                f"feature {feature.name!r} is {feature.kind}, in the stored schema {stored}{cure}"
            )

    def declare(self, layout: Layout) -> Schema:
        """This schema with the ranges that the layout declares now, which no summary rests on."""
        ranges = {feature.name: feature.range for feature in layout.features}
        columns: dict[str, ColumnSpec] = {
            name: msgspec.structs.replace(spec, range=ranges[name])
            if isinstance(spec, NumberSpec)
            else spec
            for name, spec in self.columns.items()
        }
        return msgspec.structs.replace(self, columns=columns)

    def qualify(self, events: Events) -> Events:
        """The events with values flagged that are huge, out of range or unseen."""
        features = {
            name: qualify(column, self.columns[name], self.seed)
            for name, column in events.features.items()
        }
        prediction = events.prediction
        if prediction is not None and self.output is not None:
            prediction = qualify(prediction, self.output, self.seed)
        return replace(events, features=features, prediction=prediction)


C = TypeVar("C", bound=AnyColumn)


def qualify(column: C, spec: ColumnSpec, seed: int) -> C:
    """The column with the flags `HUGE`, `RANGE` and `UNSEEN` set; itself where none applies."""
    if isinstance(column, NumberColumn) and isinstance(spec, NumberSpec):
        values = column.values
        flags = np.where(np.abs(values) > HUGE, Status.HUGE, Status.OK)
        if spec.range is not None:
            low, high = spec.range
            outside = (flags == Status.OK) & ((values < low) | (values > high))
            flags = np.where(outside, Status.RANGE, flags)
    elif isinstance(column, CategoryColumn) and isinstance(spec, CategorySpec) and spec.declared:
        places = np.array([*spec.place_of(column.names, seed), 0])[column.codes]
        flags = np.where(places < 0, Status.UNSEEN, Status.OK)
    elif isinstance(column, ScoresColumn) and isinstance(spec, ScoresSpec):
        top = qualify(column.top, spec.top, seed)
        return column if top is column.top else replace(column, top=top)
    else:
        return column
    flagged = (column.status == Status.OK) & (flags != Status.OK)
    if not flagged.any():
        return column
    status = np.where(flagged, flags, column.status).astype(np.uint8)
    return replace(column, status=status)  # type: ignore[arg-type]  # mypy loses the type variable


def _spec(
    kind: Kind | OutputKind,
    columns: Sequence[AnyColumn],
    range_: tuple[float, float] | None,
    categories: tuple[str, ...] | None,
    private: bool,
    seed: int,
) -> ColumnSpec:
    if kind == "number":
        numbers = [c.values for c in columns if isinstance(c, NumberColumn)]
        return NumberSpec(Grid.fit(_joined(numbers)), range_)
    if kind == "boolean":
        return CategorySpec(("false", "true"))
    if kind == "category":
        return _categories(columns, categories, private, seed)
    if kind == "scores":
        tops = [c.top for c in columns if isinstance(c, ScoresColumn)]
        return ScoresSpec(_categories(tops, categories, private, seed))
    if kind == "list":
        lengths = [c.lengths for c in columns if isinstance(c, ListColumn)]
        return ListSpec(Grid.fit(_joined(lengths)))
    if kind == "image":
        return ImageSpec()
    texts = [value for c in columns if isinstance(c, TextColumn) for value in c.values if value]
    return TextSpec(
        Grid.fit(np.array([len(text) for text in texts], dtype=np.float64)),
        Grid.fit(np.array([len(text.split()) for text in texts], dtype=np.float64)),
    )


def _joined(parts: Sequence[Any]) -> Floats:
    return np.concatenate([np.zeros(0), *parts]).astype(np.float64)


def _categories(
    columns: Sequence[AnyColumn], declared: tuple[str, ...] | None, private: bool, seed: int
) -> CategorySpec:
    seen: Counter[str] = Counter()
    for column in columns:
        if isinstance(column, CategoryColumn):
            counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.names))
            seen.update(dict(zip(column.names, counts.tolist(), strict=True)))
    frequent = sorted((-count, name) for name, count in seen.items() if count)
    if declared is None:
        known = tuple(name for _, name in frequent[:MOST_KNOWN])
    else:
        known = declared[:MOST_KNOWN]
    if private:
        known = tuple(_hidden(name, seed) for name in known)
    return CategorySpec(known, declared is not None, private)


def _hidden(name: str, seed: int) -> str:
    return f"{hash_text(name, seed):016x}"


def _kind_of(spec: ColumnSpec) -> str:
    return str(spec.__struct_config__.tag)
