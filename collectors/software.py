"""Software metrics: how many inferences, how many failed, how long they took, what they used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from collectors.events import RESOURCES, Events, usable
from collectors.family import Distribution, Statistic
from collectors.grid import Grid
from collectors.schema import Schema
from collectors.specs import NumberSpec
from collectors.summaries.numbers import NumberSummary
from collectors.summaries.state import State, Stored

LATENCY_QUANTILES = (0.5, 0.9, 0.95, 0.99)


@dataclass(slots=True)
class SoftwareSummary:
    """Rows, errors, latency in seconds, and what the log says of the machine."""

    latency: NumberSummary
    resources: dict[str, NumberSummary]
    rows: int = 0
    errors: int = 0

    def merge(self, other: Self) -> Self:
        return type(self)(
            latency=self.latency.merge(other.latency),
            resources={
                name: summary.merge(other.resources[name])
                for name, summary in self.resources.items()
            },
            rows=self.rows + other.rows,
            errors=self.errors + other.errors,
        )

    def state(self) -> State:
        return {
            "rows": self.rows,
            "errors": self.errors,
            "latency": self.latency.state(),
            "resources": {name: one.state() for name, one in self.resources.items()},
        }

    def restore(self, stored: Stored) -> None:
        self.rows = stored.whole("rows")
        self.errors = stored.whole("errors")
        self.latency.restore(stored.part("latency"))
        for name, resource in self.resources.items():
            resource.restore(stored.part("resources").part(name))


@dataclass(frozen=True, slots=True)
class Software:
    """The software family.

    Attributes:
        buckets: upper bounds of the latency histogram in seconds, ascending, without +Inf.
    """

    schema: Schema
    buckets: tuple[float, ...]
    name: str = field(default="software", init=False)

    def empty(self) -> SoftwareSummary:
        schema = self.schema

        def numbers(grid: Grid) -> NumberSummary:
            spec = NumberSpec(grid)
            return NumberSummary(spec, schema.part_id(spec))

        return SoftwareSummary(
            latency=numbers(schema.latency),
            resources={name: numbers(schema.resources[name]) for name in RESOURCES},
        )

    def observe(self, summary: SoftwareSummary, events: Events) -> None:
        summary.rows += len(events)
        summary.errors += int(np.count_nonzero(events.error >= 0))
        summary.latency.observe(events.latency)
        for name, column in events.resources.items():
            summary.resources[name].observe(column)

    def count(self, events: Events) -> Iterator[Statistic]:
        yield Statistic("software.inferences", len(events))
        failed = events.error[events.error >= 0]
        for code, rows in enumerate(np.bincount(failed, minlength=len(events.error_names))):
            if rows:
                yield Statistic("software.errors", int(rows), {"reason": events.error_names[code]})
        seconds = events.latency.values[usable(events.latency.status)]
        if len(seconds):
            # A bucket counts what is less than or equal to its bound, as in Prometheus.
            place = np.searchsorted(self.buckets, seconds, side="left")
            counts = np.bincount(place, minlength=len(self.buckets) + 1)
            yield Statistic(
                "software.latency", Distribution(tuple(counts.tolist()), float(seconds.sum()))
            )

    def known(self) -> Iterable[Statistic]:
        yield Statistic("software.inferences", 0)
        yield Statistic("software.latency", Distribution((0,) * (len(self.buckets) + 1), 0.0))

    def statistics(self, summary: SoftwareSummary, seconds: float) -> Iterator[Statistic]:
        yield Statistic("software.throughput", summary.rows / seconds)
        if summary.rows:
            yield Statistic("software.error_ratio", summary.errors / summary.rows)
        values = summary.latency.quantiles(LATENCY_QUANTILES)
        for q, value in zip(LATENCY_QUANTILES, values, strict=False):
            yield Statistic("software.latency_quantile", value, {"q": f"{q:g}"})
        for name, resource in summary.resources.items():
            mean = resource.mean()
            if mean is not None:
                yield Statistic(f"software.log_{name}", mean)
