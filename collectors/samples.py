"""A sample of whole rows of every pane, for reports, classifiers and examples; no statistics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from collectors.events import Events, Index
from collectors.family import Statistic
from collectors.hashing import hash_identity
from collectors.schema import Schema
from collectors.summaries.sample import Row, SampleSummary

LONGEST = 1_000
"""Characters of a text in the sample: its rows are held for every pane."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Rows of (offset, item, event time in us, request id, features ..., prediction).

    Attributes:
        columns: the features in it; private ones are not.
        with_prediction: whether the answer is in it.
    """

    schema: Schema
    columns: tuple[str, ...]
    with_prediction: bool
    name: str = field(default="samples", init=False)

    def empty(self) -> SampleSummary:
        names = ["offset", "item", "time", "request_id", *(f"features.{n}" for n in self.columns)]
        if self.with_prediction:
            names.append("prediction")
        return SampleSummary(self.schema.hashes_id, self.schema.sample_k, tuple(names))

    def observe(self, summary: SampleSummary, events: Events) -> None:
        def rows_at(index: Index) -> list[Row]:
            names = events.request_id
            parts = [
                events.offsets[index].tolist(),
                events.items[index].tolist(),
                events.time[index].tolist(),
                [None if names is None else names[i] for i in index.tolist()],
                *(events.features[name].values_at(index) for name in self.columns),
            ]
            if self.with_prediction:
                answers = events.prediction
                none = [None] * len(index)
                parts.append(none if answers is None else answers.values_at(index))
            return [tuple(map(_short, row)) for row in zip(*parts, strict=True)]

        topic, number = events.partition
        hashes = hash_identity(topic, number, events.offsets, events.items, self.schema.seed)
        summary.observe(hashes, rows_at)

    def count(self, events: Events) -> Iterator[Statistic]:
        return iter(())

    def known(self) -> Iterable[Statistic]:
        return ()

    def statistics(self, summary: SampleSummary, seconds: float) -> Iterator[Statistic]:
        return iter(())


def _short(value: Any) -> Any:
    return f"{value[:LONGEST]}…" if isinstance(value, str) and len(value) > LONGEST else value
