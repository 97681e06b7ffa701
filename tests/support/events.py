"""Events made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from collectors.events import AnyColumn, CategoryColumn, Events, NumberColumn, Status
from collectors.sources import Partition
from tests.support.columns import category_column

HOUR = 3_600_000_000


def events(
    times: Sequence[int],
    *,
    features: Mapping[str, AnyColumn] | None = None,
    prediction: AnyColumn | None = None,
    errors: Sequence[str | None] | None = None,
    versions: Sequence[str] | None = None,
    latency: Sequence[float] | None = None,
    partition: Partition = Partition("t", 0),  # noqa: B008
    first_offset: int = 0,
) -> Events:
    """A row for each of `times` (us), one record each."""
    rows = len(times)
    error = category_column(errors if errors is not None else [None] * rows)
    seconds = np.array(latency if latency is not None else [np.nan] * rows, dtype=np.float64)
    absent = np.where(np.isnan(seconds), Status.ABSENT, Status.OK).astype(np.uint8)
    version: CategoryColumn = category_column(versions if versions is not None else ["v1"] * rows)
    return Events(
        partition=partition,
        offsets=np.arange(first_offset, first_offset + rows, dtype=np.int64),
        items=np.zeros(rows, dtype=np.int64),
        broker_time=np.full(rows, -1, dtype=np.int64),
        time=np.array(times, dtype=np.int64),
        request_id=None,
        version=version,
        error=error.codes,
        error_names=error.names,
        latency=NumberColumn(seconds, absent),
        resources={},
        record_bytes=np.full(rows, 100, dtype=np.int64),
        record_items=np.ones(rows, dtype=np.int64),
        features=features or {},
        prediction=prediction,
    )
