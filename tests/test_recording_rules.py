from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.metrics import METRICS
from tests.support.real import require

RULES = Path(__file__).parents[1] / "rules"
RECORDING = RULES / "recording.yml"
TESTS = RULES / "tests" / "recording_test.yml"


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RECORDING.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [require("promtool"), *arguments],
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.promtool
def test_promtool_takes_the_rules() -> None:
    done = promtool("check", "rules", str(RECORDING))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"SUCCESS: {len(rules())} rules found" in done.stdout
    assert "duplicate" not in done.stdout


@pytest.mark.promtool
def test_the_rules_give_what_their_tests_say() -> None:
    done = promtool("test", "rules", TESTS.name)
    assert done.returncode == 0, done.stdout + done.stderr


def test_names_say_level_metric_and_operation() -> None:
    for rule in rules():
        level, metric, operation = rule["record"].split(":")
        assert re.fullmatch(r"model_version(_feature)?", level)
        assert any(m.name.removesuffix("_total") == metric for m in METRICS)
        assert re.fullmatch(r"(ratio_|p50_|p99_)?rate(5m|1h)", operation)


def test_the_rules_use_metrics_of_the_table_alone() -> None:
    series = {m.name for m in METRICS} | {f"{m.name}_bucket" for m in METRICS}
    for rule in rules():
        for name in re.findall(r"(?<![:\w])inferwatch_\w+", rule["expr"]):
            assert name in series


def test_every_rule_that_is_shown_has_a_test() -> None:
    tests = TESTS.read_text("utf-8")
    expressions = "".join(rule["expr"] for rule in rules())
    for rule in rules():
        assert f"expr: {rule['record']}\n" in tests or rule["record"] in expressions
