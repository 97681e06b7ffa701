"""Input metrics: what the model was asked, feature by feature, and how much of it was there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from collectors.events import (
    INVALID,
    MISSING,
    Events,
    Ints,
    Status,
    missing,
    tally,
)
from collectors.family import Statistic
from collectors.schema import Schema
from collectors.specs import CategorySpec, ColumnSpec, ImageSpec, NumberSpec
from collectors.summaries.columns import AnyColumnSummary, merged, observe, summarise
from collectors.summaries.images import ImageSummary
from collectors.summaries.lists import ListSummary
from collectors.summaries.numbers import NumberSummary
from collectors.summaries.state import State, Stored
from collectors.summaries.text import TextSummary

_COUNTS = ("rows", "rows_with_missing", "requests", "items", "record_bytes")


@dataclass(slots=True)
class InputsSummary:
    """Every feature's own summary, and the volume of the requests that carried them."""

    columns: dict[str, AnyColumnSummary]
    rows: int = 0
    rows_with_missing: int = 0
    requests: int = 0
    items: int = 0
    record_bytes: int = 0

    def merge(self, other: Self) -> Self:
        return type(self)(
            columns={
                name: merged(summary, other.columns[name]) for name, summary in self.columns.items()
            },
            rows=self.rows + other.rows,
            rows_with_missing=self.rows_with_missing + other.rows_with_missing,
            requests=self.requests + other.requests,
            items=self.items + other.items,
            record_bytes=self.record_bytes + other.record_bytes,
        )

    def state(self) -> State:
        counts = {name: getattr(self, name) for name in _COUNTS}
        return counts | {"columns": {name: one.state() for name, one in self.columns.items()}}

    def restore(self, stored: Stored) -> None:
        """See `Summary.restore`. A feature that came later stays empty; one that is gone is left
        out."""
        for name in _COUNTS:
            setattr(self, name, stored.whole(name))
        columns = stored.part("columns")
        for name, column in self.columns.items():
            if name in columns:
                column.restore(columns.part(name))


@dataclass(frozen=True, slots=True)
class Inputs:
    """The input family."""

    schema: Schema
    quantiles: tuple[float, ...]
    name: str = field(default="inputs", init=False)

    def empty(self) -> InputsSummary:
        return InputsSummary(
            {name: summarise(spec, self.schema) for name, spec in self.schema.columns.items()}
        )

    def observe(self, summary: InputsSummary, events: Events) -> None:
        summary.rows += len(events)
        for name, column in events.features.items():
            observe(summary.columns[name], column)
        summary.rows_with_missing += _rows_with_missing(events)
        summary.requests += int(np.count_nonzero(events.record_items))
        summary.items += int(events.record_items.sum())
        summary.record_bytes += int(events.record_bytes.sum())

    def count(self, events: Events) -> Iterator[Statistic]:
        for name, column in events.features.items():
            rows = tally(column.status)
            yield Statistic("input.values", _present(rows), {"feature": name})
            for kind, statuses in (("missing", MISSING), ("invalid", INVALID)):
                for status in statuses:
                    if rows[status]:
                        labels = {"feature": name, "reason": status.name.lower()}
                        yield Statistic(f"input.{kind}", int(rows[status]), labels)

    def known(self) -> Iterable[Statistic]:
        for name, spec in self.schema.columns.items():
            yield Statistic("input.values", 0, {"feature": name})
            for kind, statuses in (("missing", MISSING), ("invalid", _possible(spec))):
                for status in statuses:
                    labels = {"feature": name, "reason": status.name.lower()}
                    yield Statistic(f"input.{kind}", 0, labels)

    def statistics(self, summary: InputsSummary, seconds: float) -> Iterator[Statistic]:
        for name, column in summary.columns.items():
            label = {"feature": name}
            # Its own rows: a feature that came later was not asked for in the earlier ones.
            present, rows = _present(column.tally), column.rows
            if rows:
                yield Statistic("input.missing_ratio", 1 - present / rows, label)
            if present:
                invalid = int(column.tally[list(INVALID)].sum())
                yield Statistic("input.invalid_ratio", invalid / present, label)
            yield from self._values(name, column)
        if summary.rows:
            share = summary.rows_with_missing / summary.rows
            yield Statistic("input.rows_with_missing_ratio", share)
        if summary.requests:
            yield Statistic("input.items_mean", summary.items / summary.requests)
            yield Statistic("input.bytes_mean", summary.record_bytes / summary.requests)

    def _values(self, name: str, column: AnyColumnSummary) -> Iterator[Statistic]:
        if isinstance(column, NumberSummary):
            label = {"feature": name}
            yield from _defined("input.mean", column.mean(), label)
            yield from _defined("input.stddev", column.stddev(), label)
            values = column.quantiles(self.quantiles)
            for q, value in zip(self.quantiles, values, strict=False):
                yield Statistic("input.quantile", value, label | {"q": f"{q:g}"})
        elif isinstance(column, TextSummary):
            for unit, lengths in (("chars", column.chars), ("words", column.words)):
                label = {"feature": name, "unit": unit}
                yield from _defined("input.length_mean", lengths.mean(), label)
        elif isinstance(column, ListSummary):
            label = {"feature": name, "unit": "items"}
            yield from _defined("input.length_mean", column.items.mean(), label)
        elif isinstance(column, ImageSummary):
            label = {"feature": name}
            yield from _defined("input.brightness_mean", column.brightness.mean(), label)
            yield from _defined("input.contrast_mean", column.contrast.mean(), label)
            yield from _defined("input.image_width_mean", column.width.mean(), label)
            yield from _defined("input.image_height_mean", column.height.mean(), label)


def _defined(id: str, value: float | None, labels: dict[str, str]) -> Iterator[Statistic]:
    if value is not None:
        yield Statistic(id, value, labels)


def _possible(spec: ColumnSpec) -> tuple[Status, ...]:
    """In how many ways a value of this column can be invalid."""
    match spec:
        case NumberSpec(range=None):
            return (Status.TYPE, Status.NONFINITE, Status.HUGE)
        case NumberSpec():
            return (Status.TYPE, Status.NONFINITE, Status.HUGE, Status.RANGE)
        case CategorySpec(declared=True):
            return (Status.TYPE, Status.UNSEEN)
        case ImageSpec():
            return (Status.TYPE, Status.UNDECODABLE)
        case _:
            return (Status.TYPE,)


def _present(rows: Ints) -> int:
    return int(rows.sum() - rows[list(MISSING)].sum())


def _rows_with_missing(events: Events) -> int:
    gaps = np.zeros(len(events), dtype=np.bool_)
    for column in events.features.values():
        gaps |= missing(column.status)
    return int(np.count_nonzero(gaps))
