"""The section `alarms` of a model: how many false alarms it may have, and what is left out."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from collectors.drift.comparisons import ANSWER
from collectors.drift.distances import REGISTRY
from collectors.drift.floors import FLOORS
from monitor.config_types import Count, Misplaced, Number, Section, Text, Written, show
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

    def __str__(self) -> str:
        return f"{self.number} per {format_duration(self.seconds)}"


def _budget(value: Any) -> Budget:
    match = _BUDGET.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0:
        raise ValueError(f"{show(value)} is not a budget; write for example 1 per 30d")
    seconds = parse_duration(match[2])
    if seconds < SHORTEST:
        raise ValueError(f"{show(value)} is stated for less than a day; write for example 1 per 7d")
    return Budget(int(match[1]), seconds)


def _method(value: Any) -> str:
    if isinstance(value, str) and value.startswith(PREFIX):
        return _of_evidently(value)
    return _distance(value)


def _distance(value: Any) -> str:
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


def _limit(value: float) -> float:
    if value <= 0:
        raise ValueError(f"{value:g} is no threshold; distances begin at 0, write one above it")
    return value


BudgetText = Annotated[Any, BeforeValidator(_budget), Written("budget", str)]
Method = Annotated[str, BeforeValidator(_method), Written("distance")]
Distance = Annotated[str, BeforeValidator(_distance), Written("distance")]
Limit = Annotated[Number, AfterValidator(_limit)]
Until = Annotated[datetime, BeforeValidator(_until), Written("time", datetime.isoformat)]


class Alarms(Section):
    """What may ring, and how often for nothing. It works once there is a `reference`."""

    budget: BudgetText = Field(
        default=Budget(1, 30 * DAY),
        description="False alarms that the model may have, of all its features, statistics and "
        "windows together. A model that states none shares that of the file, if there is one.",
        examples=["1 per 30d"],
    )
    min_rows: Count = Field(
        default=20, description="Windows with fewer rows are not judged.", examples=[20]
    )
    min_effect: Annotated[Mapping[Text, Number], Written("numbers by kind")] = Field(
        default_factory=dict,
        description="Changes that are too small to matter, by kind (`docs/alarms.md` lists them), "
        "however many rows prove them. Thresholds stay what they are.",
        examples=[{"ks": 0.05, "missing": 0.02}],
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
    thresholds: Annotated[
        Mapping[Text, Mapping[Distance, Limit]], Written("numbers by distance, by name")
    ] = Field(
        default_factory=dict,
        description="Features with fixed thresholds on distances instead of calibrated scores; "
        f"`{ANSWER}` for the values of answers. They spend nothing of the budget.",
        examples=[{"fare": {"psi": 0.2}}],
    )

    @field_validator("min_effect")
    @classmethod
    def _kinds(cls, value: Mapping[str, float]) -> Mapping[str, float]:
        for kind, least in value.items():
            if kind not in FLOORS:
                near = difflib.get_close_matches(kind, FLOORS, n=1, cutoff=0.5)
                hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(FLOORS)}"
                raise Misplaced(f"is no kind of change; {hint}", kind)
            most = FLOORS[kind].most
            if not 0 <= least <= most:
                what = f"{least:g} is not from 0 to {most:,.10g}, and it is the {FLOORS[kind].of}"
                raise Misplaced(f"{what}; write for example {FLOORS[kind].least or 0.5:g}", kind)
        return value

    @model_validator(mode="after")
    def _compared(self) -> Alarms:
        for name in self.thresholds:
            at = ("thresholds", name)
            if name in self.ignore:
                raise Misplaced(f"{name} is in alarms.ignore too; remove it from one of them", *at)
            subject = "output" if name == ANSWER else "input"
            if subject not in self.subjects:
                what = f"alarms.subjects leaves {subject} out, so that nothing is compared"
                raise Misplaced(f"{what}; add it there, or remove this threshold", *at)
        return self

    @property
    def live_methods(self) -> tuple[str, ...]:
        """Those of `methods` that every window is compared by."""
        return tuple(name for name in self.methods if not name.startswith(PREFIX))

    @property
    def report_methods(self) -> tuple[str, ...]:
        """Those of `methods` that the report works out, as Evidently calls them."""
        return tuple(name.removeprefix(PREFIX) for name in self.methods if name.startswith(PREFIX))


class SharedAlarms(Section):
    """What all models share."""

    budget: BudgetText = Field(
        description="False alarms that all models together may have which have a reference to "
        "judge by and state no budget of their own: each gets an equal share.",
        examples=["1 per 30d"],
    )


@dataclass(frozen=True, slots=True)
class Share:
    """An equal share of a budget, of so many models."""

    budget: Budget
    models: int
