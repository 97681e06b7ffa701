"""What fired over the flights' year, day by day, beside what was to be expected: `docs/demo.md`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from textwrap import fill
from zoneinfo import ZoneInfo

from benchmarks.history.alerts import Alert, Fired, metrics
from benchmarks.history.prometheus import Prometheus
from monitor.demo.alarms import BUDGET, MONTH, WIDTH
from monitor.demo.flights import TIME_ZONE
from monitor.demo.outside import RULE, Outside

LOOK_BACK_SECONDS = 3_900.0

_NEW_YORK = ZoneInfo(TIME_ZONE)


@dataclass(frozen=True, slots=True)
class Told:
    """One alert that fired, and the first line of why.

    Attributes:
        day: of New York, on which the window ends that it began with.
    """

    fired: Fired
    day: date
    cause: str

    @property
    def page(self) -> bool:
        """Whether it wakes someone."""
        return self.fired.alert.severity == "page"


def told(prometheus: Prometheus, fired: Sequence[Fired]) -> list[Told]:
    """Each alert with its day and its worst cause, in order of time."""
    found = [Told(one, day_of(_window_end(one)), cause(prometheus, one)) for one in fired]
    return sorted(found, key=lambda one: (one.fired.begin, not one.page, one.fired.alert.name))


def _window_end(one: Fired) -> float:
    """The whole hour before it was pending."""
    return (one.begin - one.alert.hold) // 3_600 * 3_600


def day_of(time: float) -> date:
    """The New York day of a window that ends then."""
    return (datetime.fromtimestamp(time, UTC) - timedelta(seconds=1)).astimezone(_NEW_YORK).date()


def cause(prometheus: Prometheus, one: Fired) -> str:
    """The worst cause of what the alert is of; "" where it is of no alarm."""
    if "subject" not in one.labels:
        return ""
    sides: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    for labels, value in prometheus.query("inferwatch_alarm_cause", at=one.begin):
        of = {**labels, "subject": _subject(labels["subject"], labels["change"])}
        if all(one.labels.get(name, of[name]) == of[name] for name in _SAME):
            what = (of["rank"], of["subject"], of.get("feature", ""), of["change"])
            sides[what][of["side"]] = value
    if not sides:
        return ""
    (_, subject, feature, change), values = min(sides.items())
    nulls = (subject, change) == ("output", "missing")
    words = "null answers" if nulls else change.replace("_", " ")
    return f"{feature or subject}: {words} {values['reference']:.3g} to {values['now']:.3g}"


_SAME = ("model", "window", "reference", "subject")


def _subject(subject: str, change: str) -> str:
    """What the rules say that a cause is of: volume, and all features together, are no inputs."""
    if change == "volume":
        return "volume"
    return "multivariate" if change in {"together", "correlation", "joint"} else subject


def page(
    told: Sequence[Told],
    alerts: Sequence[Alert],
    names: set[str],
    days: Mapping[date, Outside],
) -> str:
    """The whole page.

    Args:
        alerts: all of the rules, those that were silent too.
        names: the metrics that the past has.
        days: what is known of each day that was judged.
    """
    lines = [_HEAD, fill(RULE, WIDTH), "", *_summary(told, days), "", *_by_day(told, days), ""]
    lines += _by_alert(told, alerts, names)
    return "\n".join(lines) + "\n"


_HEAD = """\
# The demo's year: what fired when

