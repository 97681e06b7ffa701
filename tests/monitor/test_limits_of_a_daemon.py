"""Limits on the /metrics of a daemon as its users run it: there at start, changed, and gone."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.daemon import Daemon
from tests.support.harness import NOW

HEAD = """\
source: {files: {paths: [log.jsonl], follow: true}}
state: {dir: state}
web: {listen: "LISTEN", enable_lifecycle: true}
models:
"""
MODEL = """\
  - name: m
    fields: {time: t, latency: l, features: x, prediction: y}
    features: {a: {kind: number}}
    output: {kind: number}
    timezone: Europe/Berlin
"""
LIMITS = "    limits: {latency_p99: 200ms, null_ratio: 0.05, missing: {a: 0.1}}\n"
LATENCY = "inferwatch_latency_quantile_seconds_threshold{model=m,q=0.99}"
NULLS = "inferwatch_output_null_ratio_threshold{model=m}"
MISSING = "inferwatch_input_missing_ratio_threshold{feature=a,model=m}"
INFO = "inferwatch_model_info{model=m,timezone=Europe/Berlin}"
TAKEN_OVER = "inferwatch_config_last_reload_successful"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    rows = [{"t": NOW + i, "l": 12.5, "x": {"a": i}, "y": 1.0} for i in range(100)]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with Daemon(tmp_path, HEAD + MODEL + LIMITS) as one:
        one.start()
        one.until(lambda found: found.get(INFO) == 1)
        yield one


def thresholds(found: dict[str, float]) -> dict[str, float]:
    """Every limit that is shown."""
    return {name: value for name, value in found.items() if "_threshold" in name}


def reloaded(daemon: Daemon, limits: str) -> httpx.Response:
    daemon.write(HEAD + MODEL + limits)
    return httpx.post(f"{daemon.url}/-/reload", timeout=30)


def test_they_are_there_from_the_start_and_nothing_else_is(daemon: Daemon) -> None:
    assert thresholds(daemon.metrics()) == {LATENCY: 0.2, NULLS: 0.05, MISSING: 0.1}


def test_a_reload_changes_one_and_takes_those_that_are_gone(daemon: Daemon) -> None:
    wanted = {LATENCY: 0.15, "inferwatch_silence_seconds_threshold{model=m}": 5_400.0}
    answer = reloaded(daemon, "    limits: {latency_p99: 150ms, silence: 1h30m}\n")
    assert answer.status_code == 200
    daemon.until(lambda found: thresholds(found) == wanted)  # a scrape may be a second old
    daemon.write(HEAD + MODEL)
    daemon.signal(signal.SIGHUP)
    daemon.until(lambda found: thresholds(found) == {})
    assert daemon.metrics()[INFO] == 1


def test_one_that_cannot_be_is_refused_with_its_line_and_the_others_stay(daemon: Daemon) -> None:
    answer = reloaded(daemon, "    limits:\n      null_ratio: 0.5\n      missing: {aa: 0.1}\n")
    assert answer.status_code == 500
    said = "inferwatch.yml:12: models[0].limits.missing.aa: is no feature of the model"
    assert said in answer.text
    daemon.until(lambda found: found.get(TAKEN_OVER) == 0)
    assert thresholds(daemon.metrics()) == {LATENCY: 0.2, NULLS: 0.05, MISSING: 0.1}


def test_a_model_that_is_gone_takes_them_along(daemon: Daemon) -> None:
    daemon.write(HEAD + MODEL.replace("name: m", "name: other"))
    daemon.signal(signal.SIGHUP)
    daemon.until(lambda found: not any("model=m" in name for name in found))
    assert daemon.metrics()[INFO.replace("model=m,", "model=other,")] == 1


def test_they_are_there_after_a_restart(daemon: Daemon) -> None:
    before = thresholds(daemon.metrics())
    daemon.kill()
    daemon.start()
    daemon.until(lambda found: thresholds(found) == before)
