"""Columns of a reference that rest on different panes: each is judged by its own, in one budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from collectors.drift.calibrate import calibrate
from collectors.drift.calibrated import Calibration, Rules
from collectors.drift.calibration.fitted import Fitted, Threshold
from collectors.drift.calibration.groups import combined
from collectors.drift.calibration.heldout import ColumnKey
from collectors.drift.comparisons import Comparison, Summaries
from collectors.drift.judge import Judge, Judgement
from monitor.judging.entries import Entries
from monitor.judging.families import empty
from tests.support.events import HOUR
from tests.support.panes import MONDAY, SCHEMA, Rows, hours, stream

RULES = Rules(budget=1.0, min_rows=20, zone="UTC", days=False)
OWN = MONDAY + 200 * HOUR
"""Where the panes begin that `a` has for itself."""

Made = tuple[Calibration, list[Comparison]]


def moved(rows: Rows) -> Rows:
    """`a` by two of its standard deviations."""
    return replace(rows, a=rows.a + 20.0)


def without(pane: Summaries, name: str) -> Summaries:
    """The pane, which has no rows of a feature, nor of all of them together."""
    none = empty(SCHEMA)
    columns = pane["inputs"].columns | {name: none["inputs"].columns[name]}
    inputs = replace(pane["inputs"], columns=columns)
    return {**pane, "inputs": inputs, "multivariate": none["multivariate"]}


def only(pane: Summaries, name: str) -> Summaries:
    """Nothing but a feature of the pane."""
    found = empty(SCHEMA)
    found["inputs"].columns[name] = pane["inputs"].columns[name]
    return found


def parted(seed: int = 1, number: int = 48) -> dict[int, Summaries]:
    """A week without `a`, and later so many panes of an `a` that is another one."""
    rest = {start: without(pane, "a") for start, pane in stream(seed, hours(168)).items()}
    own = stream(seed, hours(number, OWN), change=moved)
    return rest | {start: only(pane, "a") for start, pane in own.items()}


def made_of(panes: Mapping[int, Summaries], rules: Rules = RULES, **more: object) -> Made:
    return calibrate("ref", panes, HOUR, rules, **more)  # type: ignore[arg-type]


def hourly(made: Made) -> Fitted:
    assert made[0].hourly is not None
    return made[0].hourly


@pytest.fixture(scope="module")
def made() -> Made:
    return made_of(parted())


def judged(made: Made, start: int, pane: Summaries) -> Judgement:
    found = Judge(hourly(made), made[1], "UTC", 20).judge(start, 1, [pane], {"v": [pane]})
    assert found is not None
    return found


def test_each_column_is_compared_with_its_own_panes(made: Made) -> None:
    by_key = {one.key: one for one in hourly(made).scorers}
    assert [one.key for one in hourly(made).scorers] == [one.key for one in made[1]]
    for feature, panes in (("a", stream(1, hours(48, OWN))), ("b", stream(1, hours(168)))):
        rows = sum(pane["software"].rows for pane in panes.values())
        scorer = by_key[ColumnKey("input", feature, "missing")]
        assert scorer.rows.sum() == rows
    volume = by_key[ColumnKey("input", "", "volume")]
    # Neither the panes of `a` alone nor the hours between are hours without rows.
    assert volume.totals[:, -1].sum() == 168
    assert hourly(made).judged == 168
    assert len(hourly(made).largest) == 168


def test_it_is_as_certain_as_its_least_certain_column(made: Made) -> None:
    assert made[0].certainty == "provisional"
    assert made_of(parted(number=168))[0].certainty == "extrapolated"
    # Of too few panes a column is not judged, and the rest is.
    few = made_of(parted(number=23))
    assert few[0].certainty == "extrapolated"
    assert {one.key.feature for one in hourly(few).scorers} == {"", "b", "c"}


def test_what_was_accepted_is_quiet_and_every_other_change_rings(made: Made) -> None:
    start = OWN + 100 * HOUR
    limit = hourly(made).together.value
    (quiet,) = stream(1, [start], change=moved).values()
    assert judged(made, start, quiet).score < limit
    (back,) = stream(1, [start]).values()
    first = judged(made, start, back).scored[0]
    assert first.key.feature == "a"
    assert first.score > hourly(made).alone.value
    (other,) = stream(1, [start], change=lambda r: replace(moved(r), b=r.b * 3.0)).values()
    first = judged(made, start, other).scored[0]
    assert first.key.feature == "b"
    assert first.score > hourly(made).alone.value


def flagged(made: Made, panes: Mapping[int, Summaries]) -> int:
    """Windows that the rule of alarms flags."""
    entries, found = Entries(), 0
    for start, pane in panes.items():
        judgement = judged(made, start, pane)
        step = entries.step(hourly(made), judgement, start // HOUR, start + HOUR, frozenset())
        found += step.flagged
    return found


def test_false_alarms_are_no_more_than_of_a_reference_of_one_span() -> None:
    one = two = 0
    live = hours(200, OWN + 60 * HOUR)
    for seed in range(3):
        one += flagged(made_of(stream(seed, hours(168))), stream(seed, live))
        two += flagged(made_of(parted(seed)), stream(seed, live, change=moved))
    # The budget has 0.8 in 600 windows.
    assert two <= one + 2
    assert two <= 3


def test_days_are_judged_by_the_days_that_a_column_has(made: Made) -> None:
    daily = made_of(parted(), replace(RULES, days=True))[0].daily
    assert daily is not None
    assert {one.key.feature for one in daily.scorers} == {"", "b", "c"}  # of `a` there are two
    daily = made_of(parted(number=96), replace(RULES, days=True))[0].daily
    assert daily is not None
    assert {one.key.feature for one in daily.scorers} == {"", "a", "b", "c"}
    assert daily.judged == 7


def test_what_is_left_out_is_no_silence() -> None:
    panes = stream(3, hours(168))
    gone = hours(12, MONDAY + 60 * HOUR)
    rest = {start: pane for start, pane in panes.items() if start not in gone}
    volume = ColumnKey("input", "", "volume")

    def panes_of(made: Made) -> float:
        (scorer,) = (one for one in hourly(made).scorers if one.key == volume)
        return float(scorer.totals[:, -1].sum())

    assert panes_of(made_of(rest)) == 168
    assert panes_of(made_of(rest, left_out=[(gone[0], gone[-1] + HOUR)])) == 156


def test_a_group_that_needs_a_higher_threshold_has_smaller_scores(made: Made) -> None:
    fit = hourly(made)
    for factor in (0.5, 2.0):
        limits = {
            name: Threshold(getattr(fit, name).value * factor, 1.0)
            for name in ("alone", "together")
        }
        both = combined([fit, replace(fit, **limits)])  # type: ignore[arg-type]
        own = both.scorers[len(fit.scorers) :]
        assert both.alone == fit.alone
        for one, other in zip(fit.scorers, own, strict=True):
            np.testing.assert_allclose(other.scores, one.scores / max(factor, 1.0))


def test_a_threshold_that_nothing_passes_changes_no_score(made: Made) -> None:
    fit = replace(hourly(made), together=Threshold(float("inf"), 1.0))
    assert combined([fit, fit]).scorers[0].scores is not None
    np.testing.assert_array_equal(combined([fit, fit]).scorers[-1].scores, fit.scorers[-1].scores)