Written by `make history`: the flights of 2013 go through the daemon as in `make demo`, its archive
goes into a real Prometheus (see [History](history.md)), and every alert of `rules/alerts.yml` is
evaluated there every 5 minutes; `for` and `keep_firing_for` are worked out as Prometheus does
(`monitor/firing.py`). Series that a recording rule gives end there by the look-back, 65 minutes
late, and so may an alert. Days are those of New York, behind the four weeks of the reference; an
alert is of the day whose window it began with.
"""


def _summary(told: Sequence[Told], days: Mapping[date, Outside]) -> Iterator[str]:
    pages = [one for one in told if one.page and one.day in days]
    tickets = [one for one in told if not one.page and one.day in days]
    hit = {one.day for one in pages if days[one.day].expected}
    during = _days_with(pages, days)
    expected = [day for day, known in days.items() if known.expected]
    missed = [day for day in expected if day not in during]
    quiet = quiet_weeks(days)
    loud = [one for one in pages if one.day in quiet]
    allowed = len(quiet) * BUDGET / MONTH
    yield f"- Pages: {len(pages)}; tickets: {len(tickets)}; days: {len(days)}."
    yield (
        f"- Days to be expected: {len(expected)}. A page began on {len(hit)} of them, on "
        f"{len(expected) - len(hit) - len(missed)} more one went on, {len(missed)} were missed."
    )
    yield (
        f"- Quiet weeks (Monday to Sunday without a day to be expected and without a holiday): "
        f"{len(quiet) // 7}, {len(quiet)} days. The budget ({BUDGET} in {MONTH} days) allows "
        f"{allowed:.1f} pages there; {len(loud)} came"
        + (": " + ", ".join(f"{one.day:%a %d %b}" for one in loud) if loud else "")
        + "."
    )


def quiet_weeks(days: Mapping[date, Outside]) -> set[date]:
    """The days of the whole weeks in which nothing was to be expected, known beforehand."""
    weeks: dict[date, list[date]] = defaultdict(list)
    for day in days:
        weeks[day - timedelta(days=day.weekday())].append(day)
    return {
        day
        for week in weeks.values()
        if len(week) == 7 and not any(days[one].expected or days[one].holiday for one in week)
        for day in week
    }


def _days_with(told: Sequence[Told], days: Mapping[date, Outside]) -> set[date]:
    """The days on which one of these fired."""
    found: set[date] = set()
    for one in told:
        # What has ended is still looked back at, and kept: that is no news of another day.
        beyond = LOOK_BACK_SECONDS + one.fired.alert.keep_firing
        last, day = day_of(max(one.fired.begin, one.fired.end - beyond)), one.day
        while day <= last:
            found.add(day)
            day += timedelta(days=1)
    return found & days.keys()


def _by_day(told: Sequence[Told], days: Mapping[date, Outside]) -> Iterator[str]:
    begun: dict[date, list[Told]] = defaultdict(list)
    for one in told:
        begun[one.day].append(one)
    on = _days_with([one for one in told if one.page], days)
    yield "| day | pages | tickets | what fired, and its first line | cancelled | outcome |"
    yield "|---|--:|--:|---|--:|---|"
    for day, known in days.items():
        some = begun.get(day, [])
        if not some and not known.expected:
            continue
        pages = sum(one.page for one in some)
        what = "<br>".join(dict.fromkeys(map(_line, some)))
        outcome = _outcome(known, pages, goes_on=day in on)
        yield (
            f"| {day:%a %d %b} | {pages or ''} | {len(some) - pages or ''} | {what} | "
            f"{known.share:.1%} | {outcome} |"
        )


def _line(one: Told) -> str:
    name = one.fired.alert.name.removeprefix("Inferwatch")
    window = one.fired.labels.get("window", "")
    return " ".join(filter(None, (name, window))) + (f": {one.cause}" if one.cause else "")


def _outcome(known: Outside, pages: int, *, goes_on: bool) -> str:
    if known.expected:
        return "hit" if pages else "goes on" if goes_on else "**miss**"
    if not pages:
        return ""
    return "holiday" if known.holiday else "not expected"


def _by_alert(told: Sequence[Told], alerts: Sequence[Alert], names: set[str]) -> Iterator[str]:
    yield "| alert | severity | fired | days | |"
    yield "|---|---|--:|--:|---|"
    for alert in alerts:
        own = [one for one in told if one.fired.alert == alert]
        seconds = sum(one.fired.end - one.fired.begin for one in own)
        why = "" if own else _silent(alert, names)
        yield f"| {alert.name} | {alert.severity} | {len(own)} | {seconds / 86_400:.1f} | {why} |"


def _silent(alert: Alert, names: set[str]) -> str:
    """Why an alert cannot have fired, if that is so."""
    named = metrics(alert.expression)
    lacking = sorted(named - names)
    if not named:
        return "it is of the scrape itself"
    if any(name.endswith(("_threshold", ":over_limit")) for name in lacking):
        return "no limit is set"
    return f"the past has no `{lacking[0]}`" if lacking else ""
