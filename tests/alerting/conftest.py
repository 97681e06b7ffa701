"""Alertmanager as it is shipped, between a test that posts alerts and two that receive them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pytest

from tests.support.alertmanager import Alertmanager, shipped
from tests.support.program import eventually
from tests.support.slack import Slack
from tests.support.smtp import Mail, Smtp

LABELS = {
    "alertname": "InferwatchInputAlarm",
    "severity": "page",
    "model": "arrival-delay",
    "subject": "input",
    "window": "1h",
    "reference": "january",
}
ANNOTATIONS = {
    "summary": "arrival-delay: dep_delay is missing in 77.6% of rows, not in 1.3%",
    "description": "The inputs left their reference.",
    "causes": "dep_delay: missing 1.3% to 77.6%\nvisib: mean 9.4 to 1.1\nwind_speed: shape 0.31\n",
    "since": "2013-02-08 17:00 EST",
    "rows": "54 rows in 1h",
    "window_end": "2013-02-08 18:00 EST",
    "reference": "january, 11 days old",
    "rarity": "as rare as once in 4,000 days",
    "budget": "1 of 1 per 30d",
    "moved_first": "input",
    "last_version": "ridge-1, first seen 2013-01-01 05:15 EST",
    "page_url": "http://inferwatch.example:10464/models/arrival-delay?window=1h&at=1360364400",
    "dashboard_url": "http://grafana.example:3000/d/inferwatch-model?var-model=arrival-delay",
    "runbook_url": "https://runbooks.example/InferwatchInputAlarm.md",
}


class Way:
    """The whole way: Alertmanager, a webhook in Slack's place, and a mail server."""

    def __init__(self, folder: Path, waits: dict[str, str] | None, delay: float) -> None:
        self.slack, self.smtp = Slack(), Smtp(folder, delay)
        self.alertmanager = Alertmanager(folder, shipped(folder, self.slack.url, self.smtp, waits))

    def __enter__(self) -> Self:
        self.slack.__enter__()
        self.smtp.__enter__()
        self.alertmanager.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.alertmanager.stop()
        self.smtp.__exit__()
        self.slack.__exit__()

    def fire(self, annotations: dict[str, str] = ANNOTATIONS, **labels: str) -> None:
        """An alert begins, or goes on; labels that are empty are left out."""
        self.alertmanager.post(_alert(annotations, labels))

    def resolve(self, annotations: dict[str, str] = ANNOTATIONS, **labels: str) -> None:
        """It ends."""
        over = {"endsAt": datetime.now(UTC).isoformat()}
        self.alertmanager.post(_alert(annotations, labels) | over)

    def messages(self, number: int = 1) -> list[dict[str, Any]]:
        """So many messages to Slack, waited for."""
        return self._wait(lambda: self.slack.messages, number)

    def mails(self, number: int = 1) -> list[Mail]:
        """So many mails, waited for."""
        return self._wait(lambda: self.smtp.mails, number)

    def message(self, **labels: str) -> tuple[dict[str, Any], Mail]:
        """The only message and the only mail of an alert."""
        self.fire(ANNOTATIONS, **labels)
        return self.messages()[0], self.mails()[0]

    def _wait(self, what: Callable[[], list[Any]], number: int) -> list[Any]:
        def why() -> str:
            return f"{self.slack.refused} {self.alertmanager.log[-3000:]}"

        eventually(lambda: len(what()) >= number, why=why)
        assert len(what()) == number
        return what()


def _alert(annotations: dict[str, str], labels: dict[str, str]) -> dict[str, Any]:
    wanted = {name: value for name, value in (LABELS | labels).items() if value}
    return {"labels": wanted, "annotations": annotations}


@pytest.fixture
def make_way(tmp_path: Path) -> Iterator[Callable[..., Way]]:
    """Makes the way with these waits, and mails that take so long; it ends with the test."""
    made: list[Way] = []

    def make(waits: dict[str, str] | None = None, delay: float = 0.0) -> Way:
        made.append(Way(tmp_path, waits, delay).__enter__())
        return made[-1]

    yield make
    for way in made:
        way.__exit__()


@pytest.fixture
def way(make_way: Callable[..., Way]) -> Way:
    """The way, with short waits."""
    return make_way()
