"""Causes: what changed in a column, in numbers and in words, made from two profiles of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from collectors.drift import movers
from collectors.drift.calibration.heldout import ColumnKey
from collectors.drift.calibration.measures import Floats
from collectors.drift.comparisons import CORRELATION, PCA, TOGETHER, Comparison
from collectors.drift.judge import MANY, Judgement, Scored
from collectors.grid import Grid
from collectors.summaries.categories import BUCKETS

Kind = Literal[
    "missing",
    "invalid",
    "constant",
    "unit",
    "mean",
    "spread",
    "new_category",
    "share",
    "shape",
    "volume",
    "errors",
    "reruns",
    "mismatches",
    "instability",
    "tail",
    "joint",
    "distance",
    "together",
    "correlation",
]

UNITS = (10.0, 60.0, 100.0, 1000.0, 3600.0, 1e6, 1e9)
"""Factors that a change of unit makes: of money, of time, of size."""

CLOSE = 0.25
"""How near, relatively, a ratio of means and one of spreads come to such a factor."""

SHIFT = 0.1
"""Standard deviations of the mean, below which it is not the mean that people are told of."""

NEW = 1e-4
"""Share in the reference below which a category is called new."""


@dataclass(frozen=True, slots=True)
class Change:
    """What changed most in one column.

    Attributes:
        score: the largest of the column's statistics.
        reference, now: the quantity then and now, in its own unit.
        words: the same for people.
        rows: rows of the window that it was seen in.
    """

    subject: str
    feature: str
    version: str
    kind: Kind
    score: float
    reference: float
    now: float
    words: str
    rows: int


def causes(
    judgement: Judgement, found: Sequence[Comparison], crossing: Sequence[Scored], most: int
) -> list[Change]:
    """What changed in the columns that crossed, worst first, at most so many."""
    by_key = {one.key: one for one in found}
    columns: dict[tuple[str, ...], dict[str, Scored]] = {}
    for one in judgement.scored:
        columns.setdefault(_column(one), {})[one.key.statistic] = one
    # Of many columns at once is spoken after those that moved by themselves.
    ordered = sorted(crossing, key=lambda one: (one.key in MANY, -one.score))
    wanted = dict.fromkeys(_column(one) for one in ordered)
    return [_change(columns[column], by_key) for column in list(wanted)[:most]]


def _column(one: Scored) -> tuple[str, ...]:
    """The statistics of one feature belong together, and so do those of answers, of latency ..."""
    if one.key in TOGETHER:
        return "input", "", "together", one.version
    subject, feature, statistic = one.key
    part = "" if feature or statistic in _ANSWERS else statistic.split("_")[0]
    return subject, feature, part, one.version


_ANSWERS = ("distribution", "shape", "mean", "spread", "missing", "invalid")


def _change(column: Mapping[str, Scored], by_key: Mapping[ColumnKey, Comparison]) -> Change:
    worst = max(column.values(), key=lambda one: one.score)
    for kind, reference, now, words, rows in _looks(column, by_key, worst):
        subject, feature, _ = worst.key
        quantities = float(reference), float(now)
        return Change(subject, feature, worst.version, kind, worst.score, *quantities, words, rows)
    raise ValueError(f"no words for {worst.key}")


_Look = tuple[Kind, float, float, str, int]


def _looks(
    column: Mapping[str, Scored], by_key: Mapping[ColumnKey, Comparison], worst: Scored
) -> Iterator[_Look]:
    """What may be said of a column, the most telling first; the last always can be."""
    gone: tuple[Kind, ...] = ("missing", "invalid")
    for kind in gone:
        share = column.get(kind)
        if share is not None and share.score >= 0.5 * worst.score > 0 and _more(share):
            yield _share(kind, share, kind)
    yield from _never_before(column, by_key, worst)
    for statistic, one in column.items():
        if statistic.endswith("mean") and statistic.replace("mean", "spread") in column:
            comparison = by_key[one.key]
            spread = column[statistic.replace("mean", "spread")]
            part = statistic.removesuffix("mean").replace("_", " ")
            yield from _numbers(part, one, spread, comparison.grid, worst)
    for statistic, one in column.items():
        names = by_key[one.key].names if one.key in by_key else None
        if statistic.endswith("distribution") and names is not None:
            yield from _categories(one, names)
    yield from _alone(worst, by_key)


def _never_before(
    column: Mapping[str, Scored], by_key: Mapping[ColumnKey, Comparison], worst: Scored
) -> Iterator[_Look]:
    """Of a column that had no value in the reference, or one and no other."""
    for statistic, one in column.items():
        comparison = by_key.get(one.key)
        telling = statistic.endswith("distribution") and one.score >= 0.5 * worst.score > 0
        if comparison is None or not telling:
            continue
        last = -1 if comparison.names is None else -2
        reference, now, rows = one.reference[:last], one.now[:last], int(one.now.sum())
        if now.sum() and not reference.sum():
            gone = 1.0 - float(now.sum()) / rows
            words = f"missing 100.0% to {gone:.1%}, where the reference has no value at all"
            yield "missing", 1.0, gone, words, rows
        elif (value := _only_value(comparison)) is not None and reference[1] == reference.sum():
            same = float(now[1] / now.sum()) if now.sum() else 1.0
            if same < 1.0:
                words = f"share of {value:.4g}, the only value of the reference, 100.0% to"
                yield "share", 1.0, same, f"{words} {same:.1%}", rows
            elif (missing := column.get("missing")) is not None and _more(missing):
                yield _share("missing", missing, "missing")


def _only_value(comparison: Comparison) -> float | None:
    """The value, to the width of its cell, of a column that had one and no other."""
    edges, grid = comparison.edges, comparison.grid
    if grid is None or edges is None or len(edges) != 2 or edges[1] != edges[0] + 1:
        return None
    low, high = grid.edges(edges[:1])
    return float(low[0] + high[0]) / 2.0


def _numbers(
    part: str, mean: Scored, spread: Scored, grid: Grid | None, worst: Scored
) -> Iterator[_Look]:
    if grid is None or not mean.now[0] or not mean.reference[0]:
        return
    (now, now_sd), (reference, sd) = (_moments(one, grid) for one in (mean.now, mean.reference))
    rows = int(mean.now[0])
    if now_sd == 0.0 and sd > 0.0 and rows > 1:
        yield "constant", sd, 0.0, f"{part}constant at {now:.4g}", rows
    ratio = now / reference if reference else math.nan
    for unit in UNITS:
        for factor, sign in ((unit, "x"), (1.0 / unit, "/")):
            if _near(ratio, factor) and (sd == 0.0 or _near(now_sd / sd, factor)):
                words = f"{part}scale {sign} {unit:g}, looks like a change of unit"
                yield "unit", reference, now, words, rows
    shift = (now - reference) / sd if sd > 0.0 else math.inf
    if max(mean.score, 0.0) >= spread.score and abs(shift) >= SHIFT:
        words = f"{part}mean {reference:.4g} to {now:.4g}"
        words += f", {shift:+.1f} sd" if math.isfinite(shift) else ""
        yield "mean", reference, now, words, rows
    if spread.score >= 0.5 * worst.score > 0 and sd > 0.0:
        words = f"{part}standard deviation {sd:.4g} to {now_sd:.4g}"
        yield "spread", sd, now_sd, words, rows


def _moments(profile: Floats, grid: Grid) -> tuple[float, float]:
    """Mean and standard deviation in the column's own unit."""
    count, total, squares = profile.tolist()
    mean = total / count
    variance = squares / count - mean * mean
    # What is left of equal values by rounding is no spread.
    deviation = math.sqrt(variance) if variance > 1e-13 * (1.0 + mean * mean) else 0.0
    return grid.center + mean * grid.scale, deviation * grid.scale


