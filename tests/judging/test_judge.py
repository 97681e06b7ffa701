"""Windows judged against two weeks of panes: what each change scores, and what led."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from collectors.drift.calibrate import calibrate
from collectors.drift.calibrated import Calibration, Rules
from collectors.drift.calibration.fitted import Fitted
from collectors.drift.calibration.heldout import ColumnKey
from collectors.drift.comparisons import Comparison, Summaries
from collectors.drift.judge import JOINT, MANY, Judge, Judgement, Scored
from collectors.layout import Layout, Output
from collectors.schema import Schema
from monitor.judging.families import compared
from tests.support.events import HOUR
from tests.support.panes import (
    LEVELS,
    MONDAY,
    USUAL,
    Change,
    Rows,
    Traffic,
    as_events,
    count,
    hours,
    nulls,
    numbers,
    stream,
)
from tests.support.schemas import feature

RULES = Rules(budget=1.0, min_rows=20, zone="UTC", days=False)
NEXT = MONDAY + 336 * HOUR
"""The first pane after the reference, a Monday's first hour."""

Made = tuple[Calibration, list[Comparison]]


@pytest.fixture(scope="module")
def made() -> Made:
    return calibrate("ref", stream(1, hours(336)), HOUR, RULES)


@pytest.fixture(scope="module")
def fit(made: Made) -> Fitted:
    assert made[0].hourly is not None
    return made[0].hourly


@pytest.fixture(scope="module")
def judge(made: Made, fit: Fitted) -> Judge:
    return Judge(fit, made[1], "UTC", 20)


def rows(seed: int = 7, traffic: Traffic = USUAL) -> Rows:
    return traffic.pane(np.random.default_rng(seed), NEXT)


def judged(
    judge: Judge, pane: Summaries, muted: frozenset[str] = frozenset(), start: int = NEXT
) -> Judgement:
    found = judge.judge(start, 1, [pane], {"v1": [pane]}, muted)
    assert found is not None
    return found


def platinum(share: float) -> Change:
    """A category that was never there."""

    def change(one: Rows) -> Rows:
        new = np.arange(len(one)) % round(1 / share) == 0
        return replace(one, c=np.where(new, "platinum", one.c))

    return change


