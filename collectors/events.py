"""Events: one batch of inferences of one model and one partition, as columns.

Every row has a `status` a column, which says whether its value is there and may be used. Formats
set the statuses up to `UNDECODABLE`; `Schema.qualify` sets the flags behind it, which need declared
ranges and known categories. Missing and present always add up to the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from collectors.sources import Partition

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Codes = NDArray[np.int32]
Statuses = NDArray[np.uint8]
Index = NDArray[np.intp]


class Status(IntEnum):
    """What became of one value."""

    OK = 0
    ABSENT = 1
    NULL = 2
    EMPTY = 3
    NAN = 4
    TYPE = 5
    NONFINITE = 6
    UNDECODABLE = 7
    RANGE = 8
    UNSEEN = 9
    HUGE = 10


MISSING = (Status.ABSENT, Status.NULL, Status.EMPTY, Status.NAN)
UNUSABLE = (Status.TYPE, Status.NONFINITE, Status.UNDECODABLE)
FLAGGED = (Status.RANGE, Status.UNSEEN, Status.HUGE)
INVALID = UNUSABLE + FLAGGED
"""Present, and wrong. Unusable values are in no statistic; flagged ones are."""


def tally(status: Statuses) -> Ints:
    """Rows by status, int64 [len(Status)]."""
    return np.bincount(status, minlength=len(Status)).astype(np.int64)


def missing(status: Statuses) -> NDArray[np.bool_]:
    """Where nothing was said: absent, null, empty, NaN."""
    return np.asarray((status >= Status.ABSENT) & (status <= Status.NAN), dtype=np.bool_)


def usable(status: Statuses) -> NDArray[np.bool_]:
    """Where the value may enter statistics: fine, or merely flagged."""
    return np.asarray((status == Status.OK) | (status >= Status.RANGE), dtype=np.bool_)


class Column(Protocol):
    """One feature, or the prediction, of every row."""

    @property
    def status(self) -> Statuses: ...

    def take(self, index: Index) -> Self:
        """The rows at `index`, in that order."""

    def values_at(self, index: Index) -> list[Any]:
        """Plain Python values for people and samples; None where there is no usable value."""


def _plain(values: Sequence[Any], status: Statuses, index: Index) -> list[Any]:
    good = usable(status)
    return [values[i] if good[i] else None for i in index.tolist()]


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """Numbers: float64 [n]; a value that may not be used is NaN."""

    values: Floats
    status: Statuses

    def take(self, index: Index) -> Self:
        return replace(self, values=self.values[index], status=self.status[index])

    def values_at(self, index: Index) -> list[Any]:
        return _plain(self.values.tolist(), self.status, index)


@dataclass(frozen=True, slots=True)
class CategoryColumn:
    """Categories and booleans: `codes` int32 [n] into `names`, -1 where there is no usable value.

    Booleans are the names "true" and "false". `take` keeps `names` whole.
    """

    codes: Codes
    names: tuple[str, ...]
    status: Statuses

    def take(self, index: Index) -> Self:
        return replace(self, codes=self.codes[index], status=self.status[index])

    def values_at(self, index: Index) -> list[Any]:
        return [self.names[c] if c >= 0 else None for c in self.codes[index].tolist()]


@dataclass(frozen=True, slots=True)
class TextColumn:
    """Free text: n strings ("" where there is no usable value)."""

    values: list[str]
    status: Statuses

    def take(self, index: Index) -> Self:
        values = self.values
        return replace(self, values=[values[i] for i in index.tolist()], status=self.status[index])

    def values_at(self, index: Index) -> list[Any]:
        return _plain(self.values, self.status, index)


@dataclass(frozen=True, slots=True)
class ListColumn:
    """Lists: how many items each has, int64 [n], and a 64-bit hash of the items, uint64 [n]."""

    lengths: Ints
    hashes: NDArray[np.uint64]
    status: Statuses

    def take(self, index: Index) -> Self:
        return replace(
            self,
            lengths=self.lengths[index],
            hashes=self.hashes[index],
            status=self.status[index],
        )

    def values_at(self, index: Index) -> list[Any]:
        return _plain(self.lengths.tolist(), self.status, index)


@dataclass(frozen=True, slots=True)
class ImageColumn:
    """Images, measured: float64 [n] each, NaN where there is none that decodes.

    Brightness is the mean luma and contrast its standard deviation, both 0 to 1; width and height
    are pixels; `hashes` is a 64-bit hash of the encoded bytes.
    """

    brightness: Floats
    contrast: Floats
    width: Floats
    height: Floats
    hashes: NDArray[np.uint64]
    status: Statuses

    def take(self, index: Index) -> Self:
        return replace(
            self,
            brightness=self.brightness[index],
            contrast=self.contrast[index],
            width=self.width[index],
            height=self.height[index],
            hashes=self.hashes[index],
            status=self.status[index],
        )

    def values_at(self, index: Index) -> list[Any]:
        return _plain(self.brightness.tolist(), self.status, index)


@dataclass(frozen=True, slots=True)
class ScoresColumn:
    """Class scores of each answer: the winning class, and the entropy of the whole.

    `top` is a category column of the class with the largest score (the first of equals); `entropy`
    is float64 [n] in nats of the scores divided by their sum (NaN where that is undefined: a
    negative score, a sum of 0); `hashes` is a 64-bit hash of the scores.
    """

    top: CategoryColumn
    entropy: Floats
    hashes: NDArray[np.uint64]

    @property
    def status(self) -> Statuses:
        return self.top.status

    def take(self, index: Index) -> Self:
        return replace(
            self,
            top=self.top.take(index),
            entropy=self.entropy[index],
            hashes=self.hashes[index],
        )

    def values_at(self, index: Index) -> list[Any]:
        return self.top.values_at(index)


AnyColumn = NumberColumn | CategoryColumn | TextColumn | ListColumn | ImageColumn | ScoresColumn

RESOURCES = ("memory_bytes", "cpu_seconds", "gpu_memory_bytes", "gpu_utilization_ratio")
"""What a log may say about the inference's own use of the machine."""