def _categories(one: Scored, names: Sequence[str]) -> Iterator[_Look]:
    now, reference = one.now / one.now.sum(), one.reference / one.reference.sum()
    place = int(np.argmax(np.abs(now - reference)))
    said = (*names, *(["categories not known one by one"] * BUCKETS), "missing", "unusable")[place]
    before, after = float(reference[place]), float(now[place])
    rows = int(one.now.sum())
    shown = f'"{said}"' if place < len(names) else said
    if before < NEW and place < len(names) + BUCKETS:
        new = f"new category {shown}" if place < len(names) else f"new {shown}"
        yield "new_category", before, after, f"{new} {after:.1%}", rows
    yield "share", before, after, f"share of {shown} {before:.1%} to {after:.1%}", rows


def _alone(worst: Scored, by_key: Mapping[ColumnKey, Comparison]) -> Iterator[_Look]:
    """By the worst statistic itself."""
    statistic, now, reference = worst.key.statistic, worst.now, worst.reference
    rows = int(now.sum()) if len(now) else 0
    if statistic == "volume":
        expected = reference[0] / reference[1]
        yield (
            "volume",
            expected,
            now[0] / now[1],
            (f"{now[0]:,.0f} rows, {expected * now[1]:,.0f} expected"),
            int(now[0]),
        )
    elif statistic == "joint":
        yield "joint", 0.0, worst.effect, "many columns a little", rows
    elif worst.key in TOGETHER:
        yield _together(worst, by_key[worst.key].names or ())
    elif statistic == "errors":
        yield _share("errors", worst, "errors")
    elif statistic == "reruns":
        yield _share("reruns", worst, "answers to inputs seen before")
    elif statistic == "mismatches":
        yield _share("mismatches", worst, "repeated inputs answered differently")
    elif statistic.endswith("tail"):
        yield _share("tail", worst, f"{statistic.removesuffix('_tail')} above its 99 % quantile")
    elif statistic == "instability":
        then, since = (math.sqrt(p[1] / p[0]) if p[0] else 0.0 for p in (reference, now))
        words = f"standard deviation over equal inputs {then:.4g} to {since:.4g}"
        yield "instability", then, since, words, rows
    elif statistic.endswith("mean"):
        grid = by_key[worst.key].grid
        then, since = (
            _moments(p, grid)[0] if grid is not None and p[0] else 0.0 for p in (reference, now)
        )
        yield "mean", then, since, f"{statistic} {then:.4g} to {since:.4g}", int(now[0])
    else:
        yield _shape(worst, by_key[worst.key])


