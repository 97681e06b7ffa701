"""Two summaries side by side."""

from __future__ import annotations

import numpy as np
import pytest

from collectors.drift.distances import (
    REGISTRY,
    CategoryPair,
    NumberPair,
    distances,
    pair,
    parts,
)
from collectors.drift.distances.examples import category_summary, number_summary
from collectors.events import Status
from collectors.grid import Grid
from collectors.hashing import hash_text
from collectors.schema import Schema, SchemaMismatch, qualify
from collectors.specs import (
    CategorySpec,
    ColumnSpec,
    ImageSpec,
    ListSpec,
    NumberSpec,
    ScoresSpec,
    TextSpec,
    declared_as,
)
from collectors.summaries.categories import BUCKETS, CategorySummary
from collectors.summaries.columns import summarise
from collectors.summaries.numbers import NumberSummary
from tests.drift.distances.summaries import CASES, GRID, NONE, of_categories, of_numbers
from tests.support.columns import category_column, number_column

NULLS = {Status.NULL: 3, Status.ABSENT: 1, Status.TYPE: 2, Status.UNDECODABLE: 1}


def test_numbers_are_aligned_on_the_cells_that_either_side_occupies() -> None:
    now = of_numbers([-2.0, 0.5, 7.0], [1, 2, 3], NULLS, GRID)
    reference = of_numbers([0.5, 9.0], [10, 20], NONE, GRID)
    both = pair(now, reference)
    assert isinstance(both, NumberPair)
    assert both.now.counts.tolist() == [1, 2, 3, 0]
    assert both.reference.counts.tolist() == [0, 10, 0, 20]
    assert both.now.rest.tolist() == [3, 4, 0]
    assert both.reference.rest.tolist() == [0, 0, 0]
    assert both.now.counts.dtype == both.low.dtype == np.float64
    for value, low, high in zip((-2.0, 0.5, 7.0, 9.0), both.low, both.high, strict=True):
        assert low <= value <= high
        assert high - low <= (abs(value) + 1) / 64
    assert (both.low[0], both.high[-1]) == (-2.0, 9.0)
    assert (both.reference.mean, both.now.count) == (18.5 / 3, 6)


def test_cells_end_at_the_extremes_though_float32_rounds_beyond_an_edge() -> None:
    beyond = 1.0 - 1e-9
    assert GRID.edges(GRID.cells(np.array([beyond])))[0] == [1.0]
    both = pair(of_numbers([beyond, 3.0], [1, 1], NONE, GRID), of_numbers([2.0], [1], NONE, GRID))
    assert isinstance(both, NumberPair)
    assert both.low[0] == beyond


def test_a_pair_of_nothing_has_no_cells() -> None:
    nothing = of_numbers([], [], NONE, GRID)
    both = pair(nothing, nothing)
    assert isinstance(both, NumberPair)
    assert len(both.middles) == len(both.gaps) == 0
    assert not both.comparable
    assert both.now.rest.tolist() == [0, 0, 1]


def test_the_outermost_cells_end_at_1e150() -> None:
    both = pair(CASES["number"]["beyond float32"], CASES["number"]["constant"])
    assert isinstance(both, NumberPair)
    assert (both.low[0], both.high[-1]) == (-1e150, 1e150)
    assert both.middles.tolist() == pytest.approx([-5e149, 1.0, 5.0, 5e149], rel=0.02)


def unseen_pair(values: list[str | None], spec: CategorySpec, k: int, seed: int) -> CategoryPair:
    now, reference = (CategorySummary(spec, "s", seed, k) for _ in range(2))
    now.observe(qualify(category_column(values), spec, seed))
    both = pair(now, reference)
    assert isinstance(both, CategoryPair)
    return both


def test_unseen_values_are_a_category_of_their_own() -> None:
    values = ["a"] * 5 + ["b"] * 3 + ["new"] * 4 + ["newer"] * 2 + [None]
    both = unseen_pair(values, CategorySpec(("a", "b"), declared=True), 8, 5)
    assert both.known == 2
    assert both.now.tolist() == [5, 3, *[0] * BUCKETS, 6, 0, 1, 0]
    assert both.reference.tolist() == [0, 0, *[0] * BUCKETS, 0, 0, 0, 1]


@pytest.mark.parametrize("private", [False, True])
def test_a_known_value_may_be_unseen_and_counts_once(private: bool) -> None:
    seed = 5
    names = [f"{hash_text(name, seed):016x}" if private else name for name in "abc"]
    known = tuple(names)
    spec = declared_as(CategorySpec(known, private=private), None, ["a", "c", "other"], seed)
    assert isinstance(spec, CategorySpec)
    values = ["a"] * 5 + ["b"] * 3 + ["other"] * 4 + ["new"] * 2
    both = unseen_pair([*values], spec, 8, seed)
    bucket = hash_text("other", seed) % BUCKETS
    assert both.now[:3].tolist() == [5, 0, 0]
    assert both.now[3 + bucket] == 4
    assert both.now.sum() == len(values)
    assert both.now[3 + BUCKETS] == 5


