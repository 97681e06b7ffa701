"""Every distance against SciPy's and scikit-learn's own, on raw rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from collectors.drift.distances import REGISTRY, distances
from collectors.drift.distances.examples import categories, numbers
from collectors.events import Floats
from tests.drift.distances.raw import OF_SHARES, OF_VALUES, evidently_shares
from tests.drift.distances.shapes import SHAPES, Sides, drawn, sides
from tests.drift.distances.summaries import of_categories

OF_BINS = {name: of for name, of in OF_SHARES.items() if name != "l_infinity"}
"""Those of numbers too."""


def test_every_distance_is_held_against_another() -> None:
    of_numbers = {name for name, distance in REGISTRY.items() if distance.numbers}
    assert of_numbers == {*OF_VALUES, *OF_BINS}
    of_categories = {name for name, d in REGISTRY.items() if "category" in d.kinds}
    assert of_categories == {*OF_SHARES}
    binary = {name for name, d in REGISTRY.items() if "binary" in d.kinds}
    assert binary == {"cohens_d", "log_odds_ratio"}


def edges_of(drawn: Sides, distinct: int) -> Floats | None:
    """NumPy's own bins of the raw rows; None for a reference of few values."""
    both = np.concatenate((drawn.now, drawn.reference))
    return None if distinct <= 20 else np.histogram_bin_edges(both, "sturges")


@settings(max_examples=60)
@given(sides())
def test_values_are_compared_as_the_middles_of_their_cells(drawn: Sides) -> None:
    rounded, unit = drawn.rounded(), drawn.grid.scale
    for name in OF_VALUES.keys() - {"wasserstein", "cohens_d", "empirical_mmd"}:
        exact = OF_VALUES[name](*rounded, unit)
        # Values of one cell are mixed evenly, and a finite number of rows cannot be quite so.
        least = min(len(drawn.now), len(drawn.reference))
        tolerance = 1 / least if name == "cramer_von_mises" else 1e-9 * max(exact, unit, 1.0)
        assert REGISTRY[name].measure(drawn.pair) == pytest.approx(exact, abs=tolerance), name


@settings(max_examples=60)
@given(sides())
def test_distances_between_histograms_are_exact_but_for_the_middles(drawn: Sides) -> None:
    edges = edges_of(drawn, len(np.unique(drawn.grid.cells(drawn.reference))))
    shares = evidently_shares(*drawn.rounded(), edges)
    for name, function in OF_BINS.items():
        distance = REGISTRY[name]
        off = abs(distance.measure(drawn.pair) - function(*shares))
        assert off <= distance.bound.of(drawn.pair) * max(function(*shares), 1.0), name


@settings(max_examples=60)
@given(sides())
def test_raw_rows_are_as_near_as_the_bound_says(drawn: Sides) -> None:
    for name in OF_VALUES.keys() - {"empirical_mmd"}:
        exact = OF_VALUES[name](drawn.now, drawn.reference, drawn.grid.scale)
        off = abs(REGISTRY[name].measure(drawn.pair) - exact)
        assert off <= REGISTRY[name].bound.of(drawn.pair) + 1e-9 * exact, name


@settings(max_examples=60)
@given(sides(most=400))
def test_mmd_is_as_near_to_scikit_learns_kernel_as_the_bound_says(drawn: Sides) -> None:
    distance = REGISTRY["empirical_mmd"]
    exact = OF_VALUES["empirical_mmd"](drawn.now, drawn.reference, drawn.grid.scale)
    assert abs(distance.measure(drawn.pair) - exact) <= distance.bound.of(drawn.pair)


