"""A target in a file, that counts its writes, and a clock that a test sets."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from monitor.switch.canonical import digest
from monitor.switch.target import (
    Held,
    Look,
    Plan,
    Reading,
    Rollout,
    State,
    Unreachable,
    Where,
    make_plan,
    side,
    unchanged,
)

VERSIONS = ("v1", "v2", "v3")


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def state(version: str) -> State:
    return State(digest(version), f"version {version}")


class FileTarget:
    """Runs the version whose name is in `folder/now`; each write adds a line to `folder/writes`.

    `before`, `between` and `after` are called around the two halves of a write, and may fail or
    kill; `silent` makes it answer nothing.
    """

    def __init__(self, folder: Path, name: str = "m") -> None:
        self.name = name
        self.file, self.log = folder / "now", folder / "writes"
        self.silent = False
        self.rollout = Rollout.DONE
        self.versions: tuple[str, ...] = VERSIONS
        self.before: Callable[[], None] = lambda: None
        self.later = False
        self.between: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None
        if not self.file.exists():
            self.set("v2")

    def set(self, version: str) -> None:
        """What somebody else writes: not counted."""
        self.file.write_text(version)

    @property
    def now(self) -> str:
        return self.file.read_text()

    @property
    def writes(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def describe(self) -> str:
        return f"file target {self.name}"

    def read(self) -> Reading:
        if self.silent:
            raise Unreachable("the file target says nothing")
        return Reading(state(self.now), tuple(Held(v, v, state(v)) for v in self.versions))

    def plan(self, version: str) -> Plan:
        return make_plan(self.name, self.describe(), self.read(), version, "by its name")

    def apply(self, plan: Plan, key: str) -> None:
        unchanged(plan, self.read().now)
        self.before()
        handle = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.write(handle, f"{key} {plan.key}\n".encode())
        os.close(handle)
        self.between()
        partial = self.file.with_name("partial")
        partial.write_text(plan.key)
        partial.replace(self.file)
        self.after()

    def verify(self, plan: Plan) -> Look:
        where = side(plan, self.read().now)
        later = where is Where.BEFORE and self.later
        known = where is Where.AFTER or later
        return Look(where, self.rollout if known else Rollout.FAILED, where)


def fails(error: Exception) -> Callable[[], None]:
    """What stands for a moment at which a write fails."""

    def fail() -> None:
        raise error

    return fail
