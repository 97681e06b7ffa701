"""The schema judging values: out of range, huge, unseen, or fine and left as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from collectors.events import CategoryColumn, NumberColumn, Status
from collectors.layout import Output
from collectors.schema import Schema
from collectors.specs import HUGE
from tests.support.columns import number_column
from tests.support.schemas import feature, layout, one_of_each, rows, scores_column


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
