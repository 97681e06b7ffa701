"""The schema of a reference beside a model's: what is told apart, and what one lends the other."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from collectors.grid import Grid
from collectors.schema import Schema
from collectors.specs import CategorySpec, NumberSpec, ScoresSpec
from monitor.references.schemas import declared_by, difference, joined, undeclared

SEEN = bytes(range(8))
SCHEMA = Schema(
    "m",
    {"a": NumberSpec(Grid(1.0, 2)), "c": CategorySpec(("x", "y"))},
    ScoresSpec(CategorySpec(("p", "q"))),
    resources={"cpu_seconds": Grid(0.5, -3)},
)


def changed(**more: Any) -> Schema:
    return msgspec.structs.replace(SCHEMA, **more)


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({}, None),
        ({"model": "other"}, None),
        ({"columns": {"a": NumberSpec(Grid(1.0, 2), range=(0, 1))}}, None),
        ({"columns": {"new": NumberSpec(Grid(1.0, 7))}}, None),
        ({"output": None}, None),
        ({"columns": {"a": NumberSpec(Grid(1.0, 3))}}, "feature 'a' is counted on another grid"),
        ({"columns": {"c": CategorySpec(("x",))}}, "feature 'c' is counted by other values"),
        ({"columns": {"c": NumberSpec(Grid(0, 0))}}, "feature 'c' is number, not category"),
        ({"output": ScoresSpec(CategorySpec(("p",)))}, "the output is counted by other values"),
        ({"output": NumberSpec(Grid(0, 0))}, "the output is number, not scores"),
        ({"latency": Grid(0.0, -9)}, "latency is counted on another grid"),
        ({"resources": {"cpu_seconds": Grid(0, 0)}}, "cpu_seconds is counted on another grid"),
        ({"columns": {}, "output": None, "reruns_k": 9}, "rows are hashed in another way"),
        ({"columns": {}, "output": None, "seed": 9}, "rows are hashed in another way"),
    ],
)
def test_the_first_difference_is_named(more: dict[str, Any], what: str | None) -> None:
    assert difference(SCHEMA, changed(**more)) == what


def test_what_is_seen_is_declared_where_nothing_is() -> None:
    seen = CategorySpec(("x", "y"), seen=SEEN, declared=True)
    output = ScoresSpec(CategorySpec(("p", "q"), declared=True))
    reference = changed(columns={"a": SCHEMA.columns["a"], "c": seen}, output=output)
    found = declared_by(SCHEMA, reference)
    assert found.columns == {"a": SCHEMA.columns["a"], "c": seen}
    assert found.output == output
    assert found.id == SCHEMA.id
    assert undeclared(found) == SCHEMA
    own = CategorySpec(("x", "y"), seen=SEEN[::-1], declared=True)
    assert declared_by(changed(columns={"c": own}), reference).columns["c"] == own
    other = CategorySpec(("x",))
    assert declared_by(changed(columns={"c": other}), reference).columns["c"] == other
    assert declared_by(changed(output=None), reference).output is None
    assert declared_by(SCHEMA, changed(columns={}, output=None)) == SCHEMA


def test_what_a_schema_lacks_comes_from_the_reference_and_the_rest_stays() -> None:
    seen = CategorySpec(("x", "y"), seen=SEEN, declared=True)
    reference = changed(columns={"b": NumberSpec(Grid(5.0, 1)), "c": seen})
    whole = joined(changed(output=None), reference)
    assert whole.columns == SCHEMA.columns | {"b": reference.columns["b"]}
    assert whole.output == SCHEMA.output
    assert joined(changed(columns={}), reference).columns["c"] == SCHEMA.columns["c"]
