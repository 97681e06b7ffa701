"""From the board to one line a model: what is wrong, since when, and what changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from collectors.drift.calibrated import DAYS
from monitor.board import OTHER, Board, Histogram, label
from monitor.metrics import BY_STATISTIC
from monitor.web.pages.views import STATES, Cause, ModelLine, State, WindowState
from monitor.web.pages.watched import Watched
from monitor.web.pages.words import says, words_of

WANTED = frozenset(
    {
        *("verdict", "window.rows", "window.end", "window.closed", "alarm.since", "alarm.cause"),
        *("alarms_30d", "alarm.budget", "calibration.info", "score", "score.threshold"),
        *("version.first_seen",),
    }
)
"""The statistics that a line is made of."""


class Sample(NamedTuple):
    """One series: its labels by name, and its value."""

    labels: Mapping[str, str]
    value: float


@dataclass(slots=True)
class Series:
    """The series of one model, by statistic."""

    by_statistic: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))

    def of(self, statistic: str, **labels: str) -> list[Sample]:
        """Those of a statistic with these labels."""
        return [
            one
            for one in self.by_statistic.get(statistic, ())
            if all(one.labels.get(name) == value for name, value in labels.items())
        ]

    def value(self, statistic: str, **labels: str) -> float | None:
        """The largest of them; None where there is none."""
        return max((one.value for one in self.of(statistic, **labels)), default=None)


def by_model(board: Board, wanted: Iterable[str] = WANTED) -> dict[str, Series]:
    """The wanted series of each model, of scores the largest of a window; "" for those of none."""
    wanted = frozenset(wanted)
    found: dict[str, Series] = defaultdict(Series)
    largest: dict[tuple[str, str], float] = {}
    model, window = (BY_STATISTIC["score"].labels.index(name) for name in ("model", "window"))
    for id, labels, value in board.series()[1]:
        if id not in wanted or isinstance(value, Histogram):
            continue
        if id == "score":  # there are more of them than of all others, and one of them counts
            of = labels[model], labels[window]
            largest[of] = max(largest.get(of, value), value)
            continue
        named = dict(zip(BY_STATISTIC[id].labels, labels, strict=True))
        found[named.get("model", "")].by_statistic[id].append(Sample(named, value))
    for (name, length), value in largest.items():
        found[name].by_statistic["score"].append(Sample({"window": length}, value))
    return found


def lines(board: Board, models: Sequence[Watched]) -> list[ModelLine]:
    """Every model, worst first; among equals the one whose alarm is furthest beyond."""
    found = by_model(board)
    made = [line(one, found.get(label(one.name), Series())) for one in models]
    return sorted(made, key=_badness)


def line(model: Watched, board: Series) -> ModelLine:
    """One model."""
    windows = [_window(name, board) for name, _ in model.windows]
    state = _state(windows)
    begun = [one.since for one in windows if one.since is not None]
    newest = windows[0]
    closed = board.value("window.closed", window=newest.window)
    info = board.of("calibration.info")
    budget = board.value("alarm.budget")
    seen = sorted(board.of("version.first_seen"), key=lambda one: -one.value)
    return ModelLine(
        name=model.name,
        state=state,
        says=says(state, windows, model),
        since=min(begun, default=None),
        zone=model.zone,
        rows=newest.rows,
        end=newest.end,
        closed=None if closed is None else int(closed),
        versions=[one.labels["version"] for one in seen if one.labels["version"] != OTHER],
        reference=info[0].labels["reference"] if info else "",
        certainty=info[0].labels["certainty"] if info else "",
        budget=None if budget is None else budget * DAYS,
        alarms_30d=sum(one.alarms_30d for one in windows),
        windows=windows,
    )


def _window(window: str, board: Series) -> WindowState:
    verdicts = {
        one.labels["subject"]: one.labels["verdict"]
        for one in board.of("verdict", window=window)
        if one.value
    }
    end, since = board.value("window.end", window=window), board.value("alarm.since", window=window)
    return WindowState(
        window=window,
        verdicts=verdicts,
        rows=int(sum(one.value for one in board.of("window.rows", window=window))),
        end=None if end is None else int(end),
        since=None if since is None else int(since),
        score=board.value("score", window=window),
        threshold=board.value("score.threshold", window=window, rule="alone"),
        alarms_30d=int(sum(one.value for one in board.of("alarms_30d", window=window))),
        causes=_causes(board.of("alarm.cause", window=window)),
    )


def _causes(found: Sequence[Sample]) -> list[Cause]:
    """Both sides of each rank, put together."""
    sides: dict[str, dict[str, Sample]] = defaultdict(dict)
    for one in found:
        sides[one.labels["rank"]][one.labels["side"]] = one
    causes = []
    for _, pair in sorted(sides.items()):
        if pair.keys() == {"now", "reference"}:
            of, now, reference = pair["now"].labels, pair["now"].value, pair["reference"].value
            words = words_of(of["change"], reference, now)
            place = of["subject"], of["feature"], of["version"]
            causes.append(Cause(*place, of["change"], reference, now, words))
    return causes


def _state(windows: Sequence[WindowState]) -> State:
    """What is said of the shortest window, unless any length is in alarm."""
    said = {verdict for one in windows for verdict in one.verdicts.values()}
    if "alarm" in said or any(one.since is not None for one in windows):
        return "alarm"
    newest = set(windows[0].verdicts.values())
    order: tuple[State, ...] = ("no_data", "insufficient_data", "ok", "no_reference")
    for state in order:
        if state in newest:
            return state
    return "waiting"


def _badness(one: ModelLine) -> tuple[int, float, str]:
    beyond = [w.score / w.threshold for w in one.windows if w.score and w.threshold]
    return STATES.index(one.state), -max(beyond, default=0.0), one.name
