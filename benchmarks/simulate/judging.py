"""Windows judged as the product judges them, many at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.simulate.columns import MIN_ROWS
from benchmarks.simulate.kinds import Floats
from collectors.drift.calibration.fitted import Fitted
from collectors.drift.calibration.heldout import Column, Panes
from collectors.drift.calibration.scorer import JOINT_FLOOR, Scorer, joint_mean
from collectors.drift.calibration.seasons import bucket
from collectors.drift.calibration.tail import pairs

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Scores:
    """Of columns in windows, each [C, N]; NaN where a column is not judged.

    Attributes:
        mapped: calibrated; 0 where the change is too small to matter.
        raw: what the joint column is made of.
        excess: squared distance beyond noise; NaN for measures that do not tell.
    """

    mapped: Floats
    raw: Floats
    excess: Floats

    def changed(self, places: Sequence[int], others: Scores) -> Scores:
        """The same with the columns at some places changed for others."""
        found = self.mapped.copy(), self.raw.copy(), self.excess.copy()
        for whole, part in zip(found, (others.mapped, others.raw, others.excess), strict=True):
            whole[list(places)] = part
        return Scores(*found)

    def within(self, span: slice) -> Scores:
        """Of some of the windows."""
        return Scores(self.mapped[:, span], self.raw[:, span], self.excess[:, span])


def score(scorer: Scorer, column: Column, panes: Panes) -> Scores:
    """One column of some windows scored, [1, N]."""
    where = bucket(scorer.season, panes.hours, panes.weekdays)
    ratio = scorer.over_noise(column.profile, where, MIN_ROWS)
    judged = np.isfinite(ratio)
    effect = scorer.measure.effect(column.profile, scorer.totals[where])
    excess = np.full(len(ratio), np.nan)
    if scorer.measure.kind == "ks":
        excess = np.where(judged, scorer.excess(column.profile, where), np.nan)
    mapped = np.where(judged, scorer.told(scorer.score(ratio), effect), np.nan)
    return Scores(mapped[None, :], scorer.raw_score(ratio)[None, :], excess[None, :])


def gathered(each: Sequence[Scores]) -> Scores:
    """The scores of all columns."""
    return Scores(
        np.concatenate([one.mapped for one in each]),
        np.concatenate([one.raw for one in each]),
        np.concatenate([one.excess for one in each]),
    )


def with_joint(fitted: Fitted, one: Scores) -> Floats:
    """The scores of the columns and, where there is one, of the joint column, [C + 1, N]."""
    if fitted.joint is None:
        return one.mapped
    judged = judged_rows(fitted, one)
    return np.vstack((one.mapped, np.where(judged, _joint(fitted, one), np.nan)))


def judged_rows(fitted: Fitted, one: Scores) -> Flags:
    """Windows with rows enough for any column that needs them, [N]."""
    own = np.array([not scorer.always for scorer in fitted.scorers])
    return np.asarray(np.isfinite(one.mapped[own]).any(axis=0))


def leaders(fitted: Fitted, each: Floats) -> NDArray[np.str_]:
    """The statistic that led each window, [N]."""
    names = [scorer.key.statistic for scorer in fitted.scorers]
    first = np.where(np.isfinite(each), each, -np.inf).argmax(axis=0)
    return np.asarray(np.array([*names, "joint"])[first])


def flagged(fitted: Fitted, each: Floats) -> Flags:
    """Windows that the default rule flags: by one column alone, or by one in two of three."""
    with np.errstate(invalid="ignore"):
        alone = each > fitted.alone.value
        together = pairs(each) > fitted.together.value
    return np.asarray((alone | together).any(axis=0))


def entries(flags: Flags, panes: int = 3) -> int:
    """Alarms that are entered, each of which ends after so many windows without a flag."""
    places = np.flatnonzero(flags)
    return int(len(places) > 0) + int(np.count_nonzero(np.diff(places) > panes))


def _joint(fitted: Fitted, one: Scores) -> Floats:
    """The score of the joint column, [N]; 0 where its effect is too small to matter."""
    assert fitted.joint is not None  # noqa: S101  # only asked of hourly windows
    told = np.isfinite(one.excess)
    number = told.sum(axis=0)
    effect = np.sqrt(np.where(told, one.excess, 0.0).sum(axis=0) / np.maximum(number, 1))
    score = fitted.joint.map(joint_mean(one.raw))
    return np.where((effect >= JOINT_FLOOR) & np.isfinite(score), score, 0.0)
