"""The section `alarms` of a model: how many false alarms it may have, and what is left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from collectors.drift.distances import REGISTRY
from monitor.config_types import Count, Section, Text, Written, show
from monitor.durations import format_duration, parse_duration
from monitor.jobs.report.methods import METHODS, PREFIX

_BUDGET = re.compile(r"([0-9]{1,4}) per (\S{1,40})")
DAY = 86_400.0
SHORTEST = DAY
"""Seconds of the shortest time that a budget may be stated for."""


@dataclass(frozen=True, slots=True)
class Budget:
    """So many false alarms in so many seconds."""

    number: int
    seconds: float

    @property
    def per_day(self) -> float:
        """False alarms in a day."""
        return self.number / (self.seconds / DAY)


def _budget(value: Any) -> Budget:
    match = _BUDGET.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0:
        raise ValueError(f"{show(value)} is not a budget; write for example 1 per 30d")
    seconds = parse_duration(match[2])
    if seconds < SHORTEST:
        raise ValueError(f"{show(value)} is stated for less than a day; write for example 1 per 7d")
    return Budget(int(match[1]), seconds)


def _show_budget(budget: Budget) -> str:
    return f"{budget.number} per {format_duration(budget.seconds)}"


def _method(value: Any) -> str:
    if isinstance(value, str) and value.startswith(PREFIX):
        return _of_evidently(value)
    if value not in REGISTRY:
        known = ", ".join(sorted(REGISTRY))
        raise ValueError(f"{show(value)} is no distance; there are {known}")
    return str(value)


def _of_evidently(value: str) -> str:
    if value.removeprefix(PREFIX) not in METHODS:
        known = ", ".join(METHODS)
        raise ValueError(
            f"{show(value)} is no test of Evidently's; behind {PREFIX} there are {known}"
        )
    return value


def _until(value: Any) -> datetime:
    """A moment; a date is its beginning in UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{show(value)} is no time; write for example 2026-12-24") from None
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    raise ValueError(f"{show(value)} is no time; write for example 2026-12-24")


BudgetText = Annotated[Any, BeforeValidator(_budget), Written("budget", _show_budget)]
Method = Annotated[str, BeforeValidator(_method), Written("distance")]
Until = Annotated[datetime, BeforeValidator(_until), Written("time", datetime.isoformat)]


class Alarms(Section):
    """What may ring, and how often for nothing. It works once there is a `reference`."""

    budget: BudgetText = Field(
        default=Budget(1, 30 * DAY),
        description="False alarms that the model may have, of all its features, statistics and "
        "windows together.",
        examples=["1 per 30d"],
    )
    min_rows: Count = Field(
        default=20, description="Windows with fewer rows are not judged.", examples=[20]
    )
    methods: tuple[Method, ...] = Field(
        default=("psi",),
        max_length=10,
        description="Distances to the reference that are exported of every feature; what decides "
        "is calibrated, and not chosen. `evidently:NAME` is a test of Evidently's, which the "
        "report works out.",
        examples=[["psi", "wasserstein", "evidently:mannw"]],
    )
    subjects: tuple[Literal["input", "output", "software"], ...] = Field(
        default=("input", "output", "software"),
        min_length=1,
        description="What is compared at all; the volume belongs to the inputs.",
        examples=[["input", "output"]],
    )
    ignore: tuple[Text, ...] = Field(
        default=(),
        description="Features that are compared with nothing: ids, and what only grows.",
        examples=[["request_id"]],
    )
    mute: Annotated[Mapping[Text, Until], Written("times by name")] = Field(
        default_factory=dict,
        description="Features that open no alarm until then, and are scored all the same.",
        examples=[{"fare": "2026-12-24"}],
    )

    @property
    def live_methods(self) -> tuple[str, ...]:
        """Those of `methods` that every window is compared by."""
        return tuple(name for name in self.methods if not name.startswith(PREFIX))

    @property
    def report_methods(self) -> tuple[str, ...]:
        """Those of `methods` that the report works out, as Evidently calls them."""
        return tuple(name.removeprefix(PREFIX) for name in self.methods if name.startswith(PREFIX))
