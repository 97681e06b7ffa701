"""The section `jobs`: what the daemon does by the clock, beside reading."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Any

from apscheduler.triggers.cron import CronTrigger
from pydantic import AfterValidator, BeforeValidator, Field

from monitor.config_types import Count, Section, Size, SomeDuration, Truth, Written, show

DAY = 86_400.0


def _cron(value: Any) -> str:
    example = 'write five fields of cron, for example "30 5 * * *"'
    if not isinstance(value, str) or len(value) > 100:
        raise ValueError(f"{show(value)} is no time of day or week; {example}")
    try:
        CronTrigger.from_crontab(value, timezone=UTC)
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{show(value)} is no time of day or week ({error}); {example}") from None
    return value


def _whole_days(value: float) -> float:
    if value % DAY:
        raise ValueError("is not a number of whole days; write for example 1d or 7d")
    return value


def _enough_memory(value: int) -> int:
    if value < 512 * 2**20:
        raise ValueError("is less than it takes to import Evidently; write 512MiB or more")
    return value


def _enough_rows(value: int) -> int:
    if not 100 <= value <= 100_000:
        raise ValueError(f"{value} is out of bounds; write a whole number from 100 to 100000")
    return value


Cron = Annotated[str, BeforeValidator(_cron), Written("cron")]


class ReportJob(Section):
    """Evidently's own page of the last whole days of every model with a reference, and a domain
    classifier. It needs the extra `reports`; without it nothing is made unless this is written."""

    enabled: Truth = Field(default=True, description="Whether reports are made by the clock.")
    at: Cron = Field(
        default="30 5 * * *",
        description="When, as minute, hour, day, month and weekday, in UTC.",
        examples=["30 5 * * *"],
    )
    span: Annotated[SomeDuration, AfterValidator(_whole_days)] = Field(
        default=DAY,
        description="What a report is of: so many whole days, up to the last midnight of the "
        "model's time zone that all closed windows have passed.",
        examples=["1d"],
    )
    keep: SomeDuration = Field(
        default=30 * DAY, description="How long reports are kept.", examples=["30d"]
    )
    timeout: SomeDuration = Field(
        default=600.0,
        description="How long one report may take; then its process is ended.",
        examples=["10m"],
    )
    memory: Annotated[Size, AfterValidator(_enough_memory)] = Field(
        default=2 * 2**30,
        description="Data that the process of a report may hold in memory.",
        examples=["2GiB"],
    )
    rows: Annotated[Count, AfterValidator(_enough_rows)] = Field(
        default=10_000,
        description="Rows of either side, at most: drawn from the samples of its windows.",
        examples=[10_000],
    )


class JobsConfig(Section):
    """What the daemon does by the clock, beside reading."""

    report: ReportJob = Field(
        default_factory=ReportJob, description="Evidently's page of the last days."
    )
