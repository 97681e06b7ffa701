"""A daemon's switch in a process of its own, that kills itself at a moment of a given number.

A moment is before, within and after each write and fsync of the log, and before, within and after
the write to the target. `python -m tests.switch.kill_child FOLDER NOW MOMENT [URL NAME
[TOKEN AUTHORITY]]`: with a URL the target is an alias in MLflow there, where it is a socket a Swarm
service, with two files a Deployment; without a URL it is a file in the folder.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from pathlib import Path
from typing import Any

from monitor import disk
from monitor.switch.http import Client
from monitor.switch.machine import LATE, Rules, Stage
from monitor.switch.room import Room
from monitor.switch.target import Plan, Target
from monitor.switch.targets.deployment import Deployment
from monitor.switch.targets.mlflow import MlflowAlias
from monitor.switch.targets.swarm import SwarmService
from tests.support.swarm import LABEL
from tests.support.switching import FileTarget


class Moments:
    """Counts moments, and ends the process at one of them."""

    def __init__(self, last: int) -> None:
        self.passed = 0
        self._last = last

    def __call__(self) -> None:
        self.passed += 1
        if self.passed == self._last:
            os.kill(os.getpid(), signal.SIGKILL)


class MortalOs:
    """`os`, with moments around the calls by which the log is written."""

    def __init__(self, moment: Moments) -> None:
        self._moment = moment

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def write(self, handle: int, data: memoryview) -> int:
        self._moment()
        half = os.write(handle, data[: len(data) // 2])
        self._moment()
        return half + os.write(handle, data[half:])

    def fsync(self, handle: int) -> None:
        self._moment()
        os.fsync(handle)
        self._moment()


class MortalFile(FileTarget):
    """A file, with moments around its write and between its two halves."""

    def __init__(self, folder: Path, moment: Moments) -> None:
        super().__init__(folder)
        self.before = self.between = self.after = moment


class Mortal:
    """Another target, with moments around its write; those within are its server's."""

    def __init__(self, target: Target, moment: Moments) -> None:
        self._target, self._moment = target, moment

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def apply(self, plan: Plan, key: str) -> None:
        self._moment()
        self._target.apply(plan, key)
        self._moment()


def make(url: str, name: str, *files: str) -> Target:
    """The target that is told: by a socket, by files of a cluster, or else an alias."""
    if url.startswith("unix:"):
        return SwarmService("m", Client(url), name, LABEL)
    if files:
        token, authority = map(Path, files)
        return Deployment("m", Client(url, token, authority), "models", name)
    return MlflowAlias("m", Client(url), name, "champion")


def main(folder: Path, now: float, last: int, *at: str) -> None:
    """One life: what a person would ask for, and the turns of a daemon."""
    moment = Moments(last)
    target: Any = Mortal(make(*at), moment) if at else MortalFile(folder, moment)
    vars(disk)["os"] = MortalOs(moment)
    waited = itertools.count(0.0, LATE).__next__  # as if every look came a minute later
    rules = Rules(frozenset({"ada"}))
    room = Room(folder, {"m": target}, rules, lambda: now, elapsed=waited)
    if not room.switches():
        room.propose("m", "1" if at else "v1", "pipeline")
    one = room.switches()[-1]
    if one.stage is Stage.PROPOSED:
        room.approve(one.id, one.digest, "ada")
    for _ in range(3):
        room.turn()
    sys.stdout.write(f"{moment.passed}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
