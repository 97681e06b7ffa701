"""One feature over time, pane by pane, from the archive's statistics and verdicts."""

from __future__ import annotations

from collections.abc import Iterable

from collectors.drift.comparisons import ANSWER
from collectors.family import Statistic
from monitor.archive import Archive
from monitor.archive_table import Figures
from monitor.event_clock import SECOND
from monitor.web.pages.history import History, Scores
from monitor.web.pages.shapes import plain
from monitor.web.pages.views import Track
from monitor.web.pages.watched import Watched
from monitor.web.pages.window import RERUNS


def track(
    archive: Archive, history: History, model: Watched, feature: str, start: int, end: int
) -> Track:
    """Panes that start from `start` up to `end` (us); where several versions have one, that of the
    version with most rows.

    Raises:
        StateError, OSError, Unreadable: something of it cannot be read.
    """
    newest: dict[int, Figures] = {}
    for one in archive.figures(model.name, start, end):
        known = newest.get(one.end)
        if known is None or one.rows > known.rows:
            newest[one.end] = one
    said = dict(history.scores(model.name, model.windows[0][0], start, end))
    times = sorted(newest)
    found = [values_of(newest[time].statistics, feature) for time in times]
    names = dict.fromkeys(name for values in found for name in values)
    return Track(
        times=[time // SECOND for time in times],
        values={name: [values.get(name) for values in found] for name in names},
        scores=[_score(said.get(time), feature) for time in times],
        threshold=[None if time not in said else said[time].alone for time in times],
    )


def values_of(statistics: Iterable[Statistic], feature: str) -> dict[str, float]:
    """The statistics of one feature, or of answers, by name: `mean`, `quantile 0.5` ..."""
    found = {}
    for one in statistics:
        of = ANSWER if one.id.startswith("output.") else one.labels.get("feature", "")
        if of == feature and isinstance(one.value, int | float):
            found[_name(one)] = float(one.value)
    return found


def scores_of(said: Scores | None, feature: str) -> dict[str, float]:
    """Every score above 0 of a feature in one window, by statistic."""
    if said is None:
        return {}
    before = _before(feature)
    return {
        plain(name.removeprefix(before)): score
        for name, score in said.scores.items()
        if name.startswith(before) and _is_of(name.removeprefix(before), feature)
    }


def _name(one: Statistic) -> str:
    more = [value for name, value in sorted(one.labels.items()) if name != "feature"]
    return plain(" ".join([one.id.partition(".")[2], *more]))


def _before(feature: str) -> str:
    return "output " if feature == ANSWER else f"input {feature} "


def _is_of(statistic: str, feature: str) -> bool:
    """Whether what is left of a name is a statistic, and not the rest of a longer feature's."""
    name, _, version = statistic.partition(" ")
    if feature == ANSWER:
        return name not in RERUNS
    return bool(name) and not version


def _score(said: Scores | None, feature: str) -> float | None:
    if said is None:
        return None
    return max(scores_of(said, feature).values(), default=0.0)
