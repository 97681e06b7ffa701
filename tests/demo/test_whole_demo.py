"""The demo from its command line, embedded and through a real broker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.support.kafka import Broker

COMMAND = str(Path(sys.executable).with_name("inferwatch"))


def run_demo(*arguments: str, days: int = 45) -> str:
    command = [COMMAND, "demo", "--exit", "--listen", "127.0.0.1:0", "--days", str(days)]
    command += arguments
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check(text: str) -> None:
    # 39,231 flights were scheduled on the first 45 days; the storm leads the list of days.
    months = [line.split() for line in text.splitlines() if line.startswith(("2013-", "all"))]
    assert sum(int(row[1].replace(",", "")) for row in months[:-1]) == int(
        months[-1][1].replace(",", "")
    )
    worst = text.partition("most answers were null")[2].splitlines()
    assert [line.split()[1:3] for line in worst[1:3]] == [["09", "Feb"], ["08", "Feb"]]
    assert "Metrics: http://127.0.0.1:" in text
    assert max(map(len, text.splitlines())) <= 100


def check_alarms(text: str, flights: pd.DataFrame) -> None:
    first = flights[flights["time"].dt.tz_convert("America/New_York") < "2013-01-29"]
    hours = first["time"].dt.floor("h").nunique()
    assert f"\nReference: {len(first):,} flights in {hours:,} hours, " in text
    # Of the 17 days behind the reference those of the gale and of the storm are hard to miss. Which
    # of them begin an alarm depends on how steadily this machine answers, too.
    table = text.partition("The days on which an alarm began")[2].splitlines()[3:]
    rows = {line[4:10]: line.split() for line in table if line[4:10].endswith(("Jan", "Feb"))}
    storm = {"30 Jan": ["10.9%", "15"], "08 Feb": ["50.8%", "2"], "09 Feb": ["57.5%", "1"]}
    found = {day: rows[day] for day in storm if day in rows}
    assert "hit" in {row[-1] for row in found.values()}
    for day, row in found.items():
        assert row[-6:-4] == storm[day]
    assert "in the 17 days behind the reference: " in text


def test_the_demo_through_its_embedded_broker(flights: pd.DataFrame) -> None:
    text = run_demo()
    check(text)
    check_alarms(text, flights)


def test_a_replay_too_short_for_a_reference_says_so() -> None:
    text = run_demo(days=3)
    assert "A replay of less than 30 days has no reference, and raises no alarm." in text
    assert "alarm began" not in text
    assert "2,699" in text  # flights of the first three days


@pytest.mark.kafka
def test_the_demo_through_a_real_broker(broker: Broker) -> None:
    check(run_demo("--bootstrap-servers", broker.address))
