"""A Swarm service: absolute specs at the version index that was read, over a socket file."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from monitor.switch.http import Client
from monitor.switch.target import Refused, Rollout, Unsure, Where
from monitor.switch.targets.swarm import SwarmService
from tests.support.stand_in import Asked, Said, StandIn

LABEL = "org.opencontainers.image.version"


def spec(version: str, replicas: int) -> dict[str, Any]:
    container = {"Image": f"scorer:{version}", "Env": [f"V={version}"]}
    tasks = {"ContainerSpec": container, "ForceUpdate": 0, "Networks": [{"Target": "host"}]}
    return {
        "Name": "scorer",
        "Labels": {LABEL: version},
        "TaskTemplate": tasks,
        "Mode": {"Replicated": {"Replicas": replicas}},
        "UpdateConfig": {"Parallelism": 1},
    }


class Swarm:
    """One service, with the one earlier spec that Swarm keeps."""

    def __init__(self) -> None:
        self.service: dict[str, Any] = {
            "ID": "id1",
            "Version": {"Index": 41},
            "Spec": spec("2", 5),
            "PreviousSpec": spec("1", 2),
        }
        self.written: list[Any] = []
        self.cut = False

    def __call__(self, asked: Asked) -> Said:
        parts = urlsplit(asked.path)
        if asked.line == "GET /services/scorer":
            return Said(200, self.service)
        if asked.method != "POST" or parts.path != "/services/id1/update":
            return Said(404, {"message": "service not found"})
        if parse_qs(parts.query) != {"version": [str(self.service["Version"]["Index"])]}:
            return Said(500, {"message": "rpc error: update out of sequence"})
        self.written.append(asked.json)
        self.service["PreviousSpec"] = self.service["Spec"]
        self.service["Spec"] = asked.json
        self.service["Version"]["Index"] += 1
        return Said(200, {"Warnings": None}, cut=self.cut)


@pytest.fixture
def swarm() -> Swarm:
    return Swarm()


@pytest.fixture
def server(swarm: Swarm, tmp_path: Path) -> Iterator[StandIn]:
    with StandIn(swarm, tmp_path / "docker.sock") as running:
        yield running


@pytest.fixture
def target(server: StandIn) -> SwarmService:
    return SwarmService("m", Client(server.url), "scorer", LABEL)


def test_the_earlier_tasks_are_written_whole_and_the_rest_stays(
    server: StandIn, swarm: Swarm, target: SwarmService
) -> None:
    plan = target.plan("1")
    assert (plan.version, plan.version_before) == ("1", "2")
    assert "(scorer:2) to spec" in plan.sentence
    target.apply(plan, "key")
    assert server.lines == [
        "GET /services/scorer",
        "GET /services/scorer",
        "POST /services/id1/update?version=41",
    ]
    wanted = spec("1", 5)
    assert swarm.written == [wanted]


def test_and_back_and_never_by_a_word_such_as_previous(
    server: StandIn, swarm: Swarm, target: SwarmService
) -> None:
    target.apply(target.plan("1"), "key")
    target.apply(target.plan("2"), "key")
    assert swarm.written[-1] == spec("2", 5)
    assert not any("rollback" in line or "previous" in line for line in server.lines)


def test_a_plan_that_is_applied_twice_writes_once(swarm: Swarm, target: SwarmService) -> None:
    plan = target.plan("1")
    target.apply(plan, "key")
    with pytest.raises(Refused, match="changed since the plan"):
        target.apply(plan, "key")
    assert len(swarm.written) == 1


def test_images_from_the_config(server: StandIn, swarm: Swarm) -> None:
    images = {"ridge-0": "scorer@sha256:00", "ridge-2": "scorer:2"}
    target = SwarmService("m", Client(server.url), "scorer", versions=images)
    plan = target.plan("ridge-0")
    assert plan.version_before == "ridge-2"
    target.apply(plan, "key")
    wanted = copy.deepcopy(spec("2", 5))
    wanted["TaskTemplate"]["ContainerSpec"]["Image"] = "scorer@sha256:00"
    assert swarm.written == [wanted]


@pytest.mark.parametrize("version", ["3", "scorer:1", "evil.example/x:1", "", "previous", "1\n"])
def test_what_it_does_not_hold_is_refused(
    server: StandIn, target: SwarmService, version: str
) -> None:
    with pytest.raises(Refused, match="is not held"):
        target.plan(version)
    assert server.lines == ["GET /services/scorer"]


def test_an_earlier_spec_of_the_same_version_is_no_second_one(
    swarm: Swarm, target: SwarmService
) -> None:
    # A service that was scaled: the earlier spec differs in replicas alone.
    swarm.service["PreviousSpec"] = spec("2", 4)
    with pytest.raises(Refused, match="is at version 2 already"):
        target.plan("2")
    with pytest.raises(Refused, match="version 1 is not held"):
        target.plan("1")


def test_who_wrote_in_between_wins(server: StandIn, swarm: Swarm, target: SwarmService) -> None:
    plan = target.plan("1")

    def slow(asked: Asked) -> Said:
        if asked.method == "POST":
            swarm.service["Version"]["Index"] += 1
        return swarm(asked)

    server.answer = slow
    # Swarm says so by a 500, which may mean anything: what it runs is asked again, and decides.
    with pytest.raises(Unsure, match="out of sequence"):
        target.apply(plan, "key")
    assert swarm.written == []
    assert target.verify(plan).where is Where.BEFORE


def test_an_earlier_spec_that_changed_is_refused(swarm: Swarm, target: SwarmService) -> None:
    plan = target.plan("1")
    swarm.service["PreviousSpec"]["TaskTemplate"]["ForceUpdate"] = 1
    with pytest.raises(Refused, match="the earlier spec changed since the plan"):
        target.apply(plan, "key")
    assert swarm.written == []


def test_an_answer_that_is_cut_off_is_not_sent_again(swarm: Swarm, target: SwarmService) -> None:
    plan = target.plan("1")
    swarm.cut = True
    with pytest.raises(Unsure):
        target.apply(plan, "key")
    assert len(swarm.written) == 1
    assert target.verify(plan).where is Where.AFTER


@pytest.mark.parametrize(
    ("state", "rollout"),
    [
        (None, Rollout.WAITING),
        ("updating", Rollout.WAITING),
        ("completed", Rollout.DONE),
        ("paused", Rollout.FAILED),
        ("rollback_started", Rollout.FAILED),
        ("rollback_completed", Rollout.FAILED),
    ],
)
def test_it_took_where_swarm_says_so(
    swarm: Swarm, target: SwarmService, state: str | None, rollout: Rollout
) -> None:
    plan = target.plan("1")
    target.apply(plan, "key")
    swarm.service["UpdateStatus"] = state and {"State": state, "Message": "so"}
    look = target.verify(plan)
    assert (look.where, look.rollout) == (Where.AFTER, rollout)
