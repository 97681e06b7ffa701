"""From a row in Kafka to a message in Slack and a mail: all parts real, a storm of 2013.

The windows are of 2013 and close by event time alone, as in the demo; Prometheus and Alertmanager
live in the present. So the log stops in the storm until people are told, as a model would that
waits for nobody but whose next hour is an hour away.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from monitor.demo.model import NAME
from tests.endtoend.storm import by_hour, null_share, prepare
from tests.support.alertmanager import Alertmanager, shipped
from tests.support.daemon import Daemon, counted
from tests.support.kafka import Broker, unique
from tests.support.program import eventually
from tests.support.prometheus import Prometheus
from tests.support.slack import Slack, shown
from tests.support.smtp import Smtp

ROOT = Path(__file__).parents[2]
CONFIG = """\
global: {{scrape_interval: 500ms, evaluation_interval: 500ms}}
rule_files: ["rules/*.yml"]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["{alertmanager}"]}}]}}]}}
scrape_configs:
  - {{job_name: inferwatch, static_configs: [{{targets: ["{inferwatch}"]}}]}}
"""


def hurried_rules(folder: Path) -> None:
    """The rules that are shipped, but for the minutes of alarms, which are seconds here.

    Not those of alerts that wait longer: `InferwatchDown` fires until the first scrape, too.
    """
    folder.mkdir()
    for file in (ROOT / "rules").glob("*.yml"):
        text = re.sub(r"for: (1|10)m\n", "for: 2s\n", file.read_text("utf-8"))
        (folder / file.name).write_text(text)


def newest(found: dict[str, float], name: str) -> float:
    """The value of a metric of hourly windows; 0 before there is one."""
    values = (value for key, value in found.items() if key.startswith(name) and "=1h" in key)
    return max(values, default=0.0)


def in_alarm(found: dict[str, float]) -> bool:
    return any(
        value == 1
        for name, value in found.items()
        if name.startswith("inferwatch_verdict{") and "verdict=alarm" in name
    )


class Stage:
    """All parts, started, and the flights that are not logged yet."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        self.broker, self.topic = broker, unique()
        broker.create(self.topic)
        self.hours = by_hour()
        self.slack, self.smtp = Slack(), Smtp(folder)
        self.alertmanager = Alertmanager(folder, shipped(folder, self.slack.url, self.smtp))
        self.daemon = Daemon(folder, prepare(folder, broker.address, self.topic, os.getpid()))
        hurried_rules(folder / "rules")
        address = self.daemon.url.removeprefix("http://")
        config = CONFIG.format(alertmanager=self.alertmanager.address, inferwatch=address)
        self.prometheus = Prometheus(folder, config, "--rules.alert.resend-delay=1s")

    def __enter__(self) -> Stage:
        self.slack.__enter__()
        self.smtp.__enter__()
        self.alertmanager.start()
        self.daemon.start()
        self.prometheus.start()
        self.daemon.until(lambda _found: True)
        return self

    def __exit__(self, *_: object) -> None:
        self.prometheus.stop()
        self.daemon.__exit__()
        self.alertmanager.stop()
        self.smtp.__exit__()
        self.slack.__exit__()

    def until_alarm(self) -> tuple[float, float]:
        """Log hour by hour until one is flagged: its end, and when it closed."""
        logged = 0
        for records in self.hours:
            self.broker.produce(self.topic, records)
            logged += len(records)
            self.daemon.until(lambda found, logged=logged: counted(found) == logged)
            found = self.daemon.metrics()
            if in_alarm(found):
                end = newest(found, "inferwatch_window_end_timestamp_seconds{")
                return end, newest(found, "inferwatch_window_closed_timestamp_seconds{")
        raise AssertionError("no hour was flagged")

    def the_rest(self) -> None:
        """Log all the other hours."""
        for records in self.hours:
            self.broker.produce(self.topic, records)

    def told(self, state: str, number: int = 1) -> tuple[list[int], list[int]]:
        """Places of the messages and mails that begin so, once there are so many of each."""

        def places(titles: list[str]) -> list[int]:
            return [place for place, title in enumerate(titles) if title.startswith(f"[{state}]")]

        def both() -> tuple[list[int], list[int]] | None:
            slack = places([str(message["title"]) for message in self.slack.messages])
            mails = places([mail.subject for mail in self.smtp.mails])
            return (slack, mails) if min(len(slack), len(mails)) >= number else None

        def why() -> str:
            alerts = self.prometheus.alerts()
            return f"{self.slack.refused} {alerts} {self.alertmanager.log[-2000:]}"

        found = eventually(both, 60.0, why)
        assert found is not None
        return found


@pytest.fixture
def stage(tmp_path: Path, broker: Broker) -> Iterator[Stage]:
    with Stage(tmp_path, broker) as running:
        yield running


@pytest.mark.kafka
def test_the_storm_reaches_people_with_its_cause_and_so_does_its_end(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.slack.answers = [500, 503]  # for a while it fails
    end, closed = stage.until_alarm()
    assert pd.Timestamp(end, unit="s", tz="America/New_York").strftime("%d %b") == "08 Feb"
    slack, mails = stage.told("PAGE")

    share = null_share(end)
    assert share > 0.3  # that is the storm: what pandas counts of flights that never left
    message: dict[str, Any] = stage.slack.messages[slack[0]]
    first = shown(message["title"])
    assert first.startswith(f"[PAGE] {NAME}: dep_delay missing 1.")
    assert f"% to {share * 100:.4g}%" in first
    # Those who never left had no answer either: the second line of what the alarm found.
    assert f"output (ridge-1): missing 1.383% to {share * 100:.4g}%" in message["text"]
    mail = stage.smtp.mails[mails[0]]
    assert mail.subject == first
    assert f"dep_delay missing 1.383% to {share * 100:.4g}%" in mail.html
    delays = (
        stage.slack.arrived[slack[0]] - closed,
        stage.smtp.mails[mails[0]].arrived - closed,
    )
    with capsys.disabled():
        print(
            f"\n{first}\nafter the window's close: Slack {delays[0]:.1f} s (of them two refusals), "
            f"mail {delays[1]:.1f} s; scraped and evaluated every 0.5 s, for 2 s, group_wait 0.1 s"
        )
    assert max(delays) < 60

    # Nothing was killed: once, however often Prometheus says it again.
    began = time.time()
    eventually(lambda: stage.prometheus.query("time()") and time.time() > began + 3)
    assert (len(stage.slack.messages), len(stage.smtp.mails)) == (1, 1)

    # Killed while it fires: Prometheus says it again, and whoever had it may hear it twice.
    stage.alertmanager.kill()
    stage.alertmanager.start()
    stage.told("PAGE", 2)

    stage.the_rest()
    stage.daemon.until(lambda found: not in_alarm(found))
    slack, mails = stage.told("RESOLVED")
    assert f"{NAME}: dep_delay missing" in stage.slack.messages[slack[0]]["title"]
    assert stage.slack.messages[slack[0]]["color"] == "good"
    assert "Over since" in stage.smtp.mails[mails[0]].text
    assert stage.slack.refused == []