def test_unseen_values_too_many_to_keep_are_taken_out_of_all_buckets_alike() -> None:
    seen = [f"seen {i}" for i in range(400)]
    spec = declared_as(CategorySpec(("a",)), None, ["a", *seen], 0)
    assert isinstance(spec, CategorySpec)
    new = [f"new {i}" for i in range(200)]
    both = unseen_pair(["a", *seen, *new], spec, 16, 0)
    assert both.now[1 + BUCKETS] == 200
    assert both.now.sum() == pytest.approx(601)
    assert (both.now >= 0).all()
    exact = np.bincount([hash_text(name, 0) % BUCKETS for name in seen], minlength=BUCKETS)
    estimated = both.now[1 : 1 + BUCKETS]
    assert np.abs(estimated - exact).sum() / 2 / 601 < 0.12
    whole = np.bincount([hash_text(name, 0) % BUCKETS for name in seen + new], minlength=BUCKETS)
    assert np.abs(estimated - exact).sum() < np.abs(whole - exact).sum()


def test_a_change_among_values_that_are_not_known_is_seen() -> None:
    reference = of_categories({"a": 50, "b": 50}, NONE, {1: 50, 2: 50})
    now = of_categories({"a": 50, "b": 50}, NONE, {1: 90, 2: 10})
    assert distances(now, reference, ["TVD"]) == {"TVD": pytest.approx(0.2)}


def test_other_schemas_and_other_kinds_are_refused() -> None:
    number, category = CASES["number"]["one row"], CASES["category"]["one row"]
    with pytest.raises(SchemaMismatch, match="schema other and of schema s"):
        pair(NumberSummary(NumberSpec(GRID), "other"), number)
    with pytest.raises(TypeError, match="CategorySummary and NumberSummary"):
        pair(category, number)


def test_only_what_is_asked_for_and_fits_is_measured() -> None:
    now, reference = (number_summary(values, GRID) for values in ([1.0, 2.0], [1.0, 4.0]))
    assert distances(now, reference, ["ks", "log_odds_ratio"]) == {"ks": 0.5}
    every = distances(now, reference, REGISTRY)
    assert list(every) == [name for name, distance in REGISTRY.items() if distance.numbers]
    with pytest.raises(KeyError, match="no such"):
        distances(now, reference, ["ks", "no such"])


def test_what_leaves_missing_values_out_is_left_out_where_none_is_left() -> None:
    numbers = CASES["number"]
    found = distances(numbers["all missing"], numbers["ten million"], REGISTRY)
    assert set(found) == {n for n, d in REGISTRY.items() if d.numbers and d.missing == "category"}
    assert found["ks"] == 1.0
    now, reference = (category_summary(side, ("a", "b")) for side in ([None, None], "ab"))
    assert "cohens_d" not in distances(now, reference, REGISTRY)
    assert distances(now, reference, ["TVD"]) == {"TVD": 1.0}


def test_every_kind_of_column_has_parts() -> None:
    schema = Schema("m", {}, None)
    grid = Grid(0.0, 0)
    categories = CategorySpec(("a", "b"))
    kinds: dict[ColumnSpec, list[str]] = {
        NumberSpec(grid): [""],
        categories: [""],
        TextSpec(grid, grid): ["chars", "words"],
        ListSpec(grid): ["items"],
        ImageSpec(): ["brightness", "contrast", "width", "height"],
        ScoresSpec(categories): ["top", "entropy"],
    }
    for spec, names in kinds.items():
        empty = summarise(spec, schema)
        assert [name for name, _ in parts(empty)] == names
        for (_, now), (_, reference) in zip(parts(empty), parts(empty), strict=True):
            assert set(distances(now, reference, REGISTRY).values()) == {0.0}


def test_huge_values_are_in_the_cells_and_not_in_the_means() -> None:
    spec = NumberSpec(GRID)
    now, reference = NumberSummary(spec, "s"), NumberSummary(spec, "s")
    now.observe(qualify(number_column([1.0, 2.0, 1e200]), spec, 0))
    reference.observe(number_column([1.0, 2.0, 1.5]))
    found = distances(now, reference, ["ks", "cohens_d", "wasserstein_raw"])
    assert found["cohens_d"] == 0.0
    assert found["ks"] == pytest.approx(1 / 3)
    assert found["wasserstein_raw"] == pytest.approx(5e149 / 3, rel=1e-2)
