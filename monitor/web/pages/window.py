"""One window of a model from the archive: its features beside the reference's, the worst first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from collectors.drift.calibrated import HOUR
from collectors.drift.causes import Change, causes
from collectors.drift.comparisons import ANSWER, Summaries, merge
from collectors.drift.judge import Judge, Scored
from collectors.summaries.columns import AnyColumnSummary
from collectors.summaries.state import Stored
from monitor.archive import Archive
from monitor.event_clock import SECOND
from monitor.judging.judging import DAY, Judging
from monitor.judging.shown import named
from monitor.judging.spans import Spans, Window
from monitor.metrics import BY_STATISTIC
from monitor.model import Settled
from monitor.web.pages.history import Scores
from monitor.web.pages.shapes import distributions, kind_of, plain, side
from monitor.web.pages.views import FeatureLine, Figure, Other, Shown
from monitor.web.pages.watched import Watched

MOST_PANES = 24 * 31
"""Panes of the longest window that is put together for a page."""

RERUNS = ("reruns", "mismatches", "instability")
"""Statistics of answers that are of no distribution."""

_OF_NO_FEATURE: Mapping[str, str] = {
    "volume": "volume",
    "joint": "many columns at once",
    "mmd": "all features together",
    "pca": "all features together",
    "correlation": "correlations between features",
    "reruns": "inputs seen before",
    "mismatches": "inputs answered differently",
    "instability": "spread over equal inputs",
}


@dataclass(frozen=True, slots=True)
class Panes:
    """The panes of a window.

    Attributes:
        by_start: summaries of each, by version.
        rows: by version.
    """

    window: Window
    by_start: Sequence[Mapping[str, Summaries]]
    rows: Mapping[str, int]

    @property
    def together(self) -> list[Summaries]:
        """Each over all versions."""
        return [merge(one.values()) for one in self.by_start]

    def by_version(self) -> dict[str, list[Summaries]]:
        """Those of each version."""
        return {
            name: [one[name] for one in self.by_start if name in one] for name in sorted(self.rows)
        }


def bounds(model: Watched, length: int, end: int) -> Window:
    """The window of this length that ends then (us)."""
    spans = Spans(model.zone, model.pane)
    if length > model.pane and length % DAY == 0:
        return spans.newest(length, end) or Window(end - length, end)
    return Window(end - length, end)


def read(archive: Archive, model: Watched, settled: Settled, window: Window) -> Panes:
    """The panes of a window from the archive.

    Raises:
        StateError, SchemaMismatch, OSError: one of them cannot be read.
    """
    found: dict[int, dict[str, Summaries]] = {}
    rows: dict[str, int] = {}
    if (window.end - window.start) // model.pane > MOST_PANES:
        return Panes(window, (), {})
    for pane in archive.panes(model.name, window.start, window.end):
        summaries = settled.collection.empty()
        stored = Stored(pane.state, model.name)
        for name, summary in summaries.items():
            if name in stored:
                summary.restore(stored.part(name))
        found.setdefault(pane.start, {})[pane.version] = summaries
        rows[pane.version] = rows.get(pane.version, 0) + pane.rows
    return Panes(window, [found[start] for start in sorted(found)], rows)


def shown(
    model: Watched, settled: Settled, name: str, length: int, panes: Panes, said: Scores | None
) -> Shown:
    """All that is shown of a window; `said` is what its verdict said."""
    judging = model.judging
    whole = merge(panes.together)
    scored = _Scored.of(judging, length, panes, said)
    past = None if judging is None else judging.calibrated.merged
    seconds = (panes.window.end - panes.window.start) / SECOND
    return Shown(
        window=name,
        start=panes.window.start // SECOND,
        end=panes.window.end // SECOND,
        rows={plain(version): rows for version, rows in sorted(panes.rows.items())},
        verdicts={} if said is None else said.verdicts,
        score=None if said is None else said.score,
        threshold=scored.threshold,
        together=None if said is None else said.together,
        reference="" if said is None else said.reference,
        compared="" if judging is None else judging.reference,
        above_fixed={} if said is None else said.above_fixed,
        features=sorted(_features(model, whole, past, scored), key=_badness),
        others=scored.others(),
        figures=list(_figures(settled, panes, past, seconds)),
    )


class _Scored:
    """Scores of one window, as they were said, with words for each column."""

    def __init__(
        self,
        scores: Mapping[tuple[str, str], tuple[float, str]],
        changes: Sequence[Change],
        threshold: float | None,
        others: Sequence[Other],
    ) -> None:
        self.scores = scores
        self.threshold = threshold
        self._changes = changes
        self._others = others

    @classmethod
    def of(cls, judging: Judging | None, length: int, panes: Panes, said: Scores | None) -> _Scored:
        """Judged anew for what changed; scores are those of the verdict, where there is one."""
        if judging is None:
            return cls({}, (), None, ())
        calibrated = judging.calibrated
        calibration = calibrated.calibration
        fitted = {HOUR: calibration.hourly, DAY: calibration.daily}.get(length)
        if fitted is None:
            return cls({}, (), None, ())
        rules = calibration.rules
        judge = Judge(
            fitted,
            calibrated.comparisons,
            rules.zone,
            rules.min_rows,
            mixed=calibration.mixed,
            floors=judging.rules.min_effect,
        )
        window = panes.window
        hours = (window.end - window.start) // HOUR
        judgement = judge.judge(window.start, hours, panes.together, panes.by_version())
        threshold = fitted.alone.value if said is None else said.alone
        if judgement is None:
            return cls({}, (), threshold, ())
        with np.errstate(divide="ignore", invalid="ignore"):
            changes = causes(
                judgement, calibrated.comparisons, judgement.scored, len(judgement.scored)
            )
        scores: dict[tuple[str, str], tuple[float, str]] = {}
        others: list[Other] = []
        words: dict[tuple[str, str, str, str], str] = {
            (c.subject, c.feature, c.version, c.kind): c.words for c in changes
        }
        for one in judgement.scored:
            score = _score(one, said)
            column = _column(one)
            if column is None:
                others.append(_other(one, score, threshold, changes, words))
            elif score >= scores.get(column, (-1.0, ""))[0]:
                scores[column] = (score, one.key.statistic)
        others.sort(key=lambda one: -one.score)
        return cls(scores, changes, threshold, others)

    def words(self, subject: str, feature: str) -> str:
        """What changed most in a column."""
        wanted = "" if feature == ANSWER else feature
        found = [
            one
            for one in self._changes
            if (one.subject, one.feature) == (subject, wanted)
            and one.kind not in RERUNS
            and (feature or one.kind not in ("volume", "joint", "together", "correlation"))
        ]
        return max(found, key=lambda one: one.score).words if found else ""

    def others(self) -> list[Other]:
        """What is of no single feature, the largest score first."""
        return list(self._others)


def _score(one: Scored, said: Scores | None) -> float:
    return one.score if said is None else said.scores.get(named(one), 0.0)


def _column(one: Scored) -> tuple[str, str] | None:
    """The feature, or answers, that a score is of; None where it is of none."""
    subject, feature, statistic = one.key
    if subject == "input" and feature:
        return subject, feature
    if subject == "output" and statistic not in RERUNS:
        return subject, ANSWER
    return None


def _other(
    one: Scored,
    score: float,
    threshold: float | None,
    changes: Sequence[Change],
    words: Mapping[tuple[str, str, str, str], str],
) -> Other:
    subject, _, statistic = one.key
    version = f" ({plain(one.version)})" if one.version else ""
    what = _OF_NO_FEATURE.get(statistic, statistic.replace("_", " ")) + version
    kinds = {"mmd": "together", "pca": "together", "joint": "joint"}
    said = words.get((subject, "", one.version, kinds.get(statistic, statistic)), "")
    if subject == "software":
        part = statistic.split("_")[0]
        found = [
            c
            for c in changes
            if (c.subject, c.version) == (subject, one.version)
            and (c.words.startswith(part) or c.kind == statistic)
        ]
        said = found[0].words if found else ""
    return Other(what, score, _ratio(score, threshold), plain(said))


def _ratio(score: float | None, threshold: float | None) -> float | None:
    return score / threshold if score is not None and threshold else None


def _features(
    model: Watched, whole: Summaries, past: Summaries | None, scored: _Scored
) -> Iterator[FeatureLine]:
    columns: list[tuple[str, str, AnyColumnSummary, Any]] = [
        ("input", name, one, None if past is None else past["inputs"].columns.get(name))
        for name, one in whole["inputs"].columns.items()
    ]
    if "outputs" in whole:
        answers = None if past is None or "outputs" not in past else past["outputs"].answers
        columns.append(("output", ANSWER, whole["outputs"].answers, answers))
    for subject, name, column, before in columns:
        score, statistic = scored.scores.get((subject, name), (None, ""))
        yield FeatureLine(
            feature=plain(name),
            subject=subject,
            kind=kind_of(column),
            score=score,
            ratio=_ratio(score, scored.threshold),
            statistic=statistic,
            words=plain(scored.words(subject, name)) if score else "",
            quiet=_quiet(model, name),
            now=side(column),
            reference=None if before is None or not before.rows else side(before),
            parts=distributions(column, before),
        )


def _quiet(model: Watched, name: str) -> str:
    if name in model.ignore:
        return "ignored"
    if name in model.mute:
        return "muted"
    return ""


def _badness(one: FeatureLine) -> tuple[float, str]:
    return (1.0 if one.score is None else -one.score, one.feature)


def _figures(
    settled: Settled, panes: Panes, past: Summaries | None, seconds: float
) -> Iterator[Figure]:
    """Every statistic that is of no single feature, by version, and in the reference."""
    columns = {
        name: _statistics(settled, merge(parts), seconds)
        for name, parts in panes.by_version().items()
    }
    before = {} if past is None else _statistics(settled, past, seconds)
    whole_rows = {name: float(rows) for name, rows in panes.rows.items()}
    about = BY_STATISTIC["window.rows"]
    versions = {plain(name): rows for name, rows in whole_rows.items()}
    yield Figure(about.name, "Rows.", about.unit, {}, versions, None)
    for key in dict.fromkeys(key for found in columns.values() for key in found):
        id, labels = key
        metric = BY_STATISTIC[id]
        yield Figure(
            metric=metric.name,
            about=metric.help,
            unit=metric.unit,
            labels={plain(name): plain(value) for name, value in labels},
            versions={plain(name): found[key] for name, found in columns.items() if key in found},
            # How many rows came in how long a time is no quantity of a whole reference.
            reference=None if id == "software.throughput" else before.get(key),
        )


_Key = tuple[str, tuple[tuple[str, str], ...]]
"""A statistic's id and labels."""


def _statistics(settled: Settled, summaries: Summaries, seconds: float) -> dict[_Key, float]:
    found: dict[_Key, float] = {}
    for family in settled.collection.families:
        if family.name in summaries:
            # Not by the collection: it keeps the time that its families take for rows.
            for one in family.statistics(summaries[family.name], seconds):
                if "feature" not in one.labels and isinstance(one.value, int | float):
                    found[one.id, tuple(sorted(one.labels.items()))] = float(one.value)
    return found
