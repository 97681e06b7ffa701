"""The demo with Prometheus and Alertmanager: a storm of 2013 in an inbox of today."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import psutil
import pytest
import yaml

from collectors.family import Statistic
from monitor.board import Board
from monitor.demo.inbox.inbox import Inbox
from monitor.demo.stack import NoStack, Pauses, alertmanager_config, find, hurried_rules
from monitor.verdicts import Verdict, statistics
from tests.alerting.reading import Seen
from tests.support.program import eventually
from tests.support.real import require

COMMAND = str(Path(sys.executable).with_name("inferwatch"))
DAYS = "41"
"""Of the year: the storm began on the 39th."""


class Demo:
    """The demo as a process, and what it has said so far."""

    def __init__(self) -> None:
        command = [COMMAND, "demo", "--stack", "--days", DAYS, "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def find(self, pattern: str) -> str:
        """The first group of a pattern in what it says, waited for."""

        def found() -> re.Match[str] | None:
            assert self.process.poll() is None, self.said
            return re.search(pattern, "".join(self.said))

        match = eventually(found, 300.0, lambda: self.said)
        assert match is not None
        return match[1]

    def end(self) -> int:
        """Ask it to end; how it did."""
        self.process.terminate()
        code = self.process.wait(60)
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.said += self.process.stdout


@pytest.fixture
def demo() -> Iterator[Demo]:
    require("prometheus")
    require("prometheus-alertmanager")
    running = Demo()
    yield running
    if running.process.poll() is None:
        running.end()


def test_the_storm_is_in_the_inbox_and_nothing_is_left_behind(demo: Demo) -> None:
    url = demo.find(r"What people are told: (\S+) ")

    def storm() -> Seen | None:
        assert demo.process.poll() is None, demo.said
        page = Seen(httpx.get(url).text)
        return page if re.search(r"\[PAGE\] arrival-delay: dep_delay", page.text) else None

    page = eventually(storm, 300.0, lambda: demo.said)
    assert page is not None
    told = re.findall(r"\[PAGE\] arrival-delay: (dep_delay.*)", page.text)
    # Most flights of those hours stood.
    assert any(re.search(r" to (100|[4-9]\d)", one) for one in told), told
    assert re.search(r"Since 2013-02-0[89]", page.text)
    assert "inferwatch is down" not in page.text
    model = next(link for link in page.links if link.endswith("/models/arrival-delay"))
    assert httpx.get(model, timeout=30).status_code == 200
    newest = next(link for link in page.links if link.startswith("/mails/"))
    assert "Last new version" in Seen(httpx.get(urljoin(url, newest)).text).text
    children = psutil.Process(demo.process.pid).children(recursive=True)
    names = {child.name() for child in children}
    assert {"prometheus", "prometheus-aler"} <= {name[:15] for name in names}
    assert demo.end() == 0
    assert not any(child.is_running() for child in children)


def test_what_is_missing_is_said_with_how_to_get_it() -> None:
    with pytest.raises(NoStack, match=r"Alertmanager is not .* apt-get install prometheus-alert"):
        find(lambda name: name if name == "prometheus" else None)
    with pytest.raises(NoStack, match="Prometheus and Alertmanager are not "):
        find(lambda name: None)
    assert find(lambda name: name if "-" not in name else None) == ("prometheus", "alertmanager")


def test_rules_are_those_that_are_shipped_with_seconds_for_minutes() -> None:
    texts = hurried_rules("http://127.0.0.1:1/")
    groups = [group for text in texts.values() for group in yaml.safe_load(text)["groups"]]
    alerts = {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}
    names = ("InferwatchDown", "InferwatchErrors", "InferwatchInputAlarm")
    assert [alerts[name]["for"] for name in names] == ["5m", "2s", "1s"]
    annotations = alerts["InferwatchInputAlarm"]["annotations"]
    assert annotations["page_url"].startswith("http://127.0.0.1:1/models/")
    assert "dashboard_url" not in annotations  # there is no Grafana here


def test_messages_of_the_shipped_configuration_stay_on_this_machine() -> None:
    inbox = Inbox.__new__(Inbox)
    inbox.slack_url, inbox.smtp = "http://127.0.0.1:1/services/x", "127.0.0.1:2"
    text = yaml.safe_dump(alertmanager_config(inbox))
    assert "/etc/" not in text
    assert "smtp.example.com" not in text
    assert set(re.findall(r"group_wait: (\S+)", text)) == {"1s"}


def verdicts(**of: Verdict) -> list[Statistic]:
    return [*statistics(of, "1h", "january")]


class Told:
    """In the place of an inbox: how often it was waited for."""

    told = (0, 0)

    def __init__(self) -> None:
        self.waited = 0

    def wait_beyond(self, told: tuple[int, int], timeout: float) -> bool:
        self.waited += 1
        return True


def test_the_replay_waits_where_an_alarm_begins_and_where_all_are_over() -> None:
    board, told = Board(), Told()
    pauses = Pauses(board, told, lambda: False)  # type: ignore[arg-type]
    waited = []
    for input_, output in (
        ("ok", "ok"),
        ("alarm", "ok"),
        ("alarm", "ok"),
        ("alarm", "alarm"),
        ("ok", "alarm"),
        ("ok", "ok"),
        ("ok", "ok"),
    ):
        board.set_window("m", "", "1h", verdicts(input=input_, output=output))  # type: ignore[arg-type]
        pauses.look()
        pauses.look()
        waited.append(told.waited)
    assert waited == [0, 1, 1, 2, 2, 3, 3]