A, B, C = ("input", "a"), ("input", "b"), ("input", "c")
DRIFTS: Mapping[str, tuple[Change, tuple[str, str], set[str]]] = {
    "90% null": (nulls(0.9), B, {"missing", "distribution", "shape"}),
    "wholly null": (nulls(1.0), B, {"missing", "distribution", "shape"}),
    "a third null": (nulls(0.3), B, {"missing", "distribution", "shape"}),
    "a new category of 5%": (platinum(0.05), C, {"invalid", "distribution"}),
    "a category takes over": (
        lambda one: replace(one, c=np.full(len(one), LEVELS[0])),
        C,
        {"distribution"},
    ),
    "a thousandth of the unit": (lambda one: replace(one, a=one.a * 1e3), A, {"mean", "spread"}),
    "a thousand times the unit": (
        lambda one: replace(one, a=one.a / 1e3),
        A,
        {"mean", "spread", "shape"},
    ),
    "a constant": (lambda one: replace(one, a=np.full(len(one), 50.0)), A, {"spread"}),
    "twice the spread": (
        lambda one: replace(one, a=50 + 2 * (one.a - 50)),
        A,
        {"spread", "shape"},
    ),
    "a twentieth of the volume": (
        lambda one: one.some(len(one) // 20),
        ("input", ""),
        {"volume"},
    ),
    "a fifth failed": (
        lambda one: replace(one, failed=np.arange(len(one)) % 5 == 0),
        ("software", ""),
        {"errors"},
    ),
    "three times the latency": (
        lambda one: replace(one, latency=one.latency * 3),
        ("software", ""),
        {"latency_mean", "latency_distribution", "latency_shape"},
    ),
    "a slow tail": (
        lambda one: replace(one, latency=np.where(np.arange(len(one)) % 8 == 0, 3.0, one.latency)),
        ("software", ""),
        {"latency_tail", "latency_mean", "latency_spread"},
    ),
    "no answers": (
        lambda one: replace(one, y=np.full(len(one), np.nan)),
        ("output", ""),
        {"missing", "distribution", "shape"},
    ),
    "answers of another sign": (
        lambda one: replace(one, y=-one.y),
        ("output", ""),
        {"mean", "distribution", "shape"},
    ),
}


@pytest.mark.parametrize("name", DRIFTS)
def test_the_first_window_after_a_change_alarms_by_itself_and_names_what_changed(
    judge: Judge, fit: Fitted, name: str
) -> None:
    change, column, statistics = DRIFTS[name]
    found = judged(judge, count(change(rows()), NEXT))
    led = next(one for one in found.scored if one.key not in MANY)
    assert found.score >= led.score > fit.alone.value
    assert (led.key.subject, led.key.feature) == column
    assert led.key.statistic in statistics


def test_a_feature_that_is_gone_is_missing(judge: Judge, fit: Fitted) -> None:
    for name in ("a", "b", "c"):
        found = judged(judge, count(rows(), NEXT, without=[name]))
        led = found.scored[0]
        assert found.score > fit.alone.value
        assert led.key.feature == name
        by_key = {one.key: one for one in found.scored}
        missing = by_key[ColumnKey("input", name, "missing")]
        assert missing.score > fit.alone.value
        assert missing.effect == pytest.approx(1.0 if name != "b" else 0.95, abs=0.02)
        assert ColumnKey("input", name, "mean") not in by_key


def test_where_nothing_changed_nothing_alarms(judge: Judge, fit: Fitted) -> None:
    live = stream(1, hours(240, NEXT))
    found = [judged(judge, pane, start=start) for start, pane in live.items()]
    assert sum(one.score > fit.alone.value for one in found) == 0
    assert all(one.scored[-1].score >= 0 for one in found)
    for one in found:
        ordered = [scored.score for scored in one.scored]
        assert ordered == sorted(ordered, reverse=True)
        assert one.score == ordered[0]


def test_many_small_changes_together_are_more_than_each(judge: Judge, fit: Fitted) -> None:
    def change(one: Rows) -> Rows:
        slower = one.latency * 1.15
        return replace(one, a=one.a + 3.0, b=one.b * 1.3, y=one.y + 0.3, latency=slower)

    found = [judged(judge, pane) for pane in stream(3, hours(20, NEXT), change=change).values()]
    joint = [score_of(one, JOINT) for one in found]
    assert np.median(joint) > fit.together.value
    usual = [judged(judge, pane) for pane in stream(3, hours(20, NEXT)).values()]
    assert max(score_of(one, JOINT) for one in usual) < fit.together.value
    assert np.median(joint) > np.median([score_of(one, JOINT) for one in usual]) + 3


def score_of(judgement: Judgement, key: ColumnKey) -> float:
    return next(one.score for one in judgement.scored if one.key == key)


def test_of_a_window_with_too_few_rows_volume_alone_is_judged(judge: Judge) -> None:
    for number, judged_too in ((1, False), (19, False), (20, True)):
        found = judged(judge, count(rows().some(number), NEXT))
        keys = {one.key.statistic for one in found.scored}
        assert ("errors" in keys) == judged_too
        assert ("joint" in keys) == judged_too
        if not judged_too:
            assert keys == {"volume"}
            assert [one.always for one in found.scored] == [True]


def test_nothing_at_all_is_no_judgement(made: Made, fit: Fitted) -> None:
    no_volume = [one for one in made[1] if not one.always]
    few = count(rows().some(5), NEXT)
    assert Judge(fit, no_volume, "UTC", 20).judge(NEXT, 1, [few], {"v1": [few]}) is None


def test_a_feature_that_came_later_is_compared_with_nothing(judge: Judge) -> None:
    layout = Layout(
        "m",
        (
            feature("d", "number"),
            feature("a", "number"),
            feature("b", "number"),
            feature("c", "category", categories=tuple(LEVELS.tolist())),
        ),
        Output("number"),
    )
    one = rows()
    batch = as_events(one, NEXT)
    more = replace(batch, features={"d": numbers(one.a * 9), **batch.features})
    later = Schema.build(layout, [more])
    pane = {family.name: family.empty() for family in compared(later)}
    for family in compared(later):
        family.observe(pane[family.name], later.qualify(more))
    found = judged(judge, pane)
    assert {scored.key.feature for scored in found.scored} == {"a", "b", "c", ""}


def test_what_is_too_small_to_matter_scores_nothing_however_many_rows_prove_it() -> None:
    many = Traffic(rows=20_000, wander=0.0)
    calibration, found = calibrate("ref", stream(1, hours(24), many), HOUR, RULES)
    assert calibration.hourly is not None
    judge = Judge(calibration.hourly, found, "UTC", 20)

    def scores(shift: float) -> dict[str, Scored]:
        one = rows(traffic=many)
        moved = judged(judge, count(replace(one, a=one.a + shift), NEXT)).scored
        return {o.key.statistic: o for o in moved if o.key.feature == "a"}

    small = scores(0.3)  # 0.03 of its standard deviation, 4 of that of the mean
    assert small["mean"].effect == pytest.approx(0.03, abs=0.01)
    assert small["mean"].score == small["distribution"].score == 0
    mean = next(o for o in calibration.hourly.scorers if o.key == ColumnKey("input", "a", "mean"))
    ratio = mean.over_noise(small["mean"].now[None, :], np.array([0]), 20)
    assert mean.score(ratio)[0] > 3  # were it not for its floor
    large = scores(1.0)
    assert large["mean"].score > calibration.hourly.alone.value
    assert large["distribution"].effect > 0.02
    assert large["distribution"].score > calibration.hourly.alone.value


class TestMuted:
    def test_its_scores_are_there_and_do_not_count(self, judge: Judge, fit: Fitted) -> None:
        pane = count(nulls(0.9)(rows()), NEXT)
        loud, quiet = judged(judge, pane), judged(judge, pane, frozenset({"b"}))
        assert loud.score > fit.alone.value > fit.together.value > quiet.score
        of = [
            {one.key: one.score for one in found.scored if one.key.feature == "b"}
            for found in (loud, quiet)
        ]
        assert of[0] == of[1]
        assert max(of[0].values()) == loud.score

    def test_it_has_no_share_in_the_joint_column(self, judge: Judge) -> None:
        pane, usual = count(nulls(1.0)(rows()), NEXT), count(rows(), NEXT)
        muted = frozenset({"b"})
        joint = [score_of(judged(judge, one, muted), JOINT) for one in (pane, usual)]
        # Of all answers the inputs are a part: which ones came before is about them too.
        assert joint[0] == pytest.approx(joint[1], abs=0.2)
        assert score_of(judged(judge, pane), JOINT) > joint[0] + 3

    def test_all_of_them_leave_the_rest(self, judge: Judge) -> None:
        found = judged(judge, count(rows(), NEXT), frozenset({"a", "b", "c"}))
        assert math.isfinite(found.score)


class TestVersions:
    def parts(self, change: Change) -> tuple[Summaries, Summaries, Summaries]:
        """A window of two versions of which the second is changed, and both together."""
        one, other = rows(1), rows(2)
        pane, changed = count(one, NEXT), count(change(other), NEXT)
        return pane, changed, {n: s.merge(changed[n]) for n, s in pane.items()}

    def test_answers_are_judged_of_each_and_each_pays_for_all(self, judge: Judge) -> None:
        old, new, both = self.parts(lambda one: replace(one, y=one.y + 2.0))
        found = judge.judge(NEXT, 1, [both], {"1": [old], "2": [new]})
        alone = judge.judge(NEXT, 1, [new], {"2": [new]})
        assert found is not None
        assert alone is not None
        key = ColumnKey("output", "", "mean")
        scores = {one.version: one.score for one in found.scored if one.key == key}
        assert scores.keys() == {"1", "2"}
        assert scores["2"] == pytest.approx(score_of(alone, key) - math.log(2))
        assert scores["1"] < 3 < scores["2"]
        assert found.scored[0].version == "2"
        inputs = [one for one in found.scored if one.key.subject == "input"]
        assert {one.version for one in inputs} == {""}

    def test_a_reference_of_several_is_compared_with_all_together(
        self, made: Made, fit: Fitted
    ) -> None:
        old, new, both = self.parts(lambda one: replace(one, y=one.y + 2.0))
        judge = Judge(fit, made[1], "UTC", 20, mixed=True)
        found = judge.judge(NEXT, 1, [both], {"1": [old], "2": [new]})
        assert found is not None
        assert {one.version for one in found.scored} == {""}
        key = ColumnKey("output", "", "mean")
        merged = judge.judge(NEXT, 1, [both], {"": [both]})
        assert merged is not None
        assert score_of(found, key) == score_of(merged, key) > 3

    def test_one_with_few_rows_is_not_judged(self, judge: Judge) -> None:
        old, _, _ = self.parts(lambda one: one)
        few = count(rows(3).some(5), NEXT)
        both = {n: s.merge(few[n]) for n, s in old.items()}
        found = judge.judge(NEXT, 1, [both], {"1": [old], "2": [few]})
        assert found is not None
        assert {one.version for one in found.scored if one.key.subject == "output"} == {"1"}


DAYS = Traffic(rows=60, season=1.0, tenfold=True)


@pytest.fixture(scope="module")
def by_day() -> tuple[Judge, Fitted]:
    calibration, found = calibrate(
        "ref", stream(1, hours(24 * 7), DAYS), HOUR, replace(RULES, days=True)
    )
    assert calibration.daily is not None
    return Judge(calibration.daily, found, "UTC", 20), calibration.daily


class TestDays:
    def day(self, seed: int, change: Change = lambda one: one) -> list[Summaries]:
        start = MONDAY + (7 + seed) * 24 * HOUR
        return list(stream(1, hours(24, start), DAYS, change).values())

    def judged(self, judge: Judge, panes: list[Summaries], length: int = 24) -> Judgement:
        found = judge.judge(MONDAY + 7 * 24 * HOUR, length, panes, {"v1": panes})
        assert found is not None
        return found

    def test_a_day_like_the_others_is_no_news(self, by_day: tuple[Judge, Fitted]) -> None:
        judge, fit = by_day
        for seed in range(5):
            found = self.judged(judge, self.day(seed))
            assert found.score < fit.alone.value
            # Its hours differ by nature: what is within each counts, and how many there are.
            worst = {one.key.statistic: one.score for one in found.scored}
            assert max(worst["spread"], worst["volume"], worst["reruns"]) < 5

    @pytest.mark.parametrize(
        ("change", "key"),
        [
            (lambda one: replace(one, a=one.a + 3.0), ColumnKey("input", "a", "mean")),
            (nulls(0.08), ColumnKey("input", "b", "missing")),
            (lambda one: replace(one, y=2 + 1.5 * (one.y - 2)), ColumnKey("output", "", "spread")),
        ],
        ids=["mean", "missing", "spread"],
    )
    def test_a_small_change_that_lasts_is_seen_by_day(
        self, by_day: tuple[Judge, Fitted], change: Change, key: ColumnKey
    ) -> None:
        judge, fit = by_day
        found = self.judged(judge, self.day(0, change))
        assert score_of(found, key) > fit.alone.value

    def test_a_day_of_which_most_hours_are_empty_has_lost_volume(
        self, by_day: tuple[Judge, Fitted]
    ) -> None:
        judge, fit = by_day
        found = self.judged(judge, self.day(0)[::4])
        assert score_of(found, ColumnKey("input", "", "volume")) > fit.alone.value

    def test_a_day_of_23_hours_has_not(self, by_day: tuple[Judge, Fitted]) -> None:
        judge, fit = by_day
        found = self.judged(judge, self.day(0)[1:], 23)
        assert score_of(found, ColumnKey("input", "", "volume")) < fit.alone.value / 2
