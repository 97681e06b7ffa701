"""Where switches happen: the log, the machine and the targets together.

For the daemon: make one `Room` over the state folder, call `turn` from one worker, every few
seconds and after each approval, and `close` at the end. `told` is called after each line with the
switch as it is then and the log's head; messages to people are sent from there. `judged` takes what
the windows after a switch show (`monitor.switch.recovery`). Where the log cannot be used there
is no `Room`, and no reason to stop watching models.

For the page, the socket and the command line: `propose`, `approve`, `reject`, `undo`, `switches`
and `head`; each is safe from any thread, and raises `Refused` or `Unreachable` with a sentence for
people. Who asks is the caller's to establish.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from monitor.switch.canonical import clean
from monitor.switch.log import Log
from monitor.switch.machine import Rules, Stage, Step, Switch, Switches
from monitor.switch.target import Plan, Refused, Rollout, Target, Unreachable, Unsure, Where

FILE = "switch.log"
"""The log's name in the state folder."""

_T = TypeVar("_T")
_logger = logging.getLogger(__name__)


def _nobody(switch: Switch, head: str) -> None:
    """Tell nobody."""


class Room:
    """All switches of a daemon.

    Raises:
        Tampered: the log is not what was written.
        Impossible: a line of it cannot follow those before it.
        OSError: it cannot be read or written, or another process has it.
    """

    def __init__(
        self,
        folder: Path,
        targets: Mapping[str, Target],
        rules: Rules,
        clock: Callable[[], float],
        told: Callable[[Switch, str], None] = _nobody,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._targets = dict(targets)
        self._clock = clock
        self._told = told
        self._elapsed = elapsed
        self._waiting: dict[str, float] = {}
        self._unanswered: dict[str, str] = {}
        self._lock = threading.Lock()
        self._turning = threading.Lock()
        self._log = Log(folder / FILE, clock())
        try:
            self._switches = Switches(rules, self._log.entries)
        except BaseException:
            self._log.close()
            raise

    @property
    def head(self) -> str:
        """The head of the log, for messages."""
        return self._log.head

    def switches(self) -> Sequence[Switch]:
        """All of them, the oldest first."""
        with self._lock:
            return self._switches.all()

    def propose(
        self, target: str, version: str, who: str, why: str = "", because: str = ""
    ) -> Switch:
        """Propose to go to a version; the target is asked what that would write. `because` names
        the alarm that it is an answer to.

        Raises:
            Refused: it may not be proposed.
            Unreachable: the target does not answer.
        """
        self._decide(lambda: self._switches.may_propose(target))
        plan = self._ask(target, lambda one: one.plan(version))
        return self._add(lambda: self._switches.propose(plan, who, why, because))

    def undo(self, id: str, who: str) -> Switch:
        """Propose to go to where a switch came from: a new proposal, with approvals of its own.

        Raises:
            Refused: it came from what has no version of its own, or may not be proposed.
            Unreachable: the target does not answer.
        """
        one = self._decide(lambda: self._switches.get(id))
        if not one.plan.version_before:
            what = f"what was there before switch {one.id} has no declared version of its own"
            raise Refused(f"{what}; propose one that has")
        return self.propose(one.plan.target, one.plan.version_before, who, f"undo of {one.id}")

    def approve(self, id: str, shown: str, who: str) -> Switch:
        """Approve the plan whose digest was shown; `turn` applies it.

        Raises:
            Refused: it does not count.
        """
        return self._add(lambda: self._switches.approve(id, shown, who, self._clock()))

    def reject(self, id: str, who: str, why: str = "") -> Switch:
        """Reject a switch, or take back a proposal.

        Raises:
            Refused: they may not, or it is too late.
        """
        return self._add(lambda: self._switches.reject(id, who, why))

    def judged(self, id: str, found: Stage, says: str) -> Switch:
        """Whether the model recovered, of a switch that took.

        Raises:
            Refused: nobody waits for that.
        """

        def decide() -> Step:
            one = self._switches.get(id)
            if one.stage is not Stage.TOOK:
                raise Refused(f"switch {one.id} waits for no judgement ({one.stage})")
            return Step(found, id, {"says": clean(says, 500)})

        return self._add(decide)

    def turn(self) -> None:
        """Do all that is due: expire, settle what was cut off, apply what is approved, look.

        Raises:
            OSError: the log cannot be written.
        """
        if not self._turning.acquire(blocking=False):
            return
        try:
            for step in self._decide(lambda: self._switches.overdue(self._clock())):
                why = self._unanswered.pop(step.switch, "")
                says = f"{step.body['says']}; {why}" if why else step.body["says"]
                self._try(Step(step.kind, step.switch, {"says": says}))
            for one in self._decide(lambda: self._switches.at(Stage.INTENT, Stage.UNKNOWN)):
                self._settle(one)
            for one in self._decide(lambda: self._switches.at(Stage.APPROVED)):
                self._apply(one)
            for one in self._decide(lambda: self._switches.at(Stage.APPLIED)):
                self._look(one)
        finally:
            self._turning.release()

    def use(self, targets: Mapping[str, Target], rules: Rules) -> None:
        """Go on with other targets and rules: a config that was read again.

        What is being written is written by the target that it began with, and waited for: that
        may take minutes.
        """
        with self._turning, self._lock:
            self._targets = dict(targets)
            self._switches.rules = rules

    def close(self) -> None:
        """Let another process have the log. Who still writes is told that it is closed: what a
        target was sent then is settled at the next start."""
        with self._lock:
            self._log.close()

    def _settle(self, one: Switch) -> None:
        began = self._waiting.setdefault(one.id, self._elapsed())
        try:
            look = self._ask(one.plan.target, lambda target: target.verify(one.plan))
        except (Unreachable, Refused) as error:
            _logger.warning("switch %s is not settled yet: %s", one.id, error)
            if one.stage is Stage.INTENT:
                self._try(Step(Stage.UNKNOWN, one.id, {"says": clean(str(error), 500)}))
            return
        if look.where is Where.BEFORE and look.rollout is Rollout.WAITING:
            return
        step = self._switches.settled(one.id, look.where, self._elapsed() - began)
        if step is not None:
            self._try(step)
            del self._waiting[one.id]
            self._follow(one)

    def _apply(self, one: Switch) -> None:
        try:
            plan = self._ask(one.plan.target, lambda target: target.plan(one.plan.version))
            intent = self._add(lambda: self._switches.intend(one.id, plan, self._clock()))
        except Unreachable as error:
            _logger.warning("switch %s is not applied yet: %s", one.id, error)
            self._unanswered[one.id] = clean(str(error), 400)
            return
        except Refused as error:
            self._try(Step(Stage.NOT_APPLIED, one.id, {"says": clean(str(error), 500)}))
            return
        step = self._written(intent, plan)
        if step.kind is Stage.UNKNOWN:
            self._waiting[one.id] = self._elapsed()
        self._try(step)
        self._follow(one)

    def _follow(self, one: Switch) -> None:
        """Where this switch was applied, those of its target before it are over."""
        if self._decide(lambda: self._switches.get(one.id)).stage is not Stage.APPLIED:
            return
        for older in self._decide(lambda: self._switches.at(Stage.APPLIED, Stage.TOOK)):
            if older.plan.target == one.plan.target and older.id != one.id:
                end = Stage.DID_NOT_TAKE if older.stage is Stage.APPLIED else Stage.CANNOT_TELL
                self._try(Step(end, older.id, {"says": f"switch {one.id} followed"}))

    def _written(self, one: Switch, plan: Plan) -> Step:
        """Write; what is known of it then."""
        try:
            self._targets[plan.target].apply(plan, one.write)
        except (Refused, Unreachable) as error:
            return Step(Stage.NOT_APPLIED, one.id, {"says": clean(str(error), 500)})
        except Unsure as error:
            return Step(Stage.UNKNOWN, one.id, {"says": clean(str(error), 500)})
        except Exception as error:
            _logger.exception("switch %s: writing failed in a way that was not foreseen", one.id)
            says = f"it is not known whether it was written ({type(error).__name__})"
            return Step(Stage.UNKNOWN, one.id, {"says": says})
        return Step(Stage.APPLIED, one.id)

    def _look(self, one: Switch) -> None:
        try:
            look = self._ask(one.plan.target, lambda target: target.verify(one.plan))
        except (Unreachable, Refused) as error:
            if self._switches.too_long(one, self._clock()):
                self._try(Step(Stage.DID_NOT_TAKE, one.id, {"says": clean(str(error), 500)}))
            return
        says = {"says": clean(look.says, 500)}
        if look.where is Where.OTHER or look.rollout is Rollout.FAILED:
            self._try(Step(Stage.DID_NOT_TAKE, one.id, says))
        elif look.where is Where.AFTER and look.rollout is Rollout.DONE:
            self._try(Step(Stage.TOOK, one.id, says))
        elif self._switches.too_long(one, self._clock()):
            self._try(Step(Stage.DID_NOT_TAKE, one.id, says))

    def _ask(self, name: str, question: Callable[[Target], _T]) -> _T:
        target = self._targets.get(name)
        if target is None:
            raise Refused(
                f"{clean(name)} has no target in the config; add one under switch.targets"
            )
        try:
            return question(target)
        except (Refused, Unreachable):
            raise
        except Exception as error:
            _logger.exception("%s answered in a way that was not foreseen", target.describe())
            what = f"{target.describe()} answered what is not understood"
            raise Unreachable(f"{what} ({type(error).__name__})") from error

    def _decide(self, decide: Callable[[], _T]) -> _T:
        with self._lock:
            return decide()

    def _add(self, decide: Callable[[], Step]) -> Switch:
        """Decide and write the line, as one."""
        with self._lock:
            step = decide()
            entry = self._log.add(step.kind, step.switch, step.body, self._clock())
            changed = self._switches.enter(entry)
            head = self._log.head
        assert changed is not None  # noqa: S101 - every step is about a switch
        try:
            self._told(changed, head)
        except Exception:
            _logger.exception("switch %s: nobody could be told", changed.id)
        return changed

    def _try(self, step: Step) -> None:
        """Write a line, unless the switch went elsewhere in the meantime."""

        def decide() -> Step:
            self._switches.may_follow(step)
            return step

        try:
            self._add(decide)
        except Refused as error:
            _logger.info("switch %s is not %s: %s", step.switch, step.kind, error)
