"""Makes the values of every page: the one place that JSON and HTML both come from.

All of it is read from what others hand over or wrote down: the board, the archive, and what the
daemon has made of its config. For one thread at a time.
"""

from __future__ import annotations

import platform
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from collectors.drift.comparisons import merge
from collectors.schema import SchemaMismatch
from collectors.summaries.state import StateError
from monitor import __version__
from monitor.archive import Archive
from monitor.board import OTHER, Board, label
from monitor.event_clock import SECOND
from monitor.jobs.report.files import Reports
from monitor.references.span import shown as span_shown
from monitor.web.pages import alarms, fleet, monitor
from monitor.web.pages.history import DAY, History, Scores, Unreadable, detail_of
from monitor.web.pages.shapes import plain
from monitor.web.pages.track import scores_of, track, values_of
from monitor.web.pages.views import (
    AlarmLine,
    AlarmPage,
    Alarms,
    FeaturePage,
    Fleet,
    JobsPage,
    Judged,
    Link,
    ModelLine,
    ModelPage,
    MonitorPage,
    Note,
    Shown,
    Timeline,
    Track,
)
from monitor.web.pages.watched import Watched
from monitor.web.pages.window import bounds, read, shown
from monitor.web.pages.words import detail_words, no_reference

DAYS = (7, 35, 90, 366)
"""Days that a timeline may be of; the second one unless another is asked for."""

TRACK_DAYS = (3, 7, 14, 35)
"""Days of a feature's panes, likewise."""

WINDOWS = 32
"""Windows that are remembered as they were put together."""

MOST_ALARMS = 12
ALARM_DAYS = 366

LINKS = (
    Link("/metrics", "every metric, for Prometheus"),
    Link("/-/healthy", "answers while the process lives"),
    Link("/-/ready", "answers once the first partitions are assigned"),
    Link("/api/v1/models", "what these pages show, as JSON"),
)

_NOTES = ("version", "reference", "accept", "growth", "mute", "ignore")
_FAILED = (StateError, SchemaMismatch, OSError, Unreadable)


class NotFound(Exception):
    """There is no such model, feature or alarm; the message says which."""


