"""What was said of a model's windows: verdicts, scores and alarms, as the archive keeps them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from collectors.drift.calibration.seasons import Calendar
from collectors.family import Statistic
from monitor.archive import Archive, Event
from monitor.board import Board
from monitor.event_clock import NEVER, SECOND
from monitor.history.moments import Moment
from monitor.judging import kept
from monitor.judging.judging import DAY
from monitor.verdicts import Verdict, statistics, without_scores


@dataclass(slots=True)
class _Window:
    """What was said of the newest judged window of one length.

    Attributes:
        reference: by which.
        end: of that window, us.
    """

    reference: str = ""
    end: int = NEVER
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    scores: list[Statistic] = field(default_factory=list)
    alarm: list[Statistic] = field(default_factory=list)


class Said:
    """Puts on a board what was said, moment after moment. Times are in us.

    Args:
        windows: name and length.
        subjects: what verdicts are given on.
        zone: in which days begin.

    Raises (from all of it):
        StateError, OSError: the archive's events cannot be read.
    """

    def __init__(
        self,
        archive: Archive,
        model: str,
        windows: tuple[tuple[str, int], ...],
        subjects: list[str],
        zone: str,
    ) -> None:
        self._model = model
        self._lengths = windows
        self._subjects = subjects
        self._calendar = Calendar(zone)
        # Both are few, and are told in wall time: what the log itself says of it is older.
        self._references = list(archive.events(kept.REFERENCE, model))
        self._published = [one.published for one in self._references]
        self._versions = list(archive.events("version", model))
        self._events = archive.events(kept.WINDOW, model)
        self._next = next(self._events, None)
        self._newest = {name: _Window() for name, _ in windows}
        self._reference = ""

    def put(self, board: Board, moment: Moment) -> None:
        """Show what was said up to a moment; moments come in order."""
        while self._next is not None and self._next.time <= moment.end:
            self._take_in(self._next)
            self._next = next(self._events, None)
        about = self._in_force(moment)
        for name, length in self._lengths:
            newest = self._newest[name]
            if newest.reference != self._reference:
                alarm = about.get("alarm", {}).get(name, ())
                newest = _Window(
                    self._reference, alarm=list(kept.unpacked(alarm, self._reference, name))
                )
                self._newest[name] = newest
            self._let_go(newest, length, moment.end)
            verdicts = self._verdicts(name, length, moment, about)
            given = statistics(verdicts, name, self._reference)
            board.replace_group(("verdict", self._model, name), given, self._model)
            board.replace_group(("scores", self._model, name), newest.scores, self._model)
            board.replace_group(("alarm", self._model, name), newest.alarm, self._model)
        rows = about.get("series", ())
        known = kept.unpacked(rows, self._reference)
        board.replace_group(("calibration", self._model), known, self._model)
        for version, first in self._known_versions(moment):
            seen = [] if first is None else [Statistic("version.first_seen", first / SECOND)]
            board.set_version(self._model, version, seen)

    def _take_in(self, event: Event) -> None:
        if event.subject in self._newest:
            detail, name = event.detail, event.subject
            reference = detail["reference"]
            self._reference = reference
            self._newest[name] = _Window(
                reference,
                event.time,
                detail["verdicts"],
                list(kept.unpacked(detail["scores"], reference, name)),
                list(kept.unpacked(detail["alarm"], reference, name)),
            )

    def _in_force(self, moment: Moment) -> Mapping[str, Any]:
        """What is known of the reference: the one by which was judged, or that was told of last."""
        place = bisect_right(self._published, moment.published)
        told = self._references[:place]
        if any(one.end == moment.end for one in self._newest.values()):
            told = [one for one in self._references if one.subject == self._reference] or told
        if not told:
            return {}
        self._reference = told[-1].subject
        return told[-1].detail

    def _let_go(self, newest: _Window, length: int, end: int) -> None:
        """What was said of a window that is not the newest any more goes, as on the daemon."""
        if newest.end in {NEVER, end}:
            return
        if length != DAY or self._day(end) > self._day(newest.end) + 1:
            newest.verdicts, newest.scores = {}, []

    def _day(self, time: int) -> int:
        return int(self._calendar.places(np.array([time], dtype=np.int64))[0][0])

    def _verdicts(
        self, name: str, length: int, moment: Moment, about: Mapping[str, Any]
    ) -> Mapping[str, Verdict]:
        rows = moment.rows.get(name, 0)
        if not rows or name not in about.get("alarm", {}):
            return dict.fromkeys(self._subjects, without_scores(rows))
        newest, compared = self._newest[name], about["subjects"]
        judged = newest.verdicts if newest.end == moment.end or length == DAY else {}
        return {
            subject: judged.get(subject, "insufficient_data")
            if subject in compared
            else without_scores(rows)
            for subject in self._subjects
        }

    def _known_versions(self, moment: Moment) -> Iterator[tuple[str, int | None]]:
        """Since when each version is known; None where it is forgotten, by the wall clock."""
        known: dict[str, int | None] = {}
        for event in self._versions:
            if event.detail["change"] == "first seen":
                if event.time <= moment.end:
                    known[event.subject] = event.time
            elif event.published <= moment.published:
                known[event.subject] = None
        yield from known.items()
