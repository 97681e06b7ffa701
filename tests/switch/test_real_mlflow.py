"""A switch against the real MLflow server: its way, its refusals, and kills around its write."""

from __future__ import annotations

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
from monitor.switch.target import Refused
from monitor.switch.targets.mlflow import MlflowAlias
from tests.support.mlflow import Mlflow, Proxy
from tests.support.stand_in import StandIn
from tests.support.switching import Clock

pytestmark = pytest.mark.mlflow

ROOT = Path(__file__).parents[2]
NOW = 1_000_000.0
RULES = Rules(frozenset({"ada"}))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlflow]:
    with Mlflow(tmp_path_factory.mktemp("mlflow")) as running:
        yield running


@pytest.fixture
def model(server: Mlflow) -> str:
    name = f"flights {uuid.uuid4().hex[:8]}"
    server.register(name)
    return name


def alias(url: str, model: str, tag: str | None = None) -> MlflowAlias:
    return MlflowAlias("m", Client(url), model, "champion", tag)


@pytest.fixture
def room(tmp_path: Path, server: Mlflow, model: str) -> Iterator[Room]:
    made = Room(tmp_path, {"m": alias(server.url, model, "release")}, RULES, Clock(NOW))
    yield made
    made.close()


def agreed(room: Room) -> None:
    one = room.switches()[-1]
    room.approve(one.id, one.digest, "ada")
    room.turn()


def test_proposed_approved_applied_took_and_undone(room: Room, server: Mlflow, model: str) -> None:
    one = room.propose("m", "2024.1", "pipeline")
    assert one.plan.version_before == "2024.3"
    assert server.at(model) == "3"
    agreed(room)
    assert server.at(model) == "1"
    room.undo(one.id, "pipeline")
    agreed(room)
    assert server.at(model) == "3"
    assert [one.stage for one in room.switches()] == [Stage.CANNOT_TELL, Stage.TOOK]


def test_what_somebody_else_moved_is_left_where_it_is(
    room: Room, server: Mlflow, model: str
) -> None:
    room.propose("m", "2024.1", "pipeline")
    server.move(model, "2")
    agreed(room)
    assert room.switches()[-1].stage is Stage.NOT_APPLIED
    assert server.at(model) == "2"


def test_a_version_or_a_model_that_is_not_there_is_refused(server: Mlflow, model: str) -> None:
    with pytest.raises(Refused, match=r"version 4 is not held \(by its number\); it holds 1, 2, 3"):
        alias(server.url, model).plan("4")
    with pytest.raises(Refused, match="Registered Model with name=nobody not found"):
        alias(server.url, "nobody").plan("1")
    with pytest.raises(Refused, match="alias other not found"):
        MlflowAlias("m", Client(server.url), model, "other").plan("1")


def test_a_registry_of_more_than_one_page(server: Mlflow) -> None:
    name = f"many {uuid.uuid4().hex[:8]}"
    server.register(name, 205)
    assert alias(server.url, name, "release").plan("2024.1").key == "1"


def child(folder: Path, now: float, moment: int, url: str, model: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.switch.kill_child", folder, now, moment, url, model]
    return subprocess.Popen([str(part) for part in command], cwd=ROOT)


def ended(folder: Path, moved: bool, writes: int) -> Stage:
    (one,) = Switches(RULES, read(folder / FILE).entries).all()
    assert writes <= 1
    assert one.stage is (Stage.TOOK if moved else Stage.NOT_APPLIED)
    return one.stage


def test_kill_9_at_each_moment_from_the_intent_to_what_came_of_it(
    tmp_path: Path, server: Mlflow
) -> None:
    found = set()
    for moment in range(11, 21):
        name = f"killed-{moment}"
        server.register(name)
        folder = tmp_path / name
        folder.mkdir()
        with StandIn(Proxy(server.url)) as proxy:
            assert child(folder, NOW, moment, proxy.url, name).wait(60) == -signal.SIGKILL
            assert child(folder, NOW + LATE, 0, proxy.url, name).wait(60) == 0
            found.add(ended(folder, server.at(name) == "1", len(proxy.writes)))
    assert found == {Stage.TOOK, Stage.NOT_APPLIED}


@pytest.mark.parametrize("side", ["before", "after"])
def test_kill_9_while_the_write_is_on_its_way(
    tmp_path: Path, server: Mlflow, model: str, side: str
) -> None:
    proxy = Proxy(server.url)
    with StandIn(proxy) as front:
        lives: list[subprocess.Popen[bytes]] = []

        def kill() -> None:
            lives[0].kill()
            lives[0].wait()

        setattr(proxy, side, kill)
        lives.append(child(tmp_path, NOW, 0, front.url, model))
        assert lives[0].wait(60) == -signal.SIGKILL
        setattr(proxy, side, lambda: None)
        assert child(tmp_path, NOW + LATE, 0, front.url, model).wait(60) == 0
        assert ended(tmp_path, server.at(model) == "1", len(front.writes)) is Stage.TOOK
