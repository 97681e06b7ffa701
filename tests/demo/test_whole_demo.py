"""The demo from its command line, embedded and through a real broker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.kafka import Broker

COMMAND = str(Path(sys.executable).with_name("inferwatch"))


def run_demo(*arguments: str) -> str:
    command = [COMMAND, "demo", "--exit", "--listen", "127.0.0.1:0", "--days", "45", *arguments]
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


def test_the_demo_through_its_embedded_broker() -> None:
    check(run_demo())


@pytest.mark.kafka
def test_the_demo_through_a_real_broker(broker: Broker) -> None:
    check(run_demo("--bootstrap-servers", broker.address))
