"""What can be switched: the Protocol that each class of `monitor.switch.targets` keeps, its values,
and what all of them do alike: find a version among what is held, and refuse what changed.

A version that came in records is only ever compared with names that the target or the config
already holds. It is put into no request.

For the daemon: `Room` (in `monitor.switch.room`) calls these; `read` and `plan` also from whoever
proposes, for as long as a target's answer may take; `apply` from its worker alone.
For the page and the command line: `Plan.digest` is what an approval carries, `Plan.sentence` what
is shown above it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Protocol

from monitor.switch.canonical import clean, digest

LONGEST_VERSION = 256


class Refused(Exception):
    """It is not done, and nothing was changed: the message says why, and what to do."""


class Unsure(Exception):
    """It may have been done, or may be yet: only what the target says later can tell."""


class Unreachable(Exception):
    """A question has no answer now: the message says what was asked, and of whom."""


@dataclass(frozen=True, slots=True)
class State:
    """What a target runs, or would.

    Attributes:
        digest: over everything that a switch could change.
        shown: the same for people, on one line.
    """

    digest: str
    shown: str


@dataclass(frozen=True, slots=True)
class Held:
    """A version that the target already holds.

    Attributes:
        version: the name that it is declared to have, as records carry it.
        key: where the target keeps it: a registry version, a ReplicaSet, an entry of the config.
        state: what the target would be with it.
    """

    version: str
    key: str
    state: State


@dataclass(frozen=True, slots=True)
class Reading:
    """A target, read at once.

    Attributes:
        now: what it runs.
        held: what it could run, what it runs included where that has a declared name.
    """

    now: State
    held: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """One switch of one target, absolute: what is there before, what is there after.

    Attributes:
        target: the target's name in the config.
        place: where and what it is, as its `describe` says it.
        version: the declared name of what is gone to.
        key: where the target keeps it.
        before: what has to be there, or nothing is written.
        after: what is written.
        version_before: the declared name of what was there; empty where it has none of its own.
    """

    target: str
    place: str
    version: str
    key: str
    before: State
    after: State
    version_before: str = ""

    @property
    def digest(self) -> str:
        """What an approval carries: another plan has another one."""
        return digest(asdict(self))

    @property
    def sentence(self) -> str:
        """The plan for people."""
        return f"{self.place}: from {self.before.shown} to {self.after.shown}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for the log."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Plan:
        """What `as_dict` gave."""
        sides = {side: State(**plain[side]) for side in ("before", "after")}
        return cls(**(plain | sides))


class Where(StrEnum):
    """Which side of a plan a target is on."""

    BEFORE = "before"
    AFTER = "after"
    OTHER = "other"


class Rollout(StrEnum):
    """How far the target itself got with what was written."""

    DONE = "done"
    WAITING = "waiting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Look:
    """A target after a write, beside the plan of that write.

    Attributes:
        where: which side of the plan its spec is.
        rollout: of what is `AFTER`, how far it got.
        says: the same in the target's words.
    """

    where: Where
    rollout: Rollout
    says: str


class Target(Protocol):
    """One thing that can be switched. Every call ends within its timeouts, and writes nothing but
    `apply`."""

    def describe(self) -> str:
        """Where and what it is, for people; the same for as long as the config is."""
        ...

    def read(self) -> Reading:
        """What it runs, and what it holds.

        Raises:
            Unreachable: it does not say so.
            Refused: it may not be switched from here, as the message says.
        """
        ...

    def plan(self, version: str) -> Plan:
        """What going to a version would write. Nothing is written.

        Raises:
            Unreachable: it does not say what it runs.
            Refused: the version is not held, or held twice, or may not be gone to.
        """
        ...

    def apply(self, plan: Plan, key: str) -> None:
        """Read again, and write what is after, once, if what is there is still what was before.

        `key` names this write and no other, for targets that tell a repeated one by it.

        Raises:
            Refused: nothing was written.
            Unreachable: nothing was written.
            Unsure: it may have been.
        """
        ...

    def verify(self, plan: Plan) -> Look:
        """Which side of the plan it is on now, and how far it got.

        Raises:
            Unreachable: it does not say so.
            Refused: it is not any more what can be switched.
        """
        ...


def find(held: Sequence[Held], version: str, what: str) -> Held:
    """The one that is declared to have this name; `what` says how it is declared.

    Raises:
        Refused: there is none, or there are two.
    """
    if len(version) > LONGEST_VERSION:
        raise Refused(f"a version's name of {len(version):,} characters is none")
    named = clean(version)
    found = [one for one in held if one.version == version]
    if not found:
        names = sorted({clean(one.version) for one in held})
        there = f"it holds {', '.join(names[:20])}" if names else "it holds none that has a name"
        raise Refused(f"version {named} is not held ({what}); {there}")
    if len(found) > 1:
        keys = ", ".join(sorted(clean(one.key) for one in found)[:5])
        raise Refused(f"version {named} is held {len(found)} times ({what}: {keys}); keep one")
    return found[0]


def make_plan(target: str, place: str, reading: Reading, version: str, what: str) -> Plan:
    """The plan that a reading leads to.

    Raises:
        Refused: the version is not held once, or runs already.
    """
    to = find(reading.held, version, what)
    if to.state.digest == reading.now.digest:
        raise Refused(f"{place} is at version {clean(version)} already; there is nothing to do")
    names = {one.version for one in reading.held if one.state.digest == reading.now.digest}
    alone = names.pop() if len(names) == 1 else ""
    return Plan(target, place, version, to.key, reading.now, to.state, alone)


def unchanged(plan: Plan, now: State) -> None:
    """Hold what is there to what the plan saw.

    Raises:
        Refused: it is another.
    """
    if now.digest != plan.before.digest:
        changed = f"{plan.place} changed since the plan: it was {plan.before.shown}"
        raise Refused(f"{changed}, and is {now.shown}; nothing was written, propose again")


def side(plan: Plan, now: State) -> Where:
    """Which side of the plan a state is."""
    if now.digest == plan.after.digest:
        return Where.AFTER
    return Where.BEFORE if now.digest == plan.before.digest else Where.OTHER
