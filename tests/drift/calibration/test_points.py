"""Features together: distances against scikit-learn and raw rows, and what is expected of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import rbf_kernel

from collectors.drift.calibration.points import Correlation, Discrepancy, Reconstruction
from collectors.drift.calibration.spread import LEAST
from collectors.drift.points import Together
from collectors.embedding import STEPS, Space
from collectors.events import AnyColumn, NumberColumn
from collectors.multivariate import TogetherSummary
from collectors.schema import Schema
from collectors.summaries.multivariate import MultivariateSummary
from tests.support.schemas import feature, layout, rows

Floats = NDArray[np.float64]
Pane = dict[str, Any]

FEATURES = 8
MIXING = np.random.default_rng(11).normal(0, 1, (3, FEATURES))


def values(seed: int, number: int = 2_000, noise: float = 0.5) -> Floats:
    """Eight columns made of three."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((number, 3)) @ MIXING + noise * rng.standard_normal(
        (number, FEATURES)
    )


def table(raw: Floats) -> dict[str, AnyColumn]:
    fine = np.zeros(len(raw), np.uint8)
    return {f"f{j}": NumberColumn(raw[:, j].copy(), fine) for j in range(raw.shape[1])}


def space_of(raw: Floats) -> Space:
    columns = table(raw)
    features = [feature(name, "number") for name in columns]
    space = Space.of(Schema.build(layout(*features), [rows(**columns)]))
    assert space is not None
    return space


SPACE = space_of(values(0))


def pane(raw: Floats, space: Space = SPACE) -> Pane:
    summary = MultivariateSummary(space)
    summary.observe(table(raw), len(raw))
    return {"multivariate": TogetherSummary(summary)}


def points(raw: Floats) -> Floats:
    """Rows as points, in octaves; without the marks, which are 0."""
    return SPACE.points(table(raw), len(raw)).T[:, :FEATURES].astype(np.float64) / STEPS


REFERENCE = values(0, 20_000)
TOGETHER = Together.of(pane(REFERENCE)["multivariate"].sums)


class TestReconstruction:
    @pytest.mark.parametrize("noise", [0.5, 1.0])
    def test_the_error_is_that_of_scikit_learns_components(self, noise: float) -> None:
        raw = values(1, noise=noise)
        model = PCA(n_components=0.9, svd_solver="full").fit(points(REFERENCE))

        def error(rows_: Floats) -> float:
            again = model.inverse_transform(model.transform(points(rows_)))
            return float(np.square(points(rows_) - again).sum(axis=1).mean())

        for one in (raw, REFERENCE):
            profile = TOGETHER.errors(pane(one))
            assert profile[1:].sum() / profile[0] == pytest.approx(error(one), rel=1e-9)
        now, reference = (TOGETHER.errors(pane(one)) for one in (raw, REFERENCE))
        ratio = error(raw) / error(REFERENCE)
        assert Reconstruction().effect(now, reference) == pytest.approx(abs(ratio - 1))
        wanted = 8 * (ratio**0.25 - 1) ** 2
        assert Reconstruction().squared(now, reference) == pytest.approx(wanted)

    def test_something_is_left_over_however_few_components_there_are(self) -> None:
        for raw in (REFERENCE[:, :2], np.repeat(REFERENCE[:, :1], 2, axis=1)):
            space = space_of(raw)
            together = Together.of(pane(raw, space)["multivariate"].sums)
            profile = together.errors(pane(raw, space))
            assert profile[1:].sum() > 0.0
            assert Reconstruction().squared(profile, profile) == 0.0

    def test_what_is_expected_is_no_more_than_normal_rows_have(self) -> None:
        now = np.array([TOGETHER.errors(pane(values(seed, 400))) for seed in range(300, 500)])
        reference = TOGETHER.errors(pane(REFERENCE))
        squared = Reconstruction().squared(now, np.broadcast_to(reference, now.shape))
        seen, expected = 400 * squared.mean(), Reconstruction().expected(reference, 400)
        assert 0.2 * seen < LEAST * expected < 1.1 * seen


