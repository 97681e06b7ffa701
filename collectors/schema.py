"""What makes two summaries of a model mergeable: grids, known categories, hash seeds, and an id.

A schema is chosen once, from a reference or from the first rows, and kept: every summary carries
its id, and a merge across ids is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TypeVar

import msgspec
import numpy as np

from collectors.events import (
    RESOURCES,
    AnyColumn,
    CategoryColumn,
    Events,
    NumberColumn,
    ScoresColumn,
    Status,
)
from collectors.grid import Grid
from collectors.layout import Kind, Layout, OutputKind
from collectors.specs import (
    BOOLEANS,
    HUGE,
    CategorySpec,
    ColumnSpec,
    NumberSpec,
    ScoresSpec,
    Strict,
    declared_as,
    digest,
    joined,
    part_id,
    spec_for,
)

FORMAT = 1
"""Version of the JSON form of a schema."""


class SchemaError(Exception):
    """A stored schema cannot be read; the message says why and what to do."""


class SchemaMismatch(Exception):
    """Two things were made under different schemas; the message says which, and what to do."""


class Schema(Strict, frozen=True, dict=True):
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
    resources: dict[str, Grid] = msgspec.field(default_factory=dict)
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
            columns={name: declared_as(spec, None, None, 0) for name, spec in self.columns.items()},
            output=None if self.output is None else declared_as(self.output, None, None, 0),
        )
        return digest(bare)

    def part_id(self, spec: ColumnSpec) -> str:
        """16 hex digits, the same wherever columns of this kind are counted alike.

        A summary carries the id of its own column, so that a feature more or less leaves those of
        the others mergeable.
        """
        return part_id(spec, self.seed, self.unseen_k)

    @cached_property
    def hashes_id(self) -> str:
        """The id of what rests on hashes alone: reruns, and the sample of rows."""
        return digest(["hashes", self.seed, self.reruns_k, self.sample_k])

    @classmethod
    def build(cls, layout: Layout, rows: Sequence[Events], seed: int = 0) -> Schema:
        """The schema for rows like these. What the layout declares wins over what is seen."""
        columns = {
            feature.name: spec_for(
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
            output = spec_for(layout.output.kind, answers, classes, private, seed)
        resources = {
            name: Grid.fit(joined([e.resources[name].values for e in rows if name in e.resources]))
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
        cure = "restore it from a backup, or move the state folder away to begin anew"
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
            feature.name: declared_as(
                self.columns[feature.name], feature.range, feature.categories, self.seed
            )
            for feature in layout.features
        }
        output = None
        if self.output is not None and layout.output is not None and layout.output.kind is not None:
            output = declared_as(self.output, None, layout.output.classes, self.seed)
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


class _Stored(Strict, frozen=True):
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
        f"{difference}; either restore the config, or give the model another name, under which it "
        "begins anew (windows under the old schema cannot be merged with new ones)"
    )
