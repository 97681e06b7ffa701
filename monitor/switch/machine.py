"""What may happen to a switch, and when: a state that is folded from the log, and the decisions
that lead to its next line. It has no clock, no file and no network.

    proposed -> approved -> intent -> applied -> took -> recovered | not recovered | cannot tell
       |           |          |          `-> did not take
       |           |          `-> not applied | conflict | unknown
       `-----------`-> rejected | expired           (unknown -> applied | not applied | conflict)

`intent` is on the disk before anything is written to a target. A process that finds an intent
without an end was killed, and `settled` says from what the target is now how it ended. Nothing is
written twice: what is not applied is over, and a person approves a new proposal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from monitor.switch.canonical import clean, digest
from monitor.switch.log import MENDED, Entry
from monitor.switch.target import Plan, Refused, Where

APPLY_WITHIN = 600.0
"""Seconds after its last approval in which a switch is applied, or not at all."""

LATE = 60.0
"""Seconds in which a write that was cut off may still arrive: until then, a target that is as it
was before says nothing. They count from when its process was gone, by a clock nobody sets."""

LONGEST_NAME = 200
"""Characters of a user's name."""

STEP_BACK = 60.0
"""Seconds by which a clock may be set back without a switch being given up."""


class Stage(StrEnum):
    """Where a switch is; the kinds of lines in the log have the same names."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    INTENT = "intent"
    APPLIED = "applied"
    NOT_APPLIED = "not applied"
    UNKNOWN = "unknown"
    CONFLICT = "conflict"
    TOOK = "took"
    DID_NOT_TAKE = "did not take"
    RECOVERED = "recovered"
    NOT_RECOVERED = "not recovered"
    CANNOT_TELL = "cannot tell"


S = Stage
NEXT: dict[Stage, frozenset[Stage]] = {
    S.PROPOSED: frozenset({S.APPROVED, S.REJECTED, S.EXPIRED}),
    S.APPROVED: frozenset({S.INTENT, S.REJECTED, S.EXPIRED, S.NOT_APPLIED}),
    S.INTENT: frozenset({S.APPLIED, S.NOT_APPLIED, S.UNKNOWN, S.CONFLICT}),
    S.UNKNOWN: frozenset({S.APPLIED, S.NOT_APPLIED, S.CONFLICT}),
    S.APPLIED: frozenset({S.TOOK, S.DID_NOT_TAKE}),
    S.TOOK: frozenset({S.RECOVERED, S.NOT_RECOVERED, S.CANNOT_TELL}),
}
"""What may follow; what is not named is an end."""

OPEN = frozenset({S.PROPOSED, S.APPROVED, S.INTENT, S.UNKNOWN})
"""While a switch is here, no other one of its target is proposed."""

WRITING = frozenset({S.INTENT, S.UNKNOWN})
"""Whether the target was written is not in the log yet."""


class Impossible(Exception):
    """A line of the log that cannot follow those before it."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may approve, and for how long.

    Attributes:
        approvers: names of users.
        approvals: how many of them it takes: one, or two, neither of whom proposed.
        valid: seconds for which a proposal waits.
        take_within: seconds in which the target has to finish what was written.
    """

    approvers: frozenset[str]
    approvals: int = 1
    valid: float = 86_400.0
    take_within: float = 900.0


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch as the log has it.

    Attributes:
        id: the number of its first line in the log, and the beginning of that line's hash.
        plan: what it would write, or wrote.
        who: who proposed it.
        why: what they said.
        because: the alarm that it is an answer to; empty where there is none.
        needed: how many approvals it takes, as the rules were then.
        stage: where it is.
        since: since when, by the daemon's clock.
        proposed: when it was proposed.
        approvers: who approved so far.
        write: the name of its write, once there is an intent.
        says: what the last line adds, for people.
    """

    id: str
    plan: Plan
    who: str
    why: str
    because: str
    needed: int
    stage: Stage
    since: float
    proposed: float
    approvers: tuple[str, ...] = ()
    write: str = ""
    says: str = ""

    @property
    def digest(self) -> str:
        """What an approval carries: this plan, in this proposal."""
        return digest([self.id, self.plan.digest])


@dataclass(frozen=True, slots=True)
class Step:
    """A line to be added to the log."""

    kind: Stage
    switch: str
    body: dict[str, Any] = field(default_factory=dict)


