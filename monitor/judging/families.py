"""The summaries that comparisons are made of, by a schema alone."""

from __future__ import annotations

from typing import Any

from collectors.family import Family
from collectors.inputs import Inputs
from collectors.outputs import Outputs
from collectors.schema import Schema
from collectors.software import Software


def compared(schema: Schema) -> list[Family[Any]]:
    """The families of a model with this schema whose statistics are compared."""
    families: list[Family[Any]] = [Software(schema, ()), Inputs(schema, ())]
    if schema.output is not None:
        families.append(Outputs(schema, schema.output, ()))
    return families


def empty(schema: Schema) -> dict[str, Any]:
    """Their summaries of no rows, by name."""
    return {family.name: family.empty() for family in compared(schema)}
