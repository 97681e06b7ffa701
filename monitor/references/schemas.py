"""The schema of a reference beside the one of a model: where they differ, and what one lends.

And what of a discovery goes into files: what is needed to read by it, and no value of any row.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from collectors.discovery import Discovery
from collectors.schema import Schema
from collectors.specs import CategorySpec, ColumnSpec, ScoresSpec, declared_as


def difference(schema: Schema, reference: Schema) -> str | None:
    """What both have and count in different ways, the first of it; None where there is none.

    It says what is so in `reference`, for example "feature 'age' is counted on another grid".
    """
    for name, spec in reference.columns.items():
        own = schema.columns.get(name)
        if own is not None and schema.part_id(own) != reference.part_id(spec):
            return f"feature {name!r} {_unlike(own, spec)}"
    one, other = schema.output, reference.output
    if one is not None and other is not None and schema.part_id(one) != reference.part_id(other):
        return f"the output {_unlike(one, other)}"
    if schema.latency != reference.latency:
        return "latency is counted on another grid"
    for name, grid in reference.resources.items():
        if schema.resources.get(name) != grid:
            return f"{name} is counted on another grid"
    if schema.hashes_id != reference.hashes_id:
        return "rows are hashed in another way"
    return None


def joined(schema: Schema, reference: Schema) -> Schema:
    """The schema, and what it lacks as the reference has it. The two do not differ."""
    bare = undeclared(reference)
    return msgspec.structs.replace(
        schema,
        columns={**bare.columns, **schema.columns},
        output=bare.output if schema.output is None else schema.output,
    )


def undeclared(schema: Schema) -> Schema:
    """The schema, of the same id, with nothing declared as valid."""
    return msgspec.structs.replace(
        schema,
        columns={n: declared_as(spec, None, None, 0) for n, spec in schema.columns.items()},
        output=None if schema.output is None else declared_as(schema.output, None, None, 0),
    )


def declared_by(schema: Schema, reference: Schema) -> Schema:
    """The schema with the categories as valid that the reference saw, where it declares none."""
    columns = {
        name: _declared(spec, reference.columns.get(name)) for name, spec in schema.columns.items()
    }
    output = None if schema.output is None else _declared(schema.output, reference.output)
    return msgspec.structs.replace(schema, columns=columns, output=output)


def without_values(discovery: Discovery | None) -> Discovery | None:
    """Where things lie and of what kind they are, but no value: it may be private."""
    if discovery is None:
        return None
    features = (replace(f, low=None, high=None, categories=()) for f in discovery.features)
    return replace(discovery, features=tuple(features))


def _declared(spec: ColumnSpec, other: ColumnSpec | None) -> ColumnSpec:
    if isinstance(spec, ScoresSpec) and isinstance(other, ScoresSpec):
        return msgspec.structs.replace(spec, top=_declared(spec.top, other.top))
    if not isinstance(spec, CategorySpec) or not isinstance(other, CategorySpec):
        return spec
    if spec.declared or not other.declared or spec.known != other.known:
        return spec
    return msgspec.structs.replace(spec, seen=other.seen, declared=True)


def _unlike(own: ColumnSpec, spec: ColumnSpec) -> str:
    if type(own) is not type(spec):
        tags = [str(one.__struct_config__.tag) for one in (spec, own)]
        return f"is {tags[0]}, not {tags[1]}"
    if isinstance(spec, CategorySpec | ScoresSpec):
        return "is counted by other values"
    return "is counted on another grid"