class Switches:
    """Every switch of a log, and what may be done next with each."""

    def __init__(self, rules: Rules, entries: Iterable[Entry] = ()) -> None:
        self.rules = rules
        self._switches: dict[str, Switch] = {}
        for entry in entries:
            self.enter(entry)

    def enter(self, entry: Entry) -> Switch | None:
        """Take in a line of the log; the switch as it is then, None where it is about none.

        Raises:
            Impossible: it cannot follow.
        """
        if entry.kind == MENDED:
            return None
        try:
            changed = self._proposed(entry) if not entry.switch else self._changed(entry)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise Impossible(f"line {entry.number + 1}: {entry.kind} cannot follow") from None
        self._switches[changed.id] = changed
        return changed

    def get(self, id: str) -> Switch:
        """The switch with this id.

        Raises:
            Refused: there is none.
        """
        found = self._switches.get(id)
        if found is None:
            raise Refused(f"there is no switch {clean(id, 40)}; list those there are")
        return found

    def all(self) -> Sequence[Switch]:
        """All of them, the oldest first."""
        return tuple(self._switches.values())

    def at(self, *stages: Stage) -> Sequence[Switch]:
        """Those that are at one of these stages, the oldest first."""
        return tuple(one for one in self._switches.values() if one.stage in stages)

    def may_propose(self, target: str) -> None:
        """Whether a switch of this target may be proposed now.

        Raises:
            Refused: another one is open.
        """
        for other in self.at(*OPEN):
            if other.plan.target == target:
                what = f"switch {other.id} of {clean(target)} is open ({other.stage})"
                raise Refused(f"{what}; approve or reject it first, or wait for its end")

    def propose(self, plan: Plan, who: str, why: str, because: str = "") -> Step:
        """A new proposal.

        Raises:
            Refused: another one of the same target is open.
        """
        self.may_propose(plan.target)
        if len(who) > LONGEST_NAME:
            raise Refused(f"the name of who proposes has more than {LONGEST_NAME} characters")
        needed = self.rules.approvals
        body = {"plan": plan.as_dict(), "digest": plan.digest, "who": who, "why": clean(why, 500)}
        return Step(S.PROPOSED, "", body | {"because": clean(because, 200), "needed": needed})

    def approve(self, id: str, shown: str, who: str, now: float) -> Step:
        """An approval by `who`, of the plan whose digest they were shown.

        Raises:
            Refused: it does not count, for the reason given; nothing changed.
        """
        one = self.get(id)
        if who not in self.rules.approvers:
            raise Refused(f"{clean(who, 60)} is no approver; switch.approvers names who is")
        if one.stage is not S.PROPOSED:
            raise Refused(f"switch {one.id} waits for no approval ({one.stage})")
        if (over := self._stale(one, now)) is not None:
            raise Refused(f"switch {one.id} has expired ({over}); propose again")
        if shown != one.digest:
            raise Refused(f"what was approved is not the plan of switch {one.id}; look at it again")
        if one.needed > 1 and who == one.who:
            raise Refused(f"{clean(who, 60)} proposed switch {one.id}; it takes two others")
        if who in one.approvers:
            raise Refused(f"{clean(who, 60)} has approved switch {one.id} already; another has to")
        return Step(S.APPROVED, one.id, {"who": who, "digest": shown})

    def reject(self, id: str, who: str, why: str) -> Step:
        """A rejection, by an approver or by who proposed it. Of a write of which nothing is known,
        an approver may say that it ends there: that is a conflict, for a person to look at.

        Raises:
            Refused: they may not, or it is too late.
        """
        one = self.get(id)
        if who not in self.rules.approvers and who != one.who:
            raise Refused(f"{clean(who, 60)} is no approver; switch.approvers names who is")
        if one.stage is S.UNKNOWN and who in self.rules.approvers:
            says = f"given up by {clean(who, 60)}, not known whether it was written: {why}"
            return Step(S.CONFLICT, one.id, {"who": who, "says": clean(says, 500)})
        if one.stage not in {S.PROPOSED, S.APPROVED}:
            raise Refused(f"it is too late to reject switch {one.id} ({one.stage})")
        return Step(S.REJECTED, one.id, {"who": who, "says": clean(why, 500)})

    def may_follow(self, step: Step) -> None:
        """Whether a step may still be taken.

        Raises:
            Refused: the switch is elsewhere.
        """
        one = self.get(step.switch)
        if step.kind not in NEXT.get(one.stage, frozenset()):
            raise Refused(f"switch {one.id} is elsewhere ({one.stage})")

    def overdue(self, now: float) -> list[Step]:
        """Expiries that are due: proposals nobody approved, approvals nothing came of."""
        waiting = [(one.id, self._stale(one, now)) for one in self.at(S.PROPOSED, S.APPROVED)]
        return [Step(S.EXPIRED, id, {"says": over}) for id, over in waiting if over is not None]

    def intend(self, id: str, plan: Plan, now: float) -> Step:
        """The last line before the write, given the plan as it would be made now.

        Raises:
            Refused: it is not written, for the reason given.
        """
        one = self.get(id)
        if one.stage is not S.APPROVED:
            raise Refused(f"switch {one.id} is not approved ({one.stage})")
        if (over := self._stale(one, now)) is not None:
            raise Refused(over)
        if gone := sorted(set(one.approvers) - self.rules.approvers):
            raise Refused(f"{clean(gone[0], 60)}, who approved it, is no approver any more")
        if plan.digest != one.plan.digest:
            raise Refused(f"the plan changed since it was approved: it is now {plan.sentence}")
        sides = {"before": plan.before.digest, "after": plan.after.digest}
        return Step(S.INTENT, one.id, {"digest": plan.digest, **sides})

    def settled(self, id: str, where: Where, waited: float) -> Step | None:
        """How a write without an end ended, by where the target is after it was waited for so
        many seconds; None while it may arrive."""
        if where is Where.AFTER:
            return Step(S.APPLIED, id, {"found": True, "says": "found applied"})
        if where is Where.OTHER:
            says = "the target is neither what it was nor what it was to be; look at it"
            return Step(S.CONFLICT, id, {"says": says})
        if waited < LATE:
            return None
        says = "the target is as it was before; propose again to try again"
        return Step(S.NOT_APPLIED, id, {"says": says})

    def too_long(self, one: Switch, now: float) -> bool:
        """Whether a target that is still at it has had its time."""
        return not -STEP_BACK <= now - one.since < self.rules.take_within

    def _stale(self, one: Switch, now: float) -> str | None:
        """Why it may go no further, None while it may."""
        age = now - one.since if one.stage is S.APPROVED else now - one.proposed
        if age < -STEP_BACK:
            return "the clock was set back, so that its age is not known"
        if one.stage is S.APPROVED and age > APPLY_WITHIN:
            return f"it was approved more than {APPLY_WITHIN / 60:g} minutes ago"
        if one.stage is S.PROPOSED and age > self.rules.valid:
            return "nobody approved it in time"
        return None

    def _proposed(self, entry: Entry) -> Switch:
        body = entry.body
        plan = Plan.from_dict(body["plan"])
        if (
            entry.kind != S.PROPOSED
            or plan.digest != body["digest"]
            or body["needed"] not in {1, 2}
        ):
            raise ValueError
        id = f"{entry.number}-{entry.hash[:8]}"
        words, at = (body["who"], body["why"], body["because"]), entry.at
        return Switch(id, plan, *words, body["needed"], S.PROPOSED, at, at)

    def _changed(self, entry: Entry) -> Switch:
        one, stage = self._switches[entry.switch], Stage(entry.kind)
        if stage not in NEXT.get(one.stage, frozenset()):
            raise ValueError
        says = str(entry.body.get("says", ""))
        if stage is S.APPROVED:
            who = entry.body["who"]
            if who in one.approvers or entry.body["digest"] != one.digest:
                raise ValueError
            approvers = (*one.approvers, who)
            if len(approvers) < one.needed:
                return replace(one, approvers=approvers)
            return replace(one, stage=stage, since=entry.at, approvers=approvers, says="")
        if stage is S.INTENT:
            if entry.body["digest"] != one.plan.digest:
                raise ValueError
            return replace(one, stage=stage, since=entry.at, write=entry.hash, says=says)
        return replace(one, stage=stage, since=entry.at, says=says)
