"""The judgement of one window: every comparison scored, and the largest of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from collectors.drift.calibration.fitted import Fitted
from collectors.drift.calibration.heldout import ColumnKey
from collectors.drift.calibration.measures import Floats
from collectors.drift.calibration.scorer import JOINT_FLOOR, joint_mean
from collectors.drift.calibration.seasons import Calendar, bucket
from collectors.drift.comparisons import TOGETHER, Comparison, Summaries, quiet

JOINT = ColumnKey("input", "", "joint")

MANY = TOGETHER | {JOINT}
"""Scores of many columns at once: no news beside one column that moved much."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One comparison of one window.

    Attributes:
        version: "" where it is over all versions.
        score: calibrated; -log of how rare it is. 0 where the change is too small to matter.
        effect: the distance in the unit of the measure's floor.
        now, reference: the two profiles.
        always: whether it is judged however few rows there are.
    """

    key: ColumnKey
    version: str
    score: float
    effect: float
    now: Floats
    reference: Floats
    always: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """All comparisons of one window, the largest score first; `score` is that of the window."""

    score: float
    scored: Sequence[Scored]


class Judge:
    """Judges windows of one length by one fit.

    Args:
        found: what is compared, by the groups of the reference; no more than live windows have.
        mixed: compare all versions together, for the reference is of several.
        floors: by kind of measure, and `joint`, where they are others than the usual ones.
    """

    def __init__(
        self,
        fitted: Fitted,
        found: Sequence[Comparison],
        zone: str,
        min_rows: int,
        *,
        mixed: bool = False,
        floors: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        by_key = {one.key: one for one in found}
        self.fitted = fitted
        self._pairs = [(one, by_key[one.key]) for one in fitted.scorers if one.key in by_key]
        self._seasons = {scorer.season for scorer, _ in self._pairs}
        self._calendar = Calendar(zone)
        self._min_rows = min_rows
        self._mixed = mixed
        self._floors = floors

    def judge(
        self,
        start: int,
        panes: int,
        together: Sequence[Summaries],
        versions: Mapping[str, Sequence[Summaries]],
        muted: frozenset[str] = frozenset(),
    ) -> Judgement | None:
        """Judge a window that starts then (us); None where nothing of it can be judged.

        Args:
            panes: how many panes long it is, empty ones among them.
            together: the summaries of its panes, each over all versions.
            versions: those of each version.
            muted: features whose scores do not count for the window.
        """
        _, hours, weekdays = self._calendar.places(np.array([start], dtype=np.int64))
        buckets = {season: bucket(season, hours, weekdays) for season in self._seasons}
        scored: list[Scored] = []
        raw, beyond = [], []
        share = math.log(max(len(versions), 1))
        for scorer, comparison in self._pairs:
            where = buckets[scorer.season]
            apart = not (comparison.all_versions or self._mixed)
            whose = versions if apart else {"": together}
            for version, parts in whose.items():
                now = np.sum([comparison.profile(one) for one in parts], axis=0)[None, :]
                if comparison.always:
                    now[:, -1] = panes
                ratio = scorer.over_noise(now, where, self._min_rows)
                if not np.isfinite(ratio[0]):
                    continue
                reference = scorer.totals[where]
                effect = float(scorer.measure.effect(now, reference)[0])
                found = np.maximum(scorer.score(ratio) - (share if apart else 0.0), 0.0)
                floor = self._floors.get(scorer.measure.kind)
                score = float(scorer.told(found, np.array([effect]), floor)[0])
                scored.append(
                    Scored(scorer.key, version, score, effect, now[0], reference[0], scorer.always)
                )
                if quiet(scorer.key, muted):
                    continue
                raw.append(float(scorer.raw_score(ratio)[0]))
                if scorer.measure.kind == "ks":
                    beyond.append(float(scorer.excess(now, where)[0]))
        if not scored:
            return None
        joint = None if all(one.always for one in scored) else self._joint(raw, beyond)
        scored += [] if joint is None else [joint]
        scored.sort(key=lambda one: -one.score)
        counted = [one.score for one in scored if not quiet(one.key, muted)]
        return Judgement(max(counted, default=0.0), scored)

    def _joint(self, raw: Sequence[float], beyond: Sequence[float]) -> Scored | None:
        if self.fitted.joint is None:
            return None
        mean = joint_mean(np.array(raw)[:, None])
        effect = math.sqrt(sum(beyond) / len(beyond)) if beyond else 0.0
        floor = self._floors.get("joint", JOINT_FLOOR)
        score = float(self.fitted.joint.map(mean)[0]) if effect >= floor else 0.0
        nothing = np.zeros(0)
        return Scored(JOINT, "", score, effect, nothing, nothing)
