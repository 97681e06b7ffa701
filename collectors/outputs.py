"""Output metrics: what the model answered, how often nothing, and whether it answers the same.

An inference that ended in an error has no answer, and is in no output statistic.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from collectors.events import MISSING, Events, NumberColumn, missing
from collectors.family import Statistic
from collectors.hashing import hash_column, hash_rows
from collectors.schema import Schema
from collectors.specs import ColumnSpec
from collectors.summaries.categories import CategorySummary
from collectors.summaries.columns import AnyColumnSummary, merged, observe, summarise
from collectors.summaries.numbers import NumberSummary
from collectors.summaries.reruns import RerunSummary
from collectors.summaries.scores import ScoresSummary
from collectors.summaries.state import State, Stored


@dataclass(slots=True)
class OutputsSummary:
    """The answers, and the answers to equal inputs."""

    answers: AnyColumnSummary
    reruns: RerunSummary

    @property
    def rows(self) -> int:
        return self.answers.rows

    def merge(self, other: Self) -> Self:
        return type(self)(merged(self.answers, other.answers), self.reruns.merge(other.reruns))

    def state(self) -> State:
        return {"answers": self.answers.state(), "reruns": self.reruns.state()}

    def restore(self, stored: Stored) -> None:
        self.answers.restore(stored.part("answers"))
        self.reruns.restore(stored.part("reruns"))


@dataclass(frozen=True, slots=True)
class Outputs:
    """The output family; only for a model whose log has predictions."""

    schema: Schema
    output: ColumnSpec
    quantiles: tuple[float, ...]
    name: str = field(default="outputs", init=False)

    def empty(self) -> OutputsSummary:
        return OutputsSummary(
            summarise(self.output, self.schema),
            RerunSummary(self.schema.hashes_id, self.schema.reruns_k),
        )

    def observe(self, summary: OutputsSummary, events: Events) -> None:
        events = _answered(events)
        if events.prediction is None or not len(events):
            return
        observe(summary.answers, events.prediction)
        seed = self.schema.seed
        numbers = events.prediction.values if isinstance(events.prediction, NumberColumn) else None
        summary.reruns.observe(
            hash_rows(events.features, len(events), seed),
            hash_column(events.prediction, seed),
            np.full(len(events), np.nan) if numbers is None else numbers,
        )

    def count(self, events: Events) -> Iterator[Statistic]:
        events = _answered(events)
        if events.prediction is not None:
            nulls = int(np.count_nonzero(missing(events.prediction.status)))
            yield Statistic("output.nulls", nulls)

    def known(self) -> Iterable[Statistic]:
        yield Statistic("output.nulls", 0)

    def statistics(self, summary: OutputsSummary, seconds: float) -> Iterator[Statistic]:
        answers = summary.answers
        if summary.rows:
            nulls = int(answers.tally[list(MISSING)].sum())
            yield Statistic("output.null_ratio", nulls / summary.rows)
        if isinstance(answers, NumberSummary):
            yield from _defined("output.mean", answers.mean())
            yield from _defined("output.stddev", answers.stddev())
            values = answers.quantiles(self.quantiles)
            for q, value in zip(self.quantiles, values, strict=False):
                yield Statistic("output.quantile", value, {"q": f"{q:g}"})
        elif isinstance(answers, ScoresSummary):
            yield from _shares(answers.top)
            yield from _defined("output.entropy_mean", answers.entropy.mean())
        elif isinstance(answers, CategorySummary):
            yield from _shares(answers)
        reruns = summary.reruns
        yield from _defined("output.rerun_ratio", reruns.rerun_ratio())
        yield from _defined("output.rerun_mismatch_ratio", reruns.mismatch_ratio())
        yield from _defined("output.rerun_stddev", reruns.stddev())


def _answered(events: Events) -> Events:
    errors = events.error >= 0
    return events.take(np.flatnonzero(~errors)) if errors.any() else events


def _shares(answers: CategorySummary) -> Iterator[Statistic]:
    for name, share in answers.shares().items():
        yield Statistic("output.class_ratio", share, {"class": name})


def _defined(
    id: str, value: float | None, labels: dict[str, str] | None = None
) -> Iterator[Statistic]:
    if value is not None:
        yield Statistic(id, value, labels or {})
