"""Predictions: null returns told from answers, and scores of classes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import entropy

from collectors.events import CategoryColumn, NumberColumn, ScoresColumn, Status
from tests.support.reading import answers

NAN = float("nan")
KINDS = ["number", "category", "boolean", "scores"]


def names(column: Any) -> list[str]:
    return [Status(status).name for status in column.status]


@pytest.mark.parametrize("kind", KINDS)
def test_null_returns_of_every_kind(kind: str) -> None:
    column = answers(..., None, "", " ", [], {}, NAN, " n/A\n", kind=kind, null_words=("N/A ",))
    assert names(column) == ["ABSENT", "NULL", "EMPTY", "EMPTY", "EMPTY", "EMPTY", "NAN", "NULL"]


@pytest.mark.parametrize("kind", KINDS)
def test_null_words_alone_are_null_too(kind: str) -> None:
    column = answers("none", "NONE", None, kind=kind, null_words=("None", "ß"))
    assert names(column) == ["NULL"] * 3
    assert names(answers("SS", kind=kind, null_words=("ß",))) == ["NULL"]


def test_numbers() -> None:
    column = answers(1, 2.5, "3", [4], [[5]], [6, 7], True, ["x"], [None], kind="number")
    assert isinstance(column, NumberColumn)
    assert column.values_at(np.arange(4)) == [1, 2.5, 3, 4]
    assert names(column)[4:] == ["TYPE", "TYPE", "TYPE", "TYPE", "NULL"]


def test_categories_and_booleans() -> None:
    column = answers("yes", 1, False, ["yes"], " yes ", kind="category")
    assert isinstance(column, CategoryColumn)
    assert column.values_at(np.arange(5)) == ["yes", "1", "false", None, " yes "]
    assert answers(True, 0, "False", kind="boolean").values_at(np.arange(3)) == [
        "true",
        "false",
        "false",
    ]


def test_scores_by_place() -> None:
    column = answers([0.2, 0.8], [1, 0, 0], [3, 1], [0.5, 0.5], kind="scores", classes=("a", "b"))
    assert isinstance(column, ScoresColumn)
    assert column.values_at(np.arange(4)) == ["b", "a", "a", "a"]
    expected = [entropy([0.2, 0.8]), 0.0, entropy([3, 1]), math.log(2)]
    assert column.entropy == pytest.approx(expected, abs=1e-12)
    assert answers([0.1, 0.2, 0.7], kind="scores").values_at(np.array([0])) == ["2"]
    longer = answers([0.1, 0.2, 0.7], kind="scores", classes=("a",))
    assert longer.values_at(np.array([0])) == ["2"]


def test_scores_by_class() -> None:
    column = answers({"cat": 0.1, "dog": 0.9}, {"dog": 0.9, "cat": 0.1}, [0.1, 0.9], kind="scores")
    assert column.values_at(np.arange(3)) == ["dog", "dog", "1"]
    assert column.entropy == pytest.approx([entropy([0.1, 0.9])] * 3)
    first, turned, by_place = column.hashes.tolist()
    assert first == turned != by_place


def test_equal_scores_have_equal_hashes() -> None:
    hashes = answers([1, 0], [1.0, -0.0], [0, 1], [1, 0, 0], kind="scores").hashes.tolist()
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


def test_entropy_is_undefined_for_what_is_no_distribution() -> None:
    column = answers([-1, 2], [0, 0], [1e308, 1e308], [-0.5, 0.2], kind="scores")
    assert names(column) == ["OK"] * 4
    assert np.isnan(column.entropy).all()


def test_what_is_no_scores() -> None:
    values = [3, "cat", True, [1, "a"], [1, None], [True], [[1]], {"a": "b"}, [1, NAN], [1e999]]
    column = answers(*values, [10**400], kind="scores")
    assert names(column) == ["TYPE"] * 8 + ["NAN", "NONFINITE", "NONFINITE"]
    assert np.isnan(column.entropy).all()
    assert (column.top.codes == -1).all()
