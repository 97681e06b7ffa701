"""Measures against SciPy and NumPy on raw rows, and their noise against drawn rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial import distance

from collectors.drift.calibration.measures import (
    Floats,
    JensenShannon,
    Kolmogorov,
    Mean,
    Measure,
    Share,
    Spread,
    Volume,
)

MEASURES: tuple[Measure, ...] = (
    Kolmogorov(),
    JensenShannon("categories"),
    Share("missing"),
    Share("reruns", up=False),
    Volume(),
    Mean(),
    Spread(),
)


def raw(rng: np.random.Generator, rows: int, missing: float = 0.05) -> Floats:
    """Numbers with gaps."""
    values = rng.standard_t(3, rows)
    values[rng.random(rows) < missing] = np.nan
    return values


def cells(values: Floats, edges: Floats) -> NDArray[np.int64]:
    """The group of each value, and the last one for what is missing."""
    missing = np.isnan(values)
    return np.where(missing, len(edges) + 1, np.searchsorted(edges, values, side="right"))


def counted(groups: NDArray[np.int64], number: int) -> Floats:
    return np.bincount(groups, minlength=number).astype(np.float64)


@pytest.mark.parametrize("groups", [2, 11, 128])
def test_ks_is_that_of_scipy_on_the_groups_with_missing_last(groups: int) -> None:
    rng = np.random.default_rng(groups)
    reference, now = raw(rng, 3_000), raw(rng, 400, 0.2) + 0.1
    edges = np.nanquantile(reference, np.arange(1, groups) / groups)
    one, other = cells(now, edges), cells(reference, edges)
    found = Kolmogorov().squared(counted(one, groups + 1), counted(other, groups + 1))
    wanted = stats.ks_2samp(one, other).statistic
    assert wanted > 0.1
    assert found == pytest.approx(wanted**2, rel=1e-12)
    effect = Kolmogorov().effect(counted(one, groups + 1), counted(other, groups + 1))
    assert effect == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("size", [1, 2, 30, 1_000])
def test_divergence_is_the_square_of_scipys_distance(size: int) -> None:
    rng = np.random.default_rng(size)
    reference = rng.integers(0, 50, size + 2).astype(np.float64) + np.arange(size + 2)
    now = rng.integers(0, 3, size + 2) + np.eye(1, size + 2)[0]
    found = JensenShannon("shape").squared(now, reference)
    assert found == pytest.approx(distance.jensenshannon(now, reference) ** 2, rel=1e-9)


def test_shares_are_of_raw_rows() -> None:
    rng = np.random.default_rng(0)
    now, reference = rng.random(300) < 0.3, rng.random(2_000) < 0.2

    def profile(rows: NDArray[np.bool_]) -> Floats:
        return np.array([rows.sum(), (~rows).sum()], dtype=np.float64)

    gap = np.arcsin(np.sqrt(now.mean())) - np.arcsin(np.sqrt(reference.mean()))
    up, both = Share("missing"), Share("reruns", up=False)
    assert up.squared(profile(now), profile(reference)) == pytest.approx(4 * gap**2)
    assert up.effect(profile(now), profile(reference)) == pytest.approx(
        now.mean() - reference.mean()
    )
    assert up.squared(profile(reference), profile(now)) == 0
    assert up.effect(profile(reference), profile(now)) == 0
    assert both.squared(profile(reference), profile(now)) == pytest.approx(4 * gap**2)
    assert up.rows(profile(now)) == len(now)


def test_means_and_spreads_are_of_raw_rows_whatever_their_centre() -> None:
    rng = np.random.default_rng(1)
    now, reference = rng.normal(3, 2, 200), rng.normal(2, 1.5, 5_000)

    def about(values: Floats, centre: float) -> Floats:
        away = values - centre
        return np.array([len(values), away.sum(), (away**2).sum()])

    wanted = ((now.mean() - reference.mean()) / reference.std()) ** 2
    for centre in (0.0, 2.0, -40.0):
        found = Mean().squared(about(now, centre), about(reference, centre))
        assert found == pytest.approx(wanted, rel=1e-9)
        effect = Mean().effect(about(now, centre), about(reference, centre))
        assert effect**2 == pytest.approx(wanted, rel=1e-9)

    def freedom(values: Floats) -> Floats:
        return np.array([len(values) - 1.0, ((values - values.mean()) ** 2).sum()])

    ratio = now.var(ddof=1) / reference.var(ddof=1)
    found = Spread().squared(freedom(now), freedom(reference))
    assert found == pytest.approx(8 * (np.sqrt(now.std(ddof=1) / reference.std(ddof=1)) - 1) ** 2)
    assert Spread().effect(freedom(now), freedom(reference)) == pytest.approx(abs(ratio - 1))


def test_volume_is_of_rows_a_pane() -> None:
    rows = np.array([90.0, 110.0, 130.0])
    reference = np.array([rows.sum(), len(rows)])
    root = np.sqrt(rows.mean())
    for now, panes in ((1.0, 1.0), (60.0, 1.0), (480.0, 3.0)):
        profile = np.array([now, panes])
        wanted = 4 * (np.sqrt(now / panes) - root) ** 2 / rows.mean()
        assert Volume().squared(profile, reference) == pytest.approx(wanted)
        assert Volume().effect(profile, reference) == pytest.approx(
            abs(now / panes / rows.mean() - 1)
        )
        assert Volume().size(profile, reference) == pytest.approx(rows.mean() * panes)


def draws(measure: Measure, n: int, number: int) -> tuple[Floats, Floats]:
    """Profiles of n rows drawn from a reference that is known, and the reference's."""
    rng = np.random.default_rng(7)
    if isinstance(measure, Kolmogorov | JensenShannon):
        shares = rng.dirichlet(np.ones(20))
        return rng.multinomial(n, shares, number).astype(np.float64), shares
    if isinstance(measure, Share):
        some = rng.binomial(n, 0.2, number).astype(np.float64)
        return np.column_stack((some, n - some)), np.array([0.2, 0.8])
    if isinstance(measure, Volume):
        rows = rng.poisson(n, number).astype(np.float64)
        return np.column_stack((rows, np.ones(number))), np.array([float(n), 1.0])
    values = rng.normal(3.0, 2.0, (number, n))
    if isinstance(measure, Mean):
        sums = values.sum(axis=1), (values**2).sum(axis=1)
        return np.column_stack((np.full(number, float(n)), *sums)), np.array([1.0, 3.0, 13.0])
    squares = n * values.var(axis=1)
    return np.column_stack((np.full(number, n - 1.0), squares)), np.array([1.0, 4.0])


