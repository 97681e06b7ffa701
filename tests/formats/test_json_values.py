"""What becomes of each value of a feature, by kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from collectors.events import Status
from collectors.formats.columns import MAX_NAME, canonical
from collectors.layout import KINDS, Kind
from tests.support.reading import decode, feature

NAN = float("nan")
INF = float("inf")
OK, TYPE, EMPTY = Status.OK, Status.TYPE, Status.EMPTY


def plain(column: Any) -> list[Any]:
    """Each row's value, or the name of its status where there is none."""
    values = column.values_at(np.arange(len(column.status)))
    return [
        Status(status).name if status else value
        for value, status in zip(values, column.status, strict=True)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_tells_what_is_missing_apart(kind: Kind) -> None:
    column = feature(kind, ..., None, "", NAN, {"a": 1})
    assert plain(column) == ["ABSENT", "NULL", "EMPTY", "NAN", "TYPE"]


def test_numbers() -> None:
    column = feature("number", 1, 2.5, -3, 10**20, " 4 ", "5e1", "-.5", "+1")
    assert plain(column) == [1, 2.5, -3, 1e20, 4, 50, -0.5, 1]
    assert column.values.dtype == np.float64


def test_numbers_that_are_none() -> None:
    column = feature("number", "nan", "NaN", "inf", "-Infinity", INF, 10**400, "  ", "x", True)
    assert plain(column) == [
        *["NAN"] * 2,
        *["NONFINITE"] * 4,
        "EMPTY",
        *["TYPE"] * 2,
    ]
    assert np.isnan(column.values).all()


def test_categories_take_the_text_that_json_has() -> None:
    column = feature("category", "a", 3, 3.0, True, "true", 2.5, -0.0, 1e22, "a", " ", "NaN")
    assert plain(column) == ["a", "3", "3", "true", "true", "2.5", "0", "1e+22", "a", " ", "NaN"]
    assert column.names == ("a", "3", "true", "2.5", "0", "1e+22", " ", "NaN")
    assert plain(feature("category", INF, [1], "x")) == ["NONFINITE", "TYPE", "x"]


def test_long_category_names_are_bounded_and_stay_distinct() -> None:
    whole = "x" * MAX_NAME
    names = feature("category", whole, whole + "a", whole + "b", whole + "a").names
    assert names[0] == whole
    assert [len(name) for name in names] == [MAX_NAME] * 3
    assert len(set(names)) == 3


def test_booleans() -> None:
    column = feature("boolean", True, False, 1, 0, 1.0, "TRUE", " false", None)
    assert plain(column) == ["true", "false", "true", "false", "true", "true", "false", "NULL"]
    assert plain(feature("boolean", True, False, None, ...)) == ["true", "false", "NULL", "ABSENT"]
    assert plain(feature("boolean", 2, "yes", "1", [], 0.5)) == ["TYPE"] * 5


def test_text_is_strings_alone() -> None:
    column = feature("text", "a b", " ", 3, True, ["a"])
    assert plain(column) == ["a b", " ", "TYPE", "TYPE", "TYPE"]
    assert column.values == ["a b", " ", "", "", ""]


def test_lists_have_a_length_and_a_hash_of_their_items() -> None:
    column = feature("list", [1, "a"], [1, "a"], ["a", 1], [{"b": 1, "a": 2}], [{"a": 2, "b": 1}])
    assert column.lengths.tolist() == [2, 2, 2, 1, 1]
    first, again, turned, one, other = column.hashes.tolist()
    assert first == again != turned
    assert one == other != first
    column = feature("list", [], "ab", 3, [10**30], [10**300])
    assert plain(column) == ["EMPTY", "TYPE", "TYPE", 1, 1]
    assert len(set(column.hashes.tolist())) == 3


def test_a_list_may_nest_to_a_hundred_levels() -> None:
    def nested(depth: int) -> Any:
        value: Any = 1
        for _ in range(depth):
            value = [value]
        return value

    wide = [[1]] * 300
    assert plain(feature("list", nested(100), nested(101), wide)) == [1, "TYPE", 300]


def test_a_list_that_cannot_be_written_is_none() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    assert canonical(value) is None


def test_a_column_of_one_type_and_a_mixed_one_agree() -> None:
    columns: dict[Kind, list[Any]] = {
        "number": [1, 2],
        "boolean": [True, False],
        "category": ["a", "b"],
    }
    for kind, values in columns.items():
        alone = feature(kind, *values)
        mixed = feature(kind, *values, [1])
        assert plain(alone) == plain(mixed)[:2]


def test_one_batch_mixes_good_and_bad_without_loss() -> None:
    values: list[Any] = [{"features": {"x": i}} for i in range(50)]
    for place, bad in ((3, b"{"), (10, None), (20, b'{"features": {"x": NaN}}'), (49, b"\x00")):
        values[place] = bad
    column = decode(values, kinds={"x": "number"}).events.features["x"]
    kept = [i for i in range(50) if i not in (3, 10, 20, 49)]
    assert [value for value in plain(column) if value != "NAN"] == kept
