"""A reference on trial as a picture. Matplotlib is an extra: it is imported when one is drawn."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from collectors.drift.calibration.seasons import Calendar, iso_day
from collectors.drift.detectable import Detectable
from monitor.event_clock import SECOND
from monitor.references.trial import Trial
from monitor.references.trial_lines import column, kind, size

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 24
"""Bars of one chart; of more, those that would show least."""

SHIFT, SHARE = 2.0, 1.0
"""Where bars end: standard deviations, and a share of all rows."""

BLUE, RED, GREY, PALE = "#2b6cb0", "#c53030", "#718096", "#bcd3ea"


def missing() -> bool:
    """Whether Matplotlib is not installed."""
    return find_spec("matplotlib") is None


def picture(trial: Trial, format: str) -> bytes:
    """The held-out scores over time, beside the size of change that each column would show.

    Args:
        format: `png` or `svg`; the same reference gives the same bytes.
    """
    import matplotlib
    from matplotlib.figure import Figure as Drawn

    shifts, shares = _bars(trial)
    height = max(6.0, 1.8 + 0.24 * (len(shifts) + len(shares)))
    # Names that come from data may have letters that the font lacks.
    with (
        warnings.catch_warnings(),
        matplotlib.rc_context({"svg.hashsalt": trial.reference.id, "text.parse_math": False}),
    ):
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = Drawn(figsize=(15, height), layout="constrained")
        ratio = [max(len(shifts), 2), max(len(shares), 2)]
        grid = figure.add_gridspec(2, 2, width_ratios=[3, 2], height_ratios=ratio)
        _timeline(figure.add_subplot(grid[:, 0]), trial)
        _chart(figure.add_subplot(grid[0, 1]), shifts, SHIFT, "shift, in standard deviations")
        _chart(figure.add_subplot(grid[1, 1]), shares, SHARE, "share of rows")
        figure.axes[-1].xaxis.set_major_formatter("{x:.0%}")
        title = f"Reference {trial.reference.id} of model {_plain(trial.reference.model)}"
        figure.suptitle(title)
        _legend(figure)
        written = BytesIO()
        figure.savefig(written, format=format, dpi=100, metadata=_metadata(format))
    return written.getvalue()


def _metadata(format: str) -> dict[str, Any]:
    """Without the moment at which it was drawn."""
    return {"Date": None} if format == "svg" else {}


def _timeline(axes: Axes, trial: Trial) -> None:
    """The largest held-out score of each hour."""
    import matplotlib.dates

    dates: Any = matplotlib.dates
    zone = ZoneInfo(trial.calibration.rules.zone)
    starts, largest = trial.held_out()
    hourly = trial.hourly
    moments: Any = [datetime.fromtimestamp(start / SECOND, zone) for start in starts.tolist()]
    flagged = largest > hourly.alone.value
    colours = [RED if one else BLUE for one in flagged]
    axes.scatter(moments, largest, s=9, c=colours, linewidths=0, label="an hour")
    calendar = Calendar(trial.calibration.rules.zone)
    for number, day in enumerate(hourly.dropped):
        begin, end = (datetime.fromtimestamp(t / SECOND, UTC) for t in calendar.day(day))
        label = "left out: " + ", ".join(map(iso_day, hourly.dropped[:6])) if not number else None
        band: Any = (begin, end)
        axes.axvspan(*band, color=GREY, alpha=0.35, linewidth=0, label=label)
    for name, value, style in (
        ("alone", hourly.alone.value, "-"),
        ("two of three", hourly.together.value, "--"),
    ):
        text = f"threshold, {name}: {value:.1f}"
        axes.axhline(value, color=RED, linestyle=style, linewidth=1.2, label=text)
    locator = dates.AutoDateLocator(tz=zone)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=zone))
    axes.set_ylim(bottom=0.0)
    axes.set_ylabel("largest score of the hour, held out")
    axes.set_title(f"{trial.hourly.judged:,} hours, each against the others", fontsize=10)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.07), ncols=2, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _bars(trial: Trial) -> tuple[list[Detectable], list[Detectable]]:
    """What is told in standard deviations, and what as a share."""
    shifts = [one for one in trial.changes if one.change in {"shift", "spread"}]
    shares = [one for one in trial.changes if one.change not in {"shift", "spread"}]
    return _least(shifts), _least(shares)


def _least(found: Sequence[Detectable]) -> list[Detectable]:
    """At most `MOST`: those that show least, in the order they came in."""
    ranked = sorted(found, key=lambda one: -(float("inf") if one.alone is None else one.alone))
    kept = set(map(id, ranked[:MOST]))
    return [one for one in found if id(one) in kept]


def _chart(axes: Axes, bars: Sequence[Detectable], most: float, title: str) -> None:
    """A bar a change: dark up to what is seen where it lasts, pale up to what one hour shows."""
    for place, one in enumerate(bars):
        for value, colour in ((one.alone, PALE), (one.lasting, BLUE)):
            if value is None:
                axes.barh(place, most, height=0.7, fill=False, edgecolor=PALE, hatch="///", lw=0)
            else:
                axes.barh(place, min(value, most), height=0.7, color=colour)
        text = f"{size(one, one.lasting)} / {size(one, one.alone)}"
        axes.text(1.02 * most, place, text, va="center", fontsize=7)
    names = [f"{_plain(column(one))}: {kind(one)}" for one in bars]
    axes.set_yticks(range(len(bars)), names, fontsize=8)
    axes.set_xlim(0.0, most)
    axes.set_ylim(max(len(bars), 1) - 0.5, -0.5)
    axes.set_title(f"Seen by half of the hours: {title}", fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)


def _legend(figure: Figure) -> None:
    """What the bars are."""
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=BLUE, label="as two of three, where it lasts"),
        Patch(facecolor=PALE, label="by one hour alone"),
        Patch(fill=False, edgecolor=PALE, hatch="///", linewidth=0, label="not seen"),
    ]
    figure.legend(handles=handles, loc="outside lower right", ncols=3, fontsize=8)


def _plain(text: str) -> str:
    """Printable, on one line."""
    return "".join(char if char.isprintable() else "?" for char in text)
