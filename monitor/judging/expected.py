"""How many rows an hour of the wall clock should bring: so that a quiet night is no silence."""

from __future__ import annotations

import numpy as np

from collectors.drift.calibration.heldout import ColumnKey
from collectors.drift.calibration.seasons import Calendar, bucket
from collectors.family import Statistic
from monitor.board import Board
from monitor.event_clock import SECOND
from monitor.judging.stored import Calibrated

VOLUME = ColumnKey("input", "", "volume")

QUARTER = 900 * SECOND
"""Local hours of every zone begin at a quarter of an hour, us."""


class Expected:
    """What the volume of a reference says of each hour. Times are wall times in us."""

    def __init__(self, calibrated: Calibrated, board: Board, model: str) -> None:
        one = calibrated.calibration
        scorers = () if one.hourly is None else one.hourly.scorers
        self._volume = next((scorer for scorer in scorers if scorer.key == VOLUME), None)
        self._calendar = Calendar(one.rules.zone)
        self._reference = one.reference
        self._board = board
        self._model = model
        self._quarter: int | None = None

    def show(self, now: int) -> None:
        """Put the rows of the hour around `now` on the board; it does so where that changes."""
        if now // QUARTER == self._quarter:
            return
        self._quarter = now // QUARTER
        rows = self.rows(now)
        labels = {"reference": self._reference}
        found = [] if rows is None else [Statistic("expected.rows", rows, labels)]
        self._board.replace_group(("expected", self._model), found, self._model)

    def rows(self, now: int) -> float | None:
        """Rows of the hour around `now`, by its season, or the mean of all hours where there is no
        season, or none of that hour; None where volume is not compared."""
        if self._volume is None:
            return None
        _, hours, weekdays = self._calendar.places(np.array([now], dtype=np.int64))
        totals = self._volume.totals
        rows, panes = totals[bucket(self._volume.season, hours, weekdays)][0].tolist()
        if not panes:
            rows, panes = totals.sum(axis=0).tolist()
        return float(rows / panes) if panes else None
