"""When windows that pass become an alarm, when a new one, and when it ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.drift.calibration.fitted import Fitted, Threshold
from collectors.drift.calibration.heldout import ColumnKey
from collectors.drift.judge import JOINT, Judgement, Scored
from collectors.summaries.state import StateError, Stored
from monitor.encoding import decode, encode
from monitor.judging.entries import QUIET, REMEMBERED, Entries, Step
from tests.support.events import HOUR

ALONE, TOGETHER = 10.0, 5.0
FIT = Fitted((), None, Threshold(ALONE, 1.0), Threshold(TOGETHER, 1.0), 1.0, 168, (), np.zeros(0))
NONE = np.zeros(0)
Scores = Mapping[str, float]
"""By `feature` or `feature statistic`; without a feature for `errors` and `joint`."""


def scored(name: str, score: float, version: str = "") -> Scored:
    feature, _, statistic = name.partition(" ")
    if feature == "errors":
        return Scored(ColumnKey("software", "", "errors"), "v1", score, 1.0, NONE, NONE)
    key = JOINT if feature == "joint" else ColumnKey("input", feature, statistic or "mean")
    return Scored(key, version, score, 1.0, NONE, NONE)


def window(scores: Scores) -> Judgement:
    found = sorted((scored(*one) for one in scores.items()), key=lambda one: -one.score)
    return Judgement(max(scores.values(), default=0.0), found)


@dataclass
class Alarm:
    """Windows taken in one after the other; `gap` leaves hours out."""

    entries: Entries = field(default_factory=Entries)
    muted: frozenset[str] = frozenset()
    number: int = 490_000

    def take(self, *windows: Scores, gap: int = 0) -> list[Step]:
        self.number += gap
        return [self._one(one) for one in windows]

    def _one(self, scores: Scores) -> Step:
        self.number += 1
        end = self.number * HOUR
        return self.entries.step(FIT, window(scores), self.number, end, self.muted)

    @property
    def end(self) -> int:
        return self.number * HOUR


def said(steps: Iterable[Step]) -> str:
    """A letter a window: `.` quiet, `x` flagged, `A` an alarm entered, `e` ended."""
    return "".join(
        "A" if step.entered else "x" if step.flagged else "e" if step.ended else "."
        for step in steps
    )


QUIETLY: Scores = {"a": 1.0, "b": 2.0}


class TestBegins:
    def test_one_window_alone_where_it_passes_the_higher_threshold(self) -> None:
        alarm = Alarm()
        assert said(alarm.take(QUIETLY, {"a": 10.1}, QUIETLY)) == ".A."
        assert alarm.entries.since == alarm.end - HOUR
        assert alarm.entries.times == [alarm.end - HOUR]
        assert alarm.entries.first == "input"

    def test_not_where_it_is_the_threshold_itself(self) -> None:
        assert said(Alarm().take({"a": 10.0})) == "."
        assert said(Alarm().take({"a": 5.0}, {"a": 5.0})) == ".."

    @pytest.mark.parametrize(
        ("windows", "wanted"),
        [
            ([{"a": 6}, {"a": 6}], ".A"),
            ([{"a": 6}, {}, {"a": 6}], "..A"),
            ([{"a": 6}, {}, {}, {"a": 6}], "...."),
            ([{"a": 6}, {"b": 6}, {"b": 6}], "..A"),
            ([{"a": 6}, {"b": 6}, {"a": 6}], "..A"),
            ([{"a": 6}, {"b": 6}], ".."),
            ([{"a mean": 6}, {"a shape": 6}], ".."),
            ([{"a": 6, "b": 9}, {"b": 4, "a": 7}], ".A"),
        ],
    )
    def test_two_of_three_windows_by_the_same_column(
        self, windows: list[Scores], wanted: str
    ) -> None:
        assert said(Alarm().take(*windows)) == wanted

    def test_a_window_that_was_not_judged_is_one_of_the_three_all_the_same(self) -> None:
        alarm = Alarm()
        assert said([*alarm.take({"a": 6}), *alarm.take({"a": 6}, gap=1)]) == ".A"
        alarm = Alarm()
        assert said([*alarm.take({"a": 6}), *alarm.take({"a": 6}, gap=2)]) == ".."

    def test_what_crossed_is_named_worst_first_and_by_the_rule_that_it_passed(self) -> None:
        alarm = Alarm()
        alarm.take({"a": 6, "b": 6})
        (step,) = alarm.take({"b": 7, "a": 12, "c": 6, "errors": 40})
        assert [one.key.feature or one.key.statistic for one in step.crossing] == [
            "errors",
            "a",
            "b",
        ]
        assert alarm.entries.first == "input, software"

    def test_days_have_no_two_of_three(self) -> None:
        fit = Fitted(
            (), None, Threshold(ALONE, 1.0), Threshold(np.inf, 1.0), 1.0, 9, (), np.zeros(0)
        )
        entries = Entries()
        steps = [entries.step(fit, window({"a": 9}), n, n * HOUR, frozenset()) for n in range(3)]
        assert said(steps) == "..."


class TestEnds:
    def test_after_three_windows_below(self) -> None:
        alarm = Alarm()
        steps = alarm.take({"a": 20}, {"a": 20}, QUIETLY, QUIETLY, {"a": 20}, *[QUIETLY] * 4)
        assert said(steps) == "Ax..x..e."
        assert alarm.entries.since is None
        assert alarm.entries.first == ""
        assert len(alarm.entries.times) == 1
        assert QUIET == 3

    def test_what_comes_back_afterwards_is_a_new_alarm(self) -> None:
        alarm = Alarm()
        assert said(alarm.take({"a": 20}, *[QUIETLY] * 3, {"a": 20})) == "A..eA"
        assert len(alarm.entries.times) == 2

    def test_while_it_goes_on_the_same_column_opens_no_other(self) -> None:
        alarm = Alarm()
        steps = alarm.take(
            {"a": 20}, {"a": 30}, {"a": 6}, {"a shape": 30}, {"a": 400, "a missing": 20}
        )
        assert said(steps) == "Axxxx"
        assert alarm.entries.since == alarm.end - 4 * HOUR


class TestAnew:
    def test_another_column_that_crosses_by_itself_opens_a_new_one(self) -> None:
        alarm = Alarm()
        assert said(alarm.take({"a": 20}, {"a": 20, "b": 11}, {"a": 20, "b": 12})) == "AAx"
        assert alarm.entries.since == alarm.end - 2 * HOUR
        assert alarm.entries.times == [alarm.end - 2 * HOUR, alarm.end - HOUR]

    def test_also_by_two_of_three(self) -> None:
        assert said(Alarm().take({"a": 20}, {"a": 20, "b": 6}, {"a": 20, "b": 6})) == "AxA"

    def test_a_column_that_came_with_the_first_does_not(self) -> None:
        assert said(Alarm().take({"a": 20, "b": 15}, {"b": 20})) == "Ax"

    def test_statistics_of_the_model_are_columns_of_their_own(self) -> None:
        assert said(Alarm().take({"a": 20}, {"errors": 20})) == "AA"

    def test_after_an_alarm_has_ended_all_are_new(self) -> None:
        steps = Alarm().take({"a": 20}, *[QUIETLY] * 3, {"b": 20}, {"a": 20, "b": 20})
        assert said(steps) == "A..eAA"

    def test_that_many_moved_a_little_is_no_news_beside_one_that_moved_much(self) -> None:
        steps = Alarm().take({"a": 30, "joint": 7}, {"a": 30, "joint": 8}, {"a": 30, "joint": 12})
        assert said(steps) == "Axx"
        assert [one.key for one in steps[2].crossing][1] == JOINT

    def test_it_is_where_nothing_else_crosses(self) -> None:
        steps = Alarm().take({"joint": 7}, {"joint": 8}, {"a": 30, "joint": 8}, {"joint": 8})
        assert said(steps) == ".AAx"
        assert said(Alarm().take({"a": 30}, {"joint": 11}, {"joint": 11})) == "AAx"


class TestMuted:
    def test_it_never_opens_an_alarm(self) -> None:
        alarm = Alarm(muted=frozenset({"a"}))
        assert said(alarm.take({"a": 500}, {"a": 500}, {"a": 500, "b": 2})) == "..."
        assert alarm.entries.times == []

    def test_it_is_not_among_what_crossed(self) -> None:
        alarm = Alarm(muted=frozenset({"a"}))
        (step,) = alarm.take({"a": 500, "b": 20})
        assert [one.key.feature for one in step.crossing] == ["b"]

    def test_its_alarm_ends_once_it_is_muted(self) -> None:
        alarm = Alarm()
        before = alarm.take({"a": 500})
        alarm.muted = frozenset({"a"})
        assert said([*before, *alarm.take(*[{"a": 500}] * 3)]) == "A..e"

    def test_once_it_is_not_muted_it_begins_like_any_other(self) -> None:
        alarm = Alarm(muted=frozenset({"a"}))
        before = alarm.take({"a": 6})
        alarm.muted = frozenset()
        # What it did while it was muted is no reason to ring.
        assert said([*before, *alarm.take({"a": 6}, {"a": 6})]) == "..A"


class TestMemory:
    def test_entries_are_remembered_for_thirty_days(self) -> None:
        alarm = Alarm()
        alarm.take({"a": 20})
        first = alarm.end
        alarm.take(*[QUIETLY] * 3, {"a": 20})
        assert alarm.entries.times == [first, alarm.end]
        alarm.number = (first + REMEMBERED) // HOUR - 2
        alarm.take(QUIETLY)
        assert alarm.entries.times[0] == first
        alarm.take(QUIETLY)
        assert len(alarm.entries.times) == 1
        assert REMEMBERED == 720 * HOUR


SOME = st.dictionaries(
    st.sampled_from(["a", "a shape", "b", "errors", "muted"]),
    st.sampled_from([0.0, 4.0, 6.0, 9.0, 11.0, 30.0]),
    max_size=4,
)


@given(st.lists(st.tuples(SOME, st.integers(0, 2)), max_size=25), st.integers(0, 2**25))
def test_a_restart_at_any_step_changes_nothing(
    windows: list[tuple[dict[str, float], int]], restarts: int
) -> None:
    one, other = (Alarm(muted=frozenset({"muted"})) for _ in range(2))
    for place, (scores, gap) in enumerate(windows):
        if restarts >> place & 1:
            kept = decode(encode(other.entries.state()))
            other.entries = Entries()
            other.entries.restore(Stored(kept))
        assert said(one.take(scores, gap=gap)) == said(other.take(scores, gap=gap))
        state, again = (a.entries.state() for a in (one, other))
        assert {**state, "over": sorted(state["over"])} == {**again, "over": sorted(again["over"])}


@given(st.lists(SOME, max_size=40))
def test_alarms_follow_the_rule_as_it_is_written(windows: list[dict[str, float]]) -> None:
    """A second reading of the rule, over whole lists."""
    steps = Alarm(muted=frozenset({"muted"})).take(*windows)
    begun, quiet, known = False, 0, set[str]()
    for place, scores in enumerate(windows):
        counted = {name: value for name, value in scores.items() if name != "muted"}
        crossing = set()
        for name, value in counted.items():
            earlier = [one.get(name, 0.0) for one in windows[max(place - 2, 0) : place]]
            if value > ALONE or (value > TOGETHER and max(earlier, default=0.0) > TOGETHER):
                crossing.add(name.partition(" ")[0])
        assert steps[place].flagged == bool(crossing)
        assert steps[place].entered == bool(crossing and (not begun or not crossing <= known))
        quiet = 0 if crossing else quiet + begun
        assert steps[place].ended == (begun and quiet == QUIET)
        begun = bool(crossing) or (begun and quiet < QUIET)
        quiet = quiet if begun else 0
        known = known | crossing if begun else set()


@pytest.mark.parametrize(
    ("name", "value"),
    [("since", "x"), ("times", 7), ("quiet", -1), ("known", None), ("over", "x"), ("first", 1)],
)
def test_a_damaged_state_is_refused(name: str, value: object) -> None:
    state = Entries().state() | {name: value}
    with pytest.raises(StateError):
        Entries().restore(Stored(state))
