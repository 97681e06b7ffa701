"""The schema as bytes and back: its id, and damage told in a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.events import Status
from collectors.grid import Grid
from collectors.layout import Output
from collectors.schema import FORMAT, Schema, SchemaError
from collectors.specs import CategorySpec, NumberSpec
from tests.support.columns import category_column, number_column
from tests.support.schemas import feature, full_schema, layout, rows, spec_of


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
    schema = full_schema()
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
    schema = full_schema()
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
    document = json.loads(full_schema().to_json())
    change(document)
    return json.dumps(document).encode()


def test_layout_of_the_json_does_not_matter() -> None:
    schema = full_schema()
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
