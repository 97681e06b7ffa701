"""Scores against SciPy's F distribution, the map of held-out ones, and shapes of noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from collectors.drift.calibration import scores
from collectors.drift.calibration.measures import Floats
from collectors.drift.calibration.scorer import KNOTS, Pooled, joint_mean

SHAPES = (0.15, 0.2, 0.5, 1.0, 1.64, 6.0, 60.0)
DEGREES = (3.0, 11.0, 28.0, 167.0, 719.0, 5_000.0)


def by_series(ratio: Floats, shape: float, degrees: float) -> Floats:
    """-log of the tail by the hypergeometric series of the incomplete beta function, in logs."""
    x, a = degrees / (degrees + ratio), shape * degrees
    series = np.log(special.hyp2f1(a + shape, 1.0, a + 1.0, x))
    logs = a * np.log(x) + shape * np.log1p(-x) - np.log(a) - special.betaln(a, shape)
    return np.asarray(-(logs + series))


@pytest.mark.parametrize("degrees", DEGREES)
@pytest.mark.parametrize("shape", SHAPES)
def test_rarity_is_the_tail_of_scipys_f(shape: float, degrees: float) -> None:
    found = scores.rarity(KNOTS, np.array(shape), degrees)
    with np.errstate(divide="ignore"):
        wanted = -stats.f.logsf(KNOTS, 2 * shape, 2 * shape * degrees)
    near = wanted < 600
    assert near.sum() > 50
    np.testing.assert_allclose(found[near], wanted[near], rtol=1e-9, atol=1e-9)
    assert ((found > 590) == ~(wanted <= 590)).all()


@pytest.mark.parametrize("degrees", DEGREES)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_farther_the_rarer_also_where_no_float_holds_the_tail(
    shape: float, degrees: float
) -> None:
    ratio = np.geomspace(1e-3, 1e6, 5_001)
    found = scores.rarity(ratio, np.array(shape), degrees)
    assert (np.diff(found) > -1e-9).all()
    assert found.max() <= scores.MOST
    far = (found > 640) & (found < scores.MOST)
    if far.any():
        wanted = by_series(ratio[far], shape, degrees)
        np.testing.assert_allclose(found[far], wanted, atol=1e-3)
    ends = scores.rarity(np.array([0.0, -1.0, np.inf]), np.array(shape), degrees)
    assert ends.tolist() == [0, 0, scores.MOST]


@given(st.lists(st.floats(0, 700) | st.just(np.nan), max_size=400), st.integers(1, 30))
def test_the_map_of_a_kind_keeps_order(values: list[float], times: int) -> None:
    pooled = scores.pool(np.array(values * times))
    at = np.linspace(0.0, 900.0, 2_000)
    mapped = pooled.map(at)
    assert (np.diff(mapped) >= 0).all()
    assert mapped[0] == 0
    assert pooled.map(np.array([pooled.knee]))[0] == pytest.approx(pooled.level)
    assert np.isnan(pooled.map(np.array([np.nan])))[0]


def test_mapped_scores_are_exponential_where_scores_were_not() -> None:
    rng = np.random.default_rng(0)
    raw = 3.0 * rng.exponential(1.0, 20_000) ** 1.0  # three times too large
    pooled = scores.pool(raw)
    mapped = pooled.map(raw)
    for share in (0.1, 0.01, 0.001):
        assert np.quantile(mapped, 1 - share) == pytest.approx(-np.log(share), rel=0.12)


def test_a_kind_that_is_as_it_should_be_stays_as_it_is() -> None:
    rng = np.random.default_rng(1)
    pooled = scores.pool(rng.exponential(1.0, 50_000))
    at = np.array([0.5, 2.0, 5.0, 20.0])
    np.testing.assert_allclose(pooled.map(at), at, rtol=0.1)


@pytest.mark.parametrize(
    "values",
    [np.zeros(0), np.full(19, 5.0), np.full(500, np.nan), np.append(np.full(400, np.nan), 3.0)],
    ids=["none", "few", "all missing", "one"],
)
def test_what_is_too_little_changes_nothing(values: Floats) -> None:
    assert scores.pool(values) == Pooled(1.0, 1.0, 1.0)
    at = np.linspace(0, 50, 101)
    np.testing.assert_allclose(scores.pool(values).map(at), at)


def test_a_silent_kind_has_a_map_that_changes_nothing() -> None:
    for few in (0, 3):
        pooled = scores.pool(np.append(np.zeros(1_000), np.full(few, 2.0)))
        at = np.linspace(0, 50, 101)
        np.testing.assert_allclose(pooled.map(at), at, atol=1e-9)


@pytest.mark.parametrize("kappa", [0.25, 0.5, 1.0, 4.0, 20.0])
def test_the_shape_of_simulated_noise_is_found(kappa: float) -> None:
    rng = np.random.default_rng(2)
    ratio = rng.gamma(kappa, 1 / kappa, (5, 4_000))
    used = rng.random(ratio.shape) < 0.9
    found = scores.shapes(np.where(used, ratio, 1e9), used, ["shape"] * 5, 1e9)
    np.testing.assert_allclose(found, kappa, rtol=0.15)
    ks = scores.shapes(ratio, used, ["ks"] * 5, 1e9)
    wanted = kappa if kappa < 0.5 else min(1.64, 0.5 + 0.573 * (kappa - 0.5))
    np.testing.assert_allclose(ks, wanted, rtol=0.15)


def test_few_panes_lend_their_shape_from_the_kind() -> None:
    rng = np.random.default_rng(3)
    ratio = np.vstack((rng.gamma(0.5, 2.0, (9, 50)), rng.gamma(8.0, 1 / 8.0, (1, 50))))
    used = np.ones(ratio.shape, dtype=np.bool_)
    alone = scores.shapes(ratio, used, ["mean"] * 10, 1e9)
    shrunk = scores.shapes(ratio, used, ["mean"] * 10, 50 / 24)
    others = scores.shapes(ratio, used, ["mean"] * 9 + ["spread"], 50 / 24)
    assert alone[9] > 5
    assert shrunk[9] < 2
    assert others[9] == pytest.approx(alone[9], rel=1e-6)
    weight = 50 / 24
    logs = np.log(alone)
    wanted = (weight * logs + scores.SHRINK * logs.mean()) / (weight + scores.SHRINK)
    np.testing.assert_allclose(np.log(shrunk), wanted)


def test_a_column_that_no_pane_has_lends_nothing_to_its_kind() -> None:
    rng = np.random.default_rng(4)
    ratio = rng.gamma(0.5, 2.0, (4, 168))
    used = np.ones(ratio.shape, dtype=np.bool_)
    wanted = scores.shapes(ratio, used, ["mean"] * 4, 7.0)
    ratio = np.vstack((ratio, np.full((4, 168), np.nan)))
    used = np.isfinite(ratio)
    found = scores.shapes(np.where(used, ratio, 0.0), used, ["mean"] * 8, 7.0)
    np.testing.assert_array_equal(found[:4], wanted)


@pytest.mark.parametrize("ratio", [np.zeros((1, 50)), np.ones((1, 50))], ids=["silent", "constant"])
def test_a_column_without_a_spread_of_its_own_has_a_shape(ratio: Floats) -> None:
    used = np.ones(ratio.shape, dtype=np.bool_)
    found = scores.shapes(ratio, used, ["missing"], 1e9)
    assert found[0] == pytest.approx(scores.SILENT)
    nothing = scores.shapes(ratio, ~used, ["missing"], 0.0)
    assert nothing[0] == pytest.approx(scores.SILENT)


def test_the_joint_score_is_the_mean_of_the_clipped_ones_that_are_there() -> None:
    raw = np.array([[1.0, np.nan, 30.0], [3.0, np.nan, np.nan]])
    np.testing.assert_array_equal(joint_mean(raw), [2.0, np.nan, 20.0])


def test_the_largest_of_many_has_the_tail_of_one_though_it_varies_little() -> None:
    rng = np.random.default_rng(5)
    of_595 = np.square(rng.standard_normal((2_000, 595))).max(axis=1)
    ratio = (of_595 / of_595.mean())[None, :]
    used = np.ones(ratio.shape, dtype=np.bool_)
    largest = scores.shapes(ratio, used, ["correlation"], 1e9)
    others = scores.shapes(ratio, used, ["pca"], 1e9)
    assert others[0] > 2 * largest[0] == 2 * scores.MOST_OF_LARGEST
    # How much rarer one is at 2.5 than at 2 of the mean: here without a sample.
    mean = float(of_595.mean())
    wanted = float(np.log(stats.chi2.sf(2.0 * mean, 1) / stats.chi2.sf(2.5 * mean, 1)))

    def steps(shape: Floats) -> float:
        far, near = scores.rarity(np.array([2.5, 2.0]), shape, 5_000.0)
        return float(far - near)

    assert steps(others) > 1.6 * wanted
    assert steps(largest) < 1.1 * wanted
