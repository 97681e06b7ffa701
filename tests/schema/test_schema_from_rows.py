"""The schema as it is chosen from rows and from what is declared."""

from __future__ import annotations

import numpy as np

from collectors.events import Status
from collectors.grid import Grid
from collectors.hashing import hash_text
from collectors.schema import Schema
from collectors.specs import MOST_KNOWN, CategorySpec, NumberSpec, ScoresSpec, TextSpec
from tests.support.columns import category_column, number_column
from tests.support.schemas import feature, full_schema, layout, rows, spec_of


def test_every_kind_of_column_has_a_spec() -> None:
    schema = full_schema()
    kinds = {
        name: type(spec).__name__.removesuffix("Spec").lower()
        for name, spec in schema.columns.items()
    }
    assert kinds == {
        "number": "number",
        "category": "category",
        "boolean": "category",
        "text": "text",
        "list": "list",
        "image": "image",
    }
    assert spec_of(schema, "category").known == ("b", "a")
    assert spec_of(schema, "boolean").known == ("false", "true")
    assert isinstance(schema.output, ScoresSpec)
    assert schema.output.top.known == ("x", "y")
    assert schema.latency == Grid(0.0, -10)
    text = schema.columns["text"]
    assert isinstance(text, TextSpec)
    assert text.chars == Grid.fit(np.array([9.0, 17.0]))
    assert text.words == Grid.fit(np.array([2.0, 3.0]))


def test_a_schema_stands_without_a_row() -> None:
    schema = Schema.build(layout(feature("n", "number"), feature("c", "category")), [])
    assert schema.columns == {"n": NumberSpec(Grid(0.0, 0)), "c": CategorySpec(())}


def test_a_column_that_is_all_missing_has_a_grid() -> None:
    schema = Schema.build(layout(feature("n", "number")), [rows(n=number_column([None] * 4))])
    assert schema.columns["n"] == NumberSpec(Grid(0.0, 0))


def test_the_most_frequent_categories_are_known_and_ties_go_by_name() -> None:
    names = [f"v{i:04}" for i in range(MOST_KNOWN + 200)]
    once = rows(c=category_column(names[::-1]))
    twice = rows(c=category_column(["v1199", None, "v1150"]))
    known = spec_of(Schema.build(layout(feature("c", "category")), [once, twice])).known
    assert len(known) == MOST_KNOWN
    assert known[:4] == ("v1150", "v1199", "v0000", "v0001")
    assert known[-1] == "v0997"


def test_what_the_rows_contain_declares_nothing() -> None:
    schema = Schema.build(layout(feature("c", "category")), [rows(c=category_column(["a"]))])
    later = rows(c=category_column(["never seen"]))
    assert schema.qualify(later) is later


def test_declared_categories_are_known_in_their_order_and_others_unseen() -> None:
    declared = feature("c", "category", categories=("z", "a", "z"))
    first = rows(c=category_column(["other"] * 9 + ["a"]))
    schema = Schema.build(layout(declared), [first])
    assert spec_of(schema).known == ("z", "a")
    assert spec_of(schema).declared
    judged = schema.qualify(rows(c=category_column(["a", "other", None, "z"])))
    assert judged.features["c"].status.tolist() == [
        Status.OK,
        Status.UNSEEN,
        Status.NULL,
        Status.OK,
    ]


def test_of_too_many_declared_categories_the_frequent_are_known_and_none_is_unseen() -> None:
    names = tuple(f"n{i:05}" for i in range(MOST_KNOWN + 500))
    some = rows(c=category_column([names[-1], names[0]]))
    schema = Schema.build(layout(feature("c", "category", categories=names)), [some])
    known = spec_of(schema).known
    assert known == (*names[: MOST_KNOWN - 1], names[-1])
    everything = rows(c=category_column(names))
    assert schema.qualify(everything) is everything


def test_private_categories_are_nowhere_in_clear() -> None:
    secret = feature("c", "category", categories=("ann@x.org", "bob@x.org"), private=True)
    schema = Schema.build(layout(secret), [rows(c=category_column(["ann@x.org"]))], seed=9)
    assert spec_of(schema).known[0] == f"{hash_text('ann@x.org', 9):016x}"
    assert b"@" not in schema.to_json()
    judged = schema.qualify(rows(c=category_column(["bob@x.org", "eve@x.org"])))
    assert judged.features["c"].status.tolist() == [Status.OK, Status.UNSEEN]
    assert spec_of(schema).places(["bob@x.org", "eve@x.org"], 9).tolist() == [1, -1]
