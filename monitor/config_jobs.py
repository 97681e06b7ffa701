"""The section `jobs`: what the daemon does by the clock, and when."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from apscheduler.triggers.cron import CronTrigger
from pydantic import AfterValidator, BeforeValidator, Field

from monitor.config_types import Count, Section, Size, SomeDuration, Truth, Written, show

DAY = 86_400.0


def _cron(value: Any) -> str:
    fields = value.split() if isinstance(value, str) else []
    if len(fields) != 5:
        what = f"{show(value)} is not five fields of cron (minute, hour, day, month, weekday)"
        raise ValueError(f'{what}; write for example "20 3 * * *"')
    if re.search(r"[0-9]", fields[4]):
        # 0 is Monday to some programs and Sunday to others.
        what = f"{show(value)} has a weekday as a number, which is not the same day everywhere"
        raise ValueError(f"{what}; write mon, tue, wed, thu, fri, sat or sun")
    try:
        trigger = CronTrigger.from_crontab(" ".join(fields), timezone=UTC)
    except ValueError as error:
        what = f"{show(value)} is not a time of cron ({error})"
        raise ValueError(f'{what}; write for example "20 3 * * *"') from None
    if trigger.get_next_fire_time(None, datetime.now(UTC)) is None:
        raise ValueError(f'{show(value)} never comes; write for example "20 3 * * *"')
    return " ".join(fields)


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
"""When something is done: five fields of cron, in UTC."""


class CompactionJob(Section):
    """Makes one file of each day of the archive that is settled, and removes what is too old."""

    at: Cron = Field(
        default="20 3 * * *",
        description="When, as five fields of cron in UTC; weekdays by name.",
        examples=["20 3 * * *"],
    )


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
        description="What a report is of: so many whole days, up to a midnight of the model's "
        "time zone that is longer ago than its `lateness` and `keep_late`.",
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


class GrowthJob(Section):
    """Adds days without an alarm, a week old, to references of fewer than 28 days."""

    at: Cron = Field(
        default="0 4 * * mon",
        description="When, as five fields of cron in UTC; weekdays by name.",
        examples=["0 4 * * mon"],
    )


class JobsConfig(Section):
    """What is done by the clock, beside reading; times are UTC."""

    compaction: CompactionJob = Field(
        default_factory=CompactionJob, description="The archive's upkeep."
    )
    report: ReportJob = Field(
        default_factory=ReportJob, description="Evidently's page of the last days."
    )
    growth: GrowthJob = Field(
        default_factory=GrowthJob, description="How references of few days become longer ones."
    )
