"""The pictures of `docs/realdata.md`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("agg")
from matplotlib import dates as mdates
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.realdata.data import days
from benchmarks.realdata.rules import LENGTHS, NANNYML_MISSING, OURS, Played
from benchmarks.simulate import power
from benchmarks.simulate.power import Row, Trial
from benchmarks.simulate.streams import Drift
from collectors.drift.calibration.seasons import Calendar
from monitor.demo.outside import Outside

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"

COLOURS = {
    "inferwatch": "#0072B2",
    "NannyML": "#D55E00",
    "Evidently": "#009E73",
    "Bonferroni KS/chi2": "#CC79A7",
}
"""Okabe and Ito's, which the colour-blind tell apart."""

MARKS = {"inferwatch": "o", "NannyML": "s", "Evidently": "^", "Bonferroni KS/chi2": "D"}

SHIFTS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
STREAMS = 2

FEATURE = "dep_delay"

STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.dpi": 100,
}


def draw_flights(played: Played, known: dict[date, Outside]) -> None:
    """The pictures of the flights."""
    with plt.rc_context(STYLE):
        _save(year(played, known), "flights_year")
        _save(scores(played, known), "flights_scores")


def draw_power(found: Sequence[tuple[str, Sequence[Row]]]) -> None:
    """The power curves."""
    with plt.rc_context(STYLE):
        _save(curves(found), "power")


def year(played: Played, known: dict[date, Outside]) -> Figure:
    """A row a rule, a stroke a day on which it rang; days to be expected on top and behind."""
    calendar = Calendar(played.data.zone)
    begin = _begin(played)
    figure, axes = plt.subplots(figsize=(9.0, 4.6), layout="constrained")
    expected = [day for day, one in known.items() if one.expected and day >= begin]
    rows = [("to be expected", "#000000", expected)]
    for one in played.rung:
        if one.method != NANNYML_MISSING and one.whole:
            name = f"{one.method}, {LENGTHS[one.length]}"
            rows.append((name, _colour(one.method), sorted(one.rang(calendar))))
    rows = [rows[0], *sorted(rows[1:], key=lambda row: list(COLOURS.values()).index(row[1]))]
    for day in expected:
        axes.axvspan(_x(day), _x(day + timedelta(days=1)), color="#000000", alpha=0.08, lw=0)
    for place, (_, colour, on) in enumerate(rows):
        axes.broken_barh([(_x(day), 1.0) for day in on], (place - 0.38, 0.76), color=colour)
    last = days(played.data)[-1].day(calendar)
    number = (last - begin).days + 1
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    for place, (_, _, on) in enumerate(rows):
        where = _x(last) + 3
        axes.text(where, place, f"{len(on)}", va="center", ha="left")
    axes.invert_yaxis()
    axes.set_xlim(_x(begin), _x(last) + 1)
    axes.set_title(f"Days of the flights on which each rule rang, of {number}", loc="left")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    _months(axes)
    return figure


def scores(played: Played, known: dict[date, Outside]) -> Figure:
    """The hourly scores of one feature, beside the two thresholds."""
    fitted = played.monitor.hourly
    begin = _begin(played)
    points = []
    for one in played.verdicts["1h"]:
        some = [s.score for s in one.judgement.scored if s.key.feature == FEATURE]
        if some:
            moment = datetime.fromtimestamp(one.window.start / 1e6, UTC)
            points.append((_x(moment), max(some)))
    when, score = np.array(points).T
    figure, axes = plt.subplots(figsize=(9.0, 3.4), layout="constrained")
    for day, outside in known.items():
        if outside.expected and day >= begin:
            axes.axvspan(_x(day), _x(day + timedelta(days=1)), color="#000000", alpha=0.1, lw=0)
    over = score > fitted.alone.value
    between = (score > fitted.together.value) & ~over
    low = ~over & ~between
    axes.plot(when[low], score[low], ".", ms=2, color="#999999")
    marks = ((between, "s", "#56B4E9", "above the lower"), (over, "o", "#D55E00", "flagged alone"))
    for some, mark, colour, name in marks:
        if some.any():
            axes.plot(when[some], score[some], mark, ms=4, color=colour, label=name)
    for value, style, name in (
        (fitted.alone.value, "-", "threshold of one window alone"),
        (fitted.together.value, "--", "of two windows in three"),
    ):
        axes.axhline(value, color="#0072B2", ls=style, lw=1.2, label=f"{name}: {value:.1f}")
    axes.set_ylim(0, max(float(score.max()), fitted.alone.value) * 1.08)
    axes.set_xlim(_x(begin), when.max() + 1)
    axes.set_ylabel("score, -log of how rare")
    axes.set_title(
        f"Hourly scores of {FEATURE}; shaded: days to be expected, by cancellations and weather",
        loc="left",
    )
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    _months(axes)
    return figure


def powers() -> list[tuple[str, list[Row]]]:
    """Rows of the power tables by setting, a shift each."""
    drifts = tuple(Drift(f"{shift:g}", mean=shift) for shift in SHIFTS)
    found = []
    for setting in power.SETTINGS:
        trials = [Trial(setting, 720, stream, weeks=6) for stream in range(STREAMS)]
        outcomes = [power.run(trial, drifts) for trial in trials]
        found.append((setting, power.rows(outcomes, drifts)))
    return found


def curves(found: Sequence[tuple[str, Sequence[Row]]]) -> Figure:
    """A panel a setting, a line a rule."""
    figure, panels = plt.subplots(
        1, len(found), figsize=(9.0, 3.2), sharey=True, layout="constrained"
    )
    for axes, (setting, rows) in zip(panels, found, strict=True):
        for name, colour in COLOURS.items():
            shares = [row.together[name].share for row in rows]
            style = {"lw": 2.2, "zorder": 3} if name == OURS else {"lw": 1.3}
            axes.plot(SHIFTS, shares, marker=MARKS[name], ms=4, color=colour, label=name, **style)
        axes.set_title(f"{setting}", loc="left", fontsize=9)
        axes.set_xlabel("shift of one column of 20, sd")
        axes.set_ylim(-0.02, 1.04)
        axes.grid(axis="y", color="#dddddd", lw=0.6)
    panels[0].set_ylabel("share of hourly windows found")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    figure.suptitle(
        "Power at equal false alarms, two windows of three; 1,500 rows an hour, 720 hours known",
        fontsize=10,
        x=0.01,
        ha="left",
    )
    return figure


def _begin(played: Played) -> date:
    days, _, _ = Calendar(played.data.zone).places(np.array([played.begin]))
    return date.fromordinal(int(days[0]))


def _colour(method: str) -> str:
    return next(colour for name, colour in COLOURS.items() if method.startswith(name))


def _x(when: date) -> float:
    return float(mdates.date2num(when))  # type: ignore[no-untyped-call]


def _months(axes: Axes) -> None:
    axes.xaxis.set_major_locator(mdates.MonthLocator())  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(mdates.DateFormatter("%b"))  # type: ignore[no-untyped-call]
    for label in axes.get_xticklabels():
        label.set_horizontalalignment("left")


def _save(figure: Figure, name: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    figure.savefig(FOLDER / f"{name}.png", metadata={"Software": None}, dpi=120)
    plt.close(figure)
