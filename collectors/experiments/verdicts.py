"""What may be said of two arms at this look: a verdict, its interval, and how much is missing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from collectors.experiments.difference import difference
from collectors.experiments.experiment import Experiment
from collectors.experiments.metrics import Metric
from collectors.experiments.ratio import RatioCheck
from collectors.experiments.sequence import FEWEST_CLUSTERS, half_width, information_for, tuning
from collectors.experiments.units import UnitsSummary

BURN_IN = 24
"""Panes before the first verdict: a day of hours."""

Comparison = tuple[str, str]
"""Treatment and metric, by name."""


class Verdict(StrEnum):
    """How a treatment compares with the control, in one metric."""

    BETTER = "better"
    WORSE = "worse"
    DIFFERENT = "different"
    SAME = "same within the margin"
    UNDECIDED = "undecided"
    RATIO_BROKEN = "ratio broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One treatment, one metric, one look.

    Attributes:
        estimate, low, high: treatment less control, and its interval at this look.
        information: one over the variance of the estimate; 0 where it is not known.
        clusters: how many equally large buckets the smaller arm is worth.
        units: of control and treatment, by the sample; None without a unit.
        panes_left: how many panes more until a verdict, if the difference is as it looks and
            information comes in as since the last look; None where there is a verdict or no way
            to say, infinite where information no longer comes in.
        notes: what a reader must know beside it.
    """

    treatment: str
    metric: str
    verdict: Verdict
    estimate: float
    low: float
    high: float
    information: float
    clusters: float
    units: tuple[int, int] | None
    panes_left: float | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier look, to see how fast information comes in."""

    panes: int
    information: Mapping[Comparison, float]


def judge(
    experiment: Experiment,
    total: UnitsSummary,
    ratio: RatioCheck | None,
    panes: int,
    earlier: Earlier | None = None,
) -> list[Finding]:
    """Every metric of every treatment, over all panes of the experiment so far."""
    return [
        _find(experiment, total, ratio, panes, earlier, arm, place)
        for arm in range(1, len(experiment.arms))
        for place in range(len(experiment.metrics))
    ]


def _find(
    experiment: Experiment,
    total: UnitsSummary,
    ratio: RatioCheck | None,
    panes: int,
    earlier: Earlier | None,
    arm: int,
    place: int,
) -> Finding:
    metric, treatment = experiment.metrics[place], experiment.arms[arm]
    counts, sums = total.pair(place, arm)
    found = difference(
        counts,
        sums,
        binary=metric.measure.binary,
    )
    estimate, variance, clusters = (float(value) for value in found)
    error = experiment.error_each
    rho = tuning(metric.margin, error)
    width = float(half_width(variance, clusters, error, rho)) if panes >= BURN_IN else math.inf
    information = 1 / variance if math.isfinite(variance) and variance > 0 else 0.0
    units = None
    if total.by_unit:
        by_arm = total.sample.units(len(experiment.arms)).tolist()
        units = (by_arm[0], by_arm[arm])
    verdict = _verdict(experiment, metric, ratio, estimate, width)
    left = None
    if verdict is Verdict.UNDECIDED and math.isfinite(width) and earlier is not None:
        before = earlier.information.get((treatment, metric.name), 0.0)
        rate = (information - before) / max(panes - earlier.panes, 1)
        wanted = max(abs(estimate), metric.margin - abs(estimate))
        needed = information_for(wanted, clusters, error, rho)
        left = math.ceil(max(needed - information, 0.0) / rate) if rate > 0 else math.inf
    return Finding(
        treatment,
        metric.name,
        verdict,
        estimate,
        estimate - width,
        estimate + width,
        information,
        clusters,
        units,
        left,
        tuple(_notes(experiment, total, ratio, panes, clusters, variance)),
    )


def _verdict(
    experiment: Experiment,
    metric: Metric,
    ratio: RatioCheck | None,
    estimate: float,
    width: float,
) -> Verdict:
    if experiment.unit is not None and _broken(experiment, ratio):
        return Verdict.RATIO_BROKEN
    if not math.isfinite(estimate) or not math.isfinite(width):
        return Verdict.UNDECIDED
    if abs(estimate) + width < metric.margin:
        return Verdict.SAME
    if abs(estimate) <= width:
        return Verdict.UNDECIDED
    if metric.better is None or experiment.design == "observed":
        return Verdict.DIFFERENT
    return Verdict.BETTER if (estimate > 0) == (metric.better == "higher") else Verdict.WORSE


def _broken(experiment: Experiment, ratio: RatioCheck | None) -> bool:
    return ratio is not None and ratio.p_value <= experiment.error


def _notes(
    experiment: Experiment,
    total: UnitsSummary,
    ratio: RatioCheck | None,
    panes: int,
    clusters: float,
    variance: float,
) -> list[str]:
    notes = []
    if experiment.design == "observed":
        notes.append("not randomised")
    if experiment.unit is None:
        notes.append("rows taken as independent")
        if _broken(experiment, ratio):
            # Of users that return rows never split as planned, however they were assigned.
            notes.append("rows are not split as planned; name a unit to know why")
    if panes < BURN_IN:
        notes.append(f"pane {panes} of the first {BURN_IN}, which only count")
    elif clusters < FEWEST_CLUSTERS:
        what = "units" if experiment.unit is not None else "panes"
        notes.append(f"too few {what}: worth {clusters:.0f}, {FEWEST_CLUSTERS} are needed")
    elif variance == 0:
        notes.append("nothing scatters: every group has the same mean, so no error can be told")
    crossover = total.sample.crossover()
    if crossover and experiment.design == "randomised":
        notes.append(f"{crossover:.1%} of the units were seen by several arms")
    return notes
