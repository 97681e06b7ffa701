"""The summaries that comparisons are made of, by a schema alone."""

from __future__ import annotations

from typing import Any

from collectors.family import Family
from collectors.inputs import Inputs
from collectors.multivariate import Multivariate
from collectors.outputs import Outputs
from collectors.schema import Schema
from collectors.software import Software


def compared(schema: Schema, ignore: frozenset[str] = frozenset()) -> list[Family[Any]]:
    """The families of a model with this schema whose statistics are compared.

    Args:
        ignore: features that are left out of those together.
    """
    families: list[Family[Any]] = [Software(schema, ()), Inputs(schema, ())]
    families += Multivariate.of(schema, ignore)
    if schema.output is not None:
        families.append(Outputs(schema, schema.output, ()))
    return families


def empty(schema: Schema, ignore: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Their summaries of no rows, by name."""
    return {family.name: family.empty() for family in compared(schema, ignore)}
