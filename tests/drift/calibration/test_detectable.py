"""What a reference says it would show, against windows really drawn with that change in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from collectors.drift.calibrate import calibrate
from collectors.drift.calibrated import Calibration, Rules
from collectors.drift.calibration.heldout import ColumnKey
from collectors.drift.changed import Cells, Compared, Shifted
from collectors.drift.comparisons import Comparison, Summaries, merge
from collectors.drift.detectable import Detectable, Windows
from collectors.drift.judge import Judge
from collectors.layout import Kind, Layout, Output
from collectors.schema import Schema
from tests.support.events import HOUR
from tests.support.panes import (
    MONDAY,
    Change,
    Rows,
    Traffic,
    as_events,
    count,
    draw,
    hours,
    nulls,
    stream,
)
from tests.support.schemas import feature

RULES = Rules(budget=1.0, min_rows=20, zone="UTC", days=False)
TRAFFIC = {
    "usual": Traffic(rows=300, wander=0.03),
    "with a season": Traffic(rows=200, wander=0.1, season=1.0, tenfold=True),
}
WINDOWS = 160
REFERENCE = 14 * 24
NEXT = MONDAY + REFERENCE * HOUR


class Made:
    """A reference of one kind of traffic, and what it says that it would show."""

    def __init__(self, traffic: Traffic) -> None:
        self.traffic = traffic
        self.panes = stream(1, hours(REFERENCE), traffic)
        found = calibrate("ref", self.panes, HOUR, RULES)
        self.calibration: Calibration = found[0]
        self.comparisons: list[Comparison] = found[1]
        assert self.calibration.hourly is not None
        self.hourly = self.calibration.hourly
        self.windows = Windows(
            self.hourly, self.comparisons, self.panes, merge(self.panes.values()), "UTC", 20
        )
        self.said = {(d.feature, d.part, d.change): d for d in self.windows.changes()}

    def of(self, feature: str, part: str, change: str) -> Detectable:
        return self.said[feature, part, change]  # type: ignore[index]

    def flagged(self, change: Change, mine: Callable[[ColumnKey], bool], limit: float) -> float:
        """The share of later windows, drawn with this change, that such comparisons flag."""
        judge = Judge(self.hourly, self.comparisons, "UTC", 20)
        live = stream(2, hours(WINDOWS, NEXT), self.traffic, change)
        passed = []
        for start, pane in live.items():
            found = judge.judge(start, 1, [pane], {"v1": [pane]})
            assert found is not None
            if any(not one.always for one in found.scored):
                passed.append(any(o.score > limit for o in found.scored if mine(o.key)))
        return float(np.mean(passed))


@pytest.fixture(scope="module", params=TRAFFIC)
def made(request: pytest.FixtureRequest) -> Made:
    return Made(TRAFFIC[request.param])


def of_feature(name: str) -> Callable[[ColumnKey], bool]:
    return lambda key: (key.subject, key.feature) == ("input", name)


def gone(share: float) -> Change:
    """A share of the present values of `b`."""
    return nulls(share)


def new(share: float) -> Change:
    def change(one: Rows) -> Rows:
        taken = np.random.default_rng(len(one)).random(len(one)) < share
        return replace(one, c=np.where(taken, "platinum", one.c))

    return change


def moved(name: str, by: float) -> Change:
    return lambda one: replace(one, **{name: getattr(one, name) + by})


def failed(share: float) -> Change:
    def change(one: Rows) -> Rows:
        more = np.random.default_rng(len(one)).random(len(one)) < share
        return replace(one, failed=one.failed | more)

    return change


def half(share: float) -> bool:
    """A half, to some five standard errors of so many windows, and what whole rows allow."""
    return 0.3 < share < 0.75


@pytest.mark.parametrize("rule", ["alone", "lasting"])
class TestHalfOfTheWindowsDrawnWithTheChangeAreFlagged:
    def limit(self, made: Made, rule: str) -> float:
        return made.hourly.alone.value if rule == "alone" else made.hourly.together.value

    @pytest.mark.parametrize(("feature", "sd"), [("a", 10.0), ("b", 10.0)])
    def test_a_shift(self, made: Made, rule: str, feature: str, sd: float) -> None:
        one = made.of(feature, "", "shift")
        size = getattr(one, rule)
        wave = 1.0 if feature == "b" else (1 + made.traffic.season**2 / 2) ** 0.5
        assert one.unit == pytest.approx(sd * wave, rel=0.1)
        change = moved(feature, size * one.unit)
        assert half(made.flagged(change, of_feature(feature), self.limit(made, rule)))

    def test_missing_values(self, made: Made, rule: str) -> None:
        size = getattr(made.of("b", "", "missing"), rule)
        # It is told in shares of all rows; of `b` a twentieth is missing by nature.
        change = gone(size / 0.95)
        assert half(made.flagged(change, of_feature("b"), self.limit(made, rule)))

    def test_a_new_category(self, made: Made, rule: str) -> None:
        size = getattr(made.of("c", "", "new category"), rule)
        assert half(made.flagged(new(size), of_feature("c"), self.limit(made, rule)))

    def test_errors(self, made: Made, rule: str) -> None:
        size = getattr(made.of("", "errors", "share"), rule)
        mine = ColumnKey("software", "", "errors")
        change = failed(size / 0.99)
        assert half(made.flagged(change, lambda key: key == mine, self.limit(made, rule)))

    def test_latency(self, made: Made, rule: str) -> None:
        one = made.of("", "latency", "shift")
        change = moved("latency", getattr(one, rule) * one.unit)
        assert half(
            made.flagged(change, lambda k: k.statistic[:7] == "latency", self.limit(made, rule))
        )

    def test_rows_that_stay_away(self, made: Made, rule: str) -> None:
        size = getattr(made.of("", "volume", "rows"), rule)
        mine = ColumnKey("input", "", "volume")

        def fewer(one: Rows) -> Rows:
            left = np.random.default_rng(len(one)).binomial(len(one), 1.0 - size)
            return one.some(int(left))

        assert half(made.flagged(fewer, lambda key: key == mine, self.limit(made, rule)))


def test_a_smaller_change_is_flagged_less_and_a_larger_one_more(made: Made) -> None:
    one = made.of("a", "", "shift")
    assert one.alone is not None
    assert one.unit is not None
    limit = made.hourly.alone.value
    shares = [
        made.flagged(moved("a", factor * one.alone * one.unit), of_feature("a"), limit)
        for factor in (0.5, 1.0, 1.5)
    ]
    assert shares[0] < 0.15 < shares[1] < 0.85 < shares[2]


def test_what_lasts_may_be_smaller(made: Made) -> None:
    for one in made.said.values():
        if one.alone is not None and one.lasting is not None:
            assert 0 < one.lasting <= one.alone


def test_of_a_new_category_the_distance_is_said(made: Made) -> None:
    one = made.of("c", "", "new category")
    assert one.alone is not None
    assert one.distance is not None
    # Without sampling noise, by SciPy: it is what the shares themselves are apart.
    from scipy.spatial.distance import jensenshannon

    usual = np.array([0.1, 0.2, 0.3, 0.4, 0.0])
    changed = np.append(usual[:4] * (1 - one.alone), one.alone)
    apart = float(jensenshannon(usual, changed))
    assert apart <= one.distance * 1.02
    assert one.distance == pytest.approx(apart, rel=0.25)


def test_every_column_has_its_lines_and_its_seasons(made: Made) -> None:
    changes = {(f, p, c) for f, p, c in made.said if f or p in {"latency", "errors", "volume"}}
    assert changes == {
        ("a", "", "shift"),
        ("a", "", "missing"),
        ("b", "", "shift"),
        ("b", "", "missing"),
        ("c", "", "new category"),
        ("c", "", "missing"),
        ("", "volume", "rows"),
        ("", "errors", "share"),
        ("", "latency", "shift"),
    }
    seasons = made.windows.seasons()
    season = seasons["input", "a", ""]["mean"]
    assert season == ("hour of day" if made.traffic.season else "none")
    usual = np.median([pane["software"].rows for pane in made.panes.values()])
    assert made.windows.rows == pytest.approx(usual, rel=0.15)


class TestNoChange:
    def test_none_is_what_was_counted(self, made: Made) -> None:
        for one in made.said.values():
            assert one.alone is None or one.alone > 0, one

    def test_values_below_an_edge_are_counted_as_they_were(self) -> None:
        panes: list[Summaries] = list(stream(1, hours(3)).values())
        numbers = [pane["inputs"].columns["b"] for pane in panes]
        cells = Cells(numbers)
        grid = numbers[0].grid
        edges = np.unique(np.concatenate([number.cells()[0] for number in numbers]))[1:]
        low, _ = grid.edges(edges)
        for row, number in zip(cells.below(low), numbers, strict=True):
            own, held = number.cells()
            assert row.tolist() == [held[own < edge].sum() for edge in edges.tolist()]
            assert cells.below(np.array([-1e9, 1e9])).T.tolist() == [
                [0, 0, 0],
                cells.total.tolist(),
            ]

    def test_between_edges_as_raw_values_lie(self) -> None:
        rows = draw(np.random.default_rng(3), 20_000)
        cells = Cells([count(rows)["inputs"].columns["a"]])
        at = np.linspace(10, 90, 50)
        raw = (rows.a[:, None] < at).sum(axis=0)
        assert np.abs(cells.below(at)[0] - raw).max() < 60  # of 20,000: within a cell


@pytest.mark.parametrize("statistic", ["distribution", "shape", "mean", "spread", "tail"])
@pytest.mark.parametrize("by", [0.3, 1.7])
def test_a_shifted_pane_is_what_shifted_rows_are_counted_as(
    made: Made, statistic: str, by: float
) -> None:
    key = ColumnKey("software", "", f"latency_{statistic}")
    comparison = next(one for one in made.comparisons if one.key == key)
    scorer = next(one for one in made.hourly.scorers if one.key == key)
    rows = draw(np.random.default_rng(3), 4_000)
    panes = [count(rows), count(rows.some(500))]
    profile = np.array([comparison.profile(pane) for pane in panes])
    numbers = [pane["software"].latency for pane in panes]
    sd = numbers[0].stddev()
    one = Shifted({statistic: Compared(comparison, scorer, profile)}, numbers, sd)
    moved_rows = replace(rows, latency=rows.latency + by * sd)
    counted = [comparison.profile(count(r)) for r in (moved_rows, moved_rows.some(500))]
    found = one.profile(statistic, by)
    for own, wanted in zip(found, counted, strict=True):
        # Rows of one cell are taken as evenly spread in it.
        assert np.abs(np.cumsum(own) - np.cumsum(wanted)).max() < 0.02 * max(wanted.sum(), 1.0)
    if statistic != "spread":
        assert np.abs(found - profile).max() > 0.02 * profile.sum(axis=1).min()


def test_a_constant_has_no_shift_and_what_is_never_there_no_line() -> None:
    def constant(one: Rows) -> Rows:
        return replace(one, a=np.full(len(one), 5.0), b=np.full(len(one), np.nan))

    panes = stream(1, hours(60), change=constant)
    calibration, found = calibrate("ref", panes, HOUR, RULES)
    assert calibration.hourly is not None
    merged = merge(panes.values())
    windows = Windows(calibration.hourly, found, panes, merged, "UTC", 20)
    said = {(d.feature, d.change) for d in windows.changes() if d.feature}
    assert ("a", "shift") not in said
    assert ("b", "shift") not in said
    assert {("a", "missing"), ("c", "new category")} <= said
    assert {one.part for one in windows.changes()} >= {"volume", "errors"}


def test_days_that_were_left_out_are_no_windows() -> None:
    panes = stream(1, hours(REFERENCE))
    incident = stream(1, hours(24, MONDAY + 96 * HOUR), change=nulls(0.9))
    calibration, found = calibrate("ref", panes | incident, HOUR, RULES)
    assert calibration.hourly is not None
    assert len(calibration.hourly.dropped) == 1
    every = panes | incident
    windows = Windows(calibration.hourly, found, every, merge(every.values()), "UTC", 20)
    size = next(d.alone for d in windows.changes() if (d.feature, d.change) == ("b", "missing"))
    assert size is not None
    assert 0.05 < size < 0.5


def test_a_boolean_has_no_new_category_but_another_value() -> None:
    kinds: dict[str, Kind] = {"a": "number", "b": "number", "c": "boolean"}
    layout = Layout("m", tuple(feature(*one) for one in kinds.items()), Output("number"))

    def rows(seed: int, turned: float = 0.0) -> Rows:
        rng = np.random.default_rng(seed)
        truth = (rng.random(300) < 0.2) | (rng.random(300) < turned)
        return replace(draw(rng, 300), c=np.where(truth, "true", "false"))

    schema = Schema.build(layout, [as_events(rows(0), MONDAY)])
    panes = {start: count(rows(i), start, schema) for i, start in enumerate(hours(96))}
    calibration, found = calibrate("ref", panes, HOUR, RULES)
    assert calibration.hourly is not None
    windows = Windows(calibration.hourly, found, panes, merge(panes.values()), "UTC", 20)
    (one,) = (d for d in windows.changes() if d.change == "other value")
    assert one.alone is not None
    judge = Judge(calibration.hourly, found, "UTC", 20)
    passed = []
    for i, start in enumerate(hours(WINDOWS, NEXT)):
        # It is told in shares of all rows, of which four of five are false.
        pane = count(rows(1_000 + i, one.alone / 0.8), start, schema)
        judgement = judge.judge(start, 1, [pane], {"v1": [pane]})
        assert judgement is not None
        scores = [o.score for o in judgement.scored if o.key.feature == "c"]
        passed.append(max(scores) > calibration.hourly.alone.value)
    assert half(float(np.mean(passed)))
