"""Whatever happens, in whatever order: a switch is written at most once, by leave of a person."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from monitor.switch.log import START, Entry, read
from monitor.switch.machine import (
    APPLY_WITHIN,
    NEXT,
    Impossible,
    Rules,
    Stage,
    Switch,
    Switches,
)
from monitor.switch.room import FILE, Room
from monitor.switch.target import Refused, Rollout, Unreachable, Unsure
from tests.support.switching import VERSIONS, Clock, FileTarget, fails

PEOPLE = ("ada", "grace", "lin", "stranger", "pipeline")
APPROVERS = frozenset({"ada", "grace", "lin"})


OFTEN = st.sampled_from([True, True, True, False])


class Killed(BaseException):
    """The process ends here."""


def kills() -> None:
    raise Killed


class Everything(RuleBasedStateMachine):
    """People, time, a target that others write too, and kills: in every order."""

    @initialize(approvals=st.sampled_from([1, 2]))
    def begin(self, approvals: int) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name)
        self.clock, self.target = Clock(), FileTarget(self.path)
        self.who_may = Rules(APPROVERS, approvals)
        self.approved: dict[str, set[str]] = {}
        self.seen: list[str] = []
        self.enter()

    def enter(self) -> None:
        self.target.before = self.target.after = lambda: None
        self.room = Room(
            self.path, {"m": self.target}, self.who_may, self.clock, elapsed=self.clock
        )

    def teardown(self) -> None:
        self.room.close()
        self.folder.cleanup()

    def pick(self, place: int) -> Switch | None:
        found = self.room.switches()
        return found[-1 - place % len(found)] if found else None

    @rule(version=st.sampled_from([*VERSIONS, "v9"]), who=st.sampled_from(PEOPLE))
    def propose(self, version: str, who: str) -> None:
        was_open = any(one.stage in {"proposed", "approved"} for one in self.room.switches())
        try:
            self.room.propose("m", version, who)
        except (Refused, Unreachable):
            return
        assert not was_open

    @rule(place=st.integers(0, 2), who=st.sampled_from(PEOPLE), right=OFTEN)
    def approve(self, place: int, who: str, right: bool) -> None:
        if (one := self.pick(place)) is None:
            return
        try:
            self.room.approve(one.id, one.digest if right else one.plan.digest, who)
        except Refused:
            return
        assert right
        assert who in APPROVERS
        assert one.stage is Stage.PROPOSED
        assert self.who_may.approvals == 1 or who != one.who
        self.approved.setdefault(one.id, set()).add(who)

    @rule(version=st.sampled_from(VERSIONS))
    def people_agree(self, version: str) -> None:
        self.propose(version, "pipeline")
        for who in ("ada", "grace"):
            self.approve(0, who, True)

    @rule(place=st.integers(0, 2), who=st.sampled_from(PEOPLE))
    def reject(self, place: int, who: str) -> None:
        if (one := self.pick(place)) is not None:
            try:
                self.room.reject(one.id, who)
            except Refused:
                return
            given_up = one.stage is Stage.UNKNOWN and who in APPROVERS
            assert given_up or one.stage in {Stage.PROPOSED, Stage.APPROVED}

    @rule(seconds=st.sampled_from([-4000.0, -1.0, 1.0, 61.0, APPLY_WITHIN, 1000.0, 100_000.0]))
    def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(version=st.sampled_from(VERSIONS))
    def somebody_else_writes(self, version: str) -> None:
        self.target.set(version)

    @rule(rollout=st.sampled_from(Rollout), loud=OFTEN)
    def the_target_is(self, rollout: Rollout, loud: bool) -> None:
        self.target.rollout, self.target.silent = rollout, not loud

    @rule(where=st.sampled_from(["before", "after", "never"]), how=st.integers(0, 3))
    def turn(self, where: str, how: int) -> None:
        trouble = [kills, fails(Unsure("cut")), fails(Refused("403")), fails(OSError("gone"))][how]
        if where == "before" or (where == "after" and how != 2):
            setattr(self.target, where, trouble)
        try:
            self.room.turn()
        except Killed:
            self.room.close()
            self.enter()
        self.target.before = self.target.after = lambda: None

    @rule()
    def restart(self) -> None:
        before = self.room.switches()
        self.room.close()
        self.enter()
        assert self.room.switches() == before

    @precondition(lambda self: any(one.stage is Stage.TOOK for one in self.room.switches()))
    @rule(stage=st.sampled_from(sorted(NEXT[Stage.TOOK])))
    def judge(self, stage: Stage) -> None:
        took = next(one for one in self.room.switches() if one.stage is Stage.TOOK)
        self.room.judged(took.id, stage, "as the windows show")

    @invariant()
    def each_write_is_one_intent_that_people_approved(self) -> None:
        writes = [line.split()[0] for line in self.target.writes]
        assert len(writes) == len(set(writes))
        by_write = {one.write: one for one in self.room.switches() if one.write}
        for write in writes:
            one = by_write[write]
            assert len(self.approved[one.id]) == self.who_may.approvals
            assert one.stage is not Stage.REJECTED

    @invariant()
    def the_log_is_whole_and_only_grows(self) -> None:
        chain = read(self.path / FILE)
        hashes = [entry.hash for entry in chain.entries]
        assert hashes[: len(self.seen)] == self.seen
        self.seen = hashes
        assert list(Switches(self.who_may, chain.entries).all()) == list(self.room.switches())


Everything.TestCase.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
TestEverything = Everything.TestCase


def entry(number: int, kind: str, switch: str, body: dict[str, Any]) -> Entry:
    return Entry(number, START, 1.0, kind, switch, body)


class TestLinesThatCannotFollow:
    """A log whose hashes are right, and whose story is not: written by another program."""

    def test_every_pair_of_stages_is_either_in_the_table_or_impossible(
        self, tmp_path: Path
    ) -> None:
        rules = Rules(APPROVERS)
        plan = FileTarget(tmp_path).plan("v1")
        first = {
            "plan": plan.as_dict(),
            "digest": plan.digest,
            "who": "ada",
            "why": "",
            "because": "",
            "needed": 1,
        }
        proposed = entry(0, "proposed", "", first)
        one = Switches(rules, [proposed]).all()[0]
        bodies: dict[Stage, dict[str, Any]] = {
            Stage.APPROVED: {"who": "ada", "digest": one.digest},
            Stage.INTENT: {"digest": plan.digest},
        }
        paths: list[list[Stage]] = [[]]
        for path in paths:
            lines = [entry(n + 1, s, one.id, bodies.get(s, {})) for n, s in enumerate(path)]
            at = path[-1] if path else Stage.PROPOSED
            for stage in Stage:
                last = entry(len(path) + 1, stage, one.id, bodies.get(stage, {}))
                if stage in NEXT.get(at, ()):
                    Switches(rules, [proposed, *lines, last])
                    paths.append([*path, stage])
                else:
                    with pytest.raises(Impossible, match="cannot follow"):
                        Switches(rules, [proposed, *lines, last])
        assert {path[-1] for path in paths if path} == set(Stage) - {Stage.PROPOSED}

    @pytest.mark.parametrize(
        ("kind", "switch", "body"),
        [
            ("proposed", "", {}),
            ("proposed", "", {"plan": None}),
            ("applied", "", {}),
            ("applied", "7-unknown", {}),
            ("dances", "7-unknown", {}),
        ],
    )
    def test_nor_what_is_no_line_of_a_switch(
        self, kind: str, switch: str, body: dict[str, object]
    ) -> None:
        with pytest.raises(Impossible, match=f"line 1: {kind} cannot follow"):
            Switches(Rules(APPROVERS), [entry(0, kind, switch, body)])
