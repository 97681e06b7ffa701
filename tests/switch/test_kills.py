"""kill -9 at each moment of a switch: written once or not at all, and the log says which.

Writes are counted by the target, outside the process that is killed: by lines that a file target
adds before it changes, and by a registry that a stand-in server keeps.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from monitor.switch.log import read
from monitor.switch.machine import LATE, Rules, Stage, Switches
from monitor.switch.room import FILE
from tests.support.mlflow_stand_in import ALIAS, Registry
from tests.support.stand_in import Asked, Said, StandIn
from tests.support.switching import FileTarget

ROOT = Path(__file__).parents[2]
NOW = 1_000_000.0
NEVER = 0
MODEL = "flights"
RULES = Rules(frozenset({"ada"}))


def life(folder: Path, now: float, moment: int, *at: str) -> int:
    """One life of the child: at which moment it was killed, or 0; else how many it saw."""
    command = [sys.executable, "-m", "tests.switch.kill_child", folder, now, moment, *at]
    ended = subprocess.run(
        [str(part) for part in command], check=False, cwd=ROOT, capture_output=True, timeout=60
    )
    assert ended.returncode in {0, -signal.SIGKILL}, ended.stderr.decode()
    return moment if ended.returncode else 0


def stages(folder: Path) -> list[Stage]:
    return [one.stage for one in Switches(RULES, read(folder / FILE).entries).all()]


def kinds(folder: Path) -> list[str]:
    return [entry.kind for entry in read(folder / FILE).entries]


def ended_well(folder: Path, at_after: bool, writes: int) -> str:
    """Hold what is left after a life that came to its end to what the target is; in one word."""
    (stage,) = stages(folder)
    assert writes <= 1
    assert kinds(folder).count("intent") <= 1
    assert kinds(folder).count("applied") == int(at_after)
    assert (stage is Stage.TOOK) == at_after
    if not at_after:
        assert stage is Stage.NOT_APPLIED
    return stage.value


@pytest.mark.slow
def test_a_file_at_every_moment_and_again_at_every_moment_of_what_follows(
    tmp_path: Path,
) -> None:
    found: Counter[str] = Counter()
    kills, moment = 0, 1
    while True:
        folder = tmp_path / str(moment)
        folder.mkdir()
        if not life(folder, NOW, moment):
            break
        # The next life is killed too, each time at another of its moments.
        again = life(folder, NOW + LATE, 1 + moment % 7)
        kills += 1 + (again > 0)
        now = NOW + 2 * LATE
        assert life(folder, now, NEVER) == 0
        target = FileTarget(folder)
        if target.writes and target.now == "v2":
            # Killed between the two halves of its write: begun, and not there.
            assert stages(folder) == [Stage.NOT_APPLIED]
            found["begun"] += 1
        found[ended_well(folder, target.now == "v1", len(target.writes))] += 1
        moment += 1
    assert ended_well(tmp_path / str(moment), True, 1) == "took"
    assert moment - 1 == 5 * 4 + 2 + 3  # five lines, the file's own name, the target's write
    assert kills >= 45
    assert found["took"] > 5
    assert found["not applied"] > 3
    assert found["begun"] == 1


class Killer:
    """A registry that kills whoever writes to it: before it has written, or after."""

    def __init__(self, registry: Registry, after: bool) -> None:
        self.registry, self.after = registry, after
        self.child: subprocess.Popen[bytes] | None = None

    def __call__(self, asked: Asked) -> Said:
        if asked.method != "POST":
            return self.registry(asked)
        assert self.child is not None
        if not self.after:
            self.child.kill()
            self.child.wait()
        said = self.registry(asked)
        if self.after:
            self.child.kill()
            self.child.wait()
        return said


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("arrives", [False, True], ids=["lost", "arrives"])
def test_an_alias_whose_daemon_is_killed_while_the_registry_writes(
    tmp_path: Path, after: bool, arrives: bool
) -> None:
    registry = Registry()
    killer = Killer(registry, after)
    if not arrives and not after:
        registry.write = Said(500)
    with StandIn(killer) as server:
        command = [
            sys.executable,
            "-m",
            "tests.switch.kill_child",
            tmp_path,
            NOW,
            NEVER,
            server.url,
            MODEL,
        ]
        killer.child = subprocess.Popen([str(part) for part in command], cwd=ROOT)
        assert killer.child.wait(60) == -signal.SIGKILL
        assert kinds(tmp_path)[-1] == "intent"
        server.answer = registry
        assert life(tmp_path, NOW + LATE, NEVER, server.url, MODEL) == 0
        assert [one.path for one in server.writes] == [ALIAS]
    moved = arrives or after
    assert registry.at == ("1" if moved else "3")
    assert ended_well(tmp_path, moved, 1) == ("took" if moved else "not applied")
    assert kinds(tmp_path)[3:4] == (["applied"] if moved else ["not applied"])


def test_an_alias_at_the_moments_around_its_write(tmp_path: Path) -> None:
    found: Counter[str] = Counter()
    for moment in range(11, 21):  # from the intent's line to that of what came of it
        folder = tmp_path / str(moment)
        folder.mkdir()
        registry = Registry()
        with StandIn(registry) as server:
            assert life(folder, NOW, moment, server.url, MODEL) == moment
            assert life(folder, NOW + LATE, NEVER, server.url, MODEL) == 0
            found[ended_well(folder, registry.at == "1", len(server.writes))] += 1
    assert set(found) == {"took", "not applied"}
