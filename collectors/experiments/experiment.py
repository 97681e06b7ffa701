"""An experiment as it was planned, before anything was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from collectors.experiments.metrics import Metric
from collectors.experiments.ratio import RatioCheck
from collectors.experiments.units import UnitsSummary, schema_of

Design = Literal["randomised", "shadow", "observed"]


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is compared with what.

    Attributes:
        arms: the versions, control first.
        metrics: what is measured.
        design: `randomised`: units were assigned by chance. `shadow`: all arms answer the same
            requests, and one answer is used. `observed`: nobody drew lots.
        split: the planned shares of units, control first.
        unit: the field that names the unit; None where rows are taken as independent.
        error: how often, at most, a difference is found where there is none; the check of the
            split has as much again.
    """

    arms: tuple[str, ...]
    metrics: tuple[Metric, ...]
    design: Design = "randomised"
    split: Sequence[float] = (0.5, 0.5)
    unit: str | None = None
    error: float = 0.05

    def __post_init__(self) -> None:
        if len(set(self.arms)) != len(self.arms) or len(self.split) != len(self.arms):
            raise ValueError(f"arms {self.arms}: two of the same, or a split of another number")
        if not self.metrics or not 0 < self.error < 1:
            raise ValueError("an experiment needs a metric, and an error between 0 and 1")

    @property
    def error_each(self) -> float:
        """Of one metric of one treatment: the parts add up to the whole (Bonferroni)."""
        return self.error / (len(self.metrics) * (len(self.arms) - 1))

    @property
    def schema_id(self) -> str:
        """Of what is counted."""
        return schema_of(self.arms, self.metrics, self.unit)

    def summary(self) -> UnitsSummary:
        """An empty one."""
        by_unit = self.unit is not None
        return UnitsSummary(self.arms, self.metrics, self.schema_id, by_unit=by_unit)

    def ratio_check(self) -> RatioCheck | None:
        """The check of the split, where one was promised."""
        if self.design != "randomised":
            return None
        return RatioCheck(self.split, self.schema_id)