class Maker:
    """Makes views.

    Args:
        models: every model of the config, as it is now.
        next_run: when a job of this name runs next.
    """

    def __init__(
        self,
        board: Board,
        state: Path,
        models: Callable[[], Sequence[Watched]],
        next_run: Callable[[str], datetime | None],
        ready: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self._board = board
        self._archive = Archive(state / "archive")
        self._history = History(state / "archive")
        self._reports = Reports(state)
        self._models = models
        self._next_run = next_run
        self._ready = ready
        self._clock = clock
        self._windows: OrderedDict[tuple[object, ...], Shown] = OrderedDict()

    def fleet(self) -> Fleet:
        """Every model, worst first."""
        reports = [
            Link(
                f"/reports/{one.model}/{one.path.name}",
                f"report of {one.model}, {span_shown(one.start)} to {span_shown(one.end)} UTC",
            )
            for one in self._reports.all()
        ]
        lines = fleet.lines(self._board, self._models())
        return Fleet(__version__, lines, [*LINKS, *reports])

    def model(
        self,
        name: str,
        days: int = DAYS[1],
        until: int | None = None,
        window: str | None = None,
        end: int | None = None,
    ) -> ModelPage:
        """One model; `until` and `end` (s) in event time, the newest where there is none.

        Raises:
            NotFound: there is no such model, or no such length of window.
        """
        model, line = self._line(name)
        trouble: list[str] = []
        timeline = self._timeline(model, days, until, trouble)
        found = self._shown(model, line, window, end, trouble)
        last = self._alarms(name, timeline.end, MOST_ALARMS, trouble, max(days, DAYS[1]))
        return ModelPage(
            line=line,
            advice=_advice(model, line, found),
            timeline=timeline,
            shown=found,
            alarms=last,
            process=monitor.process(self._board, name),
            reports=[
                Link(
                    f"/reports/{name}/{one.path.name}",
                    f"{span_shown(one.start)} to {span_shown(one.end)} UTC",
                )
                for one in self._reports.of(name)[:10]
            ],
            trouble=trouble,
        )

    def feature(
        self,
        name: str,
        feature: str,
        days: int = TRACK_DAYS[1],
        window: str | None = None,
        end: int | None = None,
    ) -> FeaturePage:
        """One feature of a model.

        Raises:
            NotFound: there is no such model, feature or length of window.
        """
        model, line = self._line(name)
        trouble: list[str] = []
        found = self._shown(model, line, window, end, trouble)
        lines = () if found is None else found.features
        of = next((one for one in lines if one.feature == feature), None)
        if of is None and not _knows(model, feature):
            raise NotFound(f"{name} has no feature {feature!r}.")
        shown_until = found.end * SECOND if found else self._until(model)
        known, said = Track((), {}, (), ()), None
        if shown_until is not None:
            try:
                begin = shown_until - days * DAY
                known = track(self._archive, self._history, model, feature, begin, shown_until)
                said = None if found is None else self._said(model, found.window, shown_until)
            except _FAILED as error:
                trouble.append(str(error))
        return FeaturePage(
            line=line,
            shown=found,
            feature=of,
            name=plain(feature),
            days=days,
            track=known,
            reference=_reference(model, feature),
            scores=scores_of(said, feature),
            advice=_advice(model, line, found),
            trouble=trouble,
        )

    def alarm(self, id: str) -> AlarmPage:
        """One alarm.

        Raises:
            NotFound: there is none of this id.
        """
        try:
            event = alarms.find(self._history, id)
            ended = None if event is None else alarms.end_of(self._history, event)
        except Unreadable as error:
            raise NotFound(str(error)) from error
        if event is None:
            raise NotFound("There is no such alarm; the archive may be kept for less long.")
        model = next((one for one in self._models() if one.name == event.model), None)
        zone = "UTC" if model is None else model.zone
        found = alarms.line(event, ended, zone)
        trouble: list[str] = []
        line = seen = None
        if model is not None:
            line = self._line(model.name)[1]
            if event.subject in dict(model.windows):
                seen = self._shown(model, line, event.subject, found.time, trouble)
        return AlarmPage(found, line, seen, trouble)

    def alarms(self) -> Alarms:
        """The newest alarms of all models."""
        trouble: list[str] = []
        newest = self._history.newest()
        found = [] if newest is None else self._alarms(None, newest // SECOND, 100, trouble)
        return Alarms(found, ALARM_DAYS, trouble)

    def jobs(self) -> JobsPage:
        """The jobs."""
        return JobsPage(monitor.jobs(self._board, self._next_run))

    def monitor(self) -> MonitorPage:
        """The monitor's own state."""
        now = self._clock()
        jobs = monitor.jobs(self._board, self._next_run)
        figures = monitor.figures(self._board)
        return MonitorPage(
            inferwatch=__version__,
            python=platform.python_version(),
            ready=self._ready(),
            now=int(now),
            troubles=monitor.troubles(self._board, now, ready=self._ready(), jobs=jobs),
            figures=figures,
            jobs=jobs,
            links=LINKS,
        )

    def _line(self, name: str) -> tuple[Watched, ModelLine]:
        model = next((one for one in self._models() if one.name == name), None)
        if model is None:
            raise NotFound(f"There is no model {name!r} in the config.")
        series = fleet.by_model(self._board).get(label(name), fleet.Series())
        return model, fleet.line(model, series)

    def _until(self, model: Watched) -> int | None:
        """Where the newest pane of a model ends (us)."""
        try:
            newest = self._archive.newest(model.name)
        except _FAILED:
            return None
        return None if newest is None else newest + model.pane

    def _timeline(
        self, model: Watched, days: int, until: int | None, trouble: list[str]
    ) -> Timeline:
        newest = self._until(model)
        end = until * SECOND if until is not None else newest
        if end is None:
            end = round(self._clock() * SECOND)
        start = end - days * DAY
        windows: dict[str, list[Judged]] = {name: [] for name, _ in model.windows}
        notes: list[Note] = []
        first = self._history.first()
        try:
            for one, said in self._history.verdicts(model.name, start, end):
                worst = "alarm" if "alarm" in said.verdicts.values() else "ok"
                judged = Judged(
                    one.subject,
                    one.time // SECOND,
                    worst if said.verdicts else "insufficient_data",
                    said.score,
                    said.alone,
                    said.verdicts,
                )
                windows.setdefault(one.subject, []).append(judged)
            for one in self._history.events(_NOTES, model.name, start, end + 1):
                words = plain(detail_words(one.kind, one.subject, detail_of(one)))
                notes.append(Note(one.time // SECOND, one.kind, plain(one.subject), words))
        except Unreadable as error:
            trouble.append(str(error))
        more = first is not None and first < start
        return Timeline(start // SECOND, end // SECOND, days, more, windows, notes)

    def _alarms(
        self,
        model: str | None,
        end: int,
        most: int,
        trouble: list[str],
        days: int = ALARM_DAYS,
    ) -> list[AlarmLine]:
        zones = {one.name: one.zone for one in self._models()}
        try:
            return alarms.newest(self._history, model, end * SECOND, most, days, zones)
        except Unreadable as error:
            trouble.append(str(error))
            return []

    def _shown(
        self,
        model: Watched,
        line: ModelLine,
        window: str | None,
        end: int | None,
        trouble: list[str],
    ) -> Shown | None:
        """The window that is asked for: by default the one in alarm, else the newest short one."""
        lengths = dict(model.windows)
        if window is None:
            ringing = [one.window for one in line.windows if "alarm" in one.verdicts.values()]
            ringing += [one.window for one in line.windows if one.since is not None]
            window = next(iter(ringing), model.windows[0][0])
        if window not in lengths:
            raise NotFound(f"{model.name} has no windows of {window}.")
        try:
            until = end * SECOND if end is not None else self._newest(model, window)
            if until is None or model.settled is None:
                return None
            return self._window(model, window, lengths[window], until)
        except _FAILED as error:
            trouble.append(str(error))
            return None

    def _newest(self, model: Watched, window: str) -> int | None:
        """Where the newest window of a length ends that has rows, and was judged if any was."""
        newest = self._until(model)
        if newest is None or window == model.windows[0][0]:
            return newest
        found = self._history.back(("verdict",), model.name, newest, 35)
        return next((one.time for one in found if one.subject == window), newest)

    def _window(self, model: Watched, window: str, length: int, end: int) -> Shown | None:
        settled, judging = model.settled, model.judging
        if settled is None:
            return None
        reference = "" if judging is None else judging.reference
        panes = bounds(model, length, end)
        newest = self._until(model) or 0
        # A window may be revised for some time after its end.
        fresh = self._board.generation if panes.end >= newest - 2 * DAY else 0
        key = (model.name, id(settled), window, end, reference, fresh)
        if key not in self._windows:
            there = read(self._archive, model, settled, panes)
            if not there.by_start:
                return None
            said = self._said(model, window, end)
            self._windows[key] = shown(model, settled, window, length, there, said)
        self._windows.move_to_end(key)
        while len(self._windows) > WINDOWS:
            self._windows.popitem(last=False)
        return self._windows[key]

    def _said(self, model: Watched, window: str, end: int) -> Scores | None:
        """What was said of a window."""
        found = self._history.scores(model.name, window, end - 1, end)
        return next((said for _, said in found), None)


def _knows(model: Watched, feature: str) -> bool:
    settled = model.settled
    return settled is not None and feature in map(plain, settled.schema.columns)


def _reference(model: Watched, feature: str) -> dict[str, float]:
    """The statistics of a feature in the whole reference."""
    if model.settled is None or model.judging is None:
        return {}
    past = merge([model.judging.calibrated.merged])
    return values_of(
        (
            statistic
            for family in model.settled.collection.families
            if family.name in past
            for statistic in family.statistics(past[family.name], 1.0)
        ),
        feature,
    )


def _advice(model: Watched, line: ModelLine, found: Shown | None) -> list[str]:
    """What to do, where something is not there yet."""
    said = []
    if model.settled is None or found is None or line.state in {"no_data", "insufficient_data"}:
        said.append(line.says)
    if model.judging is None:
        said.append(no_reference(model))
    elif line.certainty in {"provisional", "uncalibrated"}:
        said.append(
            f"The reference is {line.certainty}: its alarms are for tickets, not for pages."
        )
    if len([one for one in line.versions if one != OTHER]) > 1:
        said.append(f"Several versions answer: {', '.join(map(plain, line.versions))}.")
    return [one for one in dict.fromkeys(said) if one]
