"""Fixed thresholds on distances: instead of a feature's calibrated scores, beside all others."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from collectors.drift.calibration.heldout import ColumnKey
from collectors.drift.causes import Change
from collectors.drift.comparisons import ANSWER, comparisons
from collectors.family import Statistic
from monitor.config import ConfigError
from monitor.config import load as load_config
from monitor.judging import fixed
from monitor.judging.fixed import Passed
from tests.judging.living import BEGIN, HOUR, JUDGED, Life, Row, few, hour, told, traffic
from tests.judging.test_entries import QUIETLY, Alarm, window
from tests.references.making import HEAD
from tests.support.panes import MONDAY, count, draw

LIMITS = '{a: {psi: 2.0, ks: 0.3}, "(answer)": {wasserstein: 1.0}}'
FIXED = JUDGED + f"    alarms: {{thresholds: {LIMITS}}}\n"


def labels(**more: str) -> dict[str, str]:
    given = {"subject": "input", "feature": "a", "part": "", "method": "psi", "version": ""}
    return given | more


def rows(all_versions: int, answers: int = 0) -> dict[tuple[str, str], int]:
    return {("input", ""): all_versions, ("output", "1"): answers}


class TestOneWindow:
    def test_only_what_lies_above_passes_the_furthest_first(self) -> None:
        distances = [
            Statistic("drift.distance", 0.2, labels()),
            Statistic("drift.distance", 0.31, labels(feature="b")),
            Statistic("drift.distance", 0.9, labels(feature="c")),
            Statistic("drift.distance", 0.9, labels(method="ks")),
            Statistic("drift.distance", 0.8, labels(subject="output", feature="", version="1")),
        ]
        limits = {"a": {"psi": 0.2}, "b": {"psi": 0.2}, ANSWER: {"psi": 0.2}}
        found = fixed.limited(distances, limits, rows(50, 30), 20)
        assert [(one.key, one.value, one.rows) for one in found.passed] == [
            (ColumnKey("output", "", "psi"), 0.8, 30),
            (ColumnKey("input", "b", "psi"), 0.31, 50),
        ]
        assert found.subjects == {"input", "output"}
        assert {one.id for one in found.shown} == {"drift.distance_threshold"}
        assert [(one.value, one.labels) for one in found.shown] == [
            (0.2, distances[place].labels) for place in (0, 1, 4)
        ]

    def test_too_few_rows_pass_nothing_and_are_not_judged(self) -> None:
        one = Statistic("drift.distance", 0.8, labels(subject="output", feature="", version="1"))
        found = fixed.limited([one], {ANSWER: {"psi": 0.2}}, rows(50, 19), 20)
        assert (list(found.passed), set(found.subjects), len(found.shown)) == ([], set(), 1)
        assert fixed.limited([one], {ANSWER: {"psi": 0.2}}, rows(50, 20), 20).passed

    def test_a_muted_feature_passes_nothing(self) -> None:
        one = Statistic("drift.distance", 0.8, labels())
        found = fixed.limited([one], {"a": {"psi": 0.2}}, rows(50), 20, {"a"})
        assert not found.passed
        assert found.subjects == {"input"}

    def test_a_feature_that_is_called_as_answers_are_is_not_taken_for_them(self) -> None:
        one = Statistic("drift.distance", 0.8, labels(feature="output"))
        assert not fixed.limited([one], {ANSWER: {"psi": 0.2}}, rows(50), 20).shown


class TestCauses:
    def test_are_ranked_by_how_far_they_are_above_their_threshold(self) -> None:
        def scored(feature: str, score: float) -> Change:
            return Change("input", feature, "", "mean", score, 1.0, 2.0, "mean 1 to 2", 50)

        passed = [
            Passed(ColumnKey("input", "f", "psi"), "", 0.5, 0.2, 50),
            Passed(ColumnKey("input", "f", "ks"), "", 0.21, 0.2, 50),
            Passed(ColumnKey("input", "g", "chars psi"), "", 0.3, 0.2, 50),
        ]
        found = fixed.ranked([scored("a", 30.0), scored("b", 11.0)], passed, 10.0, 3)
        assert [one.feature for one in found] == ["a", "f", "g"]
        assert [one.words for one in found[1:]] == [
            "psi 0.5, above the fixed 0.2",
            "chars psi 0.3, above the fixed 0.2",
        ]
        assert (found[1].kind, found[1].score) == ("distance", 0.0)
        assert (found[1].reference, found[1].now, found[1].rows) == (0.2, 0.5, 50)

    def test_what_says_nothing_is_said(self) -> None:
        reference = count(draw(np.random.default_rng(0), 100), MONDAY)
        limits = {"a": {"psi": 1.0, "ks": 0.2}, "nix": {"psi": 0.2}, "c": {"ks": 1.0}}
        assert list(fixed.amiss(limits | {ANSWER: {"ks": 1.0}}, reference)) == [
            "alarms.thresholds.nix: the reference has no such feature",
            "alarms.thresholds.c.ks: no distance for a column of this kind",
        ]


class TestEntries:
    F = Passed(ColumnKey("input", "f", "psi"), "", 0.5, 0.2, 50)

    def step(self, alarm: Alarm, *passed: Passed) -> Any:
        alarm.number += 1
        end = alarm.number * HOUR * 1_000_000
        found = window(QUIETLY)
        from tests.judging.test_entries import FIT

        return alarm.entries.step(FIT, found, alarm.number, end, frozenset(), passed)

    def test_one_window_is_enough_and_three_quiet_ones_end_it(self) -> None:
        alarm = Alarm()
        assert not self.step(alarm).flagged
        first = self.step(alarm, self.F)
        assert (first.flagged, first.entered, first.crossing, first.fixed) == (
            True,
            True,
            (),
            (self.F,),
        )
        assert alarm.entries.first == "input"
        again = self.step(alarm, self.F)
        assert (again.flagged, again.entered) == (True, False)
        assert [self.step(alarm).ended for _ in range(3)] == [False, False, True]

    def test_another_one_is_another_alarm(self) -> None:
        alarm = Alarm()
        self.step(alarm, self.F)
        other = Passed(ColumnKey("input", "g", "psi"), "", 0.5, 0.2, 50)
        assert self.step(alarm, self.F, other).entered
        assert len(alarm.entries.times) == 2


def test_its_scores_are_not_compared_and_of_answers_reruns_still_are() -> None:
    summaries = count(draw(np.random.default_rng(0), 100), MONDAY)
    keys = {one.key for one in comparisons(summaries, ignore=frozenset({"a", ANSWER}))}
    every = {one.key for one in comparisons(summaries)}
    gone = every - keys
    assert {key.feature for key in gone if key.subject == "input"} == {"a"}
    assert {key.statistic for key in gone if key.subject == "output"} == {
        "distribution",
        "shape",
        "mean",
        "spread",
        "missing",
        "invalid",
    }
    assert ColumnKey("output", "", "reruns") in keys


class TestConfig:
    @pytest.mark.parametrize(
        ("alarms", "said"),
        [
            ("{thresholds: {a: {psi: 0}}}", "0 is no threshold; distances begin at 0, write one"),
            ("{thresholds: {a: {psi: -1}}}", "-1 is no threshold"),
            ("{thresholds: {a: {psi: .inf}}}", "is not finite"),
            ("{thresholds: {a: {nix: 1}}}", "'nix' is no distance; there are"),
            ("{thresholds: {a: 0.2}}", "models[0].alarms.thresholds.a"),
            ("{ignore: [a], thresholds: {a: {psi: 1}}}", "a is in alarms.ignore too; remove it"),
            (
                "{subjects: [output], thresholds: {a: {psi: 1}}}",
                "models[0].alarms.thresholds.a: alarms.subjects leaves input out",
            ),
            (
                '{subjects: [input], thresholds: {"(answer)": {psi: 1}}}',
                "alarms.subjects leaves output out",
            ),
        ],
    )
    def test_what_cannot_be_is_refused(self, tmp_path: Path, alarms: str, said: str) -> None:
        path = tmp_path / "inferwatch.yml"
        path.write_text(HEAD + JUDGED + f"    alarms: {alarms}\n")
        with pytest.raises(ConfigError) as error:
            load_config(path)
        assert said in str(error.value)

    def test_what_can_be_is_read(self, tmp_path: Path) -> None:
        path = tmp_path / "inferwatch.yml"
        path.write_text(HEAD + FIXED)
        thresholds = load_config(path).models[0].alarms.thresholds
        assert thresholds == {"a": {"psi": 2.0, "ks": 0.3}, ANSWER: {"wasserstein": 1.0}}


@pytest.fixture(scope="session")
def with_limits(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prepared folder, with the calibration that leaves those columns out."""
    folder = tmp_path_factory.mktemp("limits") / "prepared"
    shutil.copytree(prepared, folder)
    Life(folder, FIXED).harness.app.stop()
    shutil.rmtree(folder / "state" / "checkpoints")
    shutil.rmtree(folder / "state" / "archive")
    return folder


