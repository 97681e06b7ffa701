"""From the panes of a reference to its calibration. It needs SciPy: it is for a child process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from collectors.drift.calibrated import DAYS, HOUR, LEAST, PAGES, Calibration, Certainty, Rules
from collectors.drift.calibration.daily import fit_days
from collectors.drift.calibration.fit import fit
from collectors.drift.calibration.heldout import Column, Panes
from collectors.drift.calibration.seasons import Calendar, Ints
from collectors.drift.comparisons import Comparison, Summaries, comparisons, merge

LONGEST_GAP = 14 * 24 * HOUR
"""Silence that is longer is no part of a reference: one row of 1970 is not a decade of hours."""


def calibrate(
    reference: str, panes: Mapping[int, Summaries], pane: int, rules: Rules, mixed: bool = False
) -> tuple[Calibration, list[Comparison]]:
    """Calibrate a reference, and say what is compared.

    Args:
        panes: summaries of all versions together, by start (us).
        pane: length of each, us; 0 for a reference without times.
        mixed: whether they are of several versions.
    """
    found = comparisons(merge(panes.values()), ignore=rules.unscored, subjects=rules.subjects)

    def uncalibrated() -> tuple[Calibration, list[Comparison]]:
        return Calibration(reference, "uncalibrated", pane, rules, mixed, None, None), found

    if pane != HOUR or len(panes) < LEAST:
        return uncalibrated()
    starts = timeline(panes, pane)
    columns = [_column(one, panes, starts) for one in found]
    where = Panes(*Calendar(rules.zone).places(starts))
    rows = np.array([_rows(panes.get(start)) for start in starts.tolist()])
    judged = rows >= rules.min_rows
    number = int(np.count_nonzero(judged))
    if number < LEAST:
        return uncalibrated()
    share = number / len(starts)
    alpha = rules.budget / (DAYS * 24.0 * share)
    hourly = fit(columns, where, judged, alpha / 2.0, rules.min_rows)
    daily = None
    if rules.days:
        daily = fit_days(columns, where, judged, rules.budget / 2.0 / DAYS, rules.min_rows, hourly)
    if daily is None:
        hourly = fit(columns, where, judged, alpha, rules.min_rows)
    certainty: Certainty = "provisional"
    if number >= PAGES:
        beyond = max(hourly.alone.beyond, hourly.together.beyond)
        certainty = "interpolated" if beyond <= 1.0 else "extrapolated"
    return Calibration(reference, certainty, pane, rules, mixed, hourly, daily), found


def timeline(panes: Iterable[int], pane: int) -> Ints:
    """Where all panes begin, empty ones among them, but for gaps that are no night or holiday."""
    given = np.array(sorted(panes), dtype=np.int64)
    parts = np.split(given, np.flatnonzero(np.diff(given) > LONGEST_GAP) + 1)
    return np.concatenate([np.arange(part[0], part[-1] + pane, pane) for part in parts])


def _column(one: Comparison, panes: Mapping[int, Summaries], starts: Ints) -> Column:
    given = {start: one.profile(pane) for start, pane in panes.items()}
    size = len(next(iter(given.values())))
    empty = np.zeros(size)
    if one.always:
        empty[-1] = 1.0  # a pane without rows is a pane
    profile = np.array([given.get(start, empty) for start in starts.tolist()])
    return Column(one.key, one.measure, profile, one.always)


def _rows(pane: Summaries | None) -> int:
    return 0 if pane is None else int(pane["software"].rows)
