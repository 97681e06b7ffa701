"""Each column's own tail, and faults that ring whatever the others have seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.simulate.columns import compared, where
from benchmarks.simulate.streams import REGIMES, Cells, draw
from collectors.drift.calibration import scores
from collectors.drift.calibration.fit import fit
from collectors.drift.calibration.fitted import Fitted
from collectors.drift.calibration.heldout import Column
from collectors.drift.calibration.measures import Floats, JensenShannon, Measure, Share
from collectors.drift.calibration.scorer import KNOTS, Pooled, Scorer

PANES, ROWS = 336, 20


def scorer(measure: Measure, farthest: float, sure: float) -> Scorer:
    """One that never looks at its reference."""
    nothing = np.zeros((1, 2))
    return Scorer(
        *(("input", "a", measure.kind), measure, False, "none", nothing, nothing[0], nothing[0]),  # type: ignore[arg-type]
        *(1.0, 0.0, KNOTS, KNOTS, farthest, sure),
    )


def told(one: Scorer, score: float, effect: float) -> float:
    return float(one.told(np.array([score]), np.array([effect]))[0])


class TestAPlainFault:
    missing = scorer(Share("missing"), farthest=0.1, sure=25.0)

    def test_just_passes_the_threshold_that_its_score_does_not(self) -> None:
        assert told(self.missing, 19.0, 0.9) == np.nextafter(25.0, np.inf)

    def test_keeps_a_score_that_is_beyond_it(self) -> None:
        assert told(self.missing, 80.0, 0.9) == 80.0

    @pytest.mark.parametrize(
        ("score", "effect", "farthest"),
        [(19.0, 0.49, 0.1), (9.9, 0.9, 0.1), (19.0, 0.9, 0.61)],
        ids=["not half of all rows", "not rare", "no farther than the reference went"],
    )
    def test_is_none(self, score: float, effect: float, farthest: float) -> None:
        assert told(replace(self.missing, farthest=farthest), score, effect) == score

    def test_is_not_what_is_too_small_to_matter(self) -> None:
        invalid = scorer(Share("invalid", floor=0.2), farthest=0.0, sure=25.0)
        assert told(invalid, 19.0, 0.1) == 0.0
        assert float(invalid.told(np.array([19.0]), np.array([0.1]), 0.05)[0]) > 25.0

    def test_is_a_number_that_is_the_same_in_every_row(self) -> None:
        shape = JensenShannon("shape")
        constant = np.array([[0.0] * 5 + [60.0] + [0.0] * 5])
        effect = float(shape.effect(constant, np.full((1, 11), 100.0))[0])
        assert told(scorer(shape, farthest=0.3, sure=25.0), 12.0, effect) > 25.0
        assert told(scorer(shape, farthest=0.6, sure=25.0), 12.0, effect) == 12.0


def fitted(columns: list[Column]) -> Fitted:
    return fit(columns, where(PANES), np.ones(PANES, dtype=np.bool_), 1.0 / 1440.0, ROWS)


@pytest.fixture(scope="module")
def columns() -> list[Column]:
    stream = draw(REGIMES["independent"], 5, PANES, (7, 7))
    return [one.column(slice(0, PANES)) for one in compared(stream, slice(0, PANES))]


def storm(columns: list[Column]) -> list[Column]:
    """The first feature's missing share goes up and down by itself, as in weather."""
    rng = np.random.default_rng(3)
    found = []
    for column in columns:
        if (column.key.feature, column.key.statistic) == ("0", "missing"):
            rows = column.profile.sum(axis=1)
            share = np.minimum(0.01 * rng.pareto(1.5, PANES), 0.3)
            gone = np.round(share * rows)
            column = replace(column, profile=np.column_stack((gone, rows - gone)))  # noqa: PLW2901
        found.append(column)
    return found


def test_nulls_in_most_rows_ring_though_the_reference_had_storms(columns: list[Column]) -> None:
    found = fitted(storm(columns))
    one = next(s for s in found.scorers if s.key[1:] == ("0", "missing"))
    assert 0.2 < one.farthest < 0.3
    assert one.sure == found.alone.value
    now = np.array([[900.0, 100.0]])
    bucket = np.zeros(1, dtype=np.int64)
    score = one.score(one.over_noise(now, bucket, ROWS))
    effect = one.measure.effect(now, one.totals[bucket])
    assert one.told(score, effect)[0] > found.alone.value
    calm = np.array([[250.0, 750.0]])
    score = one.score(one.over_noise(calm, bucket, ROWS))
    assert one.told(score, one.measure.effect(calm, one.totals[bucket]))[0] < found.alone.value


def test_the_farthest_pane_is_that_of_the_raw_shares(columns: list[Column]) -> None:
    found = fitted(columns)
    for one, column in zip(found.scorers, columns, strict=True):
        if column.measure.kind == "missing" and one.season == "none":
            shares = column.profile[:, 0] / column.profile.sum(axis=1)
            assert one.farthest == pytest.approx(shares.max() - shares.mean(), abs=0.002)


class TestOfEach:
    pools = [Pooled(2.3, 2.3, 1.0)] * 3
    blocks = np.repeat(np.arange(10), 60)

    def drawn(self) -> Floats:
        found = np.random.default_rng(5).exponential(size=(3, 600))
        found[1] *= np.where(found[1] > 2.3, 3.0, 1.0)
        return found

    def test_a_heavy_column_is_mapped_by_its_own_tail(self) -> None:
        own, mapped = scores.of_each(self.drawn(), self.pools, self.blocks)
        light, heavy, other = own
        assert heavy.scale > 3.0
        assert light.scale < 1.5
        assert other.scale < 1.5
        assert np.quantile(mapped[1], 0.995) < np.quantile(self.drawn()[1], 0.995) / 2.0

    def test_no_column_is_made_steeper_than_its_kind(self) -> None:
        own, _ = scores.of_each(np.zeros((3, 600)), self.pools, self.blocks)
        assert {one.scale for one in own} == {1.0}
        assert {one.level for one in own} == {2.3}

    def test_few_panes_are_mapped_by_the_other_blocks_alone(self) -> None:
        drawn = self.drawn()[:, :160]
        drawn[2] = 0.5
        drawn[2, 3] = 40.0
        _, mapped = scores.of_each(drawn, self.pools, self.blocks[:160])
        assert mapped[2, 3] == pytest.approx(2.3 + 40.0 - 2.3)

    def test_many_panes_have_a_part_in_their_own_map(self) -> None:
        drawn = self.drawn()
        drawn[2] = 0.5
        drawn[2, 3] = 40.0
        _, mapped = scores.of_each(drawn, self.pools, self.blocks)
        assert mapped[2, 3] < 30.0


def test_a_new_value_in_every_tenth_row_is_a_plain_fault() -> None:
    """Of a column that never had one, in an hour of 60 rows."""
    stream = draw(REGIMES["mixed"], 5, PANES, (7, 8))
    cells: list[Cells] = list(stream.cells)
    every = compared(stream, slice(0, PANES))
    found = fitted([one.column(slice(0, PANES)) for one in every])
    categories = [str(i) for i, one in enumerate(cells) if one.values is None]
    assert categories
    for one in found.scorers:
        if one.key.statistic == "invalid" and one.key.feature in categories:
            now, bucket = np.array([[6.0, 54.0]]), np.zeros(1, dtype=np.int64)
            score = one.score(one.over_noise(now, bucket, ROWS))
            effect = one.measure.effect(now, one.totals[bucket])
            assert one.farthest == 0.0
            assert one.told(score, effect)[0] > found.alone.value
