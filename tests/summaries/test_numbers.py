"""Numbers against numpy and pandas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.events import NumberColumn, Status
from collectors.grid import LAST_CELL, Grid
from collectors.schema import qualify
from collectors.specs import NumberSpec
from collectors.summaries.numbers import BUFFERED, NumberSummary
from tests.support.columns import number_column

SHAPES: dict[str, Callable[[np.random.Generator, int], Any]] = {
    "normal": lambda r, n: r.normal(50, 3, n),
    "lognormal": lambda r, n: r.lognormal(2, 1.5, n),
    "cauchy": lambda r, n: r.standard_cauchy(n),
    "longitude": lambda r, n: r.uniform(-180, 180, n),
    "epoch seconds": lambda r, n: r.uniform(1.7e9, 1.8e9, n),
    "hours": lambda r, n: r.integers(0, 24, n).astype(float),
    "constant": lambda r, n: np.full(n, 1013.25),
    "zeros and a few": lambda r, n: np.where(r.random(n) < 0.05, r.exponential(3, n), 0.0),
}


def summarised(values: np.ndarray, grid: Grid | None = None) -> NumberSummary:
    summary = NumberSummary(NumberSpec(grid or Grid.fit(values[:500])), "s")
    for part in np.array_split(values, 7):
        summary.observe(NumberColumn(part, np.zeros(len(part), np.uint8)))
    return summary


@pytest.mark.parametrize("shape", SHAPES)
def test_moments_and_quantiles_equal_numpys(shape: str) -> None:
    values = SHAPES[shape](np.random.default_rng(7), 30_000)
    summary = summarised(values)
    scale = summary.grid.scale
    usual = shape != "cauchy"
    assert summary.count == len(values)
    assert summary.minimum == values.min()
    assert summary.maximum == values.max()
    mean, deviation = summary.mean(), summary.stddev()
    assert mean is not None
    assert deviation is not None
    assert abs(mean - values.mean()) <= 1e-9 * (scale if usual else np.abs(values).max())
    assert abs(deviation - values.std()) <= 1e-9 * max(scale, values.std())
    for q in (0.0, 0.01, 0.05, 0.5, 0.95, 0.999, 1.0):
        exact = np.quantile(values, q, method="inverted_cdf")
        estimate = summary.quantile(q)
        assert estimate is not None
        low, high = summary.grid.edges(summary.grid.cells(np.array([exact])))
        assert abs(estimate - exact) <= (high - low)[0] * (1 + 1e-6)


def test_the_shapes_of_the_design_take_few_cells() -> None:
    rng = np.random.default_rng(3)
    for shape in ("normal", "lognormal", "cauchy", "longitude", "epoch seconds", "hours"):
        cells, counts = summarised(SHAPES[shape](rng, 100_000)).cells()
        assert 20 <= len(cells) <= 1_100, shape
        assert counts.sum() == 100_000


def test_kolmogorov_smirnov_distance_from_cells_is_near_the_exact_one() -> None:
    from scipy.stats import ks_2samp

    rng = np.random.default_rng(11)
    one, other = rng.normal(0, 1, 2_000), rng.normal(0.2, 1.1, 2_000)
    grid = Grid.fit(one)
    spread = []
    for values in (one, other):
        cells, counts = summarised(values, grid).cells()
        dense = np.zeros(2 * LAST_CELL + 1)
        dense[cells + LAST_CELL] = counts
        spread.append(np.cumsum(dense) / len(values))
    distance = np.abs(spread[0] - spread[1]).max()
    assert abs(distance - ks_2samp(one, other).statistic) <= 0.006


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.floats(-1e40, 1e40) | st.floats(-9, 9), min_size=1, max_size=60),
    st.floats(0, 1),
    st.integers(-30, 30),
)
def test_a_quantile_is_within_a_cell_of_numpys(values: list[float], q: float, k: int) -> None:
    array, grid = np.array(values), Grid(1.0, k)
    exact = np.quantile(array, q, method="inverted_cdf")
    estimate = summarised(array, grid).quantile(q)
    assert estimate is not None
    assert array.min() <= estimate <= array.max()
    low, high = grid.edges(grid.cells(np.array([exact])))
    rounding = 2.0**-23 * (abs(exact - 1.0) + grid.scale)
    assert abs(estimate - exact) <= high[0] - low[0] + rounding


@settings(max_examples=200, deadline=None)
@given(st.floats(-1e37, 1e37), st.integers(-30, 30))
def test_a_cell_is_as_narrow_as_stated(value: float, k: int) -> None:
    grid = Grid(1.0, k)
    cells = grid.cells(np.array([value]))
    if abs(cells[0]) == LAST_CELL:
        return
    (low,), (high,) = grid.edges(cells)
    width = (abs(value - 1.0) + grid.scale) / 64 * (2 if cells[0] == 0 else 1)
    assert high - low <= width * (1 + 1e-6)


def test_values_in_the_last_cell_have_quantiles() -> None:
    summary = summarised(np.array([-3e60, 1.0, 1e60, 2e60]), Grid(0.0, 0))
    assert [summary.quantile(q) for q in (0.25, 0.5)] == [
        pytest.approx(-1.5e60),
        pytest.approx(1.0, abs=1 / 32),
    ]
    quantile = summary.quantile(1.0)
    assert quantile is not None
    assert 1e60 <= quantile <= 2e60


def test_huge_values_are_counted_in_the_last_cell_and_left_out_of_the_sums() -> None:
    spec = NumberSpec(Grid(0.0, 0), (0.0, 10.0))
    column = qualify(number_column([1.0, 3.0, 1e200, -1e308, 50.0, None]), spec, 0)
    summary = NumberSummary(spec, "s")
    summary.observe(column)
    cells, counts = summary.cells()
    assert column.status.tolist() == [0, 0, Status.HUGE, Status.HUGE, Status.RANGE, Status.NULL]
    assert (cells[0], counts[0], cells[-1], counts[-1]) == (-LAST_CELL, 1, LAST_CELL, 1)
    assert summary.mean() == 18.0
    assert summary.maximum == 1e200


def test_values_wait_until_a_few_thousand_have_gathered() -> None:
    summary = NumberSummary(NumberSpec(Grid(0.0, 0)), "s")
    ones = NumberColumn(np.ones(BUFFERED - 1), np.zeros(BUFFERED - 1, np.uint8))
    summary.observe(ones)
    assert summary._gathered == BUFFERED - 1
    summary.observe(number_column([1.0]))
    assert summary._gathered == 0
    assert summary.total == BUFFERED


@pytest.mark.parametrize("exponent", [0, 500])
def test_huge_values_lie_in_the_last_cell_on_any_grid_flagged_or_not(exponent: int) -> None:
    spec = NumberSpec(Grid(0.0, exponent))
    for column in (number_column([1.0, 2e150, -1e300]), number_column([1.0] * 3 + [2e150, -1e300])):
        for seen in (column, qualify(column, spec, 0)):
            summary = NumberSummary(spec, "s")
            summary.observe(seen)
            cells, counts = summary.cells()
            assert (cells[0], counts[0], cells[-1], counts[-1]) == (-LAST_CELL, 1, LAST_CELL, 1)
            assert summary.count == len(column.values) - 2
            assert (summary.mean(), summary.stddev()) == (1.0, 0.0)


def test_a_reader_sees_what_waits() -> None:
    readers: list[Callable[[NumberSummary], object]] = [
        lambda s: s.count,
        lambda s: s.total,
        lambda s: s.squares,
        lambda s: s.minimum,
        lambda s: s.maximum,
        lambda s: s.mean(),
        lambda s: s.stddev(),
        lambda s: s.quantile(0.5),
        lambda s: s.cells()[1].tolist(),
        lambda s: s.merge(s).count // 2,
    ]
    expected = [2, 10.0, 58.0, 3.0, 7.0, 5.0, 2.0, 3.0, [1, 1], 2]
    for reader, value in zip(readers, expected, strict=True):
        summary = NumberSummary(NumberSpec(Grid(0.0, 0)), "s")
        summary.observe(number_column([3.0, 7.0]))
        assert reader(summary) == pytest.approx(value, abs=1 / 16)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.floats(-6, 26), max_size=200), min_size=1, max_size=5))
def test_sums_merge_within_the_stated_bound(parts: list[list[float]]) -> None:
    grid = Grid(10.0, 3)
    apart = NumberSummary(NumberSpec(grid), "s")
    for part in parts:
        one = NumberSummary(NumberSpec(grid), "s")
        one.observe(number_column(part))
        apart = apart.merge(one)
    together = summarised(np.concatenate([np.array(part) for part in parts]), grid)
    n, s = together.count, grid.scale
    assert abs(together.total - apart.total) <= 1e-12 * n * s
    assert abs(together.squares - apart.squares) <= 1e-12 * n * s * s


def test_no_value_has_no_statistics() -> None:
    summary = NumberSummary(NumberSpec(Grid(0.0, 0)), "s")
    summary.observe(number_column([None, None]))
    assert (summary.rows, summary.count) == (2, 0)
    assert (summary.mean(), summary.stddev(), summary.quantile(0.5)) == (None, None, None)
    assert (summary.minimum, summary.maximum) == (None, None)