def test_mmd_makes_its_kernel_in_blocks_and_leaves_out_what_is_far(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(4)
    one = Sides(
        rng.standard_cauchy(900), rng.standard_cauchy(900), drawn("Cauchy", 0, (50, 50), 0, 1).grid
    )
    distance = REGISTRY["empirical_mmd"]
    whole = distance.measure(one.pair)
    monkeypatch.setattr("collectors.drift.distances.empirical_mmd.BLOCK", 7)
    assert distance.measure(one.pair) == pytest.approx(whole, rel=1e-9)


def test_bounds_are_small_where_columns_are_usual() -> None:
    usual = drawn("normal", 3, (5_000, 5_000), 0.5, 1.0)
    most = {"ks": 0.02, "wasserstein": 0.03, "ed": 0.2, "cliffs_delta": 0.01, "empirical_mmd": 0.1}
    most |= {"cramer_von_mises": 0.01, "anderson": 0.1, "cohens_d": 1e-5}
    for name, bound in most.items():
        assert REGISTRY[name].bound.of(usual.pair) <= bound, name


@pytest.mark.parametrize("name", OF_BINS)
def test_evidentlys_own_bins_are_usually_as_near_as_the_entry_says(name: str) -> None:
    rng = np.random.default_rng(20)
    off = []
    for _ in range(12):
        for shape in SHAPES:
            rows = (int(rng.integers(1_000, 5_000)), int(rng.integers(1_000, 5_000)))
            shift, stretch = rng.choice([0.0, 0.1, 0.5, 2.0]), rng.choice([1.0, 0.5, 2.0])
            raw = drawn(shape, int(rng.integers(2**32)), rows, shift, stretch)
            edges = edges_of(raw, len(np.unique(raw.reference)))
            exact = OF_SHARES[name](*evidently_shares(raw.now, raw.reference, edges))
            off.append(abs(REGISTRY[name].measure(raw.pair) - exact))
    usual = REGISTRY[name].bound.usual
    assert usual is not None
    assert np.mean(np.array(off) <= usual) >= 0.95
    assert np.mean(np.array(off) <= usual / 10) < 0.95  # it is no looser than it need be


NAMES = ("a", "b", "c", "d")
VALUES = st.lists(st.sampled_from([*NAMES, None]), min_size=1, max_size=200)


@given(VALUES, VALUES)
def test_categories_are_exact_and_missing_is_one_of_them(
    now: list[str | None], reference: list[str | None]
) -> None:
    both = categories(now, reference, NAMES)
    sides = (np.array([str(value) for value in side]) for side in (now, reference))
    codes = [np.searchsorted(sorted([*NAMES, "None"]), side).astype(np.float64) for side in sides]
    shares = evidently_shares(codes[0], codes[1], None)
    for name, function in OF_SHARES.items():
        assert REGISTRY[name].measure(both) == pytest.approx(function(*shares), abs=2e-8), name


@pytest.mark.parametrize("name", OF_SHARES)
def test_ten_million_rows_with_rare_and_empty_categories(name: str) -> None:
    counts = [7_000_000, 2_999_000, 900, 0, 0, 100], [6_000_000, 3_999_000, 0, 0, 1_000, 0]
    now, reference = (of_categories(dict(zip("abcdef", side, strict=True)), {}) for side in counts)
    p, q = (np.delete(np.array(side) / 1e7, 3) for side in counts)
    exact = OF_SHARES[name](p, q)
    assert distances(now, reference, [name])[name] == pytest.approx(exact, rel=1e-9)


@given(st.lists(st.booleans(), min_size=2, max_size=99), st.lists(st.booleans(), min_size=2))
def test_two_values_are_compared_as_the_t_and_fishers_test_do(
    now: list[bool], reference: list[bool]
) -> None:
    names = [["true" if value else "false" for value in side] for side in (now, reference)]
    both = categories(names[0], names[1], ("false", "true"))
    table = [[2 * sum(side) + 1, 2 * (len(side) - sum(side)) + 1] for side in (now, reference)]
    ratio = stats.contingency.odds_ratio(table, kind="sample").statistic
    assert REGISTRY["log_odds_ratio"].measure(both) == pytest.approx(abs(np.log(ratio)), abs=1e-9)
    x, y = (np.array(side, dtype=np.float64) for side in (now, reference))
    assume(x.var() + y.var() > 0)
    exact = OF_VALUES["cohens_d"](x, y, 1.0)
    assert REGISTRY["cohens_d"].measure(both) == pytest.approx(exact, rel=1e-9, abs=1e-12)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(0, 0.9), st.floats(0, 0.9))
def test_missing_values_lie_behind_the_largest_in_ks(seed: int, one: float, other: float) -> None:
    rng = np.random.default_rng(seed)
    now, reference = (rng.integers(*span).astype(np.float64) for span in ((0, 9, 300), (1, 9, 400)))
    now[rng.random(300) < one] = np.nan
    reference[rng.random(400) < other] = np.nan
    exact = OF_VALUES["ks"](np.nan_to_num(now, nan=99.0), np.nan_to_num(reference, nan=99.0), 1.0)
    both = numbers(now, reference, drawn("dice", 0, (50, 50), 0, 1).grid)
    assert REGISTRY["ks"].measure(both) == pytest.approx(exact, abs=1e-12)