@dataclass(frozen=True, slots=True)
class Events:
    """n inferences of one model, out of one partition, in the order of its log.

    Attributes:
        offsets, items: int64 [n]; the record's offset, and the place in the record's list (0 for a
            record that is one inference).
        broker_time: int64 [n] in us since the epoch, -1 where there is none.
        time: int64 [n], event time in us since the epoch.
        request_id: n names, None where there is none; None where the config maps none.
        version: category column of the model's version; "" where the log names none.
        error: int32 [n] into `error_names`, -1 where the inference went well.
        latency: seconds; status ABSENT where the log does not say.
        resources: a number column for each of `RESOURCES` that the config maps.
        record_bytes, record_items: int64 [n]; the size of the record and of its list, on the first
            row kept of each record, 0 on the others.
        features: by name, in the config's order.
        prediction: None where the config maps none.
        invalid: counts of rows whose time, version, latency, error or resource could not be read:
            {(field, reason): rows}. The field then counts as not given.
    """

    partition: Partition
    offsets: Ints
    items: Ints
    broker_time: Ints
    time: Ints
    request_id: Sequence[str | None] | None
    version: CategoryColumn
    error: Codes
    error_names: tuple[str, ...]
    latency: NumberColumn
    resources: Mapping[str, NumberColumn]
    record_bytes: Ints
    record_items: Ints
    features: Mapping[str, AnyColumn]
    prediction: AnyColumn | None
    invalid: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.offsets)

    def take(self, index: Index) -> Events:
        """The rows at `index`; `invalid` stays with the whole batch and is empty here."""
        return Events(
            partition=self.partition,
            offsets=self.offsets[index],
            items=self.items[index],
            broker_time=self.broker_time[index],
            time=self.time[index],
            request_id=(
                None if self.request_id is None else [self.request_id[i] for i in index.tolist()]
            ),
            version=self.version.take(index),
            error=self.error[index],
            error_names=self.error_names,
            latency=self.latency.take(index),
            resources={name: column.take(index) for name, column in self.resources.items()},
            record_bytes=self.record_bytes[index],
            record_items=self.record_items[index],
            features={name: column.take(index) for name, column in self.features.items()},
            prediction=None if self.prediction is None else self.prediction.take(index),
        )
