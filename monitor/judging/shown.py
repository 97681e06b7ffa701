"""Scores and alarms as statistics, and as what the archive keeps of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from collectors.drift.calibrated import Calibration
from collectors.drift.calibration.fitted import Fitted
from collectors.drift.causes import Change
from collectors.drift.judge import Judgement, Scored
from collectors.drift.rarity import MOST_DAYS
from collectors.family import Statistic
from monitor.board import Board
from monitor.event_clock import SECOND
from monitor.judging.entries import Entries
from monitor.judging.fixed import Passed
from monitor.judging.rules import JudgingRules
from monitor.verdicts import Verdict

Kept = tuple[str, float, dict[str, str]]
"""A statistic of one number, as states have it."""


def hide(board: Board, model: str, windows: Iterable[str]) -> None:
    """Take scores and alarms of these lengths of window from the board."""
    for window in windows:
        for group in ("scores", "alarm"):
            board.replace_group((group, model, window), (), model)


def scores(
    judgement: Judgement, fitted: Fitted, window: str, reference: str
) -> Iterator[Statistic]:
    """Every score of one window, and what the largest is compared with."""
    of = {"window": window, "reference": reference}
    for one in judgement.scored:
        subject, feature, statistic = one.key
        labels = {"subject": subject, "feature": feature, "statistic": statistic}
        yield Statistic("score", one.score, of | labels | {"version": one.version})
    for rule, threshold in (("alone", fitted.alone), ("two_of_three", fitted.together)):
        if math.isfinite(threshold.value):
            yield Statistic("score.threshold", threshold.value, of | {"rule": rule})


def alarm(entries: Entries, window: str, reference: str) -> Iterator[Statistic]:
    """Since when there is an alarm, if there is one, and how many there were."""
    of = {"window": window, "reference": reference}
    yield Statistic("alarms_30d", len(entries.times), of)
    if entries.since is not None:
        yield Statistic("alarm.since", entries.since / SECOND, of)
        for subject in filter(None, entries.first.split(", ")):
            yield Statistic("alarm.moved_first", 1, of | {"subject": subject})


def rarity(days: float | None, window: str, reference: str) -> Iterator[Statistic]:
    """How rare a flagged window is; nobody knows that of a fixed threshold."""
    if days is not None:
        labels = {"window": window, "reference": reference}
        yield Statistic("alarm.rarity", min(days, MOST_DAYS), labels)


def about(calibration: Calibration, rules: JudgingRules) -> Iterator[Statistic]:
    """What a model's alarms rest on."""
    yield Statistic("alarm.budget", rules.per_day)
    if rules.ends is not None:
        labels = {"reference": calibration.reference}
        yield Statistic("reference.end", rules.ends / SECOND, labels)
    yield Statistic(
        "calibration.info",
        1,
        {
            "reference": calibration.reference,
            "certainty": calibration.certainty,
            "dependence": "too_long" if calibration.too_dependent else "ok",
            "daily": _daily(calibration),
        },
    )
    hourly = calibration.hourly
    if hourly is not None:
        labels = {"reference": calibration.reference}
        yield Statistic("reference.panes", hourly.judged, labels)


def causes(found: Sequence[Change], window: str, reference: str) -> Iterator[Statistic]:
    """What led to an alarm, worst first: each quantity in the reference, and now."""
    for rank, one in enumerate(found, 1):
        labels = {
            "version": one.version,
            "window": window,
            "reference": reference,
            "subject": one.subject,
            "feature": one.feature,
            "change": one.kind,
            "rank": str(rank),
        }
        yield Statistic("alarm.cause", one.reference, labels | {"side": "reference"})
        yield Statistic("alarm.cause", one.now, labels | {"side": "now"})


def cause(change: Change) -> Iterator[tuple[str, Any]]:
    """One cause as the archive keeps it."""
    for name in ("subject", "feature", "version", "kind", "reference", "now", "words", "rows"):
        yield name, getattr(change, name)
    yield "score", round(change.score, 3)


def sentence(change: Change) -> str:
    """One cause for people: `input dep_delay: mean 12.1 to 19.8, +0.6 sd`."""
    whose = f" ({change.version})" if change.version else ""
    return " ".join(filter(None, (change.subject, change.feature))) + f"{whose}: {change.words}"


def kept(data: bytes) -> list[Statistic]:
    """Statistics of one number each, from a state."""
    return [Statistic(*one) for one in msgspec.msgpack.decode(data, type=list[Kept])]


def detail(
    judgement: Judgement,
    fitted: Fitted,
    reference: str,
    verdicts: Mapping[str, Verdict],
    fixed: Sequence[Passed] = (),
) -> dict[str, Any]:
    """What the archive keeps of one judged window; distances where they are above a fixed limit."""
    together = fitted.together.value
    above = {"above_fixed": {named(one): round(one.value, 4) for one in fixed}} if fixed else {}
    return above | {
        "reference": reference,
        "verdicts": dict(verdicts),
        "score": round(judgement.score, 3),
        "alone": round(fitted.alone.value, 3),
        "together": round(together, 3) if math.isfinite(together) else None,
        "scores": {named(one): round(one.score, 3) for one in judgement.scored if one.score > 0},
    }


def named(one: Scored | Passed) -> str:
    """A comparison as people read it: `input dep_delay mean`."""
    subject, feature, statistic = one.key
    return " ".join(filter(None, (subject, feature, statistic, one.version and f"({one.version})")))


def _daily(calibration: Calibration) -> str:
    if calibration.daily is None:
        return "off"
    return "conservative" if calibration.daily.judged < 20 else "calibrated"
