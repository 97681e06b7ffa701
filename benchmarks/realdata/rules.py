"""Every rule on the same windows of a data set: which of them rang, when and on which days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from benchmarks.realdata import bonferroni, ours
from benchmarks.realdata.data import MIN_ROWS, Data, Window, days, hours
from benchmarks.realdata.peers import Question, answer
from benchmarks.simulate.judging import entries
from collectors.drift.calibration.seasons import Calendar

OURS = "inferwatch"
BONFERRONI = "Bonferroni KS/chi2"
NANNYML, NANNYML_MISSING = "NannyML", "NannyML, missing values too"
EVIDENTLY_SHARE, EVIDENTLY_ANY = "Evidently, half of the columns", "Evidently, any column"
HOURS_IN_30_DAYS, DAYS_IN_30_DAYS = 720, 30

LENGTHS = {"1h": "hours", "1d": "days"}

ASKED = 160
"""Hours, evenly spread, that Evidently is asked of: it takes a quarter of a second for each."""

REPORTS = 12
"""Windows of which Evidently's whole report is made too."""


@dataclass(frozen=True, eq=False)
class Rung:
    """One rule on windows of one length.

    Attributes:
        windows: that it judged; flags: whether it rang in each.
        alarms: how often it began to ring; an alarm ends after three windows in which it does not.
        began: the windows in which it began.
        total: windows that there were; more than were judged where it was asked of some.
    """

    method: str
    length: str
    windows: Sequence[Window]
    flags: Sequence[bool]
    alarms: int
    total: int
    began: Sequence[Window] = ()

    @property
    def whole(self) -> bool:
        """Whether it judged every window."""
        return len(self.windows) == self.total

    def rang(self, calendar: Calendar) -> set[date]:
        """The local days with a window in which it rang."""
        pairs = zip(self.windows, self.flags, strict=True)
        return {window.day(calendar) for window, flag in pairs if flag}

    def by_month(self, calendar: Calendar) -> Counter[date]:
        """Those days by the first one of their month."""
        return Counter(day.replace(day=1) for day in self.rang(calendar))


@dataclass(frozen=True, eq=False)
class Played:
    """A data set judged against the reference of its first weeks."""

    data: Data
    weeks: int
    monitor: ours.Monitor
    verdicts: Mapping[str, Sequence[ours.Verdict]]
    rung: Sequence[Rung]

    @property
    def begin(self) -> int:
        return self.data.until(7 * self.weeks)


def play(data: Data, weeks: int, again: bool = False, ignore: str = "") -> Played:
    """Judge everything behind the first weeks by every rule.

    Args:
        ignore: a column without which our rule is played once more.
    """
    start = data.until(7 * weeks)
    monitor = ours.monitor(data.before(start))
    verdicts = ours.judged(data, monitor, start)
    rung = [_ours(OURS, length, some) for length, some in verdicts.items()]
    if ignore:
        without = ours.monitor(data.before(start), ignore=frozenset({ignore}))
        name = f"{OURS}, `{ignore}` ignored"
        judged = ours.judged(data, without, start)
        rung += [_ours(name, length, some) for length, some in judged.items()]
    for length, windows in (("1h", hours(data)), ("1d", days(data))):
        enough = [one for one in windows if one.rows >= MIN_ROWS]
        known = [one for one in enough if one.end <= start]
        live = [one for one in enough if one.start >= start]
        question = _question(data, weeks, length, known, live)
        said = answer(question, again)
        rung += _of_others(said.drifted, length, live, len(data.columns))
        each = HOURS_IN_30_DAYS if length == "1h" else DAYS_IN_30_DAYS
        tested = bonferroni.drifted(data, question.reference, question.windows, 1.0 / each)
        rung.append(_rung(BONFERRONI, length, live, [number > 0 for number in tested]))
    return Played(data, weeks, monitor, verdicts, rung)


def _question(
    data: Data, weeks: int, length: str, known: Sequence[Window], live: Sequence[Window]
) -> Question:
    hourly = length == "1h"
    every = max(len(live) // ASKED, 1) if hourly else 1
    reports = list(range(0, len(live), every))[:: max(len(live) // every // REPORTS, 1)][:REPORTS]
    told = {"chunks": "h" if hourly else "D", "every": every, "reports": reports}
    reference = np.concatenate([one.places() for one in known])
    name = f"{data.name}, {weeks} weeks, {LENGTHS[length]}"
    return Question(name, data, reference, [one.places() for one in live], told)


def _ours(method: str, length: str, verdicts: Sequence[ours.Verdict]) -> Rung:
    windows = [one.window for one in verdicts]
    began = [one.window for one in verdicts if one.entered]
    flags = [one.flagged for one in verdicts]
    return Rung(method, length, windows, flags, len(began), len(windows), began)


def _of_others(
    drifted: Mapping[str, Sequence[int]], length: str, live: Sequence[Window], columns: int
) -> Iterator[Rung]:
    univariate, missing = drifted["nannyml"], drifted["nannyml missing"]
    yield _rung(NANNYML, length, live, [number > 0 for number in univariate])
    both = [one + other > 0 for one, other in zip(univariate, missing, strict=True)]
    yield _rung(NANNYML_MISSING, length, live, both)
    asked = [(w, n) for w, n in zip(live, drifted["evidently"], strict=True) if n >= 0]
    some, total = [window for window, _ in asked], len(live)
    share = [number >= columns / 2 for _, number in asked]
    yield _rung(EVIDENTLY_SHARE, length, some, share, total)
    yield _rung(EVIDENTLY_ANY, length, some, [n > 0 for _, n in asked], total)


def _rung(
    method: str, length: str, windows: Sequence[Window], flags: Sequence[bool], total: int = 0
) -> Rung:
    number = entries(np.array(flags, dtype=bool))
    return Rung(method, length, windows, flags, number, total or len(windows))
