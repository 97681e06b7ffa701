"""Who is told of what, and what is kept from them, by the shipped configuration."""

from __future__ import annotations

from typing import Any

import pytest

from tests.alerting.conftest import Way
from tests.support.program import eventually


def alert(name: str, **labels: str) -> dict[str, Any]:
    return {"labels": {"alertname": name, **labels}, "annotations": {"summary": f"{name}: so"}}


@pytest.mark.parametrize(
    ("severity", "model", "to"),
    [
        ("page", "arrival-delay", "flights-on-call@example.com"),
        ("page", "churn", "on-call@example.com"),
        ("page", "", "on-call@example.com"),
        ("ticket", "arrival-delay", "data-science@example.com"),
        ("ticket", "", "data-science@example.com"),
        ("", "churn", "data-science@example.com"),
    ],
)
def test_severity_and_model_say_who_is_told(way: Way, severity: str, model: str, to: str) -> None:
    way.fire(severity=severity, model=model)
    assert way.mails()[0].to == [to]
    assert way.messages()


def test_each_model_has_a_message_of_its_own(way: Way) -> None:
    way.alertmanager.post(
        *(
            alert(f"Inferwatch{kind}", severity="page", model=model)
            for model in ("a", "b")
            for kind in ("Errors", "Latency")
        )
    )
    titles = sorted(message["title"] for message in way.messages(2))
    assert titles == ["[PAGE] InferwatchErrors: so (and 1 more)"] * 2


def kept(way: Way, *alerts: dict[str, Any]) -> set[str]:
    """Names of those that are inhibited, of alerts that come together."""
    way.alertmanager.post(*alerts)
    eventually(lambda: len(way.alertmanager.firing()) == len(alerts))
    held = way.alertmanager.firing()
    return {one["labels"]["alertname"] for one in held if one["status"]["inhibitedBy"]}


SILENT = alert("InferwatchModelSilent", severity="page", model="m")
DOWN = alert("InferwatchDown", severity="page", instance="a:10464")
TICKET = {"severity": "ticket"}


def test_what_follows_from_silence_is_no_news(way: Way) -> None:
    follows = ("InferwatchThroughput", "InferwatchVolumeAlarm", "InferwatchInsufficientData")
    assert kept(way, SILENT, *(alert(name, model="m", **TICKET) for name in follows)) == {*follows}


def test_silence_says_nothing_of_other_models_nor_of_errors_before(way: Way) -> None:
    others = alert("InferwatchThroughput", model="other", **TICKET)
    assert not kept(way, SILENT, others, alert("InferwatchErrors", model="m", **TICKET))


def test_a_monitor_that_is_down_is_told_of_alone(way: Way) -> None:
    lag = alert("InferwatchLag", topic="t", instance="a:10464", **TICKET)
    other = alert("InferwatchCheckpointOld", instance="b:10464", **TICKET)
    thin = alert("InferwatchInsufficientData", model="m", **TICKET)
    assert kept(way, DOWN, thin, lag, other) == {"InferwatchInsufficientData", "InferwatchLag"}


def test_a_monitor_that_is_down_hides_no_silence_that_another_one_sees(way: Way) -> None:
    assert not kept(way, DOWN, SILENT)


def test_a_monitor_that_is_down_hides_no_fault_of_a_model(way: Way) -> None:
    assert not kept(way, DOWN, alert("InferwatchErrors", severity="page", model="m"))


def test_a_page_makes_the_ticket_of_the_same_thing_needless(way: Way) -> None:
    same = alert("InferwatchNullReturns", model="m", subject="output", **TICKET)
    other = alert("InferwatchMissingValues", model="m", subject="input", **TICKET)
    page = alert("InferwatchOutputAlarm", severity="page", model="m", subject="output")
    assert kept(way, page, same, other) == {"InferwatchNullReturns"}


def test_a_page_without_a_subject_hides_no_ticket(way: Way) -> None:
    page = alert("InferwatchErrors", severity="page", model="m")
    ticket = alert("InferwatchMemory", model="m", **TICKET)
    assert not kept(way, page, ticket, DOWN, alert("InferwatchReloadFailed", **TICKET))
