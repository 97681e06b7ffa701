"""A switch against a real Docker engine in Swarm mode: its way, its refusals, and kills."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.switch.http import Client
from monitor.switch.log import read
from monitor.switch.machine import LATE, Rules, Stage, Switches
from monitor.switch.room import FILE, Room
from monitor.switch.target import Refused, Unsure, Where
from monitor.switch.targets.swarm import SwarmService
from tests.support.program import eventually
from tests.support.swarm import LABEL, Swarm
from tests.support.switching import Clock

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[2]
NOW = 1_000_000.0
RULES = Rules(frozenset({"ada"}))


@pytest.fixture(scope="module")
def engine() -> Iterator[Swarm]:
    with Swarm() as running:
        yield running


@pytest.fixture
def service(engine: Swarm) -> str:
    """A service that went from version 1 to 2."""
    name = f"scorer-{uuid.uuid4().hex[:8]}"
    engine.create(name, "1")
    engine.update(name, "2")
    return name


def target(engine: Swarm, service: str) -> SwarmService:
    return SwarmService("m", Client(engine.url), service, LABEL)


@pytest.fixture
def room(tmp_path: Path, engine: Swarm, service: str) -> Iterator[Room]:
    made = Room(tmp_path, {"m": target(engine, service)}, RULES, Clock(NOW))
    yield made
    made.close()


def agreed(room: Room) -> None:
    one = room.switches()[-1]
    room.approve(one.id, one.digest, "ada")
    room.turn()


def took(room: Room) -> bool:
    room.turn()
    return room.switches()[-1].stage is Stage.TOOK


def test_proposed_approved_applied_took_and_undone(room: Room, engine: Swarm, service: str) -> None:
    one = room.propose("m", "1", "pipeline")
    assert one.plan.version_before == "2"
    agreed(room)
    assert room.switches()[-1].stage is Stage.APPLIED
    eventually(lambda: took(room))
    assert engine.running(service) == ["1", "1"]
    room.undo(one.id, "pipeline")
    agreed(room)
    eventually(lambda: took(room))
    assert engine.running(service) == ["2", "2"]


def test_replicas_stay_as_they_are(room: Room, engine: Swarm, service: str) -> None:
    room.propose("m", "1", "pipeline")
    spec = engine.spec(service, "1", 2)
    assert engine.service(service)["PreviousSpec"]["Mode"] == spec["Mode"]
    agreed(room)
    eventually(lambda: took(room))
    assert engine.service(service)["Spec"]["Mode"] == spec["Mode"]


def test_what_somebody_else_rolled_out_is_left(room: Room, engine: Swarm, service: str) -> None:
    room.propose("m", "1", "pipeline")
    engine.update(service, "3")
    agreed(room)
    assert room.switches()[-1].stage is Stage.NOT_APPLIED
    assert engine.running(service) == ["3", "3"]


def test_a_stale_version_index_writes_nothing(engine: Swarm, service: str) -> None:
    one = target(engine, service)
    plan = one.plan("1")
    found = engine.service(service)
    engine.update(service, "3")
    spec = found["PreviousSpec"]
    client = Client(engine.url)
    path = f"/services/{found['ID']}/update?version={found['Version']['Index']}"
    with pytest.raises(Unsure, match="out of sequence"):
        client.write("POST", path, json.dumps(spec).encode())
    assert one.verify(plan).where is Where.OTHER
    assert engine.running(service) == ["3", "3"]


def test_a_version_that_it_does_not_hold_is_refused(engine: Swarm, service: str) -> None:
    with pytest.raises(Refused, match=r"version 7 is not held .*; it holds 1, 2"):
        target(engine, service).plan("7")


def child(folder: Path, moment: int, now: float, engine: Swarm, service: str) -> int:
    command = [sys.executable, "-m", "tests.switch.kill_child", folder, now, moment]
    whole = [str(part) for part in (*command, engine.url, service)]
    return subprocess.run(whole, check=False, cwd=ROOT, timeout=60).returncode


def test_kill_9_at_each_moment_from_the_intent_to_what_came_of_it(
    tmp_path: Path, engine: Swarm
) -> None:
    ends = set()
    for moment in range(11, 21):
        name = f"killed-{moment}"
        engine.create(name, "1", 1)
        engine.update(name, "2", 1)
        folder = tmp_path / name
        folder.mkdir()
        assert child(folder, moment, NOW, engine, name) == -signal.SIGKILL
        assert child(folder, 0, NOW + LATE, engine, name) == 0
        found = engine.service(name)
        moved = found["Spec"]["Labels"][LABEL] == "1"
        (one,) = Switches(RULES, read(folder / FILE).entries).all()
        assert (one.stage in {Stage.APPLIED, Stage.TOOK}) == moved
        assert moved or one.stage is Stage.NOT_APPLIED
        # The engine keeps the spec before the last write: written twice, that would be 1 too.
        assert found["PreviousSpec"]["Labels"][LABEL] == ("2" if moved else "1")
        ends.add(moved)
    assert ends == {True, False}
