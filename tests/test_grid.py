"""The grid: where its cells lie, and which one is chosen for which numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.grid import LAST_CELL, MOST_EXPONENT, Grid

ODD_FIRST_ROWS: dict[str, list[float]] = {
    "none": [],
    "all missing": [np.nan, np.nan],
    "constant": [5.0] * 9,
    "zero": [0.0],
    "huge and opposite": [1e300, -1e300, 4.0],
    "not finite": [np.inf, -np.inf, 2.0],
    "the smallest there are": [5e-324, 1e-323, 0.0],
    "as far apart as sums allow": [-1e150, 0.0, 1e150],
}


def plain_cell(value: float, grid: Grid) -> int:
    """The definition, bit by bit, of one number."""
    z = (value - grid.center) / grid.scale
    with np.errstate(over="ignore"):
        pattern = np.float32(abs(z) + 1.0).tobytes()[::-1]
    top = int.from_bytes(pattern, "big") >> 17
    magnitude = top - (0x3F800000 >> 17)
    return -magnitude if z < 0 else magnitude


@settings(max_examples=300, deadline=None)
@given(st.lists(st.floats(-1e307, 1e307), min_size=1, max_size=30), st.integers(-30, 30))
def test_a_cell_is_the_top_bits_of_float32(values: list[float], exponent: int) -> None:
    grid = Grid(3.0, exponent)
    cells = grid.cells(np.array(values))
    assert cells.dtype == np.int32
    assert cells.tolist() == [plain_cell(value, grid) for value in values]


def test_cells_touch_and_the_middle_one_is_double() -> None:
    grid = Grid(10.0, -3)
    cells = np.arange(-LAST_CELL, LAST_CELL + 1, dtype=np.int32)
    low, high = grid.edges(cells)
    np.testing.assert_array_equal(low[1:], high[:-1])
    assert (low[0], high[-1]) == (-np.inf, np.inf)
    assert high[LAST_CELL] - low[LAST_CELL] == 2 * grid.scale / 64
    assert high[LAST_CELL + 1] - low[LAST_CELL + 1] == grid.scale / 64
    assert low[-1] == 10.0 + (2.0**128 - 1) * grid.scale


def test_the_lower_edge_of_a_cell_is_in_it() -> None:
    grid = Grid(0.0, 0)
    cells = np.arange(1, LAST_CELL, dtype=np.int32)
    low, _ = grid.edges(cells)
    np.testing.assert_array_equal(grid.cells(low), cells)
    np.testing.assert_array_equal(grid.cells(-low), -cells)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=50), st.integers(-20, 20))
def test_a_number_lies_between_the_edges_of_its_cell(values: list[float], k: int) -> None:
    grid, array = Grid(3.0, k), np.array(values)
    low, high = grid.edges(grid.cells(array))
    # float32 rounds |z| + 1 by at most 2^-24 of it; the subtraction of the centre adds a little.
    slack = (2.0**-24 + 1e-12) * (np.abs(array - 3.0) + grid.scale)
    assert (array >= low - slack).all()
    assert (array <= high + slack).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=30))
def test_larger_numbers_have_no_smaller_cells(values: list[float]) -> None:
    cells = Grid(1.0, 2).cells(np.sort(np.array(values)))
    assert (np.diff(cells) >= 0).all()


@pytest.mark.parametrize("case", ODD_FIRST_ROWS)
def test_a_grid_is_defined_for_odd_first_rows(case: str) -> None:
    values = np.array(ODD_FIRST_ROWS[case], dtype=np.float64)
    grid = Grid.fit(values)
    finite = values[np.isfinite(values)]
    assert grid.scale > 0
    assert (np.abs(grid.cells(finite)) <= LAST_CELL).all()


def test_the_scale_is_the_power_of_two_next_to_the_spread() -> None:
    rng = np.random.default_rng(4)
    normal = Grid.fit(rng.normal(1000, 20, 50_000))  # the quartiles are 27 apart
    assert normal.exponent == 4
    assert normal.center in {992.0, 1008.0}  # multiples of 16 beside the median
    mostly_zero = np.where(np.arange(1_000) < 30, 100.0, 0.0)  # no quartiles apart: std 17
    assert Grid.fit(mostly_zero) == Grid(0.0, 4)
    assert Grid.fit(np.full(10, 1024.0)) == Grid(1024.0, 4)
    assert Grid.fit(np.zeros(10)) == Grid(0.0, 0)


def test_what_is_no_number_to_sum_has_no_say() -> None:
    fine = np.array([3.0, 4.0, 9.0, 11.0])
    odd = np.array([np.nan, np.inf, -np.inf, 1e300, 1.7e308, -2e150])
    assert Grid.fit(np.concatenate((odd, fine))) == Grid.fit(fine)


@pytest.mark.parametrize("numbers", [range(24), range(2), range(1, 13), range(-50, 50)], ids=str)
def test_small_integers_have_a_cell_each(numbers: range) -> None:
    values = np.array(numbers, dtype=np.float64)
    assert len(set(Grid.fit(values).cells(values).tolist())) == len(values)


@pytest.mark.parametrize(
    ("center", "exponent"),
    [(np.nan, 0), (np.inf, 0), (0.0, MOST_EXPONENT + 1), (0.0, -MOST_EXPONENT - 1)],
)
def test_a_grid_that_cannot_count_is_refused(center: float, exponent: int) -> None:
    with pytest.raises(ValueError, match="no grid has centre"):
        Grid(center, exponent)


def test_the_widest_and_the_narrowest_grid_have_edges() -> None:
    last = np.array([-LAST_CELL, 0, LAST_CELL])
    for exponent in (-MOST_EXPONENT, MOST_EXPONENT):
        low, high = Grid(0.0, exponent).edges(last)
        assert np.isfinite([low[1], low[2], high[0], high[1]]).all()
