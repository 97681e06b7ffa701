"""Sentences for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monitor.web.pages.views import Cause, State, WindowState
from monitor.web.pages.watched import Watched

STATE_WORDS: Mapping[str, str] = {
    "alarm": "Alarm",
    "no_data": "No data",
    "insufficient_data": "Not enough data",
    "no_reference": "No reference",
    "waiting": "Waiting",
    "ok": "OK",
}
"""What verdicts are called on pages."""

_SHARES: Mapping[str, str] = {
    "missing": "missing",
    "invalid": "invalid",
    "errors": "errors",
    "share": "share of a value",
    "new_category": "share of a new category",
    "shape": "share of a range of values",
    "reruns": "answers to inputs seen before",
    "mismatches": "repeated inputs answered differently",
    "tail": "share beyond the 99 % quantile",
}
_QUANTITIES: Mapping[str, str] = {
    "mean": "mean",
    "unit": "looks like a change of unit: mean",
    "spread": "standard deviation",
    "constant": "constant now: standard deviation",
    "instability": "standard deviation over equal inputs",
    "correlation": "correlation of two features",
    "together": "all features together: distance",
    "joint": "many columns a little: distance",
    "distance": "distance, from the fixed limit",
}


def words_of(kind: str, reference: float, now: float) -> str:
    """What changed, from its kind and quantities alone.

    >>> words_of("missing", 0.014, 0.575)
    'missing 1.4% to 57.5%'
    """
    if kind in _SHARES:
        return f"{_SHARES[kind]} {reference:.1%} to {now:.1%}"
    if kind == "volume":
        return f"{now:,.0f} rows a window, {reference:,.0f} expected"
    return f"{_QUANTITIES.get(kind, kind)} {reference:.4g} to {now:.4g}"


def whose(cause: Cause) -> str:
    """What a cause is of: `input dep_delay`, `output (v2)`."""
    version = f"({cause.version})" if cause.version else ""
    return " ".join(filter(None, (cause.subject, cause.feature, version)))


def says(state: State, windows: Sequence[WindowState], model: Watched) -> str:
    """One sentence on a model: what changed, or what to do."""
    if state == "alarm":
        causes = [one for window in windows for one in window.causes[:1]]
        return "; ".join(dict.fromkeys(f"{whose(one)}: {one.words}" for one in causes))
    if state == "no_data":
        return "No row came in the newest window: is the model asked, and its log written?"
    if state == "insufficient_data":
        rows, least = windows[0].rows, model.min_rows
        if rows < least:
            return f"{rows} rows in the newest window, and {least} are needed (alarms.min_rows)."
        return "The newest window has too little that can be compared."
    if state == "no_reference":
        return no_reference(model)
    if state == "waiting":
        if model.settled is None:
            return "No row of it was read yet: see what `match` asks for, and Monitor for the lag."
        return "No window has closed yet: the first one comes when its time has passed in the data."
    return ""


def no_reference(model: Watched) -> str:
    """Why nothing is compared, and what to do."""
    if not model.fixed:
        return "It has nothing to compare with: set `reference: {first: 168}`, or build a file."
    if model.judging is None:
        return f"Its reference comes with the first {model.first or 'complete'} windows that count."
    return "Its reference is too short to calibrate thresholds: build one of 24 hours or more."


def detail_words(kind: str, subject: str, detail: Mapping[str, Any]) -> str:
    """What an event says, beside what it is of."""
    if kind == "version":
        return f"version {subject or '(none)'} {detail.get('change', '')}"
    if kind == "mute":
        until = detail.get("until")
        return f"{subject} muted until {until}" if until else f"{subject} is not muted any more"
    if kind == "ignore":
        return f"{subject} {'ignored' if detail.get('ignored') else 'compared again'}"
    if kind == "reference":
        return f"reference {subject or 'gone'} in force ({detail.get('why', 'none')})"
    if kind in {"accept", "growth"}:
        what = "accepted" if kind == "accept" else "grown"
        return f"reference {subject} {what}: {detail.get('from', '')} to {detail.get('to', '')}"
    return f"{kind} {subject}".strip()
