"""A switch from its proposal to its end, and each way in which it does not get there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor import disk
from monitor.switch.log import Log, read
from monitor.switch.machine import APPLY_WITHIN, LATE, Impossible, Rules, Stage, Switch
from monitor.switch.room import FILE, Room
from monitor.switch.target import Refused, Rollout, Unreachable, Unsure
from tests.support.faults import DyingOs, FailingOs, Killed
from tests.support.switching import Clock, FileTarget, fails

RULES = Rules(frozenset({"ada", "grace", "lin"}))
TWO = Rules(frozenset({"ada", "grace", "lin"}), approvals=2)


class House:
    """A room with one target, that can be left as a killed process leaves it, and entered again."""

    def __init__(self, folder: Path, rules: Rules) -> None:
        self.folder, self.rules = folder, rules
        self.clock = Clock()
        self.target = FileTarget(folder)
        self.told: list[tuple[str, str]] = []
        self.room = self._enter()

    def _enter(self, ago: float = 0.0) -> Room:
        looks = iter([self.clock.now - ago] if ago else [])

        def told(switch: Switch, head: str) -> None:
            self.told.append((switch.stage, head))

        return Room(
            self.folder,
            {"m": self.target},
            self.rules,
            self.clock,
            told,
            lambda: next(looks, self.clock.now),
        )

    def again(self, after: float = LATE) -> None:
        """Another life, whose first look was so long ago."""
        self.room.close()
        self.clock.now += after
        self.room = self._enter(after)

    def propose(self, version: str = "v1", who: str = "pipeline") -> Switch:
        return self.room.propose("m", version, who, "it leans")

    def approve(self, one: Switch, who: str = "ada") -> Switch:
        return self.room.approve(one.id, one.digest, who)

    def turn(self, after: float = 0.0) -> Switch:
        self.clock.now += after
        self.room.turn()
        return self.last

    def whole_way(self) -> Switch:
        self.approve(self.propose())
        return self.turn()

    @property
    def last(self) -> Switch:
        return self.room.switches()[-1]

    @property
    def kinds(self) -> list[str]:
        return [entry.kind for entry in read(self.folder / FILE).entries]


@pytest.fixture
def make_house(tmp_path: Path) -> Iterator[Callable[..., House]]:
    made: list[House] = []

    def make(rules: Rules = RULES) -> House:
        made.append(House(tmp_path, rules))
        return made[-1]

    yield make
    for house in made:
        house.room.close()


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    return make_house()


class TestTheWay:
    def test_proposed_approved_applied_took_recovered(self, house: House) -> None:
        one = house.propose()
        assert one.plan.sentence == "file target m: from version v2 to version v1"
        assert one.plan.version_before == "v2"
        house.approve(one)
        assert house.target.now == "v2"
        house.turn()
        assert house.target.now == "v1"
        assert house.last.stage is Stage.TOOK
        house.room.judged(one.id, Stage.RECOVERED, "calm for three windows")
        assert house.kinds == ["proposed", "approved", "intent", "applied", "took", "recovered"]
        assert [kind for kind, _ in house.told] == house.kinds

    def test_each_message_carries_the_head_of_the_log_then(self, house: House) -> None:
        house.approve(house.propose())
        house.turn()
        heads = [entry.hash for entry in read(house.folder / FILE).entries]
        assert [head for _, head in house.told] == heads

    def test_the_intent_says_before_after_and_the_plan_and_names_the_write(
        self, house: House
    ) -> None:
        one = house.propose()
        house.approve(one)
        house.turn()
        intent = read(house.folder / FILE).entries[2]
        plan = one.plan
        sides = {"before": plan.before.digest, "after": plan.after.digest, "digest": plan.digest}
        assert intent.body == sides
        assert house.target.writes == [f"{intent.hash} v1"]

    def test_what_was_said_is_kept_on_one_line(self, house: House) -> None:
        one = house.room.propose("m", "v1", "ada", "it\nleans\x00" + "!" * 999, "alarm-7")
        house.again(0.0)
        assert house.last == one
        assert one.why.startswith("it leans !!!")
        assert len(one.why) == 500
        assert one.because == "alarm-7"

    def test_nothing_is_written_without_an_approval(self, house: House) -> None:
        house.propose()
        house.turn()
        house.turn(3600.0)
        assert house.target.writes == []

    def test_undo_is_a_proposal_of_its_own(self, house: House) -> None:
        one = house.propose()
        house.approve(one)
        house.turn()
        back = house.room.undo(one.id, "pipeline")
        assert (back.plan.version, back.stage) == ("v2", Stage.PROPOSED)
        house.approve(back)
        house.turn()
        assert house.target.now == "v2"
        assert house.room.switches()[0].stage is Stage.CANNOT_TELL

    def test_undo_to_what_has_no_name_is_refused(self, house: House) -> None:
        house.target.set("by hand")
        one = house.propose()
        with pytest.raises(Refused, match="has no declared version of its own"):
            house.room.undo(one.id, "ada")

    def test_it_is_the_same_after_a_restart_at_every_stage(self, house: House) -> None:
        one = house.propose()
        house.again(1.0)
        house.approve(one)
        house.again(1.0)
        house.turn()
        house.again(1.0)
        assert house.last.stage is Stage.TOOK
        assert len(house.target.writes) == 1

    def test_only_what_took_is_judged(self, house: House) -> None:
        one = house.propose()
        with pytest.raises(Refused, match=r"waits for no judgement \(proposed\)"):
            house.room.judged(one.id, Stage.RECOVERED, "")

    def test_a_room_tells_nobody_unless_it_is_told_whom(self, tmp_path: Path) -> None:
        folder = tmp_path / "other"
        folder.mkdir()
        room = Room(folder, {"m": FileTarget(folder)}, RULES, Clock())
        assert room.propose("m", "v1", "ada").stage is Stage.PROPOSED
        assert room.head == read(folder / FILE).head
        room.close()

    def test_a_log_that_cannot_be_is_refused_and_left_to_others(self, tmp_path: Path) -> None:
        folder = tmp_path / "other"
        folder.mkdir()
        log = Log(folder / FILE, 0.0)
        log.add("applied", "7-unknown", {}, 0.0)
        log.close()
        for _ in range(2):
            with pytest.raises(Impossible, match="line 1: applied cannot follow"):
                Room(folder, {}, RULES, Clock())


class TestApprovals:
    def test_a_stranger_does_not_count(self, house: House) -> None:
        with pytest.raises(Refused, match="pipeline is no approver"):
            house.approve(house.propose(), "pipeline")

    def test_the_digest_of_another_plan_does_not_count(self, house: House) -> None:
        first = house.propose()
        house.room.reject(first.id, "ada")
        second = house.propose("v3")
        for digest in (first.digest, second.plan.digest, "", "0" * 64):
            with pytest.raises(Refused, match="is not the plan of switch"):
                house.room.approve(second.id, digest, "ada")
        assert house.last.stage is Stage.PROPOSED

    def test_an_approval_is_not_good_for_the_same_plan_proposed_again(self, house: House) -> None:
        first = house.propose()
        house.room.reject(first.id, "ada")
        second = house.propose()
        assert first.plan.digest == second.plan.digest
        with pytest.raises(Refused, match="is not the plan of switch"):
            house.room.approve(second.id, first.digest, "ada")

    def test_one_replayed_is_refused_wherever_the_switch_is(self, house: House) -> None:
        one = house.propose()
        house.approve(one)
        with pytest.raises(Refused, match=r"waits for no approval \(approved\)"):
            house.approve(one)
        house.turn()
        with pytest.raises(Refused, match=r"waits for no approval \(took\)"):
            house.approve(one)
        house.turn()
        assert len(house.target.writes) == 1

    def test_two_are_two_others(self, make_house: Callable[..., House]) -> None:
        house = make_house(TWO)
        one = house.propose(who="ada")
        with pytest.raises(Refused, match=r"ada proposed switch .*; it takes two others"):
            house.approve(one, "ada")
        house.approve(one, "grace")
        house.turn()
        assert house.target.writes == []
        with pytest.raises(Refused, match=r"grace has approved switch .* already"):
            house.approve(one, "grace")
        house.approve(one, "lin")
        assert house.turn().stage is Stage.TOOK

    def test_of_one_the_proposer_may_be_it(self, house: House) -> None:
        house.approve(house.propose(who="ada"), "ada")
        assert house.turn().stage is Stage.TOOK

    def test_who_is_no_approver_any_more_did_not_approve(self, house: House) -> None:
        house.approve(house.propose())
        house.rules = Rules(frozenset({"grace"}))
        house.again(1.0)
        assert house.turn().stage is Stage.NOT_APPLIED
        assert "ada, who approved it, is no approver any more" in house.last.says

    def test_other_rules_hold_from_when_they_are_read(self, house: House) -> None:
        one = house.propose()
        house.room.use({"m": house.target}, Rules(frozenset({"grace"})))
        with pytest.raises(Refused, match="ada is no approver"):
            house.approve(one, "ada")
        house.approve(one, "grace")
        house.room.use({}, Rules(frozenset({"grace"})))
        assert house.turn().stage is Stage.NOT_APPLIED
        assert "m has no target in the config" in house.last.says

    def test_fewer_approvals_in_the_config_do_not_lower_those_of_a_proposal(
        self, make_house: Callable[..., House]
    ) -> None:
        house = make_house(TWO)
        one = house.propose()
        house.rules = RULES
        house.again(1.0)
        assert house.approve(one).stage is Stage.PROPOSED

    def test_an_id_that_is_none_is_named_on_one_line(self, house: House) -> None:
        with pytest.raises(Refused, match="there is no switch <b> x; list"):
            house.room.approve("<b>\nx", "", "ada")


class TestRejected:
    def test_by_an_approver_or_by_who_proposed(self, house: House) -> None:
        house.room.reject(house.propose().id, "ada", "no")
        assert house.last.stage is Stage.REJECTED
        house.room.reject(house.propose().id, "pipeline")
        with pytest.raises(Refused, match="stranger is no approver"):
            house.room.reject(house.propose().id, "stranger")

    def test_an_approved_one_too_but_not_one_that_is_written(self, house: House) -> None:
        one = house.propose()
        house.approve(one)
        house.room.reject(one.id, "grace", "wait")
        house.turn()
        assert house.target.writes == []
        again = house.propose()
        house.approve(again)
        house.turn()
        with pytest.raises(Refused, match="too late"):
            house.room.reject(again.id, "grace")

    def test_while_the_plan_is_made_for_the_write(self, house: House) -> None:
        one = house.propose()
        house.approve(one)
        read_before = house.target.read

        def reject_meanwhile() -> Any:
            house.target.read = read_before  # type: ignore[method-assign]
            house.room.reject(one.id, "grace")
            return read_before()

        house.target.read = reject_meanwhile  # type: ignore[method-assign]
        assert house.turn().stage is Stage.REJECTED
        assert house.target.writes == []


class TestTime:
    def test_an_approval_is_good_for_ten_minutes(self, house: House) -> None:
        house.approve(house.propose())
        house.again(APPLY_WITHIN)
        assert house.turn().stage is Stage.TOOK

    def test_and_not_for_more(self, house: House) -> None:
        house.approve(house.propose())
        house.again(APPLY_WITHIN + 0.1)
        assert house.turn().stage is Stage.EXPIRED
        assert house.last.says == "it was approved more than 10 minutes ago"
        assert house.target.writes == []

    def test_a_proposal_expires_and_cannot_be_approved_then(self, house: House) -> None:
        one = house.propose()
        house.clock.now += RULES.valid + 1
        with pytest.raises(Refused, match="has expired"):
            house.approve(one)
        assert house.turn().stage is Stage.EXPIRED
        house.propose()

    @pytest.mark.parametrize("approved", [False, True])
    def test_a_clock_that_was_set_back_ends_what_waits(self, house: House, approved: bool) -> None:
        one = house.propose()
        if approved:
            house.approve(one)
        house.clock.now -= 3600.0
        assert house.turn().stage is Stage.EXPIRED
        assert "the clock was set back" in house.last.says
        assert house.target.writes == []

    def test_a_second_back_does_not(self, house: House) -> None:
        house.approve(house.propose())
        assert house.turn(-1.0).stage is Stage.TOOK


class TestTwoAtOnce:
    def test_of_many_approvals_at_one_moment_one_counts(self, house: House) -> None:
        one, refused = house.propose(), []
        together = threading.Barrier(8)

        def approve() -> None:
            together.wait(10)
            try:
                house.approve(one)
            except Refused as error:
                refused.append(str(error))

        threads = [threading.Thread(target=approve) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(refused) == 7
        assert house.kinds == ["proposed", "approved"]

    def test_of_two_turns_at_one_moment_one_does_nothing(self, house: House) -> None:
        house.approve(house.propose())
        house.target.between = house.room.turn
        assert house.turn().stage is Stage.TOOK
        assert len(house.target.writes) == 1

    def test_a_second_proposal_is_refused_and_names_the_first(self, house: House) -> None:
        one = house.propose()
        with pytest.raises(Refused, match=f"switch {one.id} of m is open"):
            house.propose("v3")

    def test_also_where_both_asked_the_target_before_either_was_written(self, house: House) -> None:
        read_before = house.target.read

        def another_first() -> Any:
            house.target.read = read_before  # type: ignore[method-assign]
            house.propose("v3")
            return read_before()

        house.target.read = another_first  # type: ignore[method-assign]
        with pytest.raises(Refused, match="is open"):
            house.propose("v1")
        assert house.kinds == ["proposed"]


class TestRefusedPlans:
    @pytest.mark.parametrize(
        ("version", "what"),
        [
            ("v9", "version v9 is not held"),
            ("v2", "is at version v2 already"),
            ("../../etc/passwd", "version ../../etc/passwd is not held"),
            ("<img src=x>\nv1", "version <img src=x> v1 is not held"),
            ("v1 ", "version v1 is not held"),
            ("registry.example/evil:latest", "is not held"),
            ("v" * 1000, "of 1,000 characters is none"),
            ("", "is not held"),
        ],
    )
    def test_a_version_that_is_not_held(self, house: House, version: str, what: str) -> None:
        with pytest.raises(Refused) as caught:
            house.propose(version)
        assert what in str(caught.value)
        assert "\n" not in str(caught.value)
        assert house.kinds == []

    def test_one_that_is_held_twice(self, house: House) -> None:
        house.target.versions = ("v1", "v1", "v2")
        with pytest.raises(Refused, match="version v1 is held 2 times"):
            house.propose()

    def test_a_model_without_a_target(self, house: House) -> None:
        with pytest.raises(Refused, match="other has no target"):
            house.room.propose("other", "v1", "ada")

    def test_a_target_that_answers_what_nobody_foresaw(self, house: House) -> None:
        house.target.read = lambda: vars()["metadata"]  # type: ignore[method-assign]
        with pytest.raises(Unreachable, match=r"answered what is not understood \(KeyError\)"):
            house.propose()

    def test_a_target_that_does_not_answer(self, house: House) -> None:
        house.target.silent = True
        with pytest.raises(Unreachable, match="says nothing"):
            house.propose()


class TestAtTheWrite:
    def test_what_changed_since_the_approval_is_not_written(self, house: House) -> None:
        house.approve(house.propose())
        house.target.set("v3")
        assert house.turn().stage is Stage.NOT_APPLIED
        assert "the plan changed since it was approved" in house.last.says
        assert (house.target.now, house.target.writes) == ("v3", [])

    def test_nor_what_changed_just_before_it(self, house: House) -> None:
        house.approve(house.propose())
        apply = house.target.apply

        def changed_first(*arguments: Any) -> None:
            house.target.set("v3")
            apply(*arguments)

        house.target.apply = changed_first  # type: ignore[method-assign, assignment]
        assert house.turn().stage is Stage.NOT_APPLIED
        assert "changed since the plan: it was version v2" in house.last.says
        assert house.target.writes == []

    def test_a_target_that_is_silent_for_a_while_is_asked_again(self, house: House) -> None:
        house.approve(house.propose())
        house.target.silent = True
        assert house.turn().stage is Stage.APPROVED
        house.target.silent = False
        assert house.turn(60.0).stage is Stage.TOOK

    def test_one_that_stays_silent_ends_it(self, house: House) -> None:
        house.approve(house.propose())
        house.target.silent = True
        assert house.turn(APPLY_WITHIN + 1).stage is Stage.EXPIRED

    def test_a_refusal_is_an_end(self, house: House) -> None:
        house.approve(house.propose())
        house.target.before = fails(Refused("403: may not patch"))
        assert house.turn().stage is Stage.NOT_APPLIED
        assert house.last.says == "403: may not patch"

    @pytest.mark.parametrize("error", [Unsure("no answer within 10 s"), ZeroDivisionError()])
    def test_a_write_without_an_answer_is_unknown_until_the_target_tells(
        self, house: House, error: Exception
    ) -> None:
        house.approve(house.propose())
        house.target.after = fails(error)
        assert house.turn().stage is Stage.UNKNOWN
        with pytest.raises(Refused, match=r"is open \(unknown\)"):
            house.propose("v3")
        assert house.turn().stage is Stage.TOOK
        assert len(house.target.writes) == 1

    def test_one_that_did_not_arrive_is_not_written_again(self, house: House) -> None:
        house.approve(house.propose())
        house.target.before = fails(Unsure("the connection broke"))
        assert house.turn().stage is Stage.UNKNOWN
        assert house.turn(LATE - 1).stage is Stage.UNKNOWN
        assert house.turn(1.0).stage is Stage.NOT_APPLIED
        assert house.turn(1.0).stage is Stage.NOT_APPLIED
        assert house.target.writes == []

    def test_a_minute_counts_from_when_the_write_was_given_up(self, house: House) -> None:
        house.approve(house.propose())

        def tries_for_long() -> None:
            house.clock.now += 2 * LATE
            raise Unsure("four tries without an answer")

        house.target.before = tries_for_long
        assert house.turn().stage is Stage.UNKNOWN
        assert house.turn(LATE - 1).stage is Stage.UNKNOWN
        assert house.turn(1.0).stage is Stage.NOT_APPLIED

    def test_one_that_arrives_late_is_found(self, house: House) -> None:
        house.approve(house.propose())
        house.target.before = fails(Unsure("the connection broke"))
        house.turn()
        house.turn(1.0)
        house.target.set("v1")
        house.turn(1.0)
        assert house.kinds[-3:] == ["unknown", "applied", "took"]

    def test_a_target_that_is_silent_then_is_asked_until_it_tells(self, house: House) -> None:
        house.approve(house.propose())
        house.target.after = fails(Unsure("no answer within 10 s"))
        house.turn()
        house.target.silent = True
        assert house.turn(3600.0).stage is Stage.UNKNOWN
        house.target.silent = False
        assert house.turn().stage is Stage.TOOK

    def test_a_third_state_is_a_conflict(self, house: House) -> None:
        house.approve(house.propose())
        house.target.before = fails(Unsure("the connection broke"))
        house.turn()
        house.target.set("v3")
        assert house.turn(1.0).stage is Stage.CONFLICT
        house.propose()

    def test_what_takes_too_long_did_not_take(self, house: House) -> None:
        house.approve(house.propose())
        house.target.rollout = Rollout.WAITING
        assert house.turn().stage is Stage.APPLIED
        assert house.turn(RULES.take_within - 1).stage is Stage.APPLIED
        assert house.turn(1.0).stage is Stage.DID_NOT_TAKE

    def test_nor_did_what_nobody_can_see_for_too_long(self, house: House) -> None:
        house.approve(house.propose())
        house.target.after = lambda: setattr(house.target, "silent", True)
        assert house.turn().stage is Stage.APPLIED
        assert house.turn(RULES.take_within - 1).stage is Stage.APPLIED
        assert house.turn(1.0).stage is Stage.DID_NOT_TAKE
        assert house.last.says == "the file target says nothing"

    def test_what_the_target_gave_up_did_not_take(self, house: House) -> None:
        house.approve(house.propose())
        house.target.rollout = Rollout.FAILED
        assert house.turn().stage is Stage.DID_NOT_TAKE

    def test_what_somebody_wrote_over_it_did_not_take(self, house: House) -> None:
        house.approve(house.propose())
        house.target.rollout = Rollout.WAITING
        house.turn()
        house.target.set("v3")
        assert house.turn().stage is Stage.DID_NOT_TAKE

    def test_what_somebody_else_does_later_is_waited_for(self, house: House) -> None:
        house.approve(house.propose())
        house.target.rollout, house.target.later = Rollout.WAITING, True
        house.target.after = lambda: house.target.set("v2")  # a pull request is open
        assert house.turn().stage is Stage.APPLIED
        assert house.turn(RULES.take_within - 1).stage is Stage.APPLIED
        house.target.set("v1")
        house.target.rollout = Rollout.DONE
        assert house.turn().stage is Stage.TOOK

    def test_and_a_write_that_may_be_it_is_not_called_none(self, house: House) -> None:
        house.approve(house.propose())
        house.target.rollout, house.target.later = Rollout.WAITING, True
        house.target.before = fails(Unsure("no answer within 10 s"))
        house.turn()
        assert house.turn(10 * LATE).stage is Stage.UNKNOWN

    def test_a_clock_that_is_set_back_shortens_no_wait(self, house: House) -> None:
        house.room.close()
        house.room = Room(house.folder, {"m": house.target}, RULES, house.clock)
        house.approve(house.propose())
        house.target.before = fails(Unsure("the connection broke"))
        house.turn()
        assert house.turn(-1.0).stage is Stage.UNKNOWN

    def test_a_start_waits_however_long_ago_the_intent_is(self, house: House) -> None:
        house.approve(house.propose())

        def dies() -> None:
            raise Killed

        house.target.before = dies
        with pytest.raises(Killed):
            house.turn()
        house.target.before = lambda: None
        house.clock.now += 2 * LATE
        house.again(0.0)
        assert house.turn().stage is Stage.INTENT
        assert house.turn(LATE).stage is Stage.NOT_APPLIED

    def test_a_target_that_is_gone_is_given_up_by_an_approver(self, house: House) -> None:
        house.approve(house.propose())
        house.target.before = fails(Unsure("the connection broke"))
        house.turn()
        house.room.use({}, RULES)
        assert house.turn(3600.0).stage is Stage.UNKNOWN
        with pytest.raises(Refused, match="too late"):
            house.room.reject(house.last.id, "pipeline")
        assert house.room.reject(house.last.id, "ada", "the server is gone").stage is Stage.CONFLICT
        assert "given up by ada" in house.last.says
        house.room.use({"m": house.target}, RULES)
        house.target.before = lambda: None
        house.propose()

    def test_what_was_refused_at_the_write_ends_none_before_it(self, house: House) -> None:
        assert house.whole_way().stage is Stage.TOOK
        house.approve(house.propose("v3"))
        house.target.before = fails(Refused("403"))
        house.turn()
        assert [one.stage for one in house.room.switches()] == [Stage.TOOK, Stage.NOT_APPLIED]

    def test_what_was_found_applied_ends_the_one_before_it(self, house: House) -> None:
        assert house.whole_way().stage is Stage.TOOK
        house.approve(house.propose("v3"))
        house.target.after = fails(Unsure("the connection broke"))
        house.turn()
        house.turn()
        assert [one.stage for one in house.room.switches()] == [Stage.CANNOT_TELL, Stage.TOOK]

    def test_an_approval_that_expires_says_what_kept_it(self, house: House) -> None:
        house.approve(house.propose())
        house.target.silent = True
        house.turn()
        assert house.turn(APPLY_WITHIN + 1).stage is Stage.EXPIRED
        assert house.last.says.endswith("the file target says nothing")

    def test_a_listener_that_fails_stops_nothing(self, house: House) -> None:
        house.room._told = lambda *_: 1 / 0  # type: ignore[assignment]
        house.approve(house.propose())
        assert house.turn().stage is Stage.TOOK


def test_a_room_that_is_closed_writes_nothing_more(house: House, tmp_path: Path) -> None:
    house.room.close()
    with (tmp_path / "other").open("wb"), pytest.raises(OSError, match="is closed"):
        house.propose()
    assert (tmp_path / "other").read_bytes() == b""
    house.room = Room(house.folder, {}, RULES, house.clock)


def test_a_name_of_any_length_is_refused(house: House) -> None:
    with pytest.raises(Refused, match="more than 200 characters"):
        house.propose(who="a" * 70_000)


class TestDisk:
    """The disk fails, or the process is killed there, at each call of a switch."""

    CALLS = 10  # proposed, approved, intent, applied, took: a write and an fsync each

    @pytest.mark.parametrize("at", range(1, CALLS + 1))
    @pytest.mark.parametrize("kind", [FailingOs, DyingOs])
    def test_never_twice_and_the_log_says_which(
        self, house: House, monkeypatch: pytest.MonkeyPatch, at: int, kind: type[FailingOs]
    ) -> None:
        failing = DyingOs(at) if kind is DyingOs else FailingOs(at, 1)
        monkeypatch.setattr(disk, "os", failing)
        with pytest.raises((OSError, Killed)):
            house.whole_way()
        assert failing.failed == 1
        monkeypatch.undo()
        house.again()
        house.room.turn()
        found = house.room.switches()
        assert len(house.target.writes) <= 1
        if house.target.now == "v1":
            assert found[-1].stage is Stage.TOOK
        else:
            assert not found or found[-1].stage in {Stage.PROPOSED, Stage.NOT_APPLIED}

    def test_these_are_all_calls(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        counting = FailingOs(1000, 1)
        monkeypatch.setattr(disk, "os", counting)
        house.whole_way()
        assert counting.calls == self.CALLS
