"""Records made by hand, as a source would hand them over."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from collectors.sources import NO_TIMESTAMP, Headers, Partition, Records

Value = bytes | None | dict[str, Any] | list[Any]


def records(
    values: Sequence[Value],
    topic: str = "inferences",
    partition: int = 0,
    first_offset: int = 0,
    timestamps_ms: Sequence[int] | None = None,
    headers: Sequence[Headers] | None = None,
    keys: Sequence[bytes | None] | None = None,
) -> Records:
    """One record a value, at successive offsets; objects and lists are written as JSON."""
    n = len(values)
    return Records(
        partition=Partition(topic, partition),
        offsets=np.arange(first_offset, first_offset + n, dtype=np.int64),
        values=[
            value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
            for value in values
        ],
        keys=[None] * n if keys is None else keys,
        headers=[()] * n if headers is None else headers,
        timestamps=np.array(
            [NO_TIMESTAMP] * n if timestamps_ms is None else timestamps_ms, dtype=np.int64
        ),
    )
