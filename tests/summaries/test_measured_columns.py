"""Columns of which something is measured: text, lists, images, scores; and who takes which."""

from __future__ import annotations

import numpy as np
import pytest

from collectors.events import AnyColumn, ImageColumn, ListColumn, ScoresColumn, Status
from collectors.grid import Grid
from collectors.schema import Schema
from collectors.specs import (
    CategorySpec,
    ColumnSpec,
    ImageSpec,
    ListSpec,
    NumberSpec,
    ScoresSpec,
    TextSpec,
)
from collectors.summaries.categories import CategorySummary
from collectors.summaries.columns import AnyColumnSummary, merged, observe, summarise
from collectors.summaries.images import ImageSummary
from collectors.summaries.lists import ListSummary
from collectors.summaries.numbers import NumberSummary
from collectors.summaries.scores import ScoresSummary
from collectors.summaries.text import TextSummary
from tests.support.columns import category_column, number_column, text_column

ONE = Grid(0.0, 0)
SCHEMA = Schema("m", {}, None)
STATUS = np.array([Status.OK, Status.UNDECODABLE, Status.OK], np.uint8)
HASHES = np.arange(3, dtype=np.uint64)
LISTS = ListColumn(np.array([2, 0, 6]), HASHES, STATUS)
IMAGES = ImageColumn(
    np.array([0.25, np.nan, 0.75]),
    np.array([0.1, np.nan, 0.3]),
    np.array([640.0, np.nan, 320.0]),
    np.array([480.0, np.nan, 240.0]),
    HASHES,
    STATUS,
)
SCORES = ScoresColumn(category_column(["x", "y", "x"]), np.array([0.5, np.nan, 0.7]), HASHES)

EVERY: list[tuple[ColumnSpec, type[AnyColumnSummary], AnyColumn]] = [
    (NumberSpec(ONE), NumberSummary, number_column([1.0])),
    (CategorySpec(("a",)), CategorySummary, category_column(["a"])),
    (TextSpec(ONE, ONE), TextSummary, text_column(["a"])),
    (ListSpec(ONE), ListSummary, LISTS),
    (ImageSpec(), ImageSummary, IMAGES),
    (ScoresSpec(CategorySpec(("x",))), ScoresSummary, SCORES),
]


def test_text_is_measured_in_characters_and_words() -> None:
    summary = TextSummary(TextSpec(ONE, ONE), "s")
    summary.observe(text_column(["two  words", "Straße\tin\nKöln\tam\tRhein", "", None]))
    assert (summary.chars.count, summary.chars.mean()) == (3, (10 + 23 + 0) / 3)
    assert summary.words.mean() == pytest.approx((2 + 5 + 0) / 3)
    assert summary.tally[Status.NULL] == 1


def test_a_list_is_measured_in_items() -> None:
    summary = ListSummary(ListSpec(ONE), "s")
    summary.observe(LISTS)
    assert (summary.rows, summary.items.count, summary.items.mean()) == (3, 2, 4.0)


def test_an_image_is_measured_where_it_decodes() -> None:
    summary = ImageSummary(ImageSpec(), "s")
    summary.observe(IMAGES)
    assert summary.brightness.mean() == pytest.approx(0.5)
    assert summary.contrast.mean() == pytest.approx(0.2)
    assert (summary.width.mean(), summary.height.mean()) == (480.0, 360.0)
    assert (summary.rows, summary.tally[Status.UNDECODABLE]) == (3, 1)


def test_scores_have_a_winner_and_where_it_is_defined_an_entropy() -> None:
    summary = ScoresSummary.of(ScoresSpec(CategorySpec(("x", "y"))), SCHEMA)
    summary.observe(SCORES)
    assert summary.top.shares() == {"x": 2 / 3, "y": 1 / 3, "__other__": 0.0}
    assert (summary.rows, summary.entropy.count) == (3, 2)
    assert summary.entropy.mean() == pytest.approx(0.6)


@pytest.mark.parametrize(("spec", "kind", "column"), EVERY, ids=lambda x: type(x).__name__)
def test_a_column_goes_into_the_summary_of_its_kind(
    spec: ColumnSpec, kind: type[AnyColumnSummary], column: AnyColumn
) -> None:
    summary = summarise(spec, SCHEMA)
    assert type(summary) is kind
    counted = spec.top if isinstance(spec, ScoresSpec) else spec
    assert summary.schema_id == SCHEMA.part_id(counted)
    observe(summary, column)
    assert summary.rows == len(column.status)
    assert merged(summary, summarise(spec, SCHEMA)).rows == summary.rows


def test_kinds_do_not_mix() -> None:
    for i, (spec, _, column) in enumerate(EVERY):
        other = EVERY[i - 1][0]
        with pytest.raises(TypeError, match="cannot go into"):
            observe(summarise(other, SCHEMA), column)
        with pytest.raises(TypeError, match="cannot be merged"):
            merged(summarise(spec, SCHEMA), summarise(other, SCHEMA))
