"""What every distance promises; a new one is tested by being registered."""

from __future__ import annotations

from itertools import product
from math import isfinite

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.drift.distances import REGISTRY, Distance, NumberPair, Pair, Part, pair
from collectors.drift.distances.pair import FEW
from collectors.events import CategoryColumn, NumberColumn, Status
from collectors.grid import Grid
from collectors.schema import qualify
from collectors.specs import CategorySpec, NumberSpec
from collectors.summaries.categories import CategorySummary
from collectors.summaries.numbers import NumberSummary
from tests.drift.distances.summaries import CASES, GRID, NONE, of_categories, of_numbers
from tests.support import columns

EACH = [(distance, kind) for distance in REGISTRY.values() for kind in distance.kinds]
BY_NAME = pytest.mark.parametrize(
    ("distance", "kind"), EACH, ids=[f"{distance.name}-{kind}" for distance, kind in EACH]
)


def grouped_alike(both: Pair) -> bool:
    """Whether the sides of a pair may change places, and its groups stay."""
    if not isinstance(both, NumberPair):
        return True
    few = [np.count_nonzero(side.counts) <= FEW for side in (both.now, both.reference)]
    return bool(few[0] == few[1])


@BY_NAME
@pytest.mark.parametrize("shape", ["no row", "one row", "all missing", "constant", "ten million"])
def test_equal_summaries_are_at_0(distance: Distance, kind: str, shape: str) -> None:
    summary = CASES[kind][shape]
    assert distance.measure(pair(summary, summary)) == 0.0


@BY_NAME
def test_every_corner_is_finite_and_in_range(distance: Distance, kind: str) -> None:
    for now, reference in product(CASES[kind].values(), repeat=2):
        value = distance.measure(pair(now, reference))
        assert isfinite(value)
        assert distance.range[0] <= value <= distance.range[1] * (1 + 1e-12)


@BY_NAME
def test_sides_may_change_places_where_the_entry_says_so(distance: Distance, kind: str) -> None:
    asymmetric = []
    for now, reference in product(CASES[kind].values(), repeat=2):
        there, back = pair(now, reference), pair(reference, now)
        if grouped_alike(there):
            equal = distance.measure(there) == pytest.approx(distance.measure(back), rel=1e-9)
            asymmetric += [] if equal else [(now, reference)]
    assert distance.symmetric == (not asymmetric)


@BY_NAME
def test_a_side_without_values_is_far_away_or_left_out(distance: Distance, kind: str) -> None:
    cases = CASES[kind]
    for empty in ("no row", "all missing"):
        value = distance.measure(pair(cases[empty], cases["ten million"]))
        if distance.missing == "left out":
            assert value == 0.0
        else:
            apart = distance.measure(pair(cases["constant"], cases["ten million"]))
            assert value > min(0.9 * distance.range[1], apart / 10)


def moved(kind: str, by: float) -> Part:
    """A summary ever further from the one at 0."""
    if kind == "number":
        bell = np.linspace(-4, 4, 2_001)
        return of_numbers(bell + 2.5 * by, np.exp(-(bell**2) / 2) * 1e5, NONE, GRID)
    rows = {"a": round(9e5 * (1 - by)) + 5e4, "b": round(9e5 * by) + 5e4, "c": 3e5}
    if kind == "binary":
        del rows["c"]
    return of_categories({name: int(count) for name, count in rows.items()}, NONE)


@BY_NAME
def test_it_grows_as_the_shift_grows(distance: Distance, kind: str) -> None:
    values = [
        distance.measure(pair(moved(kind, by), moved(kind, 0))) for by in np.linspace(0, 1, 11)
    ]
    assert values[0] == 0.0
    assert (np.diff(values) > 0).all()


