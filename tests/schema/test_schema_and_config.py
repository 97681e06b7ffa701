"""A stored schema beside the config: what fits, what is added to it, what is refused."""

from __future__ import annotations

import pytest

from collectors.layout import Feature, Layout, Output
from collectors.schema import Schema, SchemaMismatch
from tests.support.columns import category_column, number_column
from tests.support.schemas import feature, layout, rows, scores_column

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
