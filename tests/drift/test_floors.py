"""The table of floors is that of the measures, and a floor decides what counts and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from collectors.drift.calibrate import calibrate
from collectors.drift.calibrated import Calibration, Rules
from collectors.drift.calibration.scorer import JOINT_FLOOR
from collectors.drift.comparisons import Comparison, comparisons
from collectors.drift.floors import FLOORS
from collectors.drift.judge import JOINT, Judge, Scored
from tests.support.events import HOUR
from tests.support.panes import MONDAY, USUAL, Change, Rows, count, hours, nulls, stream

NEXT = MONDAY + 336 * HOUR
Made = tuple[Calibration, list[Comparison]]


@pytest.fixture(scope="module")
def made() -> Made:
    return calibrate("r", stream(1, hours(336)), HOUR, Rules(1.0, 20, "UTC", days=False))


def test_every_measure_has_the_floor_that_the_table_says() -> None:
    kinds = {}
    for one in comparisons(count(rows(), NEXT)):
        assert one.measure.floor == FLOORS[one.measure.kind].least
        kinds[one.measure.kind] = one.measure
    assert FLOORS.keys() == kinds.keys() | {"joint"}
    assert FLOORS["joint"].least == JOINT_FLOOR


def rows() -> Rows:
    return USUAL.pane(np.random.default_rng(7), NEXT)


def slower(one: Rows) -> Rows:
    return replace(one, latency=one.latency * 3)


def scored(made: Made, change: Change, **floors: float) -> dict[str, Scored]:
    calibration, found = made
    assert calibration.hourly is not None
    judge = Judge(calibration.hourly, found, "UTC", 20, floors=floors)
    pane = count(change(rows()), NEXT)
    judgement = judge.judge(NEXT, 1, [pane], {"v": [pane]})
    assert judgement is not None
    return {" ".join(one.key): one for one in judgement.scored}


@pytest.mark.parametrize(
    ("kind", "change", "name"),
    [
        ("missing", nulls(0.3), "input b missing"),
        ("ks", nulls(0.3), "input b distribution"),
        ("shape", nulls(0.3), "input b shape"),
        ("mean", slower, "software  latency_mean"),
        ("tail", slower, "software  latency_tail"),
    ],
)
def test_a_change_counts_from_its_floor_on(
    made: Made, kind: str, change: Change, name: str
) -> None:
    usual = scored(made, change)
    one = usual[name]
    assert one.score > 10
    just, above = one.effect, one.effect * 1.001
    assert scored(made, change, **{kind: just})[name].score == one.score
    high = scored(made, change, **{kind: above})
    assert high[name].score == 0
    # Other kinds are what they were, and those of its kind that changed more.
    for other, was in usual.items():
        if was.effect > above or high[other].score:
            assert high[other].score == was.score


def test_a_floor_of_nothing_lets_everything_count(made: Made) -> None:
    def same(one: Rows) -> Rows:
        return one

    bare = scored(made, same, **dict.fromkeys(FLOORS, 0.0))
    usual = scored(made, same)
    assert sum(one.score > 0 for one in bare.values()) > sum(
        one.score > 0 for one in usual.values()
    )


def test_the_joint_column_has_a_floor_too(made: Made) -> None:
    def change(one: Rows) -> Rows:
        return replace(slower(one), a=one.a + 5.0, b=one.b * 1.5, y=one.y + 0.5)

    name = " ".join(JOINT)
    usual = scored(made, change)[name]
    assert usual.score > 5
    assert scored(made, change, joint=usual.effect * 1.001)[name].score == 0