def _together(worst: Scored, names: Sequence[str]) -> _Look:
    """What moved most of all features together."""
    rows = int(worst.now[0])
    if worst.key == CORRELATION:
        one, other, before, after = movers.pair(worst.now, worst.reference)
        words = f"correlation of {names[one]} and {names[other]} {before:.2f} to {after:.2f}"
        return "correlation", before, after, words, rows
    if worst.key == PCA:
        before, after, most = movers.errors(worst.now, worst.reference)
        whose = ", ".join(dict.fromkeys(names[place] for place in most))
        words = f"features together: reconstruction error {before:.3g} to {after:.3g}"
        return "together", before, after, f"{words}, most of it of {whose}", rows
    place, shift = movers.largest_shift(worst.now, worst.reference)
    words = f"features together: distance {worst.effect:.3f}, "
    words += f"largest single mover {names[place]}, {shift:+.1f} sd"
    if abs(shift) < SHIFT:
        words = f"features together: distance {worst.effect:.3f}, none moved by itself"
    return "together", 0.0, worst.effect, words, rows


def _shape(worst: Scored, comparison: Comparison) -> _Look:
    """The group of values whose share changed most."""
    now, reference = worst.now / worst.now.sum(), worst.reference / worst.reference.sum()
    place = int(np.argmax(np.abs(now - reference)))
    before, after = float(reference[place]), float(now[place])
    where = "values"
    if comparison.grid is not None and comparison.edges is not None:
        if place > len(comparison.edges):
            where = "rows without a usable value"
        else:
            low, _ = comparison.grid.edges(comparison.edges)
            bounds = [-math.inf, *low.tolist(), math.inf]
            where = f"values from {bounds[place]:.4g} to {bounds[place + 1]:.4g}"
    words = f"share of {where} {before:.1%} to {after:.1%}"
    return "shape", before, after, words, int(worst.now.sum())


def _share(kind: Kind, one: Scored, what: str) -> _Look:
    before, after = (float(p[0] / p.sum()) if p.sum() else 0.0 for p in (one.reference, one.now))
    return kind, before, after, f"{what} {before:.1%} to {after:.1%}", int(one.now.sum())


def _more(one: Scored) -> bool:
    _, before, after, _, _ = _share("share", one, "")
    return after > before


def _near(ratio: float, factor: float) -> bool:
    return abs(ratio / factor - 1.0) <= CLOSE
