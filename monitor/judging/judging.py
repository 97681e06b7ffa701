"""The judging of one model: windows scored as they close, alarms entered, verdicts kept."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from collectors.drift.calibrated import DAYS, HOUR
from collectors.drift.calibration.seasons import Calendar, iso_day
from collectors.drift.causes import Change, causes
from collectors.drift.comparisons import ANSWER, Summaries, merge
from collectors.drift.judge import Judge, Judgement
from collectors.drift.rarity import days_between, in_words
from collectors.family import Statistic
from collectors.summaries.state import State, Stored
from monitor.archive import Event
from monitor.board import Board
from monitor.event_clock import NEVER, SECOND
from monitor.judging import distances, fixed, kept, shown
from monitor.judging.entries import Entries, Step
from monitor.judging.expected import Expected
from monitor.judging.fixed import Limited
from monitor.judging.length import Length
from monitor.judging.rules import JudgingRules
from monitor.judging.stored import Calibrated
from monitor.verdicts import Verdict, without_scores
from monitor.windows import Pane, PaneKey, Windows

if TYPE_CHECKING:
    from monitor.judging.succession import Succession

log = logging.getLogger(__name__)

DAY = 24 * HOUR

CAUSES = 3
"""Columns that an alarm names."""


class Judging:
    """Judges the windows of one model against one reference. Times are event times in us.

    Attributes:
        succession: tells when another reference comes into force; None where none can.
        origin: how this one came into force, for people.
    """

    def __init__(
        self, rules: JudgingRules, calibrated: Calibrated, board: Board, subjects: Sequence[str]
    ) -> None:
        self.rules = rules
        self.calibrated = calibrated
        self._board = board
        self._subjects = subjects
        self._ignore = calibrated.calibration.rules.ignore
        known = calibrated.merged["inputs"].columns.keys() | self._ignore
        self._new = [name for name in rules.features if name not in known]
        # A name that nothing has mutes nothing: not all features together either.
        self._muted = (known - self._ignore) | {ANSWER}
        self._past = list(distances.of_reference(calibrated.merged, self.reference, self._ignore))
        self.succession: Succession | None = None
        self.origin: Mapping[str, Any] = {"why": "configured"}
        self._expected = Expected(calibrated, board, rules.model)
        self._shown = False
        self._over: list[Event] = []
        self._days: dict[int, set[tuple[int, str]]] = {}
        self._begun: int | None = None  # start of the first pane that it was told of
        calibration = calibrated.calibration
        self._calendar = Calendar(calibration.rules.zone)
        self._lengths: dict[int, Length] = {}
        for name, length in rules.windows:
            fitted = {HOUR: calibration.hourly, DAY: calibration.daily}.get(length)
            if fitted is not None:
                judge = Judge(
                    fitted,
                    calibrated.comparisons,
                    calibration.rules.zone,
                    calibration.rules.min_rows,
                    mixed=calibration.mixed,
                    floors=rules.min_effect,
                )
                self._lengths[length] = Length(name, length, fitted, judge)

    @property
    def reference(self) -> str:
        """The id of what is compared with."""
        return self.calibrated.calibration.reference

    def about(self) -> State:
        """What the archive keeps of the reference and its calibration."""
        one = self.calibrated.calibration
        return {
            **self.origin,
            "certainty": one.certainty,
            "panes": 0 if one.hourly is None else one.hourly.judged,
            "dropped_days": [] if one.hourly is None else list(map(iso_day, one.hourly.dropped)),
        }

    def closed(self, windows: Windows, closed: Sequence[Pane]) -> Iterator[Event]:
        """Judge what has closed for the first time; what is to be remembered of it.

        A revision changes no verdict: people were told of it.
        """
        self._tell_of_new_features()
        fresh = sorted((p for p in closed if not p.revision), key=lambda pane: pane.start)
        if self._begun is None and fresh:
            self._begun = fresh[0].start
        for start, panes in groupby(fresh, key=lambda pane: pane.start):
            whole = list(panes)
            versions = {pane.key.version: pane.summaries for pane in whole}
            if HOUR in self._lengths:
                yield from self._judge(self._lengths[HOUR], start, whole[0].end, [versions])
            places = self._days.setdefault(self._day(start), set())
            places |= {(start, pane.key.version) for pane in whole}
        for day in sorted(self._days):
            if self._day(windows.closed_until) > day:
                yield from self._judge_day(windows, day, self._days.pop(day))
        self._let_go(windows.closed_until)
        self.show()

    def verdicts(self, length: int, rows: int, end: int) -> Mapping[str, Verdict]:
        """By subject, on the newest window of this length with so many rows, which ends then."""
        found = self._lengths.get(length)
        if found is None or not rows:
            return dict.fromkeys(self._subjects, without_scores(rows))
        judged = found.verdicts if found.end == end or length == DAY else {}
        verdicts = {name: judged.get(name, "insufficient_data") for name in self._subjects}
        # Those that the config leaves out, and answers where the reference has none.
        compared = {one.key.subject for one in self.calibrated.comparisons}
        return verdicts | {n: without_scores(rows) for n in self._subjects if n not in compared}

    def at(self, now: int) -> None:
        """Show what holds at this wall time (us), and everything if it never was yet."""
        if not self._shown:
            self.show()
        self._expected.show(now)

    def show(self) -> None:
        """Put scores and alarms on the board, as they are now."""
        self._shown = True
        model = self.rules.model
        others = [name for name, length in self.rules.windows if length not in self._lengths]
        shown.hide(self._board, model, others)
        for one in self._lengths.values():
            self._board.replace_group(("scores", model, one.name), one.scores, model)
            self._board.replace_group(("alarm", model, one.name), self._alarm(one), model)
            labels = {"window": one.name, "reference": self.reference}
            self._board.add(Statistic("alarms", 0, labels), model)
        self._board.replace_group(("calibration", model), self._resting_on(), model)

    def kept(self) -> Event:
        """What is shown of the reference, for the archive."""
        subjects = {one.key.subject for one in self.calibrated.comparisons}
        alarm = {one.name: self._alarm(one) for one in self._lengths.values()}
        return kept.of_reference(
            self.rules.model, self.reference, subjects, alarm, self._resting_on()
        )

    def state(self) -> State:
        """All that it holds; the caller owns it."""
        return {
            "reference": self.reference,
            "begun": self._begun,
            "days": [[day, *one] for day, places in self._days.items() for one in sorted(places)],
            "lengths": {
                one.name: {
                    "entries": one.entries.state(),
                    "end": one.end,
                    "verdicts": dict(one.verdicts),
                    "scores": one.encoded,
                    "causes": msgspec.msgpack.encode([tuple(s) for s in one.causes]),
                }
                for one in self._lengths.values()
            },
        }

    def restore(self, stored: Stored) -> None:
        """Become what the state was taken of; under another reference alarms are only remembered.

        Raises:
            StateError: it is damaged.
        """
        same = stored.text("reference") == self.reference
        self._begun = stored.whole("begun", NEVER) if stored.given("begun") else None
        for _, start, version in stored.rows("days"):
            self._days.setdefault(self._day(start), set()).add((start, version))
        lengths = stored.part("lengths")
        for one in self._lengths.values():
            if one.name not in lengths:
                continue
            part = lengths.part(one.name)
            one.entries.restore(part.part("entries"))
            if not same:
                one.entries = Entries(times=one.entries.times)
            else:
                one.end = part.whole("end", NEVER)
                verdicts = part.part("verdicts")
                one.verdicts = {s: verdicts.text(s) for s in verdicts}  # type: ignore[misc]
                one.show(shown.kept(part.blob("scores")))
                one.causes = shown.kept(part.blob("causes"))
        judged = {one.name for one in self._lengths.values()}
        for name in lengths:
            part = lengths.part(name)
            if part.part("entries").given("since") and not (same and name in judged):
                why = f"another reference is in force: {self.reference}"
                why = "windows of this length are not judged any more" if same else why
                end, before = part.whole("end", NEVER), stored.text("reference")
                self._over.append(self._ended(name, end, before, why))

    def follow(self, old: Judging) -> None:
        """Go on where the judging by another reference ended."""
        self.restore(Stored(old.state(), self.rules.model))

    def over(self) -> list[Event]:
        """The alarms that ended with the reference before this one; each is given once."""
        over, self._over = self._over, []
        return over

    def _ended(self, window: str, end: int, reference: str, why: str = "") -> Event:
        """What is kept where an alarm ends, by itself, or `why`."""
        model, said = self.rules.model, {"why": why} if why else {}
        where = {"model": model, "window": window, "end": end // SECOND}
        log.info("alarm ended", extra=where | said)
        detail = {"reference": reference, **said}
        return Event(end, end, "alarm ended", model, window, detail)

    def _let_go(self, closed_until: int) -> None:
        """What was said of windows that are not the newest any more, of hours or of days."""
        hourly, daily = self._lengths.get(HOUR), self._lengths.get(DAY)
        if hourly is not None and hourly.end < closed_until:
            hourly.show([])
        # A judged day ends where the next one begins: that one has ended too, and had no row.
        if daily is None or daily.end == NEVER:
            return
        if self._day(closed_until) > self._day(daily.end) + 1:
            daily.show([])
            daily.verdicts = {}

    def _day(self, time: int) -> int:
        return int(self._calendar.places(np.array([time], dtype=np.int64))[0][0])

    def _judge_day(
        self, windows: Windows, day: int, places: Iterable[tuple[int, str]]
    ) -> Iterator[Event]:
        first, end = self._calendar.day(day)
        if DAY not in self._lengths or self._begun is None or self._begun > first:
            return  # the last hours of a day are no sample of it
        parts: list[dict[str, Summaries]] = []
        for start, found in groupby(sorted(places), key=lambda place: place[0]):
            panes = (windows.closed_pane(start, PaneKey(version)) for _, version in found)
            parts.append({pane.key.version: pane.summaries for pane in panes if pane is not None})
        if any(parts):
            yield from self._judge(self._lengths[DAY], first, end, [p for p in parts if p])

    def _judge(
        self, one: Length, start: int, end: int, parts: Sequence[Mapping[str, Summaries]]
    ) -> Iterator[Event]:
        """Judge one window, given its panes that have rows, each by version."""
        muted = self._muted & {name for name, until in self.rules.mute.items() if end <= until}
        panes = (end - start) // HOUR
        together = [merge(part.values()) for part in parts]
        names = sorted(set().union(*parts))
        versions = {name: [part[name] for part in parts if name in part] for name in names}
        judgement = one.judge.judge(start, panes, together, versions, muted)
        one.end, one.verdicts = end, {}
        one.show([])
        distances, limited = self._distances(one.name, together, versions, muted)
        if judgement is None:
            if not limited.subjects:
                yield self._kept(one)
                return
            judgement = Judgement(0.0, ())
        number = end // one.length
        step = one.entries.step(one.fitted, judgement, number, end, muted, limited.passed)
        crossing = {scored.key.subject for scored in step.crossing}
        crossing |= {passed.key.subject for passed in step.fixed}
        # Volume alone, which is judged of the emptiest window, says nothing of the values.
        judged = {scored.key.subject for scored in judgement.scored if not scored.always}
        judged |= limited.subjects
        one.verdicts = {
            name: "alarm" if name in crossing else "ok" for name in sorted(judged | crossing)
        }
        scores = list(shown.scores(judgement, one.fitted, one.name, self.reference))
        if judged:
            scores += [*distances, *limited.shown]
        one.show(scores)
        if step.flagged:
            changes = causes(judgement, self.calibrated.comparisons, step.crossing, CAUSES)
            found = fixed.ranked(changes, step.fixed, one.fitted.alone.value, CAUSES)
            days = self._days_between(one, step)
            one.causes = [
                *shown.rarity(days, one.name, self.reference),
                *shown.causes(found, one.name, self.reference),
            ]
        elif one.entries.since is None:
            one.causes = []
        detail = shown.detail(judgement, one.fitted, self.reference, one.verdicts, step.fixed)
        yield Event(end, end, "verdict", self.rules.model, one.name, detail)
        yield self._kept(one)
        if step.entered:
            yield self._entered(one, found, end, _rarity(days))
        elif step.ended:
            yield self._ended(one.name, end, self.reference)

    def _kept(self, one: Length) -> Event:
        """What is shown of the newest window, for the archive."""
        model, alarm = self.rules.model, self._alarm(one)
        return kept.of_window(
            model, one.name, one.end, self.reference, one.verdicts, one.scores, alarm
        )

    def _alarm(self, one: Length) -> list[Statistic]:
        """What is shown of the alarm of one length of window."""
        return [*shown.alarm(one.entries, one.name, self.reference), *one.causes]

    def _resting_on(self) -> list[Statistic]:
        """What is shown of the reference, and of what alarms rest on."""
        return [*shown.about(self.calibrated.calibration, self.rules), *self._past]

    def _distances(
        self,
        window: str,
        together: Sequence[Summaries],
        versions: Mapping[str, Sequence[Summaries]],
        muted: frozenset[str],
    ) -> tuple[list[Statistic], Limited]:
        """How far one window is from the whole reference, and what that is by fixed thresholds."""
        methods, limits = self.rules.methods, self.rules.thresholds
        reference, min_rows = self.calibrated.merged, self.calibrated.calibration.rules.min_rows
        of = {"window": window, "reference": self.reference}
        whole, each = merge(together), {name: merge(parts) for name, parts in versions.items()}
        if whole["software"].rows < min_rows:
            return [], Limited()
        found = list(distances.of_inputs(whole, reference, methods, of, self._ignore, limits))
        for version, one in each.items():
            labels = of | {"version": version}
            found += distances.of_answers(one, reference, methods, labels, limits)
        rows = fixed.rows_of(whole, each)
        return found, fixed.limited(found, limits, rows, min_rows, muted)

    def _days_between(self, one: Length, step: Step) -> float | None:
        """How rare a flagged window is; None where only a fixed threshold was passed."""
        if not step.crossing:
            return None
        return days_between(one.fitted, self._per_day(), step.crossing[0].score)

    def _per_day(self) -> float:
        """False alarms in a day that windows of each length may have."""
        calibration = self.calibrated.calibration
        whole = calibration.rules.budget / DAYS
        return whole if calibration.daily is None else whole / 2.0

    def _tell_of_new_features(self) -> None:
        if self._new:
            what = "features that the reference does not have are compared with nothing"
            named = {"features": ", ".join(self._new), "reference": self.reference}
            log.warning(what, extra={"model": self.rules.model} | named)
            self._new.clear()

    def _entered(self, one: Length, found: Sequence[Change], end: int, rarity: str) -> Event:
        """What is said, counted and kept where an alarm begins."""
        model, labels = self.rules.model, {"window": one.name, "reference": self.reference}
        self._board.add(Statistic("alarms", 1, labels), model)
        score = round(max(change.score for change in found), 1)
        words = "; ".join(map(shown.sentence, found))
        where = {"model": model, "window": one.name, "end": end // SECOND, "score": score}
        led = {"as_rare_as": rarity, "moved_first": one.entries.first, "causes": words}
        log.warning("alarm", extra=where | led)
        detail = labels | {
            "score": score,
            "as_rare_as": rarity,
            "moved_first": one.entries.first,
            "causes": [dict(shown.cause(change)) for change in found],
        }
        return Event(end, end, "alarm", model, one.name, detail)


def _rarity(days: float | None) -> str:
    """How rare what began an alarm is, for people."""
    return "not calibrated: a fixed threshold" if days is None else in_words(days)
