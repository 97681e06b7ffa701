"""The section `jobs`: what the daemon does by the clock, and when."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from apscheduler.triggers.cron import CronTrigger
from pydantic import BeforeValidator, Field

from monitor.config_types import Section, Written, show


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


Cron = Annotated[str, BeforeValidator(_cron), Written("cron")]
"""When something is done: five fields of cron, in UTC."""


class CompactionJob(Section):
    """Makes one file of each day of the archive that is settled, and removes what is too old."""

    at: Cron = Field(
        default="20 3 * * *",
        description="When, as five fields of cron in UTC; weekdays by name.",
        examples=["20 3 * * *"],
    )


class JobsConfig(Section):
    """What is done by the clock, beside reading; times are UTC."""

    planned: ClassVar[frozenset[str]] = frozenset({"growth", "report"})

    compaction: CompactionJob = Field(
        default_factory=CompactionJob, description="The archive's upkeep."
    )
