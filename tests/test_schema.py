"""The schema: chosen from rows, kept as bytes, checked against the config, judging values."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.events import (
    AnyColumn,
    CategoryColumn,
    Events,
    ImageColumn,
    ListColumn,
    NumberColumn,
    ScoresColumn,
    Status,
)
from collectors.grid import Grid
from collectors.hashing import hash_text
from collectors.layout import Feature, Kind, Layout, Output
from collectors.schema import FORMAT, Schema, SchemaError, SchemaMismatch
from collectors.specs import HUGE, MOST_KNOWN, CategorySpec, NumberSpec, ScoresSpec, TextSpec
from tests.support.columns import category_column, number_column, text_column
from tests.support.events import events


def feature(name: str, kind: Kind, **declared: Any) -> Feature:
    return Feature(name, kind, (name,), **declared)


def layout(*features: Feature, output: Output | None = None) -> Layout:
    return Layout("m", features, output)


def rows(prediction: AnyColumn | None = None, **columns: AnyColumn) -> Events:
    column = next(iter(columns.values()), prediction)
    assert column is not None
    return events(range(len(column.status)), features=columns, prediction=prediction)


def scores_column(tops: Sequence[str | None]) -> ScoresColumn:
    n = len(tops)
    return ScoresColumn(category_column(tops), np.zeros(n), np.zeros(n, np.uint64))


def one_of_each() -> tuple[Layout, Events]:
    fine = np.zeros(3, np.uint8)
    pixels = np.full(3, 0.5)
    columns: dict[str, AnyColumn] = {
        "number": number_column([1.0, 2.0, None]),
        "category": category_column(["b", "a", "b"]),
        "boolean": category_column(["true", None, "true"]),
        "text": text_column(["two words", "three small words", None]),
        "list": ListColumn(np.array([3, 4, 5]), np.zeros(3, np.uint64), fine),
        "image": ImageColumn(pixels, pixels, pixels, pixels, np.zeros(3, np.uint64), fine),
    }
    kinds: list[Kind] = ["number", "category", "boolean", "text", "list", "image"]
    features = tuple(feature(kind, kind) for kind in kinds)
    return layout(*features, output=Output("scores")), rows(
        scores_column(["x", "y", "x"]), **columns
    )


def spec_of(schema: Schema, name: str = "c") -> CategorySpec:
    spec = schema.columns[name]
    assert isinstance(spec, CategorySpec)
    return spec


def test_every_kind_of_column_has_a_spec() -> None:
    schema = Schema.build(*_listed(one_of_each()))
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


def _listed(pair: tuple[Layout, Events]) -> tuple[Layout, list[Events]]:
    return pair[0], [pair[1]]


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


# Judging values


def judged(values: Sequence[float | None], **declared: Any) -> list[int]:
    schema = Schema.build(layout(feature("n", "number", **declared)), [])
    column = schema.qualify(rows(n=number_column(values))).features["n"]
    assert column.status.dtype == np.uint8
    return [int(status) for status in column.status]


def test_numbers_outside_the_declared_range_are_flagged_and_huge_wins() -> None:
    values = [0.0, 10.0, -0.1, 10.1, None, 2e150, -2e150, HUGE]
    assert judged(values, range=(0.0, 10.0)) == [0, 0, 8, 8, 2, 10, 10, 8]
    assert judged(values) == [0, 0, 0, 0, 2, 10, 10, 0]


def test_a_prediction_is_judged_as_a_feature_is() -> None:
    scores = Output("scores", classes=("x", "y"))
    schema = Schema.build(layout(output=scores), [rows(scores_column(["x"]))])
    prediction = schema.qualify(rows(scores_column(["y", "w", None]))).prediction
    assert prediction is not None
    assert prediction.status.tolist() == [Status.OK, Status.UNSEEN, Status.NULL]
    numbers = Schema.build(layout(output=Output("number")), [rows(number_column([1.0]))])
    huge = numbers.qualify(rows(number_column([1e200]))).prediction
    assert huge is not None
    assert huge.status.tolist() == [Status.HUGE]


def test_fine_rows_come_back_as_they_are() -> None:
    where, some = one_of_each()
    assert Schema.build(where, [some]).qualify(some) is some


def test_only_the_column_at_fault_is_new() -> None:
    where = layout(feature("n", "number", range=(0.0, 1.0)), feature("m", "number"))
    some = rows(n=number_column([5.0]), m=number_column([5.0]))
    found = Schema.build(where, []).qualify(some)
    assert found.features["m"] is some.features["m"]
    assert some.features["n"].status.tolist() == [Status.OK]
    assert list(found.features) == ["n", "m"]


def test_a_value_that_is_not_usable_keeps_its_reason() -> None:
    status = np.array([Status.NONFINITE, Status.TYPE, Status.OK], np.uint8)
    column = NumberColumn(np.array([np.inf, 5.0, 7.0]), status)
    schema = Schema.build(layout(feature("n", "number", range=(0.0, 1.0))), [])
    assert schema.qualify(rows(n=column)).features["n"].status.tolist() == [6, 5, 8]


def test_names_that_no_row_has_do_not_matter() -> None:
    declared = feature("c", "category", categories=("a",))
    column = CategoryColumn(np.array([1, -1], np.int32), ("gone", "a"), np.array([0, 1], np.uint8))
    some = rows(c=column)
    assert Schema.build(layout(declared), []).qualify(some) is some


# Bytes and back


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        st.one_of(
            st.builds(
                NumberSpec,
                st.builds(Grid, st.floats(-1e9, 1e9), st.integers(-60, 60)),
                st.none() | st.tuples(st.floats(-5, 0), st.floats(1, 5)),
            ),
            st.builds(
                CategorySpec,
                st.lists(st.text(st.characters(exclude_categories=["Cs"])), unique=True).map(tuple),
                st.none() | st.lists(st.integers(0, 255), max_size=3).map(lambda x: bytes(x) * 8),
                st.booleans(),
                st.booleans(),
            ),
        ),
        max_size=4,
    ),
    st.integers(0, 2**63),
)
def test_a_schema_survives_its_bytes(columns: Any, seed: int) -> None:
    schema = Schema("m", columns, None, seed=seed)
    again = Schema.from_json(schema.to_json())
    assert again == schema
    assert (again.id, again.to_json()) == (schema.id, schema.to_json())
    assert list(again.columns) == list(columns)


def test_every_kind_survives_its_bytes() -> None:
    schema = Schema.build(*_listed(one_of_each()))
    assert Schema.from_json(schema.to_json()) == schema


def test_the_id_is_the_same_on_every_machine() -> None:
    schema = Schema("m", {"n": NumberSpec(Grid(1.0, 2)), "c": CategorySpec(("a",))}, None)
    assert schema.id == "f785a4f2972d82ae"


@pytest.mark.parametrize(
    "change",
    [
        lambda s: {"model": "other"},
        lambda s: {"seed": 1},
        lambda s: {"reruns_k": 8},
        lambda s: {"sample_k": 8},
        lambda s: {"unseen_k": 8},
        lambda s: {"latency": Grid(0.0, -9)},
        lambda s: {"resources": {}},
        lambda s: {"output": None},
        lambda s: {"columns": s.columns | {"number": NumberSpec(Grid(0.5, 0))}},
        lambda s: {"columns": s.columns | {"category": CategorySpec(("a", "b"))}},
    ],
)
def test_whatever_a_merge_rests_on_is_in_the_id(
    change: Callable[[Schema], dict[str, Any]],
) -> None:
    schema = Schema.build(*_listed(one_of_each()))
    assert msgspec.structs.replace(schema, **change(schema)).id != schema.id


def test_what_is_declared_later_is_judged_by_and_leaves_the_id() -> None:
    plain = layout(feature("n", "number"), feature("c", "category"), output=Output("category"))
    some = rows(category_column(["a"]), n=number_column([5.0]), c=category_column(["a"]))
    schema = Schema.build(plain, [some])
    strict = layout(
        feature("n", "number", range=(0.0, 1.0)),
        feature("c", "category", categories=("b",)),
        output=Output("category", classes=("b",)),
    )
    declared = schema.declare(strict)
    assert declared.id == schema.id
    found = declared.qualify(some)
    assert found.features["n"].status.tolist() == [Status.RANGE]
    assert found.features["c"].status.tolist() == [Status.UNSEEN]
    assert found.prediction is not None
    assert found.prediction.status.tolist() == [Status.UNSEEN]
    assert declared.declare(plain) == schema
    assert spec_of(declared).known == ("a",)


def damaged(change: Callable[[dict[str, Any]], None]) -> bytes:
    document = json.loads(Schema.build(*_listed(one_of_each())).to_json())
    change(document)
    return json.dumps(document).encode()


def test_layout_of_the_json_does_not_matter() -> None:
    schema = Schema.build(*_listed(one_of_each()))
    assert Schema.from_json(json.dumps(json.loads(schema.to_json()), indent=4).encode()) == schema


BROKEN: dict[str, bytes] = {
    "empty": b"",
    "cut": damaged(lambda _: None)[:-20],
    "not text": b"\xff\xfe",
    "a list": b"[]",
    "no format": damaged(lambda d: d.pop("format")),
    "no id": damaged(lambda d: d.pop("id")),
    "a digit": damaged(lambda d: d["schema"].update(seed=4)),
    "an unknown key": damaged(lambda d: d["schema"].update(latencyy=1)),
    "an unknown kind": damaged(lambda d: d["schema"]["columns"]["number"].update(type="x")),
    "a text for a grid": damaged(lambda d: d["schema"]["columns"]["number"].update(grid="x")),
    "an endless scale": damaged(
        lambda d: d["schema"]["columns"]["number"]["grid"].update(exponent=99_999)
    ),
    "half a hash": damaged(lambda d: d["schema"]["columns"]["category"].update(seen="QUJD")),
}


@pytest.mark.parametrize("case", BROKEN)
def test_damage_is_told_in_a_sentence(case: str) -> None:
    with pytest.raises(
        SchemaError,
        match=r"^the schema is damaged \(.*\): restore .* or move the state folder away",
    ):
        Schema.from_json(BROKEN[case])


def test_another_format_is_told_apart_from_damage() -> None:
    newer = json.dumps({"format": FORMAT + 1, "shape": "unlike anything today"}).encode()
    with pytest.raises(SchemaError, match=r"is of format 2, and this program reads format 1: run"):
        Schema.from_json(newer)


# Against the config

STORED = layout(
    feature("n", "number"),
    feature("c", "category"),
    feature("b", "boolean"),
    feature("p", "category", private=True),
    output=Output("scores"),
)
SOME = rows(
    scores_column(["x"]),
    n=number_column([1.0]),
    c=category_column(["a"]),
    b=category_column(["true"]),
    p=category_column(["a"]),
)


def with_feature(changed: Feature) -> Layout:
    return layout(
        *(changed if f.name == changed.name else f for f in STORED.features), output=STORED.output
    )


OTHERS: dict[str, tuple[Layout, str]] = {
    "kind": (
        with_feature(feature("n", "text")),
        "feature 'n' is text, in the stored schema number",
    ),
    "boolean": (
        with_feature(feature("c", "boolean")),
        "feature 'c' is boolean, in the stored schema category",
    ),
    "made private": (
        with_feature(feature("c", "category", private=True)),
        "feature 'c' is private, in the stored schema not private",
    ),
    "made public": (
        with_feature(feature("p", "category")),
        "feature 'p' is not private, in the stored schema private",
    ),
    "output": (
        layout(*STORED.features, output=Output("number")),
        "the output is number, in the stored schema scores",
    ),
    "output made private": (
        layout(*STORED.features, output=Output("scores", private=True)),
        "the output is private, in the stored schema not private",
    ),
}


@pytest.mark.parametrize("case", OTHERS)
def test_another_config_is_refused_by_name(case: str) -> None:
    changed, difference = OTHERS[case]
    schema = Schema.build(STORED, [SOME])
    with pytest.raises(SchemaMismatch) as raised:
        schema.lacks(changed)
    sentence = str(raised.value)
    cure = "; either restore the config, or give the model another name"
    assert sentence.startswith(difference + cure)


def test_what_a_config_has_more_is_chosen_anew_and_the_rest_stays() -> None:
    schema = Schema.build(layout(feature("n", "number")), [rows(n=number_column([4.0, 900.0]))])
    more = layout(feature("x", "number"), feature("n", "number"), output=Output("number"))
    assert schema.lacks(more) == ["x", "the output"]
    later = rows(n=number_column([1e6]), x=number_column([7.0]))
    extended = schema.extended(more, [later]).declare(more)
    assert extended.columns["n"] == schema.columns["n"]
    assert extended.columns["x"] == Schema.build(more, [later]).columns["x"]
    assert extended.output is not None
    assert extended.lacks(more) == []
    assert extended.part_id(extended.columns["n"]) == schema.part_id(schema.columns["n"])


def test_what_a_config_has_no_more_is_left_out() -> None:
    schema = Schema.build(STORED, [SOME])
    less = layout(*STORED.features[1:])
    assert schema.lacks(less) == []
    assert schema.declare(less).output is None
    assert list(schema.declare(less).columns) == [f.name for f in STORED.features[1:]]


def test_the_same_config_passes_whatever_it_declares_and_in_any_order() -> None:
    schema = Schema.build(STORED, [SOME])
    for same in (
        STORED,
        layout(*reversed(STORED.features), output=STORED.output),
        with_feature(feature("n", "number", range=(0.0, 1.0))),
        with_feature(feature("c", "category", categories=("z",))),
    ):
        assert schema.lacks(same) == []