class TestDiscrepancy:
    def test_it_is_scikit_learns_kernel_over_raw_rows(self) -> None:
        moved = values(1) + 0.4
        now, reference = (TOGETHER.waves(pane(one)) for one in (moved, REFERENCE[:3_000]))
        x, y = points(moved), points(REFERENCE[:3_000])
        gamma = 1.0 / (2.0 * FEATURES)
        exact = rbf_kernel(x, x, gamma).mean() + rbf_kernel(y, y, gamma).mean()
        exact -= 2 * rbf_kernel(x, y, gamma).mean()
        assert Discrepancy().squared(now, reference) == pytest.approx(exact, rel=0.5)
        assert Discrepancy().effect(now, reference) == pytest.approx(np.sqrt(exact), rel=0.25)

    def test_noise_is_what_is_expected_of_it(self) -> None:
        now = np.array([TOGETHER.waves(pane(values(seed, 400))) for seed in range(300, 500)])
        reference = TOGETHER.waves(pane(REFERENCE))
        squared = Discrepancy().squared(now, np.broadcast_to(reference, now.shape))
        seen = squared.mean() / (1 / 400 + 1 / len(REFERENCE))
        assert seen == pytest.approx(Discrepancy().expected(reference, 400), rel=0.1)


class TestCorrelation:
    def test_it_is_the_largest_change_of_numpys(self) -> None:
        raw = values(2)
        raw[:, 5] = 0.6 * raw[:, 1] + 0.8 * np.random.default_rng(9).normal(0, 2, len(raw))
        now, reference = (TOGETHER.products(pane(one)) for one in (raw, REFERENCE))
        change = np.corrcoef(points(raw).T) - np.corrcoef(points(REFERENCE).T)
        largest = float(np.abs(change).max())
        assert largest > 0.3
        # A hundredth is added to variances of about one.
        assert Correlation().effect(now, reference) == pytest.approx(largest, rel=0.03)
        assert Correlation().squared(now, reference) == pytest.approx(largest**2, rel=0.06)

    def test_means_that_wander_from_pane_to_pane_are_no_correlation(self) -> None:
        rng = np.random.default_rng(1)
        parts = [values(seed, 500) + 2 * rng.standard_normal() for seed in range(30, 54)]
        now = np.sum([TOGETHER.products(pane(part)) for part in parts], axis=0)
        reference = TOGETHER.products(pane(REFERENCE))
        assert now[0] == 24 * 499
        # Moved rows are squashed otherwise, which does a little.
        assert Correlation().effect(now, reference) < 0.25
        whole = TOGETHER.products(pane(np.concatenate(parts)))
        assert Correlation().effect(whole, reference) > 0.5

    def test_noise_of_independent_columns_is_what_is_expected_of_it(self) -> None:
        rng = np.random.default_rng(4)
        # A column that is rarely not 0 among them: its correlations are as noisy as any.
        raw = rng.standard_normal((60_000, FEATURES)) * (rng.random((60_000, FEATURES)) < 0.4)
        space = space_of(raw)
        together = Together.of(pane(raw, space)["multivariate"].sums)
        now = np.array([together.products(pane(part, space)) for part in np.split(raw, 150)])
        reference = together.products(pane(raw, space))
        assert together.pairs == FEATURES * (FEATURES - 1) // 2
        squared = Correlation().squared(now, np.broadcast_to(reference, now.shape))
        seen, expected = 399 * squared.mean(), Correlation().expected(reference, 400)
        assert seen == pytest.approx(expected, rel=0.25)


WAYS = ("waves", "errors", "products")


@pytest.mark.parametrize("way", WAYS)
def test_a_pane_of_other_features_has_nothing_to_compare(way: str) -> None:
    profile = getattr(TOGETHER, way)
    fewer = space_of(REFERENCE[:, :7])
    usual = profile(pane(values(1)))
    for other in ({}, pane(REFERENCE[:, :7], fewer), pane(values(1)[:0])):
        found = profile(other)
        assert found.shape == usual.shape
        assert not found.any()
    for measure in (Discrepancy(), Reconstruction(), Correlation()):
        if measure.kind == {"waves": "mmd", "errors": "pca", "products": "correlation"}[way]:
            assert np.isnan(measure.squared(np.zeros_like(usual), usual))
            assert measure.squared(usual, usual) == 0.0
            assert measure.rows(np.zeros_like(usual)) == 0.0


def test_profiles_of_panes_together_are_the_sums_of_theirs() -> None:
    parts = [values(seed, 300) for seed in range(3)]
    whole = pane(np.concatenate(parts))
    for way in ("waves", "errors"):
        summed = np.sum([getattr(TOGETHER, way)(pane(part)) for part in parts], axis=0)
        np.testing.assert_allclose(getattr(TOGETHER, way)(whole), summed, rtol=1e-9, atol=1e-9)
