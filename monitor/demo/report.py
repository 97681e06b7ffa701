"""What the demo says at its end: a year by month, and the days on which most answers were null."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
LEAST_ROWS = 100
"""Days with fewer flights are not ranked."""


@dataclass(slots=True)
class Facts:
    """Counts over some panes. `total` is the sum of the `answers` that are numbers."""

    rows: int = 0
    rows_with_missing: int = 0
    nulls: int = 0
    answers: int = 0
    total: float = 0.0

    def add(self, other: Facts) -> None:
        """Take the other's counts in."""
        self.rows += other.rows
        self.rows_with_missing += other.rows_with_missing
        self.nulls += other.nulls
        self.answers += other.answers
        self.total += other.total

    @property
    def null_ratio(self) -> float:
        """Share of rows that were answered with null."""
        return self.nulls / self.rows if self.rows else 0.0


class Diary:
    """Facts by New York day."""

    def __init__(self) -> None:
        self.days: dict[date, Facts] = defaultdict(Facts)

    def note(self, start: int, facts: Facts) -> None:
        """A pane that began at `start`, us since the epoch."""
        self.days[datetime.fromtimestamp(start / 1e6, UTC).astimezone(NEW_YORK).date()].add(facts)

    def total(self) -> Facts:
        """Everything together."""
        whole = Facts()
        for facts in self.days.values():
            whole.add(facts)
        return whole

    def worst_days(self, most: int = 10) -> list[tuple[date, Facts]]:
        """The days with the highest share of null answers, highest first."""
        enough = [(day, facts) for day, facts in self.days.items() if facts.rows >= LEAST_ROWS]
        return sorted(enough, key=lambda item: (-item[1].null_ratio, item[0]))[:most]


def tables(diary: Diary) -> str:
    """Both tables, for a terminal of 80 columns."""
    months: dict[tuple[int, int], Facts] = defaultdict(Facts)
    for day, facts in diary.days.items():
        months[day.year, day.month].add(facts)
    head = f"{'month':<9}{'flights':>9}{'any input missing':>19}{'null answers':>14}"
    lines = [head + f"{'share':>8}{'mean answer':>13}"]
    named = [(f"{year}-{month:02}", facts) for (year, month), facts in sorted(months.items())]
    for name, facts in [*named, ("all", diary.total())]:
        mean = f"{facts.total / facts.answers:.1f} min" if facts.answers else "-"
        lines.append(
            f"{name:<9}{facts.rows:>9,}{facts.rows_with_missing:>19,}{facts.nulls:>14,}"
            f"{facts.null_ratio:>8.1%}{mean:>13}"
        )
    lines += ["", "The days on which most answers were null (New York days):"]
    lines += _ranked(diary.worst_days())
    return "\n".join(lines)


def _ranked(days: Iterable[tuple[date, Facts]]) -> list[str]:
    return [
        f"  {day:%a %d %b}  {facts.nulls:>5,} of {facts.rows:>5,} flights  "
        f"{facts.null_ratio:>6.1%}  {'#' * round(facts.null_ratio * 40)}"
        for day, facts in days
    ]
