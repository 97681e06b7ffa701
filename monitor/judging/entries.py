"""Entries into alarm: when windows that pass a threshold become an alarm, and when it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from collectors.drift.calibration.fitted import Fitted
from collectors.drift.comparisons import quiet
from collectors.drift.judge import MANY, Judgement, Scored
from collectors.summaries.state import State, Stored
from monitor.judging.fixed import Passed

QUIET = 3
"""Windows below the threshold that end an alarm."""

REMEMBERED = 30 * 86_400_000_000
"""How long entries are counted, us."""

Name = tuple[str, str, str]
"""What opens an alarm by itself: subject, feature (or statistic, where it is of no feature),
version."""

Column = tuple[str, str, str, str]
"""What passes by itself: subject, feature, statistic, version."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one window brought.

    Attributes:
        flagged: whether the window passed.
        crossing: what passed in it, worst first.
        fixed: what is above a fixed threshold in it.
        entered: whether an alarm began, or a new one for something that crossed by itself.
        ended: whether the alarm ended.
    """

    flagged: bool
    crossing: tuple[Scored, ...] = ()
    entered: bool = False
    ended: bool = False
    fixed: tuple[Passed, ...] = ()


@dataclass(slots=True)
class Entries:
    """The alarm of one model and length of window.

    Attributes:
        since: end of the window (us) in which the alarm began; None where there is none.
        times: ends of the windows of the entries of the last 30 days.
        first: subjects of what crossed when the alarm began: what moved first; see `movers`.
    """

    since: int | None = None
    times: list[int] = field(default_factory=list)
    first: str = ""
    _over: dict[int, set[Column]] = field(default_factory=dict)
    _known: set[Name] = field(default_factory=set)
    _quiet: int = 0

    def step(
        self,
        fitted: Fitted,
        judgement: Judgement,
        number: int,
        end: int,
        muted: frozenset[str],
        fixed: Sequence[Passed] = (),
    ) -> Step:
        """Take in the window with this number (of its length since the epoch) and end (us).

        Args:
            fixed: what is above a fixed threshold; one window is enough for that.
        """
        self.times = [time for time in self.times if time > end - REMEMBERED]
        counted = [one for one in judgement.scored if not quiet(one.key, muted)]
        over = {column(one) for one in counted if one.score > fitted.together.value}
        before = [self._over.get(earlier, set()) for earlier in (number - 1, number - 2)]
        again = over & set().union(*before)
        self._over = {n: names for n, names in self._over.items() if n > number - 2}
        self._over[number] = over
        crossing = tuple(
            one for one in counted if one.score > fitted.alone.value or column(one) in again
        )
        if not crossing and not fixed:
            return self._quieter()
        self._quiet = 0
        # That many columns moved a little is no news beside one that moved much.
        passed: list[Scored | Passed] = [*crossing, *fixed]
        by_itself = {name(one) for one in passed if one.key not in MANY} or set(map(name, passed))
        entered = self.since is None or not by_itself <= self._known
        if entered:
            if self.since is None:
                self.since = end
                self.first = ", ".join(movers(passed))
            self.times.append(end)
        self._known |= by_itself
        return Step(True, crossing, entered, fixed=tuple(fixed))

    def _quieter(self) -> Step:
        if self.since is None:
            return Step(False)
        self._quiet += 1
        if self._quiet < QUIET:
            return Step(False)
        self.since, self.first, self._quiet = None, "", 0
        self._known.clear()
        return Step(False, ended=True)

    def state(self) -> State:
        """All that it holds; the caller owns it."""
        return {
            "since": self.since,
            "times": list(self.times),
            "first": self.first,
            "over": [[n, *one] for n, names in self._over.items() for one in sorted(names)],
            "known": [list(one) for one in sorted(self._known)],
            "quiet": self._quiet,
        }

    def restore(self, stored: Stored) -> None:
        """Become what the state was taken of."""
        self.since = stored.whole("since", -(2**63)) if stored.given("since") else None
        self.times = list(map(int, stored.rows("times")))
        self.first = stored.text("first")
        self._quiet = stored.whole("quiet")
        self._known = {(a, b, c) for a, b, c in stored.rows("known")}
        for number, a, b, c, d in stored.rows("over"):
            self._over.setdefault(number, set()).add((a, b, c, d))


def movers(passed: Sequence[Scored | Passed]) -> list[str]:
    """The subjects of what crossed; of inputs that did so only all together, `multivariate`."""
    subjects = {one.key.subject for one in passed if one.key not in MANY}
    together = {one.key.subject for one in passed if one.key in MANY} - subjects
    return sorted(subjects | ({"multivariate"} if together else set()))


def column(one: Scored) -> Column:
    """What a score is of."""
    return (*one.key, one.version)


def name(one: Scored | Passed) -> Name:
    """What a score belongs to, as alarms tell things apart."""
    return one.key.subject, one.key.feature or one.key.statistic, one.version
