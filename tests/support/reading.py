"""Decoding JSON in one call, and comparing what came out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any
from unittest.mock import patch

import numpy as np

from collectors.formats import Decoded
from collectors.formats.json import JsonFormat
from collectors.layout import Feature, Kind, Layout, Output
from collectors.sources import Records
from tests.support.records import Value, records

NOON_MS = 1_767_268_800_000
"""2026-01-01 12:00 UTC: the broker's timestamp where a test does not care."""


def layout(kinds: Mapping[str, Kind] | None = None, **changes: Any) -> Layout:
    """Features by name, in the object `features` of a record."""
    features = tuple(
        Feature(name, kind, ("features", name)) for name, kind in (kinds or {}).items()
    )
    return Layout(**{"model": "m", "features": features, "output": None} | changes)


def stamped(values: Sequence[Value], **changes: Any) -> Records:
    """Records with a broker's timestamp each."""
    return records(values, **{"timestamps_ms": [NOON_MS] * len(values)} | changes)


def decode(values: Sequence[Value], **changes: Any) -> Decoded:
    """`values` by a layout with `changes`."""
    return JsonFormat(layout(**changes)).decode(stamped(values))


def decode_tolerantly(made: Layout, batch: Records) -> Decoded:
    """As `decode`, with every record forced through the last of the ways."""
    form = JsonFormat(made)
    with (
        patch.object(form.parser, "quick", side_effect=ValueError),
        patch.object(form.parser, "_rewritten", side_effect=ValueError),
    ):
        return form.decode(batch)


def feature(kind: Kind, *values: Any, **changes: Any) -> Any:
    """The column of one feature, out of one record a value; `...` leaves the feature out."""
    rows: list[Value] = [{"features": {} if v is ... else {"x": v}} for v in values]
    return decode(rows, kinds={"x": kind}, **changes).events.features["x"]


def answers(*values: Any, **output: Any) -> Any:
    """The column of the predictions, out of one record a value; `...` leaves it out."""
    rows: list[Value] = [{} if v is ... else {"prediction": v} for v in values]
    return decode(rows, output=Output(**output)).events.prediction


def same(a: Any, b: Any) -> bool:
    """Whether two decoded things are equal in every part, NaN being equal to NaN."""
    if dataclasses.is_dataclass(a):
        return type(a) is type(b) and all(
            same(getattr(a, part.name), getattr(b, part.name)) for part in dataclasses.fields(a)
        )
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if isinstance(a, Mapping):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return bool(a == b)
