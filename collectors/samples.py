"""A sample of whole rows of every pane, for reports, classifiers and examples; no statistics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from collectors.events import Events, Index
from collectors.family import Statistic
from collectors.hashing import hash_identity
from collectors.schema import Schema
from collectors.summaries.sample import Row, SampleSummary


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
        return SampleSummary(self.schema.id, self.schema.sample_k)

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
            if self.with_prediction and events.prediction is not None:
                parts.append(events.prediction.values_at(index))
            return list(zip(*parts, strict=True))

        topic, number = events.partition
        hashes = hash_identity(topic, number, events.offsets, events.items, self.schema.seed)
        summary.observe(hashes, rows_at)

    def count(self, events: Events) -> Iterator[Statistic]:
        return iter(())

    def known(self) -> Iterable[Statistic]:
        return ()

    def statistics(self, summary: SampleSummary, seconds: float) -> Iterator[Statistic]:
        return iter(())
