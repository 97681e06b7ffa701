"""Columns by path out of many records: nested, flat, and lists."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from collectors.formats.paths import Shape, pick
from collectors.layout import Path

RECORD: dict[str, Any] = {
    "a": {"b": {"c": 1}, "b.c": 2, "0": 3},
    "l": [10, [20, 21], {"x": 30}],
    'q"': {"x": 4},
    "": 5,
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("a", "b", "c"), 1),
        (("a", "b.c"), 2),
        (("a", 0), 3),
        (("l", 0), 10),
        (("l", 1, 1), 21),
        (("l", 2, "x"), 30),
        (('q"', "x"), 4),
        (("",), 5),
        ((), RECORD),
        (("l", 3), UNSET),
        (("l", -1), UNSET),
        (("a", "x"), UNSET),
    ],
)
def test_one_path(path: Path, value: Any) -> None:
    assert pick(RECORD, path) == value
    for others in ([], [("a", "b")], [("l",), ("l", 0)], [("a", "b", "c"), ("a", "z")]):
        shape = Shape([*others, path])
        decoded = msgspec.json.decode(msgspec.json.encode(RECORD), type=shape.type)
        built = shape.build(RECORD)
        columns = shape.columns([decoded, built])
        assert list(columns[path]) == [value, value]
        assert set(columns) == {*others, path}


@pytest.mark.parametrize("path", [("l", "0"), ("a", "b", "c", "d")])
def test_a_path_through_what_is_no_object_finds_nothing(path: Path) -> None:
    shape = Shape([path])
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(RECORD), type=shape.type)
    assert list(shape.columns([shape.build(RECORD)])[path]) == [UNSET] == [pick(RECORD, path)]


@pytest.mark.parametrize("lists", [[[1, 2], [3, 4]], [[1, 2], [3]], [[1], None], [[], 5], [{}, []]])
def test_lists_of_features_are_picked_alike(lists: list[Any]) -> None:
    shape = Shape([("x", 1), ("x", 0)])
    columns = shape.columns([shape.build({"x": value}) for value in lists])
    for path in (("x", 0), ("x", 1)):
        assert list(columns[path]) == [pick({"x": value}, path) for value in lists]


def test_no_rows_are_empty_columns() -> None:
    paths: list[Path] = [("a", "b"), ("c",), ("d", 0)]
    columns = Shape(paths).columns([])
    assert {path: len(column) for path, column in columns.items()} == dict.fromkeys(paths, 0)
