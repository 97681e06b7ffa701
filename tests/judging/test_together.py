"""All features of a row together: what no column shows by itself is found, and named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from collectors.drift.calibrate import calibrate
from collectors.drift.calibrated import Rules
from collectors.drift.calibration.fitted import Fitted
from collectors.drift.causes import causes
from collectors.drift.comparisons import (
    CORRELATION,
    MMD,
    PCA,
    TOGETHER,
    Summaries,
    comparisons,
    merge,
)
from collectors.drift.judge import Judge, Judgement, Scored
from collectors.summaries.state import Stored
from monitor.collection import Collection
from monitor.judging.families import compared
from monitor.windows import Windows
from tests.support.events import HOUR
from tests.support.panes import (
    MONDAY,
    SCHEMA,
    USUAL,
    Change,
    Rows,
    as_events,
    count,
    hours,
    nulls,
    stream,
)

RULES = Rules(budget=1.0, min_rows=20, zone="UTC", days=False)
NEXT = MONDAY + 336 * HOUR
REFERENCE = stream(1, hours(336))


def bound_to_a(rows: Rows) -> Rows:
    """The same values of `b`, each in a row where `a` has its rank."""
    known = np.flatnonzero(~np.isnan(rows.b))
    moved = rows.b.copy()
    moved[known[np.argsort(rows.a[known])]] = np.sort(rows.b[known])
    return replace(rows, b=moved)


def without(panes: Mapping[int, Summaries]) -> dict[int, Summaries]:
    """As panes were written before features were compared together."""
    return {
        start: {name: one for name, one in pane.items() if name != "multivariate"}
        for start, pane in panes.items()
    }


class Judged:
    """A reference, and windows judged by it."""

    def __init__(self, panes: Mapping[int, Summaries], rules: Rules = RULES) -> None:
        self.calibration, self.found = calibrate("ref", panes, HOUR, rules)
        assert self.calibration.hourly is not None
        self.fit: Fitted = self.calibration.hourly
        self.judge = Judge(self.fit, self.found, "UTC", rules.min_rows)

    def of(self, pane: Summaries, muted: frozenset[str] = frozenset()) -> Judgement:
        judged = self.judge.judge(NEXT, 1, [pane], {"v1": [pane]}, muted)
        assert judged is not None
        return judged

    def over(self, judgement: Judgement) -> list[Scored]:
        return [one for one in judgement.scored if one.score > self.fit.alone.value]

    def words(self, judgement: Judgement) -> list[str]:
        return [one.words for one in causes(judgement, self.found, self.over(judgement), 3)]


@pytest.fixture(scope="module")
def by() -> Judged:
    return Judged(REFERENCE)


def rows(seed: int = 7) -> Rows:
    return USUAL.pane(np.random.default_rng(seed), NEXT)


def scores(judgement: Judgement) -> dict[Any, float]:
    return {one.key: one.score for one in judgement.scored}


def test_they_are_of_the_inputs_and_scored_in_every_window(by: Judged) -> None:
    found = {one.key for one in by.found if one.key in TOGETHER}
    assert found == TOGETHER
    usual = by.of(count(rows(), NEXT))
    assert scores(usual).keys() >= TOGETHER
    assert max(scores(usual)[key] for key in TOGETHER) < by.fit.together.value
    assert all(one.version == "" for one in usual.scored if one.key in TOGETHER)


def test_what_features_have_to_do_with_each_other_alarms_though_each_is_as_before(
    by: Judged,
) -> None:
    changed = by.of(count(bound_to_a(rows()), NEXT))
    over = {one.key for one in by.over(changed)}
    assert CORRELATION in over
    assert over <= TOGETHER
    (words,) = by.words(changed)
    said, _, numbers = words.rpartition(" and b ")
    assert said == "correlation of a"
    before, after = (float(number) for number in numbers.split(" to "))
    assert abs(before) < 0.1
    assert after == pytest.approx(0.9, abs=0.1)
    before_it_was_there = Judged(without(REFERENCE))
    assert not before_it_was_there.over(before_it_was_there.of(count(bound_to_a(rows()), NEXT)))


def test_one_feature_that_moved_by_itself_is_named_first(by: Judged) -> None:
    moved = by.of(count(replace(rows(), a=rows().a + 20.0), NEXT))
    assert MMD in {one.key for one in by.over(moved)}
    words = by.words(moved)
    assert words[0].startswith("mean ")
    assert words[1].startswith("features together: distance ")
    assert words[1].endswith(" sd")
    assert "largest single mover a, +" in words[1]


def test_a_reconstruction_that_fails_names_whose_error_grew(by: Judged) -> None:
    changed = by.of(count(bound_to_a(rows()), NEXT))
    error = next(one for one in changed.scored if one.key == PCA)
    (change,) = causes(replace_scores(changed, error), by.found, [error], 3)
    assert change.kind == "together"
    assert change.words.startswith("features together: reconstruction error ")
    assert change.now != change.reference
    assert change.rows == len(rows())


def replace_scores(judgement: Judgement, error: Scored) -> Judgement:
    """The same window with nothing but this score of all features together."""
    others = [one for one in judgement.scored if one.key not in TOGETHER]
    return replace(judgement, scored=[*others, replace(error, score=50.0)])


class TestMuted:
    def test_while_a_feature_is_muted_they_are_scored_and_do_not_count(self, by: Judged) -> None:
        pane = count(bound_to_a(rows()), NEXT)
        loud, quiet = by.of(pane), by.of(pane, frozenset({"c"}))
        assert scores(loud)[CORRELATION] == scores(quiet)[CORRELATION] > by.fit.alone.value
        assert quiet.score < by.fit.together.value < loud.score


class TestIgnored:
    def ignoring(self, change: Change, starts: list[int]) -> dict[int, Summaries]:
        ignore = frozenset({"b"})
        found: dict[int, Summaries] = {}
        for start in starts:
            one = USUAL.pane(np.random.default_rng((1, start // HOUR)), start)
            batch = SCHEMA.qualify(as_events(change(one), start))
            pane = {family.name: family.empty() for family in compared(SCHEMA, ignore)}
            for family in compared(SCHEMA, ignore):
                family.observe(pane[family.name], batch)
            found[start] = pane
        return found

    def test_it_has_no_part_in_them(self) -> None:
        rules = replace(RULES, ignore=frozenset({"b"}))
        by = Judged(self.ignoring(lambda one: one, hours(72)), rules)
        (usual,) = self.ignoring(lambda one: one, [NEXT]).values()
        (changed,) = self.ignoring(
            lambda one: nulls(1.0)(replace(one, b=one.b * 1e6)), [NEXT]
        ).values()
        one, other = scores(by.of(usual)), scores(by.of(changed))
        for key in TOGETHER & one.keys():
            assert one[key] == other[key]
        assert TOGETHER & one.keys() >= {MMD, PCA}


def windows(ignore: frozenset[str] = frozenset()) -> Windows:
    collection = Collection("m", compared(SCHEMA, ignore), lambda: 0.0)
    return Windows(collection, (HOUR,), lambda _start, _key: None)


class TestWhatWasWrittenBefore:
    def test_an_open_pane_goes_on_with_the_rows_that_come(self) -> None:
        counted, batch = windows(), as_events(rows(), NEXT)
        counted.observe("v1", batch)
        taken = counted.state()
        del taken["open"][0]["summaries"]["multivariate"]
        again = windows()
        again.restore(Stored(taken))
        again.observe("v1", batch)
        (pane,) = again.finish().closed
        assert pane.summaries["inputs"].rows == 2 * len(batch)
        assert pane.summaries["multivariate"].rows == len(batch)

    def test_a_pane_of_other_features_lacks_them_and_nothing_else(self) -> None:
        counted, batch = windows(frozenset({"c"})), as_events(rows(), NEXT)
        counted.observe("v1", batch)
        again = windows()
        again.restore(Stored(counted.state()))
        (pane,) = again.finish().closed
        assert pane.summaries["inputs"].rows == len(batch)
        assert pane.summaries["multivariate"].rows == 0

    def test_a_reference_without_them_compares_the_rest_as_before(self) -> None:
        found = comparisons(merge(without(REFERENCE).values()))
        assert not TOGETHER & {one.key for one in found}
        by = Judged(without(REFERENCE))
        judged = by.of(count(nulls(0.9)(rows()), NEXT))
        assert by.over(judged)[0].key.feature == "b"

    def test_a_window_without_them_is_judged_by_the_rest(self, by: Judged) -> None:
        pane = count(rows(), NEXT)
        (bare,) = without({NEXT: pane}).values()
        whole, rest = scores(by.of(pane)), scores(by.of(bare))
        assert whole.keys() - rest.keys() == TOGETHER

    def test_panes_of_a_reference_that_have_none_are_no_part_of_what_they_are_compared_with(
        self,
    ) -> None:
        starts = hours(336)
        half: dict[int, Summaries] = without({start: REFERENCE[start] for start in starts[:168]})
        half |= {start: REFERENCE[start] for start in starts[168:]}
        by = Judged(half)
        reference = next(one for one in by.fit.scorers if one.key == MMD)
        rows_ = sum(half[start]["multivariate"].rows for start in starts[168:])
        assert reference.rows.sum() == rows_
        assert CORRELATION in {one.key for one in by.over(by.of(count(bound_to_a(rows()), NEXT)))}