@BY_NAME
def test_more_missing_values_are_drift_or_are_left_out(distance: Distance, kind: str) -> None:
    def with_missing(share: float) -> Part:
        rows = {Status.NULL: round(1e6 * share / (1 - share))}
        if kind == "number":
            return of_numbers(np.arange(100.0), np.full(100, 10_000), rows, GRID)
        known = {"a": 600_000, "b": 400_000, "c": 0}
        if kind == "binary":
            del known["c"]
        return of_categories(known, rows)

    shares = (0.01, 0.02, 0.1, 0.3, 0.6, 0.9)
    values = [distance.measure(pair(with_missing(s), with_missing(0.01))) for s in shares]
    assert values[0] == 0.0
    if distance.missing == "left out":
        assert values == [0.0] * len(shares)
    else:
        assert (np.diff(values) > 0).all()
        assert values[-1] > 0.5 * min(distance.range[1], 1.0)


@BY_NAME
def test_it_does_not_grow_with_the_rows(distance: Distance, kind: str) -> None:
    def of(now: int, reference: int) -> float:
        sides: list[Part] = []
        for by, rows in ((0.3, now), (0.0, reference)):
            if kind == "number":
                bell = np.linspace(-3, 3, 601)
                times = np.round(np.exp(-(bell**2) / 2) * rows)
                sides.append(of_numbers(bell + by, times, NONE, GRID))
            else:
                known = {"a": 6 * rows, "b": 4 * rows, "c": rows}
                known["a"] -= round(by * 2 * rows)
                if kind == "binary":
                    del known["c"]
                sides.append(of_categories(known, NONE))
        return distance.measure(pair(sides[0], sides[1]))

    # Bins are a few more for more rows, by Sturges' rule; the discrete terms are 1/n.
    for now, reference in ((1_000, 100_000), (100_000, 100_000), (100_000, 1_000)):
        assert of(now, reference) == pytest.approx(of(1_000, 1_000), rel=0.2)


@pytest.mark.parametrize("name", ["wasserstein", "cohens_d"])
def test_what_leaves_float64_is_given_as_1e300(name: str) -> None:
    finest = Grid(0.0, -800)
    now, reference = (of_numbers([value], [9], NONE, finest) for value in (1e150, 0.0))
    assert REGISTRY[name].measure(pair(now, reference)) == 1e300


@BY_NAME
def test_it_refuses_columns_of_another_kind(distance: Distance, kind: str) -> None:
    for other in {"number", "category"} - {*distance.kinds}:
        summary = CASES[other]["one row"]
        assert not distance.fits(pair(summary, summary))
        with pytest.raises(TypeError, match=distance.name):
            distance.measure(pair(summary, summary))


SPEC = NumberSpec(Grid(10.0, 3), (-50.0, 50.0))
KNOWN = CategorySpec(("a", "b", "c"), declared=True)


def observed(column: NumberColumn) -> NumberSummary:
    summary = NumberSummary(SPEC, "s")
    summary.observe(column)
    return summary


@given(
    st.tuples(*[columns.numbers() | columns.numbers(-1e300, 1e300)] * 2).map(
        lambda both: [observed(qualify(column, SPEC, 0)) for column in both]
    )
)
def test_any_numbers_are_in_range_and_symmetric(sides: list[NumberSummary]) -> None:
    now, reference = sides
    there, back = pair(now, reference), pair(reference, now)
    for distance in REGISTRY.values():
        if distance.numbers is not None:
            value = distance.measure(there)
            assert distance.range[0] <= value <= distance.range[1] * (1 + 1e-12), distance.name
            assert isfinite(value)
            if distance.symmetric and grouped_alike(there):
                assert value == pytest.approx(distance.measure(back), rel=1e-6), distance.name


@given(st.tuples(columns.categories(), columns.categories()))
def test_any_categories_are_in_range_and_symmetric(
    sides: tuple[CategoryColumn, CategoryColumn],
) -> None:
    now, reference = (CategorySummary(KNOWN, "s", seed=0, k=2) for _ in sides)
    for summary, column in zip((now, reference), sides, strict=True):
        summary.observe(qualify(column, KNOWN, 0))
    there, back = pair(now, reference), pair(reference, now)
    for distance in REGISTRY.values():
        if distance.fits(there):
            value = distance.measure(there)
            assert distance.range[0] <= value <= distance.range[1] * (1 + 1e-12), distance.name
            assert isfinite(value)
            if distance.symmetric:
                assert value == pytest.approx(distance.measure(back), rel=1e-9), distance.name
