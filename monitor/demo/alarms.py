"""What the demo says of its alarms: each day with one, why, and what else is known of that day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from textwrap import wrap
from typing import Any, Literal
from zoneinfo import ZoneInfo

from monitor.archive import Event
from monitor.demo.flights import TIME_ZONE
from monitor.demo.outside import RULE, Outside
from monitor.demo.peers import Peers, sentences
from monitor.demo.reference import DAYS as REFERENCE_DAYS
from monitor.event_clock import SECOND

WIDTH = 100
CAUSE = 39
"""Columns of the terminal, and those of them for a cause."""

BUDGET = 1
"""False alarms in `MONTH` days."""

MONTH = 30

_NEW_YORK = ZoneInfo(TIME_ZONE)
_HEAD = (
    f"{'':18}{'':{CAUSE}}  {'cancelled':>9}{'':4}  {'rain':>5}{'sight':>6}{'wind':>5}",
    f"{'day':<10}  {'from':<5} {'worst cause':<{CAUSE}}  {'flights':>9}{'#':>4}  "
    f"{'in/h':>5}{'mi':>6}{'mph':>5}  outcome",
)

Outcome = Literal["hit", "holiday", "software", "miss"]


@dataclass(slots=True)
class AlarmDay:
    """The alarms that began in windows of one New York day.

    Attributes:
        alarms: how many.
        first: hour of the earliest hourly window with one; None where only the day itself has one.
        cause: what led to them, in words; the one with the largest score, and of software only
            where nothing else did.
        score: of that.
        software: whether it was software alone that led to them.
    """

    alarms: int = 0
    first: int | None = None
    cause: str = ""
    score: float = float("-inf")
    software: bool = True

    def add(self, event: Event) -> None:
        """Take in an `alarm` event of this day."""
        self.alarms += 1
        if event.subject == "1h":
            hour = _window(event).hour
            self.first = hour if self.first is None else min(self.first, hour)
        for cause in event.detail["causes"]:
            software = cause["subject"] == "software"
            if (not software, cause["score"]) > (not self.software, self.score):
                self.software, self.score, self.cause = software, cause["score"], words(cause)


def alarm_days(events: Iterable[Event]) -> dict[date, AlarmDay]:
    """`alarm` events by New York day, in order."""
    days: dict[date, AlarmDay] = {}
    for event in events:
        days.setdefault(_window(event).date(), AlarmDay()).add(event)
    return dict(sorted(days.items()))


def days_in_alarm(events: Iterable[Event]) -> set[date]:
    """The New York days with a window in which inputs or answers were in alarm.

    Args:
        events: of the kind `verdict`.
    """
    return {
        _window(event).date()
        for event in events
        if any(
            verdict == "alarm" and subject != "software"
            for subject, verdict in event.detail["verdicts"].items()
        )
    }


def words(cause: Mapping[str, Any]) -> str:
    """A cause as the archive keeps it, for people."""
    whose = cause["feature"]
    if not whose:
        whose = {"input": cause["kind"], "output": "answers"}.get(cause["subject"], "software")
    return f"{whose}: {cause['words']}"


def outcome(alarm: AlarmDay, known: Outside | None) -> Outcome:
    """What the alarms of a day are; a hit is on a day that was expected.

    Software is the machine's that the demo runs on: what is known of the day says nothing of it.
    """
    if alarm.software:
        return "software"
    if known is not None and known.expected:
        return "hit"
    return "holiday" if known is not None and known.holiday else "miss"


def table(
    days: Mapping[date, AlarmDay],
    known: Mapping[date, Outside],
    in_alarm: set[date],
    end: date,
    others: Peers | None = None,
) -> str:
    """Each day with an alarm, and what that comes to, for a terminal of 100 columns.

    Args:
        days: by day.
        known: the days of the year.
        in_alarm: days with a window in alarm, also where no alarm began.
        end: the day behind the last one that was replayed.
        others: what other tools said of these days, where that is stored.
    """
    begin = min(known) + timedelta(days=REFERENCE_DAYS)
    told = {day: one for day, one in known.items() if begin <= day < end}
    later = {day: one for day, one in days.items() if day >= begin}
    outcomes = {day: outcome(one, known.get(day)) for day, one in days.items()}
    lines = ["The days on which an alarm began (New York days):", *_HEAD]
    for day, alarm in days.items():
        lines += _row(day, alarm, known.get(day), outcomes[day])
    on = {day for day in in_alarm if day >= begin}
    lines += ["", *_months(begin, later, on, told), ""]
    lines += _wrapped(_budget(later, outcomes, len(told)))
    lines += _wrapped(_missed(told, outcomes, on))
    for sentence in () if others is None else sentences(others, told):
        lines += _wrapped(sentence)
    lines += _wrapped(
        f"{RULE} A hit is on a day that was to be expected; software is that of the machine which "
        "the demo runs on."
    )
    return "\n".join(lines)


def _row(day: date, alarm: AlarmDay, known: Outside | None, outcome: Outcome) -> Iterator[str]:
    first = "day" if alarm.first is None else f"{alarm.first:02}:00"
    cause, *more = wrap(alarm.cause, CAUSE)
    beside = f"{'-':>9}{'':4}"
    weather: tuple[float | None, ...] = (None, None, None)
    if known is not None:
        beside = f"{known.share:>9.1%}{known.rank:>4}"
        weather = (known.rain, known.sight, known.wind)
    rain, sight, wind = weather
    yield (
        f"{day:%a %d %b}  {first:<5} {cause:<{CAUSE}}  {beside}  "
        f"{_shown(rain, '.2f'):>5}{_shown(sight, '.2f'):>6}{_shown(wind, '.0f'):>5}  {outcome}"
    )
    for line in more:
        yield f"{'':18}{line}"


def _shown(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _months(
    begin: date, days: Mapping[date, AlarmDay], on: set[date], told: Mapping[date, Outside]
) -> Iterator[str]:
    """Alarms, days on which one began or went on, and expected days, by month."""
    alarms: Counter[date] = Counter()
    for day, one in days.items():
        alarms[day.replace(day=1)] += one.alarms
    counts = {
        "alarms": alarms,
        "days with a new one": _by_month(days),
        "days in alarm": _by_month(on),
        "days expected": _by_month(day for day, one in told.items() if one.expected),
    }
    months = sorted(_by_month((*days, *told)))
    yield f"{f'from {_short(begin)} on':<19}" + "".join(f"{month:%b}".rjust(5) for month in months)
    for name, count in counts.items():
        yield f"{name:<19}" + "".join(f"{count[month]:>5}" for month in months)


def _by_month(days: Iterable[date]) -> Counter[date]:
    """How many days, by the first one of their month."""
    return Counter(day.replace(day=1) for day in days)


def _budget(days: Mapping[date, AlarmDay], outcomes: Mapping[date, Outcome], told: int) -> str:
    """What the budget is, and what came."""
    alarms: Counter[Outcome] = Counter()
    for day, one in days.items():
        alarms[outcomes[day]] += one.alarms
    whole, unexplained = alarms.total(), alarms["miss"] + alarms["software"]
    return (
        f"Budget: {BUDGET} false alarm in {MONTH} days. What came in the {told} days behind the "
        f"reference: {whole} alarms on {len(days)} days, {_rate(whole, told)} in {MONTH} days; "
        f"{alarms['hit']} of them on days that were to be expected, {alarms['holiday']} on "
        f"holidays. The other {unexplained} ({alarms['software']} of software) are "
        f"{_rate(unexplained, told)} in {MONTH} days."
    )


def _rate(alarms: int, days: int) -> str:
    return f"{alarms * MONTH / days:.1f}"


def _missed(told: Mapping[date, Outside], outcomes: Mapping[date, Outcome], on: set[date]) -> str:
    """Which days that were to be expected had no alarm."""
    expected = [day for day, one in told.items() if one.expected]
    begun = [day for day in expected if outcomes.get(day) == "hit"]
    missed = [day for day in expected if day not in begun and day not in on]
    return (
        f"Days to be expected: {len(expected)} of {len(told)}. An alarm began on {len(begun)}, on "
        f"{len(expected) - len(begun) - len(missed)} more one went on, and {len(missed)} were "
        f"missed{': ' if missed else ''}{', '.join(map(_short, missed))}."
    )


def _short(day: date) -> str:
    return f"{day.day} {day:%b}"


def _wrapped(text: str) -> list[str]:
    return wrap(text, WIDTH)


def _window(event: Event) -> datetime:
    """A moment inside the window that the event is of, in New York: its time is the window's end.

    A window that is judged begins and ends at a full hour.
    """
    return datetime.fromtimestamp((event.time - 1) / SECOND, UTC).astimezone(_NEW_YORK)
