from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.metrics import METRICS
from tests.rules.promtool_tests import FILES, RULES, Story, stories
from tests.support.real import require

STORIES = list(stories())
SERIES = {metric.name for metric in METRICS} | {
    f"{metric.name}_bucket" for metric in METRICS if metric.kind == "histogram"
}


def rules(file: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load((RULES / file).read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


ALERTS = sorted({rule["alert"] for rule in rules("alerts.yml")})
RECORDED = [rule["record"] for rule in rules("recording.yml")]


def promtool(*arguments: str) -> str:
    """What promtool says of files that it finds nothing wrong in."""
    command = [require("promtool"), *arguments]
    done = subprocess.run(
        command, cwd=RULES / "tests", capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def texts() -> Iterator[str]:
    """Every expression, and every annotation with the queries in it."""
    for rule in rules("recording.yml") + rules("alerts.yml"):
        yield rule["expr"]
        yield from rule.get("annotations", {}).values()


def looking_at(alert: str) -> list[Story]:
    return [one for one in STORIES if alert in one.looks]


class TestPromtool:
    @pytest.mark.promtool
    @pytest.mark.parametrize("file", ["recording.yml", "alerts.yml"])
    def test_takes_the_rules_and_has_nothing_to_say(self, file: str) -> None:
        said = promtool("check", "rules", "--lint=all", "--lint-fatal", str(RULES / file))
        assert f"SUCCESS: {len(rules(file))} rules found" in said
        assert "duplicate" not in said

    @pytest.mark.promtool
    @pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
    def test_finds_what_the_tests_expect(self, file: Path) -> None:
        promtool("test", "rules", file.name)


class TestEveryAlert:
    @pytest.mark.parametrize("alert", ALERTS)
    def test_is_silent_fires_and_resolves_in_one_story(self, alert: str) -> None:
        def whole(story: Story) -> bool:
            fires = [bool(look.fires) for look in story.looks[alert]]
            return "010" in re.sub(r"(.)\1+", r"\1", "".join("01"[one] for one in fires))

        assert [one.name for one in looking_at(alert) if whole(one)]

    @pytest.mark.parametrize("alert", ALERTS)
    def test_is_silent_without_data(self, alert: str) -> None:
        looks = [one.looks[alert] for one in looking_at(alert) if one.without_data]
        assert any(not look.fires for some in looks for look in some)

    @pytest.mark.parametrize("alert", ALERTS)
    def test_is_silent_on_a_restart_of_the_monitor(self, alert: str) -> None:
        looks = [one.looks[alert] for one in looking_at(alert) if one.restarts]
        assert any(not look.fires for some in looks for look in some)

    def test_is_looked_at_in_each_story_with_two_instances(self) -> None:
        assert [one.name for one in STORIES if len(one.instances) < 2] == []

    @pytest.mark.parametrize("alert", ALERTS)
    def test_says_what_it_is_in_each_story(self, alert: str) -> None:
        for story in looking_at(alert):
            for said in (one for look in story.looks[alert] for one in look.fires):
                assert re.fullmatch(r"(?s)\S.*\S", said["summary"])
                assert said["description"].endswith(".")
                assert said["runbook_url"].endswith(f"/{alert}.md")
                assert [one for one in said.values() if re.search("  | \\n", one)] == []

    def test_there_are_so_many(self, capsys: pytest.CaptureFixture[str]) -> None:
        looks = sum(len(some) for one in STORIES for some in one.looks.values())
        assert {alert for one in STORIES for alert in one.looks} == set(ALERTS)
        with capsys.disabled():
            print(f"\n{len(ALERTS)} alerts are looked at {looks} times in {len(STORIES)} tests")


class TestNames:
    def test_only_metrics_of_the_table_are_used(self) -> None:
        used = {name for text in texts() for name in re.findall(r"(?<![:\w])inferwatch_\w+", text)}
        assert used - SERIES == set()

    def test_only_recorded_series_are_used(self) -> None:
        used = {name for text in texts() for name in re.findall(r"\w+:\w+:\w+", text)}
        assert used - set(RECORDED) == set()

    def test_what_is_recorded_says_level_metric_and_operation(self) -> None:
        labels = {label for metric in METRICS for label in metric.labels}
        names = {name.removesuffix("_total") for name in SERIES}
        for record in RECORDED:
            level, metric, operation = record.split(":")
            assert set(level.split("_")) <= labels
            assert metric in names
            assert re.fullmatch(r"[a-z][a-z0-9_]*", operation)

    def test_what_is_recorded_has_a_test_or_a_use(self) -> None:
        tests = (RULES / "tests" / "recording_test.yml").read_text("utf-8")
        uses = "".join(texts())
        unused = [one for one in RECORDED if f"expr: {one}\n" not in tests and one not in uses]
        assert unused == []
