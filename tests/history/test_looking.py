"""What fired when, over the flights until behind the storm of February."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from benchmarks.history.alerts import INTERVAL, Alert, read
from benchmarks.history.blocks import blocks
from benchmarks.history.looking import Looked, judged, look, midnight
from benchmarks.history.replay import replay
from benchmarks.history.told import quiet_weeks
from monitor.archive import Archive
from monitor.event_clock import SECOND
from tests.support.real import require
from tests.support.year import SHORT

RULES = Path(__file__).with_name("rules")
HOUR = 3_600
STORM = (date(2013, 2, 8), date(2013, 2, 9))


@pytest.fixture(scope="module")
def looked() -> Looked:
    require("promtool")
    require("prometheus")
    return look(blocks(SHORT), RULES, SHORT)


def alarms(subject: str) -> list[float]:
    """The ends of the hours that the daemon itself kept as an alarm."""
    archive = Archive(replay(SHORT).folder / "state" / "archive")
    return [
        event.time / SECOND
        for event in archive.events("verdict")
        if event.subject == "1h" and event.detail["verdicts"].get(subject) == "alarm"
    ]


@pytest.mark.promtool
@pytest.mark.slow
def test_an_alert_fires_while_the_verdict_was_an_alarm(looked: Looked) -> None:
    wanted: list[tuple[float, float]] = []
    for end in alarms("output"):
        if end < midnight(min(looked.days)):
            continue
        if wanted and wanted[-1][1] == end - INTERVAL:
            wanted[-1] = (wanted[-1][0], end + HOUR - INTERVAL)
        else:
            wanted.append((end, end + HOUR - INTERVAL))
    found = [one.fired for one in looked.told if one.fired.alert.name == "InferwatchOutputAlarm"]
    assert [(one.begin, one.end) for one in found] == wanted
    assert wanted


@pytest.mark.promtool
@pytest.mark.slow
def test_recorded_series_are_waited_for_and_kept(looked: Looked) -> None:
    assert "model_subject:inferwatch_verdict:alarm" in looked.names
    ends = alarms("input")
    hourly = [
        one.fired
        for one in looked.told
        if one.fired.alert.name == "InferwatchInputAlarm" and one.fired.labels["window"] == "1h"
    ]
    assert hourly
    for one in hourly:
        # Recorded within an interval of the hour, as each group has its own time for it.
        begun = [end for end in ends if 0 <= one.begin - 600 - end <= INTERVAL]
        # Three hours from the first evaluation without a result on.
        ended = [end for end in ends if 0 <= one.end - 4 * HOUR - end <= INTERVAL]
        assert len(begun) == len(ended) == 1


@pytest.mark.promtool
@pytest.mark.slow
def test_the_page_tells_of_the_storm_and_its_cause(looked: Looked) -> None:
    text = looked.page()
    rows = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("|")}
    assert "OutputAlarm 1h: output: null answers 0.0" in rows["Fri 08 Feb"]
    assert rows["Fri 08 Feb"].endswith("| 50.8% | hit |")
    causes = [one.cause for one in looked.told if one.day in STORM and one.page]
    null = [cause for cause in causes if cause.startswith("output: null answers 0.0")]
    assert max(float(cause.rpartition(" to ")[2]) for cause in null) > 0.1
    lacking = "inferwatch_inference_errors_total"
    assert f"| InferwatchErrors | page | 0 | 0.0 | the past has no `{lacking}` |" in text
    assert "Days to be expected: " in text


def test_a_quiet_week_is_whole_and_known_beforehand() -> None:
    days = judged(365)
    quiet = quiet_weeks(days)
    assert len(days) == 365 - 28
    assert quiet
    assert len(quiet) % 7 == 0
    assert not any(days[day].expected or days[day].holiday for day in quiet)
    assert not quiet & set(STORM)


def test_alerts_are_read_as_they_are_written() -> None:
    output, inputs, errors = read(RULES / "alerts.yml")
    assert (inputs.hold, inputs.keep_firing, inputs.severity) == (600, 3 * HOUR, "ticket")
    assert (output.hold, output.keep_firing, errors.severity) == (0, 0, "page")
    assert Alert("A", "x").severity == ""
