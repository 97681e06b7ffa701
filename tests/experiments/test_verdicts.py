"""Verdicts, one after the other, as a reader meets them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from collectors.experiments.experiment import Experiment
from collectors.experiments.metrics import Mean, Metric, Share
from collectors.experiments.sequence import half_width, tuning
from collectors.experiments.units import UnitsSummary, pane_units
from collectors.experiments.verdicts import BURN_IN, Earlier, Finding, Verdict, judge
from collectors.hashing import mix
from tests.support.columns import category_column

YES = Metric("yes", "answer", Share("yes"), 0.05, "higher")
PLAN = Experiment(("v1", "v2"), (YES,), unit="user")


def traffic(
    plan: Experiment,
    shares: tuple[float, ...],
    rows: int = 20_000,
    *,
    seed: int = 1,
    split: float = 0.5,
) -> UnitsSummary:
    """Every user asks once, except where there is no unit: then 50 panes have equal rows."""
    rng = np.random.default_rng(seed)
    arms = (rng.random(rows) < split).astype(np.int32) * rng.integers(1, len(shares), rows)
    arms = arms.astype(np.int32)
    yes = rng.random(rows) < np.array(shares)[arms]
    places = mix(np.arange(rows, dtype=np.uint64))
    units = places
    if plan.unit is None:
        units = np.concatenate([pane_units(i, rows // 50) for i in range(50)])
    total = plan.summary()
    total.observe(
        arms, units, places, {"answer": category_column(["yes" if one else "no" for one in yes])}
    )
    return total


def only(plan: Experiment, total: UnitsSummary, panes: int = 100) -> Finding:
    check = plan.ratio_check()
    if check is not None:
        check.look(total)
    (finding,) = judge(plan, total, check, panes)
    return finding


def test_better_and_worse_follow_the_direction() -> None:
    up = traffic(PLAN, (0.2, 0.3))
    finding = only(PLAN, up)
    assert finding.verdict is Verdict.BETTER
    assert finding.low < 0.1 < finding.high
    assert finding.low > 0
    assert finding.notes == ()
    less = replace(PLAN, metrics=(replace(YES, better="lower"),))
    assert only(less, traffic(less, (0.2, 0.3))).verdict is Verdict.WORSE
    assert only(PLAN, traffic(PLAN, (0.3, 0.2))).verdict is Verdict.WORSE


def test_without_a_direction_it_is_different() -> None:
    plan = replace(PLAN, metrics=(replace(YES, better=None),))
    assert only(plan, traffic(plan, (0.2, 0.3))).verdict is Verdict.DIFFERENT


def test_an_interval_within_the_margin_is_the_same_even_without_0() -> None:
    assert only(PLAN, traffic(PLAN, (0.2, 0.2))).verdict is Verdict.SAME
    finding = only(PLAN, traffic(PLAN, (0.2, 0.22), rows=80_000))
    assert finding.verdict is Verdict.SAME
    assert finding.low > 0


def test_too_little_is_undecided_and_says_how_much_is_missing() -> None:
    few = traffic(PLAN, (0.2, 0.2), rows=2_000)
    (now,) = judge(PLAN, few, None, 100, Earlier(50, {}))
    assert now.verdict is Verdict.UNDECIDED
    before = Earlier(50, {("v2", "yes"): now.information / 2})
    (finding,) = judge(PLAN, few, None, 100, before)
    assert finding.panes_left is not None
    assert now.panes_left is not None
    assert 0 < now.panes_left < finding.panes_left < math.inf
    # With as many more panes at this rate the interval is narrow enough, with one fewer it is not.
    rho, wanted = tuning(0.05, 0.05), max(abs(now.estimate), 0.05 - abs(now.estimate))
    for panes, enough in ((finding.panes_left, True), (finding.panes_left - 1, False)):
        information = now.information * (1 + panes / 100)
        assert (half_width(1 / information, now.clusters, 0.05, rho) <= wanted) == enough
    stalled = Earlier(50, {("v2", "yes"): now.information})
    assert judge(PLAN, few, None, 100, stalled)[0].panes_left == math.inf


def test_a_broken_split_silences_every_metric_but_not_its_interval() -> None:
    finding = only(PLAN, traffic(PLAN, (0.2, 0.3), split=0.4))
    assert finding.verdict is Verdict.RATIO_BROKEN
    assert math.isfinite(finding.low)
    planned = replace(PLAN, split=(0.6, 0.4))
    assert only(planned, traffic(planned, (0.2, 0.3), split=0.4)).verdict is Verdict.BETTER


def test_observed_is_never_better_or_worse_and_needs_no_split() -> None:
    plan = replace(PLAN, design="observed")
    for shares in ((0.2, 0.3), (0.3, 0.2)):
        finding = only(plan, traffic(plan, shares, split=0.1))
        assert finding.verdict is Verdict.DIFFERENT
        assert finding.notes == ("not randomised",)


def test_shadow_has_no_split_to_check() -> None:
    plan = replace(PLAN, design="shadow")
    assert plan.ratio_check() is None
    finding = only(plan, traffic(plan, (0.2, 0.3), split=0.1))
    assert finding.verdict is Verdict.BETTER


def test_where_nothing_scatters_no_error_is_told() -> None:
    plan = replace(PLAN, metrics=(Metric("score", "x", Mean(0.0, 10.0), 0.5),))
    total = plan.summary()
    total.counts[:] = 3
    total.sums[0, 1] = 3
    finding = only(plan, total)
    assert finding.verdict is Verdict.UNDECIDED
    assert finding.estimate == 1
    assert any("nothing scatters" in note for note in finding.notes)


def test_the_first_panes_only_count() -> None:
    total = traffic(PLAN, (0.2, 0.9))
    early = only(PLAN, total, BURN_IN - 1)
    assert early.verdict is Verdict.UNDECIDED
    assert early.notes == ("pane 23 of the first 24, which only count",)
    assert only(PLAN, total, BURN_IN).verdict is Verdict.BETTER


def test_a_handful_of_units_is_too_few_however_many_rows() -> None:
    total = PLAN.summary()
    rows = 10_000
    units = mix(np.arange(rows, dtype=np.uint64) % np.uint64(12))
    arms = (np.arange(rows) % 12 % 2).astype(np.int32)
    answers = category_column(["yes" if arm else "no" for arm in arms])
    total.observe(arms, units, units, {"answer": answers})
    finding = only(PLAN, total)
    assert finding.verdict is Verdict.UNDECIDED
    assert finding.units == (6, 6)
    assert finding.notes == ("too few units: worth 6, 30 are needed",)


def test_units_that_change_arms_are_reported() -> None:
    total = traffic(PLAN, (0.2, 0.3), seed=1)
    (finding,) = judge(PLAN, total.merge(traffic(PLAN, (0.2, 0.3), seed=2)), None, 100)
    assert finding.notes[0].endswith("% of the units were seen by several arms")


def test_without_a_unit_it_says_what_it_takes_for_granted() -> None:
    plan = replace(PLAN, unit=None)
    finding = only(plan, traffic(plan, (0.2, 0.3)))
    assert finding.verdict is Verdict.BETTER
    assert finding.units is None
    assert finding.notes == ("rows taken as independent",)
    assert only(plan, plan.summary()).notes[1] == "too few panes: worth 0, 30 are needed"


def test_without_a_unit_a_split_of_rows_is_a_note_that_silences_nothing() -> None:
    plan = replace(PLAN, unit=None)
    finding = only(plan, traffic(plan, (0.2, 0.3), split=0.4))
    assert finding.verdict is Verdict.BETTER
    assert any("rows are not split as planned" in note for note in finding.notes)


def test_the_error_is_split_over_metrics_and_arms() -> None:
    one = only(PLAN, traffic(PLAN, (0.2, 0.2)))
    other = replace(YES, name="again")
    plan = Experiment(("v1", "v2", "v3"), (YES, other), split=(2, 1, 1), unit="user")
    total = traffic(plan, (0.2, 0.2, 0.2), rows=40_000)
    findings = judge(plan, total, None, 100)
    assert [(f.treatment, f.metric) for f in findings] == [
        ("v2", "yes"),
        ("v2", "again"),
        ("v3", "yes"),
        ("v3", "again"),
    ]
    assert plan.error_each == pytest.approx(0.05 / 4)
    wide = (findings[0].high - findings[0].low) * math.sqrt(findings[0].information)
    assert wide > (one.high - one.low) * math.sqrt(one.information)


@pytest.mark.parametrize(
    "wrong",
    [{"arms": ("v1", "v1")}, {"split": (0.3, 0.3, 0.4)}, {"metrics": ()}, {"error": 0.0}],
)
def test_a_plan_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"arms|metric"):
        replace(PLAN, **wrong)  # type: ignore[arg-type]
