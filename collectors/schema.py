"""What makes two summaries of a model mergeable: grids, known categories, hash seeds, and an id.

A schema is chosen once, from a reference or from the first rows, and kept: every summary carries
its id, and a merge across ids is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from hashlib import blake2b
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from collectors.events import (
    RESOURCES,
    AnyColumn,
    CategoryColumn,
    Events,
    Floats,
    Ints,
    ListColumn,
    NumberColumn,
    ScoresColumn,
    Status,
    TextColumn,
)
from collectors.grid import Grid
from collectors.hashing import hash_names, hash_text
from collectors.layout import Kind, Layout, OutputKind

FORMAT = 1
"""Version of the JSON form of a schema."""

BOOLEANS = ("false", "true")
"""What a boolean's values are called."""

MOST_KNOWN = 1_000
"""Categories that are counted one by one; the rest goes into hash buckets."""

HUGE = 1e150
"""Numbers beyond it would overflow a sum of squares."""


class SchemaError(Exception):
    """A stored schema cannot be read; the message says why and what to do."""


class SchemaMismatch(Exception):
    """Two things were made under different schemas; the message says which, and what to do."""


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is read back strictly."""


class NumberSpec(_Strict, frozen=True, tag="number"):
    """A number: its grid, and the range declared as valid."""

    grid: Grid
    range: tuple[float, float] | None = None


class CategorySpec(_Strict, frozen=True, dict=True, tag="category"):
    """A category or boolean: values counted one by one, as names, or as hex hashes when private.

    Attributes:
        seen: sorted hashes of all valid values, uint64 little-endian; None where `known` are all.
        declared: whether a value that is not among the valid ones is unseen; else nothing is.
    """

    known: tuple[str, ...]
    seen: bytes | None = None
    declared: bool = False
    private: bool = False

    def __post_init__(self) -> None:
        if self.seen is not None and len(self.seen) % 8:
            raise ValueError("the hashes of the values seen are cut short")

    @cached_property
    def _place(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.known)}

    def places(self, names: Sequence[str], seed: int) -> Ints:
        """Index of each name in `known`, int64 [n]; -1 where it is not there."""
        shown = [_hidden(name, seed) for name in names] if self.private else names
        return np.array([self._place.get(name, -1) for name in shown], dtype=np.int64)

    def unseen(self, names: Sequence[str], seed: int) -> NDArray[np.bool_]:
        """Where a name is not among the valid ones, bool [n]; nowhere where none are declared."""
        if not self.declared:
            return np.zeros(len(names), dtype=np.bool_)
        if self.seen is None:
            return np.asarray(self.places(names, seed) < 0, dtype=np.bool_)
        seen = np.frombuffer(self.seen, dtype="<u8")
        return np.isin(hash_names(names, seed), seen, invert=True)


class TextSpec(_Strict, frozen=True, tag="text"):
    """Text: the grids of its length in characters and in words."""

    chars: Grid
    words: Grid


class ListSpec(_Strict, frozen=True, tag="list"):
    """A list: the grid of its length."""

    items: Grid


class ImageSpec(_Strict, frozen=True, tag="image"):
    """An image: brightness and contrast from 0 to 1, width and height in pixels."""

    brightness: Grid = Grid(0.5, -2)
    contrast: Grid = Grid(0.25, -3)
    width: Grid = Grid(0.0, 6)
    height: Grid = Grid(0.0, 6)


class ScoresSpec(_Strict, frozen=True, tag="scores"):
    """Class scores: the winning class, and the grid of their entropy in nats."""

    top: CategorySpec
    entropy: Grid = Grid(0.0, -2)


ColumnSpec = NumberSpec | CategorySpec | TextSpec | ListSpec | ImageSpec | ScoresSpec


class Schema(_Strict, frozen=True, dict=True):
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

    @cached_property
    def id(self) -> str:
        """16 hex digits (BLAKE2b), the same for the same schema everywhere.

        What is declared as valid is not in it: no count rests on that, and the config may change.
        """
        bare = msgspec.structs.replace(
            self,
            columns={name: _declare(spec, None, None, 0) for name, spec in self.columns.items()},
            output=None if self.output is None else _declare(self.output, None, None, 0),
        )
        return _digest(bare)

    def part_id(self, spec: ColumnSpec) -> str:
        """16 hex digits, the same wherever columns of this kind are counted alike.

        A summary carries the id of its own column, so that a feature more or less leaves those of
        the others mergeable.
        """
        return _part_id(spec, self.seed, self.unseen_k)

    @cached_property
    def hashes_id(self) -> str:
        """The id of what rests on hashes alone: reruns, and the sample of rows."""
        return _digest(["hashes", self.seed, self.reruns_k, self.sample_k])

    @classmethod
    def build(cls, layout: Layout, rows: Sequence[Events], seed: int = 0) -> Schema:
        """The schema for rows like these. What the layout declares wins over what is seen."""
        columns = {
            feature.name: _spec(
                feature.kind,
                [events.features[feature.name] for events in rows],
                feature.categories,
                feature.private,
                seed,
            )
            for feature in layout.features
        }
        output: ColumnSpec | None = None
        if layout.output is not None and layout.output.kind is not None:
            answers = [events.prediction for events in rows if events.prediction is not None]
            classes, private = layout.output.classes, layout.output.private
            output = _spec(layout.output.kind, answers, classes, private, seed)
        resources = {
            name: Grid.fit(_joined([e.resources[name].values for e in rows if name in e.resources]))
            for name in RESOURCES
        }
        schema = cls(layout.model, columns, output, resources=resources, seed=seed)
        return schema.declare(layout)

    def to_json(self) -> bytes:
        """Canonical: equal schemas give equal bytes."""
        whole = msgspec.Raw(msgspec.json.encode(self))
        return msgspec.json.encode(_Stored(FORMAT, self.id, whole))

    @classmethod
    def from_json(cls, data: bytes) -> Schema:
        """The schema again.

        Raises:
            SchemaError: the bytes are damaged, or of a newer format.
        """
        cure = "restore it from a backup, or remove it so that a new schema is chosen"
        try:
            written = msgspec.json.decode(data, type=_Version).format
            if written != FORMAT:
                raise SchemaError(
                    f"the schema is of format {written}, and this program reads format {FORMAT}: "
                    "run the inferwatch that wrote it, or a newer one"
                )
            stored = msgspec.json.decode(data, type=_Stored)
            schema = msgspec.json.decode(stored.schema, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SchemaError(f"the schema is damaged ({error}): {cure}") from error
        if schema.id != stored.id:
            raise SchemaError(
                f"the schema is damaged (its contents are of id {schema.id}, not {stored.id}): "
                f"{cure}"
            )
        return schema

    def lacks(self, layout: Layout) -> list[str]:
        """What the layout has and this schema has not: names of features, and "the output".

        Raises:
            SchemaMismatch: names the first feature or output that both have, each in its own way.
        """
        lacking = []
        for feature in layout.features:
            spec = self.columns.get(feature.name)
            if spec is None:
                lacking.append(feature.name)
            else:
                _check(f"feature {feature.name!r}", spec, feature.kind, feature.private)
        output = layout.output
        if output is not None and output.kind is not None:
            if self.output is None:
                lacking.append("the output")
            else:
                _check("the output", self.output, output.kind, output.private)
        return lacking

    def extended(self, layout: Layout, rows: Sequence[Events]) -> Schema:
        """This schema with what it lacks, chosen from these rows; the rest stays as it was.

        Raises:
            SchemaMismatch: see `lacks`.
        """
        self.lacks(layout)
        fresh = Schema.build(layout, rows, self.seed)
        return msgspec.structs.replace(
            self,
            columns={**fresh.columns, **self.columns},
            output=fresh.output if self.output is None else self.output,
        )

    def declare(self, layout: Layout) -> Schema:
        """This schema for just what the layout has, with what it declares as valid now."""
        columns = {
            feature.name: _declare(
                self.columns[feature.name], feature.range, feature.categories, self.seed
            )
            for feature in layout.features
        }
        output = None
        if self.output is not None and layout.output is not None and layout.output.kind is not None:
            output = _declare(self.output, None, layout.output.classes, self.seed)
        return msgspec.structs.replace(self, columns=columns, output=output)

    def qualify(self, events: Events) -> Events:
        """The events with values flagged that are huge, out of range or unseen.

        The same object where no value is.
        """
        features = {
            name: qualify(column, self.columns[name], self.seed)
            for name, column in events.features.items()
        }
        prediction = events.prediction
        if prediction is not None and self.output is not None:
            prediction = qualify(prediction, self.output, self.seed)
        same = prediction is events.prediction and all(
            column is events.features[name] for name, column in features.items()
        )
        return events if same else replace(events, features=features, prediction=prediction)


class _Version(msgspec.Struct, frozen=True):
    """All that is known of a schema whose format may be another."""

    format: int


class _Stored(_Strict, frozen=True):
    """A schema as it is written down; its id tells damage."""

    format: int
    id: str
    schema: msgspec.Raw


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
        unseen = np.append(spec.unseen(column.names, seed), False)[column.codes]
        flags = np.where(unseen, Status.UNSEEN, Status.OK)
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


@lru_cache(maxsize=65_536)
def _part_id(spec: ColumnSpec, seed: int, unseen_k: int) -> str:
    return _digest([_declare(spec, None, None, 0), seed, unseen_k])


def _digest(value: object) -> str:
    return blake2b(msgspec.json.encode(value), digest_size=8).hexdigest()


def _spec(
    kind: Kind | OutputKind,
    columns: Sequence[AnyColumn],
    categories: tuple[str, ...] | None,
    private: bool,
    seed: int,
) -> ColumnSpec:
    if kind == "number":
        numbers = [c.values for c in columns if isinstance(c, NumberColumn)]
        return NumberSpec(Grid.fit(_joined(numbers)))
    if kind == "boolean":
        return CategorySpec(BOOLEANS)
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
    rows: Counter[str] = Counter()
    for column in columns:
        if isinstance(column, CategoryColumn):
            counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.names))
            rows.update(dict(zip(column.names, counts.tolist(), strict=True)))
    if declared is None:
        known = sorted((name for name in rows if rows[name]), key=lambda name: (-rows[name], name))
        known = known[:MOST_KNOWN]
    else:
        names = list(dict.fromkeys(declared))
        frequent = set(sorted(names, key=lambda name: -rows[name])[:MOST_KNOWN])
        known = [name for name in names if name in frequent]
    if private:
        known = [_hidden(name, seed) for name in known]
    return CategorySpec(tuple(known), private=private)


def _declare(
    spec: ColumnSpec,
    range_: tuple[float, float] | None,
    categories: Sequence[str] | None,
    seed: int,
) -> ColumnSpec:
    """The spec with these values as the valid ones; None declares nothing."""
    if isinstance(spec, NumberSpec):
        return msgspec.structs.replace(spec, range=range_)
    if isinstance(spec, CategorySpec):
        return _declare_categories(spec, categories, seed)
    if isinstance(spec, ScoresSpec):
        top = _declare_categories(spec.top, categories, seed)
        return msgspec.structs.replace(spec, top=top)
    return spec


def _declare_categories(
    spec: CategorySpec, categories: Sequence[str] | None, seed: int
) -> CategorySpec:
    seen = None
    if categories is not None:
        seen = np.unique(hash_names(categories, seed)).astype("<u8").tobytes()
    return msgspec.structs.replace(spec, seen=seen, declared=categories is not None)


def _check(what: str, spec: ColumnSpec, kind: Kind | OutputKind, private: bool) -> None:
    stored = str(spec.__struct_config__.tag)
    category = spec.top if isinstance(spec, ScoresSpec) else spec
    if isinstance(spec, CategorySpec) and kind == "boolean":
        if spec.known != BOOLEANS:
            raise _mismatch(f"{what} is boolean, in the stored schema category")
    elif stored != kind:
        raise _mismatch(f"{what} is {kind}, in the stored schema {stored}")
    elif isinstance(category, CategorySpec) and category.private != private:
        now, then = ("private", "not private") if private else ("not private", "private")
        raise _mismatch(f"{what} is {now}, in the stored schema {then}")


def _mismatch(difference: str) -> SchemaMismatch:
    return SchemaMismatch(
        f"{difference}; either restore the config, or remove the model's schema file so that a new "
        "schema is chosen (windows under the old one can then not be merged with new ones)"
    )


def _hidden(name: str, seed: int) -> str:
    return f"{hash_text(name, seed):016x}"
