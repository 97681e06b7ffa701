"""Profiles of summaries: what they say of raw rows, and that they add up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.drift import profiles
from collectors.drift.calibration.measures import Floats, Kolmogorov
from collectors.drift.comparisons import comparisons, merge
from collectors.events import AnyColumn
from collectors.grid import Grid
from collectors.specs import CategorySpec, ColumnSpec, NumberSpec
from collectors.summaries.categories import CategorySummary
from collectors.summaries.columns import AnyColumnSummary, observe, summarise
from collectors.summaries.numbers import NumberSummary
from collectors.summaries.reruns import RerunSummary
from tests.support import columns
from tests.support.panes import Rows, count, draw, hours, stream
from tests.support.schemas import full_schema

SCHEMA = full_schema()
OUTPUT = SCHEMA.output
assert OUTPUT is not None
KINDS: dict[str, tuple[ColumnSpec, st.SearchStrategy[AnyColumn]]] = {
    "number": (SCHEMA.columns["number"], columns.numbers()),
    "category": (SCHEMA.columns["category"], columns.categories()),
    "text": (SCHEMA.columns["text"], columns.texts()),
    "list": (SCHEMA.columns["list"], columns.lists()),
    "image": (SCHEMA.columns["image"], columns.images()),
    "scores": (OUTPUT, columns.scores()),
}
POOLED = {"spread", "instability", "reruns", "mismatches", "correlation"}
"""What of two panes together is not the sum of theirs: a window that is longer than the panes of
its reference is compared by the sum of its panes."""


def number(values: list[float | None]) -> NumberSummary:
    summary = NumberSummary(NumberSpec(Grid(10.0, 3)), "id")
    summary.observe(columns.number_column(values))
    return summary


def summary_of(spec: ColumnSpec, column: AnyColumn) -> AnyColumnSummary:
    summary = summarise(spec, SCHEMA)
    observe(summary, column)
    return summary


Profile = Callable[[AnyColumnSummary], Floats]


def ways(one: AnyColumnSummary) -> list[Profile]:
    """Every profile of such a column that adds up, its groups chosen by this one."""
    found: list[Profile] = [profiles.missing, profiles.invalid]
    for name, part in profiles.parts(one).items():
        if isinstance(part, NumberSummary):
            groups, tail = profiles.near_equal(part, 5), profiles.above(part, 0.9)
            found += [
                of_numbers(name, partial(profiles.grouped, edges=groups)),
                of_numbers(name, partial(profiles.beyond, edges=tail)),
                of_numbers(name, profiles.moments),
            ]
        else:
            found.append(of_categories(name))
    return found


def of_numbers(name: str, profile: Callable[[NumberSummary], Floats]) -> Profile:
    def found(column: AnyColumnSummary) -> Floats:
        part = profiles.parts(column)[name]
        assert isinstance(part, NumberSummary)
        return profile(part)

    return found


def of_categories(name: str) -> Profile:
    def found(column: AnyColumnSummary) -> Floats:
        part = profiles.parts(column)[name]
        assert isinstance(part, CategorySummary)
        return profiles.values(part)

    return found


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(st.data())
def test_the_profile_of_panes_together_is_the_sum_of_theirs(kind: str, data: st.DataObject) -> None:
    spec, values = KINDS[kind]
    panes = [summary_of(spec, data.draw(values)) for _ in range(3)]
    whole = panes[0].merge(panes[1]).merge(panes[2])  # type: ignore[arg-type]
    for profile in ways(whole):
        summed = np.sum([profile(pane) for pane in panes], axis=0)
        np.testing.assert_allclose(profile(whole), summed, rtol=1e-12, atol=1e-6)


def test_every_comparison_of_a_model_adds_up_or_is_known_not_to() -> None:
    panes = list(stream(0, hours(3), change=twice).values())
    whole = merge(panes)
    found = comparisons(whole)
    assert len(found) == 37
    assert len({one.key for one in found}) == len(found)
    edges = {one.key: one.edges for one in found if one.edges is not None}
    assert [one.key for one in comparisons(panes[0], edges)] == [one.key for one in found]
    for one in found:
        summed = np.sum([one.profile(pane) for pane in panes], axis=0)
        together = one.profile(whole)
        if one.always:
            together[-1] = len(panes)  # it is told how many panes a window has
        same = np.allclose(together, summed, rtol=1e-12)
        assert same == (one.key.statistic.rpartition("_")[2] not in POOLED), one.key


def twice(rows: Rows) -> Rows:
    """Every input again, answered otherwise at times; the same ones in every pane."""
    a = rows.a.round(-1)
    y = np.where(rows.failed, 1.0, rows.y.round())
    return replace(rows, a=a, b=np.zeros(len(a)), c=np.full(len(a), "gold"), y=y)


@given(st.integers(0, 99), st.integers(1, 130))
def test_groups_are_of_near_equal_mass(seed: int, groups: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.gamma(0.5, 20, 3_000).round(int(rng.integers(0, 4)))
    summary = number(values.tolist())
    edges = profiles.near_equal(summary, groups)
    assert len(edges) < groups
    assert (np.diff(edges) > 0).all()
    profile = profiles.grouped(summary, edges)
    assert profile.sum() == 3_000
    assert profile[-1] == 0
    assert (profile[:-1] > 0).all()
    # No group is larger than its share and the cells that cannot be cut in two.
    _, counts = summary.cells()
    assert profile.max() <= 3_000 / groups + counts.max()


def test_a_pane_is_grouped_as_its_raw_values_are() -> None:
    rng = np.random.default_rng(3)
    reference = number(rng.normal(10, 5, 4_000).tolist())
    edges = profiles.near_equal(reference, 32)
    values = rng.normal(12, 9, 700)
    given_ = [None if rng.random() < 0.1 else float(v) for v in values]
    found = profiles.grouped(number(given_), edges)
    raw = np.array([v for v in given_ if v is not None])
    cells = Grid(10.0, 3).cells(raw)
    wanted = np.histogram(cells, [-np.inf, *edges, np.inf])[0]
    assert found.tolist() == [*wanted.tolist(), sum(v is None for v in given_)]
    assert Kolmogorov().rows(found) == 700


@pytest.mark.parametrize(
    "values",
    [[], [None] * 9],
    ids=["nothing", "all missing"],
)
def test_what_has_no_cell_has_one_group(values: list[float | None]) -> None:
    summary = number(values)
    edges = profiles.near_equal(summary, 128)
    assert len(edges) == 0
    assert profiles.grouped(summary, edges).tolist() == [0, len(values)]


@pytest.mark.parametrize("values", [[4.0] * 9, [4.0, None], [10.0] * 3, [1e300]])
def test_beside_the_only_value_there_are_groups_below_and_above(values: list[float | None]) -> None:
    summary = number(values)
    edges = profiles.near_equal(summary, 128)
    present = sum(v is not None for v in values)
    assert profiles.grouped(summary, edges).tolist() == [0, present, 0, len(values) - present]
    assert values[0] is not None
    around = [values[0] * 0.9, values[0], values[0], values[0] * 1.1]
    if values[0] < 1e150:
        assert profiles.grouped(number([*around, None]), edges).tolist() == [1, 2, 1, 1]


@pytest.mark.parametrize("q", [0.5, 0.9, 0.99, 1.0])
def test_the_tail_begins_above_the_quantile(q: float) -> None:
    rng = np.random.default_rng(5)
    values = rng.exponential(0.2, 5_000)
    summary = NumberSummary(NumberSpec(Grid(0.0, -10)), "id")
    summary.observe(columns.number_column(values.tolist()))
    over, below = profiles.beyond(summary, profiles.above(summary, q))
    assert over + below == 5_000
    assert over <= 5_000 * (1 - q) + 1e-6
    # A cell is a 64th of its value wide: what it may hold beside the quantile.
    quantile = np.quantile(values, q, method="inverted_cdf")
    assert over >= (values > quantile * (1 + 1 / 32)).sum()


def test_no_latency_has_no_tail() -> None:
    empty = number([])
    assert profiles.above(empty, 0.99).tolist() == []
    assert profiles.beyond(number([1.0]), profiles.above(empty, 0.99)).tolist() == [0, 0]


def test_shares_of_reruns_are_those_of_the_summary() -> None:
    rng = np.random.default_rng(2)
    inputs = rng.integers(0, 300, 500).astype(np.uint64) * np.uint64(2**50)
    numbers = rng.integers(0, 3, 500).astype(np.float64)
    summary = RerunSummary("id", 1_000)
    summary.observe(inputs, numbers.view(np.uint64), numbers)
    again, others = profiles.reruns(summary)
    assert again / (again + others) == pytest.approx(summary.rerun_ratio())
    differ, same = profiles.mismatches(summary)
    assert differ / (differ + same) == pytest.approx(summary.mismatch_ratio())
    freedom, squares = profiles.instability(summary)
    assert np.sqrt(squares / freedom) == pytest.approx(summary.stddev())
    assert profiles.mismatches(RerunSummary("id", 9)).tolist() == [0, 0]
    assert profiles.instability(RerunSummary("id", 9)).tolist() == [0, 0]


def test_missing_and_invalid_are_told_apart() -> None:
    schema = SCHEMA.columns["category"]
    assert isinstance(schema, CategorySpec)
    summary = CategorySummary(schema, "id", 0, 4)
    summary.tally[:] = np.arange(len(summary.tally))
    total, tally = summary.rows, summary.tally
    missing, present = profiles.missing(summary)
    wrong, fine = profiles.invalid(summary)
    assert (missing + present, wrong + fine) == (total, present)
    assert missing == tally[1:5].sum()
    assert wrong == tally[5:].sum()


def test_a_pane_says_its_errors_and_rows() -> None:
    rows = draw(np.random.default_rng(0), 500)
    software = count(rows)["software"]
    assert profiles.errors(software).tolist() == [rows.failed.sum(), 500 - rows.failed.sum()]
    assert rows.failed.any()
    assert profiles.volume(software).tolist() == [500, 1]
