"""A reference on trial, for people: how far to trust it, and what it would show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from collectors.drift.calibration.seasons import Season, iso_day
from collectors.drift.comparisons import ANSWER
from collectors.drift.detectable import Change, Detectable
from monitor.references.show import printable, table
from monitor.references.trial import Trial

_SEASONS: dict[Season, str] = {
    "none": "any hour",
    "hour of day": "its hour of day",
    "hour of day, weekend": "its hour, weekends apart",
    "hour of week": "its hour of week",
    "weekend": "weekends apart",
    "weekday": "its weekday",
}
"""What a window is compared with."""


def lines(trial: Trial) -> Iterator[str]:
    """How far it can be trusted, then what size of change every column would show."""
    yield from (f"  {name:<11} {text}" for name, text in _facts(trial))
    yield ""
    yield from changes(trial)


def _facts(trial: Trial) -> Iterator[tuple[str, str]]:
    calibration, hourly = trial.calibration, trial.hourly
    rules, daily = calibration.rules, trial.calibration.daily
    said = _certainty(calibration.certainty, hourly.alone.beyond)
    yield "certainty", said
    yield "days in", rules.zone
    independent = hourly.judged / hourly.deff
    words = f"deff {hourly.deff:.2g}: {hourly.judged:,} hours say as much as {independent:,.0f}"
    if calibration.too_dependent:
        words += "; dependence too long: the budget cannot be promised"
    yield "dependence", words
    yield "dropped", _dropped(hourly.dropped)
    yield (
        "hours",
        f"flagged above {hourly.alone.value:.1f} alone, above {hourly.together.value:.1f} "
        "as two of three",
    )
    if daily is None:
        yield "days", "off" + ("" if rules.days else ": no windows of a day are asked for")
    else:
        state = "conservative" if daily.judged < 20 else "calibrated"
        extra = "" if daily.judged >= 20 else "; 20 make it calibrated"
        words = f"{state}: flagged above {daily.alone.value:.1f}, by {daily.judged} days{extra}"
        yield "days", words
    yield "expected", _expected(rules.budget, daily is not None)
    yield "held out", _held_out(trial)


def _certainty(certainty: str, beyond: float) -> str:
    if certainty == "interpolated":
        return "interpolated: hours as rare as an alarm were seen in the reference"
    if certainty == "extrapolated":
        return (
            f"extrapolated x{beyond:,.0f}: an alarm is to be {beyond:,.0f} times rarer than what "
            "the tail of the scores was fitted to"
        )
    return f"{certainty}: for tickets, not for pages"


def _dropped(days: Sequence[int]) -> str:
    if not days:
        return "no day: none stands out of the reference by itself"
    return f"{', '.join(map(iso_day, days))}: stood out of the reference by themselves"


def _expected(budget: float, days: bool) -> str:
    alarms = "false alarm" if budget == 1 else "false alarms"
    spent = "half by hours, half by days" if days else "all of it by hours"
    return f"{budget:.3g} {alarms} in 30 days, as the budget says: {spent}"


def _held_out(trial: Trial) -> str:
    """What of the reference itself is flagged, where each pane is compared with the others."""
    alone, together = trial.passed()
    text = f"{alone} of {trial.hourly.judged:,} hours pass alone"
    text += f", at most {together} more as two of three"
    daily = trial.calibration.daily
    if daily is not None:
        passed = int((daily.largest > daily.alone.value).sum())
        text += f"; {passed} of {daily.judged} days"
    return text


def changes(trial: Trial) -> Iterator[str]:
    """What each column would show."""
    rows = trial.windows.rows
    yield f"What an hour of some {rows:,} rows would show: the change that flags half of such hours"
    yield "by its column alone; and, where it lasts, half of them as two of three."
    yield ""
    yield from table(_rows(trial))


def _rows(trial: Trial) -> Iterator[Sequence[str]]:
    yield ("column", "change", "one hour", "two of three", "compared with")
    seasons = trial.windows.seasons()
    before: tuple[str, str] | None = None
    for one in trial.changes:
        name = column(one)
        first = before != (one.subject, name)
        before = one.subject, name
        key = (one.subject, one.feature, one.part)
        of = seasons.get(key) or seasons.get((one.subject, one.feature, ""), {})
        compared = season(of) if first else ""
        sizes = [size(one, value) for value in (one.alone, one.lasting)]
        if one.distance is not None:
            sizes[0] += f" (sqrt JS {one.distance:.2g})"
        yield (name if first else "", kind(one), *sizes, compared)


def column(one: Detectable) -> str:
    """What a change is of, for people."""
    if one.feature:
        return printable(one.feature)
    if one.subject == "output":
        whole = one.part if one.part in {"reruns", "mismatches", "instability"} else ""
        return f"{ANSWER} {whole}".rstrip()
    return one.part.replace("_", " ")


_KINDS: dict[Change, str] = {
    "rows": "rows stay away",
    "share": "their share",
    "spread": "spread of equal inputs",
}


def kind(one: Detectable) -> str:
    """What changes: of a text `shift of length`."""
    if one.change != "shift":
        return _KINDS.get(one.change, one.change)
    part = one.part if one.feature or one.subject == "output" else ""
    return f"shift of {part}" if part else "shift"


def size(one: Detectable, value: float | None) -> str:
    """A size in words: `+0.62 sd (+21.8)`, `+8.2 points`."""
    if value is None:
        return "not seen"
    if one.change == "shift":
        own = "" if one.unit is None else f" (+{_number(value * one.unit)})"
        return f"+{value:.2g} sd{own}"
    percent = f"{100 * value:.3g}" if value >= 0.01 else f"{100 * value:.2g}"
    return {"rows": f"-{percent}%", "spread": f"+{percent}%"}.get(one.change, f"+{percent} points")


def _number(value: float) -> str:
    return f"{value:,.0f}" if 100 <= value < 1e9 else f"{value:.3g}"


def season(of: Mapping[str, Season]) -> str:
    """What a column's windows are compared with; where its statistics differ, which with what."""
    by: dict[Season, list[str]] = {}
    for statistic, found in of.items():
        by.setdefault(found, []).append(statistic.replace("_", " "))
    if not by:
        return ""
    usual = max(by, key=lambda found: len(by[found]))
    others = (f"{', '.join(by[found])}: {_SEASONS[found]}" for found in by if found != usual)
    return "; ".join([_SEASONS[usual], *others])