@pytest.fixture
def life(with_limits: Path, tmp_path: Path) -> Any:
    shutil.copytree(with_limits, tmp_path, dirs_exist_ok=True)
    one = Life(tmp_path, FIXED)
    yield one
    one.harness.app.die()


def moved(row: Row) -> Row:
    return row | {"a": row["a"] + 12.0}


def other_answers(row: Row) -> Row:
    return row | {"y": row["y"] + 3.0}


class TestThroughTheDaemon:
    def test_all_features_together_are_compared_as_before(self, life: Life) -> None:
        life.hours(traffic(6))
        for statistic in ("mmd", "pca", "correlation"):
            assert life.shown("score", window="1h", statistic=statistic)

    def test_they_are_shown_with_the_labels_of_their_distances(self, life: Life) -> None:
        life.hours(traffic(3))
        limits = life.shown("drift_distance_threshold", window="1h")
        assert sorted(limits.values()) == [0.3, 1.0, 2.0]
        distances = life.shown("drift_distance", window="1h")
        for series, value in limits.items():
            own = distances[series.replace("_threshold{", "{")]
            assert 0 < own < value
        # psi is exported of all, as the config says; ks and wasserstein where there is a limit.
        methods = [series.split("method=")[1].split(",")[0] for series in distances]
        assert sorted(methods) == ["ks", "psi", "psi", "psi", "psi", "wasserstein"]
        scores = life.shown("score", window="1h")
        assert not [s for s in scores if "feature=a," in s]
        assert [s for s in scores if "feature=b," in s]
        assert life.verdicts() == dict.fromkeys(("input", "output", "software"), "ok")
        assert life.shown("reference_mean", feature="a")

    def test_above_it_is_an_alarm_that_says_so(
        self, life: Life, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING):
            life.hours(traffic(4, {2: moved}))
        assert life.verdicts()["input"] == "alarm"
        assert life.verdicts()["output"] == "ok"
        psi = life.value("drift_distance", feature="a", method="psi", window="1h")
        ks = life.value("drift_distance", feature="a", method="ks", window="1h")
        # By SciPy, on the raw rows.
        from scipy.stats import ks_2samp

        start = round(BEGIN.timestamp())
        past = [row["a"] for n in range(168) for row in hour(start - (168 - n) * HOUR)]
        now = [row["a"] + 12.0 for row in hour(start + 2 * HOUR)]
        assert ks == pytest.approx(ks_2samp(now, past).statistic, abs=0.01)
        worst = max(
            (psi / 2.0, f"psi {psi:.3g}, above the fixed 2"),
            (
                ks / 0.3,
                f"ks {ks:.3g}, above the fixed 0.3",
            ),
        )
        (said,) = [one for one in caplog.records if one.getMessage() == "alarm"]
        assert said.causes.startswith(f"input a: {worst[1]}")  # type: ignore[attr-defined]
        cause = {"change": "distance", "feature": "a", "rank": "1", "window": "1h"}
        assert life.value("alarm_cause", side="now", **cause) in (psi, ks)
        assert life.value("alarm_cause", side="reference", **cause) in (2.0, 0.3)
        assert life.value("alarms_total", window="1h") == 1
        found = life.end()
        (alarm,) = [detail for _, kind, _, detail in found if kind == "alarm"]
        assert alarm["moved_first"] == "input"
        verdict = [detail for _, kind, _, detail in found if kind == "verdict"][2]
        assert verdict["above_fixed"].keys() == {"input a psi", "input a ks"}

    def test_answers_have_theirs(self, life: Life) -> None:
        life.hours(traffic(4, {2: other_answers}))
        assert life.verdicts()["output"] == "alarm"
        assert life.verdicts()["input"] == "ok"
        (cause,) = life.shown("alarm_cause", side="now", window="1h", subject="output")
        assert "change=distance" in cause
        assert "version=1" in cause

    def test_a_window_of_few_rows_is_not_judged(self, life: Life) -> None:
        def some(row: Row) -> Row | None:
            left = keep(row)
            return None if left is None else moved(left)

        keep = few(19)
        life.hours(traffic(3, {1: some}))
        assert set(life.verdicts().values()) == {"insufficient_data"}
        assert life.shown("drift_distance_threshold", window="1h") == {}

    def test_all_is_the_same_after_a_death(self, life: Life) -> None:
        life.hours(traffic(4, {2: moved, 3: moved}))
        before = {n: life.shown(n) for n in ("alarm_cause", "drift_distance_threshold", "verdict")}
        life.reborn(FIXED)
        assert {name: life.shown(name) for name in before} == before
        assert before["alarm_cause"]
        assert len([one for one in life.end() if one[1] == "alarm"]) == 1

    def test_one_that_fits_nothing_is_warned_of(
        self, with_limits: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        shutil.copytree(with_limits, tmp_path, dirs_exist_ok=True)
        with caplog.at_level(logging.WARNING):
            life = Life(tmp_path, FIXED.replace("thresholds: {", "thresholds: {c: {ks: 0.3}, "))
        life.harness.app.die()
        (said,) = [one for one in caplog.records if "fixed threshold" in one.getMessage()]
        assert said.why == (  # type: ignore[attr-defined]
            "alarms.thresholds.c.ks: no distance for a column of this kind"
        )


def test_with_a_limit_on_everything_the_inputs_are_judged_all_the_same(
    prepared: Path, tmp_path: Path
) -> None:
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    every = "{a: {psi: 2.0}, b: {psi: 9}, c: {psi: 9}}"
    life = Life(tmp_path, JUDGED + f"    alarms: {{subjects: [input], thresholds: {every}}}\n")
    life.hours(traffic(4, {2: moved}))
    assert life.verdicts() == {
        "input": "alarm",
        "output": "no_reference",
        "software": "no_reference",
    }
    life.harness.app.stop()
    assert len([one for one in told(tmp_path) if one[1] == "alarm"]) == 1
    scored = str(life.shown("score"))
    assert "feature" not in scored
    assert "statistic=mmd" in scored


def test_answers_of_a_model_without_versions_have_rows_of_their_own() -> None:
    """Of an hour that is mostly errors two answers are no sample."""
    schema_rows = {"software": SimpleNamespace(rows=30)}
    version = {"": {"outputs": SimpleNamespace(answers=SimpleNamespace(rows=2))}}
    assert fixed.rows_of(schema_rows, version) == {("input", ""): 30, ("output", ""): 2}
