"""`docs/realdata.md`: what the run found, as tables."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.realdata.data import Data, days
from benchmarks.realdata.injection import HOUR_OF_DAY, Seen, sentence
from benchmarks.realdata.peers import kept
from benchmarks.realdata.rules import ASKED, LENGTHS, OURS, Played, Rung
from benchmarks.realdata.selfdrawn import EVIDENTLY_EVERY, SIZES, Drawn
from benchmarks.simulate.power import Row
from benchmarks.simulate.tables import table
from collectors.drift.calibration.seasons import Calendar, iso_day
from monitor.demo.outside import RULE, Outside

FRAME = Path(__file__).with_name("frame.md")

Days = Mapping[date, Outside]


def render(texts: Mapping[str, Sequence[str]], day: date, minutes: float) -> str:
    """The page; `texts` are those of the parts."""
    said = next(iter(kept().values()))
    versions = [f"{name} {number}" for name, number in said.versions.items() if name != "python"]
    ours = [f"{name} {version(name)}" for name in ("numpy", "scipy", "pandas")]
    flights_text = "\n".join(sorted(texts["flights"]))
    return FRAME.read_text().format(
        date=day.isoformat(),
        minutes=f"{minutes:.0f}",
        ours=", ".join([f"Python {platform.python_version()}", *ours]),
        peers=f"{', '.join(versions)}, Python {said.versions['python']}",
        asked=", ".join(sorted({one.date for one in kept().values()})),
        reports=_reports(),
        seconds=_seconds(),
        rule=RULE,
        asked_hours=ASKED,
        flights=flights_text,
        second="\n".join(texts["second"]),
        drawn=texts["selfdrawn"][0],
        drawn_every=EVIDENTLY_EVERY,
        hour=HOUR_OF_DAY,
        seen=texts["injection"][0],
        power=texts["power"][0],
    )


def flights(played: Played, known: Days) -> str:
    """One reference of the flights."""
    calendar = Calendar(played.data.zone)
    live = _live(played, known)
    parts = [
        f"**Reference: the first {played.weeks} weeks.** {about(played)}\n",
        f"Of {len(live)} days behind it {_expected(live)} were to be expected.\n",
        _by_rule(played, calendar, live),
        "Days on which a window rang, by month:\n",
        _by_month(played, calendar, live),
        "Our alarms, hours and days together:\n",
        _alarms(played, calendar),
        "The days on which one of ours began:\n",
        _days(played, calendar, live),
    ]
    return "\n".join(parts)


def second(played: Played) -> str:
    """One reference of a data set of which nothing is known from outside."""
    calendar = Calendar(played.data.zone)
    return "\n".join(
        [
            f"**Reference: the first {played.weeks} weeks.** {about(played)}\n",
            _by_rule(played, calendar, {}),
            "Days on which a window rang, by month:\n",
            _by_month(played, calendar, {}),
        ]
    )


def drawn(one: Drawn) -> str:
    """Windows that are flagged, by how many rows they have."""
    flagged, expected = int(np.nansum(one.alarms[OURS])), len(one.sizes) / 720
    said = (
        f"Of {len(one.sizes):,} windows {flagged} were flagged by our rule ({one.entries} alarms); "
        f"a budget of 1 in 30 days is {expected:.1f} in as many hours.\n"
    )
    head = ["rows", "windows", *one.alarms, *(f"{name}, 0.5 sd" for name in one.found)]
    lines = []
    for low, high in (*pairwise(SIZES), (SIZES[0], SIZES[-1])):
        within = (one.sizes >= low) & (one.sizes < high)
        cells = [_share(flags[within]) for flags in (*one.alarms.values(), *one.found.values())]
        lines.append([f"{low:,} to {high - high % 10:,}", int(within.sum()), *cells])
    return f"{said}\n{table(head, lines)}"


def seen(some: Sequence[Seen]) -> str:
    """Each fault: found at once or soon, and what was said."""
    head = ["fault", "days", "first window", "first three", "column named", "cause told"]
    head += ["score", "threshold", "words on the first day"]
    lines = []
    for one in some:
        told = (one.named, one.right) if one.first else ("-", "-")
        cells = (one.days, one.first, one.soon, *told)
        shown = (f"{one.score:.1f}", f"{one.threshold:.1f}", one.words or "-")
        lines.append([one.fault, *cells, *shown])
    return table(head, lines)


def power(found: Sequence[tuple[str, Sequence[Row]]]) -> str:
    """Shares of windows found, by setting and shift."""
    head = ["setting", "rule", *(f"{row.drift} sd" for row in found[0][1])]
    lines = []
    for setting, rows in found:
        for name in rows[0].together:
            shares = (f"{row.together[name].share:.2f}" for row in rows)
            lines.append([f"{setting}, {rows[0].equal:.1f} in 30 days", name, *shares])
    return table(head, lines)


def about(played: Played) -> str:
    """What a reference is."""
    calibration, hourly = played.monitor.calibration, played.monitor.hourly
    rows = int(np.searchsorted(played.data.times, played.begin))
    dropped = ", ".join(map(iso_day, hourly.dropped)) or "none"
    alone = f"{hourly.alone.value:.1f} alone, {hourly.together.value:.1f} in two of three"
    daily = "not judged"
    if calibration.daily is not None:
        daily = f"{calibration.daily.alone.value:.1f}"
    certainty: str = calibration.certainty
    if certainty == "extrapolated":
        certainty += f" x{calibration.beyond:.0f}"
    dependent = "; `dependence too long`" if calibration.too_dependent else ""
    return (
        f"{rows:,} rows in {played.monitor.panes:,} hours, {hourly.judged} of them judged; days "
        f"dropped: {dropped}; {certainty}{dependent}; threshold of an hour {alone}, "
        f"of a day {daily}."
    )


def _live(played: Played, known: Days) -> Days:
    begin = Calendar(played.data.zone).places(np.array([played.begin]))[0][0]
    return {day: one for day, one in known.items() if day >= date.fromordinal(int(begin))}


def _expected(live: Days) -> int:
    return sum(one.expected for one in live.values())


def _by_rule(played: Played, calendar: Calendar, live: Days) -> str:
    head = ["rule", "windows", "judged", "flagged", "in 30 days", "alarms", "days"]
    if live:
        head += ["expected days found", "holidays", "other days"]
    span = _span(played.data, played.begin)
    lines = []
    for one in played.rung:
        flagged, judged = sum(one.flags), len(one.windows)
        asked = f"{judged:,}" + ("" if one.whole else f" of {one.total:,}")
        rate = flagged * (one.total / judged if judged else 1.0) * 30.0 / span
        line: list[object] = [one.method, LENGTHS[one.length], asked, flagged, f"{rate:.1f}"]
        rang = one.rang(calendar)
        line += [one.alarms, len(rang), *(_against(rang, live) if live else ())]
        lines.append(line if one.whole else [*line[:5], *("-" for _ in line[5:])])
    both = set().union(*(one.rang(calendar) for one in _ours(played)))
    flagged = sum(sum(one.flags) for one in _ours(played))
    line = [OURS, "both", "", flagged, f"{flagged * 30.0 / span:.1f}"]
    line += [sum(one.alarms for one in _ours(played)), len(both)]
    line += _against(both, live) if live else ()
    lines.insert(len(_ours(played)), line)
    return table(head, lines)


def _against(rang: set[date], live: Days) -> tuple[str, int, int]:
    """Of the days that were expected those that rang, then holidays and others that did."""
    hits = sum(day in rang for day, one in live.items() if one.expected)
    rest = [one for day, one in live.items() if day in rang and not one.expected]
    holidays = sum(one.holiday for one in rest)
    return f"{hits} of {_expected(live)}", holidays, len(rest) - holidays


def _by_month(played: Played, calendar: Calendar, live: Days) -> str:
    months = list(_months(played, calendar))
    head = ["rule", "windows", *(f"{month:%b}" for month in months)]
    lines: list[list[object]] = []
    for one in (one for one in played.rung if one.whole):
        counts = one.by_month(calendar)
        lines.append([one.method, LENGTHS[one.length], *(counts[month] for month in months)])
    if live:
        counts = Counter(day.replace(day=1) for day, one in live.items() if one.expected)
        lines.append(["days to be expected", "", *(counts[month] for month in months)])
    return table(head, lines)


def _alarms(played: Played, calendar: Calendar) -> str:
    months = list(_months(played, calendar))
    begun: Counter[date] = Counter()
    flagged: Counter[date] = Counter()
    on: set[date] = set()
    for one in _ours(played):
        begun.update(window.day(calendar).replace(day=1) for window in one.began)
        pairs = zip(one.windows, one.flags, strict=True)
        flagged.update(window.day(calendar).replace(day=1) for window, flag in pairs if flag)
        on |= {window.day(calendar) for window in one.began}
    counts = {
        "alarms": begun,
        "windows flagged": flagged,
        "days with a new alarm": Counter(day.replace(day=1) for day in on),
    }
    lines = [[name, *(count[month] for month in months)] for name, count in counts.items()]
    return table(["", *(f"{month:%b}" for month in months)], lines)


def _days(played: Played, calendar: Calendar, live: Days) -> str:
    """Each day on which an alarm began, by its worst cause."""
    worst: dict[date, tuple[float, str, str]] = {}
    for length, verdicts in played.verdicts.items():
        for one in verdicts:
            if one.entered and one.changes:
                day, cause = one.window.day(calendar), one.changes[0]
                found = cause.score, LENGTHS[length][:-1], sentence(cause)
                worst[day] = max(worst.get(day, (float("-inf"), "", "")), found)
    lines = []
    for day, (score, length, words) in sorted(worst.items()):
        known, cells = live.get(day), ("-", "-", "miss")
        if known is not None:
            outcome = "hit" if known.expected else "holiday" if known.holiday else "miss"
            cells = (f"{known.share:.1%}", str(known.rank), outcome)
        lines.append([f"{day:%a %d %b}", length, f"{score:.1f}", words, *cells])
    return table(["day", "window", "score", "cause", "cancelled", "rank", ""], lines)


def _ours(played: Played) -> list[Rung]:
    return [one for one in played.rung if one.method == OURS]


def _months(played: Played, calendar: Calendar) -> Iterator[date]:
    live = [window for window in days(played.data) if window.start >= played.begin]
    last = live[-1].day(calendar)
    month = live[0].day(calendar).replace(day=1)
    while month <= last:
        yield month
        month = (month + timedelta(days=32)).replace(day=1)


def _span(data: Data, begin: int) -> float:
    """Days from then on."""
    return float(data.times[-1] - begin) / 86_400_000_000


def _share(flags: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    asked = flags[np.isfinite(flags)]
    return f"{asked.mean():.1%}" if len(asked) else "-"


def _reports() -> str:
    """How often Evidently's whole report said the same as its tests by column."""
    same = total = 0
    for one in kept().values():
        pairs = [(one.drifted["evidently"][int(n)], said) for n, said in one.reports.items()]
        total += len(pairs)
        same += sum(ours == theirs for ours, theirs in pairs)
    return f"{same} of {total}"


def _seconds() -> str:
    spent: dict[str, float] = {}
    for one in kept().values():
        for name, seconds in one.seconds.items():
            spent[name] = spent.get(name, 0.0) + seconds
    return ", ".join(f"{name} {seconds:,.0f} s" for name, seconds in sorted(spent.items()))
