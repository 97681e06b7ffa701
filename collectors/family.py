"""What a metric family is: it fills its own summary and reads statistics out of it.

A family yields statistic ids and values, never metric names: `monitor/metrics.py` names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol, TypeVar

from collectors.events import Events
from collectors.summaries import Summary

S = TypeVar("S", bound=Summary)


class Distribution(NamedTuple):
    """Observations in buckets: counts int per bucket (the last one is +Inf), and their sum."""

    counts: tuple[int, ...]
    total: float


class Statistic(NamedTuple):
    """One number, by what it measures. `labels` are those beside model, version and window."""

    id: str
    value: float | Distribution
    labels: Mapping[str, str] = {}


class Family(Protocol[S]):
    """One metric family of one model; holds the schema, and no state."""

    @property
    def name(self) -> str:
        """Of the family, as the monitor's own metrics name it."""

    def empty(self) -> S:
        """The summary of no rows."""

    def observe(self, summary: S, events: Events) -> None:
        """Add the rows to `summary`, in place. The rows are of one pane and one version."""

    def count(self, events: Events) -> Iterator[Statistic]:
        """Increments of the live counters for these rows, of one version."""

    def known(self) -> Iterable[Statistic]:
        """Counters that exist at 0 before the first row."""

    def statistics(self, summary: S, seconds: float) -> Iterator[Statistic]:
        """Every statistic of a window of `seconds`; one that is undefined is left out."""
