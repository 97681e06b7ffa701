"""The templates, and how they write numbers, moments and links. Everything is escaped."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from monitor.web.pages import svg
from monitor.web.pages.views import Shown, Timeline
from monitor.web.pages.words import STATE_WORDS, whose

MOST_FEATURES = 8
"""Features that are open from the start; the others are behind a click."""

SHAPES = {
    "alarm": "▲",
    "no_data": "○",
    "insufficient_data": "◐",
    "no_reference": "◇",
    "waiting": "…",
    "ok": "●",
}
"""A state is told by its word and its shape, and by colour only beside them."""


@cache
def environment() -> Environment:
    """The templates' environment, all of them compiled: the first reader need not wait for it."""
    made = Environment(
        loader=PackageLoader("monitor.web.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "moment": moment,
        "day": day,
        "iso": iso,
        "share": share,
        "number": number,
        "count": count,
        "since": since,
        "whose": whose,
        "figure": figure,
    }
    made.globals |= {
        "curve": svg.curve,
        "bars": svg.bars,
        "strip": svg.strip,
        "line": svg.line,
        "model_url": model_url,
        "feature_url": feature_url,
        "api": api,
        "words": STATE_WORDS,
        "shapes": SHAPES,
        "window_link": window_link,
        "ticks": ticks,
        "state": state,
        "most": MOST_FEATURES,
    }
    for name in made.list_templates():
        made.get_template(name)
    return made


def moment(seconds: float | None, zone: str) -> str:
    """A moment with its weekday and zone: `Sat 9 Feb 2013 00:00 EST`."""
    if seconds is None:
        return "–"
    local = _local(seconds, zone)
    return f"{local:%a} {local.day} {local:%b %Y %H:%M} {local.tzname()}"


def day(seconds: float, zone: str) -> str:
    """A day: `9 Feb`."""
    local = _local(seconds, zone)
    return f"{local.day} {local:%b}"


def iso(seconds: float) -> str:
    """A moment for machines, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def since(seconds: float) -> str:
    """A length of time in its largest unit: `3 d`."""
    for unit, size in (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if abs(seconds) >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def share(value: float | None) -> str:
    """A share as a percentage."""
    if value is None or not math.isfinite(value):
        return "–"
    return "0%" if value == 0 else f"{value:.2%}" if value < 0.001 else f"{value:.1%}"


def number(value: float | None) -> str:
    """A number to four digits."""
    if value is None or not math.isfinite(value):
        return "–"
    if value and (abs(value) >= 1e7 or abs(value) < 1e-4):
        return f"{value:.3g}"
    if float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.{max(0, 3 - math.floor(math.log10(abs(value))))}f}" if value else "0"


def count(value: float) -> str:
    """A whole number."""
    return f"{value:,.0f}"


def figure(value: float | None, unit: str) -> str:
    """A value with what its unit asks for."""
    if value is None:
        return "–"
    if unit in {"ratio", "rows"}:
        return share(value) if unit == "ratio" else count(value)
    if unit == "bytes":
        return f"{value / 2**20:,.1f} MiB" if value >= 2**20 else f"{value:,.0f} B"
    if unit == "seconds" and 0 < abs(value) < 1:
        return f"{value * 1000:.3g} ms"
    return number(value)


def model_url(name: str, shown: Shown | None = None, **query: Any) -> str:
    """The page of a model; with `shown`, of that window of it."""
    if shown is not None:
        query = {"window": shown.window, "end": shown.end} | query
    asked = f"?{urlencode(query)}" if query else ""
    return f"/models/{_quoted(name)}{asked}"


def feature_url(name: str, feature: str, shown: Shown | None = None, **query: Any) -> str:
    """The page of a feature."""
    if shown is not None:
        query = {"window": shown.window, "end": shown.end} | query
    if feature in {".", ".."}:  # in a path these would mean something else
        return f"/models/{_quoted(name)}/features/?{urlencode({'feature': feature} | query)}"
    asked = f"?{urlencode(query)}" if query else ""
    return f"/models/{_quoted(name)}/features/{_quoted(feature)}{asked}"


def api(url: str) -> str:
    """Where the same values are as JSON."""
    return f"/api/v1{url}"


def window_link(name: str, days: int, until: int) -> Any:
    """Makes links to windows of a model that keep the timeline where it is."""

    def link(window: str, end: int) -> str:
        return model_url(name, days=days, until=until, window=window, end=end) + "#window"

    return link


def ticks(timeline: Timeline, zone: str) -> list[tuple[float, str]]:
    """Days to write below a timeline: where, in per cent, and what."""
    span = timeline.end - timeline.start
    many = 7
    return [
        (100.0 * place / many, day(timeline.start + span * place / many, zone))
        for place in range(many)
    ]


def state(name: str) -> Markup:
    """A state's shape and word."""
    return Markup('<span class="state {}"><span aria-hidden="true">{}</span> {}</span>').format(
        name, SHAPES.get(name, "?"), STATE_WORDS.get(name, name)
    )


def _local(seconds: float, zone: str) -> datetime:
    return datetime.fromtimestamp(seconds, ZoneInfo(zone))


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "replace"), safe="")
