"""From the panes of a reference to its calibration. It needs SciPy: it is for a child process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from collectors.drift.calibrated import (
    DAYS,
    HOUR,
    LEAST,
    PAGES,
    WINDOWS,
    Calibration,
    Certainty,
    Rules,
)
from collectors.drift.calibration.daily import fit_days
from collectors.drift.calibration.fit import fit
from collectors.drift.calibration.fitted import Fitted
from collectors.drift.calibration.groups import combined, in_order
from collectors.drift.calibration.heldout import Column, Panes
from collectors.drift.calibration.seasons import Calendar, Ints
from collectors.drift.calibration.together import Usable
from collectors.drift.comparisons import (
    Comparison,
    Summaries,
    comparisons,
    merge,
    resting_rows,
)

LONGEST_GAP = 14 * 24 * HOUR
"""Silence that is longer is no part of a reference: one row of 1970 is not a decade of hours."""


Spans = Sequence[tuple[int, int]]
"""From each start up to its end (us)."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Comparisons that rest on the same panes; most of them on all.

    Attributes:
        judged: [T], where a pane has rows enough.
        share: of the model's comparisons.
    """

    columns: Sequence[Column]
    where: Panes
    judged: Usable
    share: float

    @property
    def number(self) -> int:
        """Panes that can be judged."""
        return int(np.count_nonzero(self.judged))

    def hours(self, alpha: float, min_rows: int) -> Fitted:
        """Fitted to its panes, on its share of what may be flagged."""
        return fit(self.columns, self.where, self.judged, alpha * self.share, min_rows)

    def days(self, alpha: float, min_rows: int, hourly: Fitted) -> Fitted | None:
        """The same of its days; None where they are too few."""
        share = alpha * self.share
        return fit_days(self.columns, self.where, self.judged, share, min_rows, hourly)


def calibrate(
    reference: str,
    panes: Mapping[int, Summaries],
    pane: int,
    rules: Rules,
    mixed: bool = False,
    left_out: Spans = (),
) -> tuple[Calibration, list[Comparison]]:
    """Calibrate a reference, and say what is compared.

    Args:
        panes: summaries of all versions together, by start (us); of some only a few columns may
            have rows, which then are no sample of the rest.
        pane: length of each, us; 0 for a reference without times.
        mixed: whether they are of several versions.
        left_out: what between the panes is no part of the reference: no silence, but unknown.
    """
    found = comparisons(merge(panes.values()), ignore=rules.unscored, subjects=rules.subjects)

    def uncalibrated() -> tuple[Calibration, list[Comparison]]:
        return Calibration(reference, "uncalibrated", pane, rules, mixed, None, None), found

    if pane != HOUR or len(panes) < LEAST:
        return uncalibrated()
    groups = _groups(found, panes, pane, rules, left_out)
    if not groups or groups[0].number < LEAST:
        return uncalibrated()
    groups = [one for one in groups if one.number >= LEAST]  # the others are not judged yet
    number = min(one.number for one in groups)
    order = {one.key: place for place, one in enumerate(found)}
    share = groups[0].number / len(groups[0].where)
    alpha = WINDOWS * rules.budget / (DAYS * 24.0 * share)
    hours = [one.hours(alpha / 2.0, rules.min_rows) for one in groups]
    days: list[Fitted | None] = []
    if rules.days:
        each = WINDOWS * rules.budget / 2.0 / DAYS
        days = [g.days(each, rules.min_rows, h) for g, h in zip(groups, hours, strict=True)]
    daily = None
    if days and days[0] is not None:
        daily = in_order(combined([one for one in days if one is not None]), order)
    else:
        hours = [one.hours(alpha, rules.min_rows) for one in groups]
    hourly = in_order(combined(hours), order)
    certainty: Certainty = "provisional"
    if number >= PAGES:
        beyond = max(hourly.alone.beyond, hourly.together.beyond)
        certainty = "interpolated" if beyond <= 1.0 else "extrapolated"
    return Calibration(reference, certainty, pane, rules, mixed, hourly, daily), found


def _groups(
    found: Sequence[Comparison],
    panes: Mapping[int, Summaries],
    pane: int,
    rules: Rules,
    left_out: Spans,
) -> list[_Group]:
    """What is compared, by the panes that it rests on; the most comparisons first."""
    groups = []
    for rows, some_of in _resting(found, panes):
        some = _starts(rows, pane, left_out)
        own = {start: panes[start] for start in rows}
        columns = [_column(one, own, some) for one in some_of]
        counted = np.array([rows.get(start, 0) for start in some.tolist()])
        where = Panes(*Calendar(rules.zone).places(some))
        share = len(columns) / len(found)
        groups.append(_Group(columns, where, counted >= rules.min_rows, share))
    return groups


def timeline(
    found: Sequence[Comparison], panes: Mapping[int, Summaries], pane: int, left_out: Spans = ()
) -> Ints:
    """Where the panes begin that thresholds rest on, those of the most comparisons."""
    return _starts(_resting(found, panes)[0][0], pane, left_out)


def _resting(
    found: Sequence[Comparison], panes: Mapping[int, Summaries]
) -> list[tuple[Mapping[int, int], list[Comparison]]]:
    """Comparisons by the panes that they rest on, with the rows of each; the most of them first."""
    rows: dict[tuple[int, ...], dict[int, int]] = {}
    groups: dict[tuple[int, ...], list[Comparison]] = {}
    known: dict[tuple[str, str], dict[int, int]] = {}
    for one in found:
        if one.rests_on not in known:
            each = {start: resting_rows(*one.rests_on, pane) for start, pane in panes.items()}
            known[one.rests_on] = {start: n for start, n in each.items() if n is not None}
        starts = tuple(known[one.rests_on])
        if starts:
            groups.setdefault(starts, []).append(one)
            rows[starts] = known[one.rests_on]
    order = sorted(groups, key=lambda starts: (-len(groups[starts]), starts))
    return [(rows[starts], groups[starts]) for starts in order]


def _starts(panes: Iterable[int], pane: int, left_out: Spans) -> Ints:
    """Where all panes begin, empty ones among them, but for gaps that are no night or holiday."""
    given = np.array(sorted(panes), dtype=np.int64)
    parts = np.split(given, np.flatnonzero(np.diff(given) > LONGEST_GAP) + 1)
    starts = np.concatenate([np.arange(part[0], part[-1] + pane, pane) for part in parts])
    unknown = np.zeros(len(starts), dtype=np.bool_)
    for begin, end in left_out:
        unknown |= (starts + pane > begin) & (starts < end)
    return starts[~unknown | np.isin(starts, given)]


def _column(one: Comparison, panes: Mapping[int, Summaries], starts: Ints) -> Column:
    given = {start: one.profile(pane) for start, pane in panes.items()}
    size = len(next(iter(given.values())))
    empty = np.zeros(size)
    if one.always:
        empty[-1] = 1.0  # a pane without rows is a pane
    profile = np.array([given.get(start, empty) for start in starts.tolist()])
    return Column(one.key, one.measure, profile, one.always)