@pytest.mark.parametrize("n", [100, 2_000])
@pytest.mark.parametrize("measure", MEASURES, ids=lambda one: f"{one.kind}")
def test_expected_is_what_drawn_rows_come_to(measure: Measure, n: int) -> None:
    now, reference = draws(measure, n, 4_000)
    every = np.broadcast_to(reference, now.shape)
    found = (measure.size(now, every) * measure.squared(now, every)).mean()
    # Seeded draws of its own: 200 of them are off by some percent.
    assert measure.expected(reference, float(n)) == pytest.approx(found, rel=0.15)


@pytest.mark.parametrize(
    ("shares", "wanted"),
    [
        (np.ones(20_000), np.pi**2 / 12),  # of a Brownian bridge: 0.822
        (np.array([1.0, 1.0, 0.0]), 0.25),
        (np.append(0.95, np.full(500, 0.05 / 500)), 0.079),
        (np.append(0.99, np.full(500, 0.01 / 500)), 0.016),
    ],
    ids=["continuous", "binary", "5% not zero", "1% not zero"],
)
def test_the_sampling_noise_of_ks_is_that_of_the_columns_own_cells(
    shares: Floats, wanted: float
) -> None:
    assert Kolmogorov().expected(shares, 1_000.0) == pytest.approx(wanted, rel=0.15)


@pytest.mark.parametrize("occupied", [2, 5, 12, 100])
def test_the_sampling_noise_of_the_divergence_is_an_eighth_a_degree_of_freedom(
    occupied: int,
) -> None:
    shares = np.append(np.ones(occupied), np.zeros(7))
    found = JensenShannon("shape").expected(shares, 1e6)
    assert found == pytest.approx((occupied - 1) / 8, rel=0.2)


@pytest.mark.parametrize("n", [40.0, 1_500.0])
@pytest.mark.parametrize(
    "measure", [Kolmogorov(), JensenShannon("categories")], ids=lambda m: m.kind
)
def test_what_never_happened_may_happen_once(measure: Measure, n: float) -> None:
    """One row like none of the reference is eight times what is expected, whatever the rows."""
    reference = np.array([0.0, 1e6, 0.0, 0.0])
    one = np.array([1.0, n - 1.0, 0.0, 0.0])
    ratio = n * measure.squared(one, reference) / measure.expected(reference, n)
    assert ratio == pytest.approx(8.0, rel=1e-3)
    two = np.array([2.0, n - 2.0, 0.0, 0.0])
    assert n * measure.squared(two, reference) / measure.expected(reference, n) > 15


@given(st.data())
def test_many_rows_at_once_are_each_of_them_alone(data: st.DataObject) -> None:
    measure = data.draw(st.sampled_from(MEASURES))
    groups = {"ks": 5, "categories": 5, "mean": 3}.get(measure.kind, 2)
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    now = rng.integers(1, 50, (2, 3, groups)).astype(np.float64)
    reference = rng.integers(1, 50, (3, groups)).astype(np.float64) * 10
    for read in (measure.squared, measure.size, measure.effect):
        found = read(now, reference)
        assert found.shape == (2, 3)
        for i, j in np.ndindex(2, 3):
            assert found[i, j] == pytest.approx(float(read(now[i, j], reference[j])), nan_ok=True)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda one: one.kind)
def test_what_was_never_there_is_no_distance(measure: Measure) -> None:
    groups = {"ks": 5, "categories": 5, "mean": 3}.get(measure.kind, 2)
    nothing, some = np.zeros((1, groups)), np.full((1, groups), 20.0)
    assert np.isnan(measure.squared(some, nothing))
    if measure.kind != "volume":  # of which no row at all is the largest loss
        assert np.isnan(measure.squared(nothing, some))


def test_no_row_where_rows_are_usual_and_rows_where_none_are() -> None:
    usual, night = np.array([400.0, 4.0]), np.array([0.0, 4.0])
    assert Volume().squared(np.array([0.0, 1.0]), usual) == 4.0
    assert Volume().squared(np.array([0.0, 1.0]), night) == 0.0
    assert Volume().squared(np.array([30.0, 1.0]), night) > 100


@pytest.mark.parametrize("measure", [Mean(), Spread()], ids=["mean", "spread"])
def test_a_reference_that_never_varies_has_no_unit_of_its_own(measure: Measure) -> None:
    constant = np.array([50.0, 0.0]) if measure.kind == "spread" else np.array([50.0, 150.0, 450.0])
    assert np.isnan(measure.squared(np.full(len(constant), 9.0), constant))


def test_values_that_became_constant_are_far_away_and_not_infinitely() -> None:
    assert Spread().squared(np.array([20.0, 0.0]), np.array([900.0, 900.0])) == 8.0
