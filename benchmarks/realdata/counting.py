"""Rows to the product's own summaries, without a log and its bytes between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.realdata.data import ANSWER, Data, Window
from collectors.drift.calibration.seasons import Ints
from collectors.drift.comparisons import Summaries
from collectors.events import AnyColumn, CategoryColumn, Events, NumberColumn, Status
from collectors.layout import Feature, Layout, Output
from collectors.schema import Schema
from collectors.sources import Partition
from monitor.judging.families import compared
from monitor.references.look import Look

VERSION = "1"


def layout_of(data: Data) -> Layout:
    """Where the product would be told that things lie."""
    numbers = (Feature(name, "number", (name,)) for name in data.numbers)
    categories = (Feature(name, "category", (name,)) for name in data.categories)
    return Layout(data.name, (*numbers, *categories), Output("number"))


def schema_of(reference: Data) -> Schema:
    """The schema of a reference, as `inferwatch reference build` chooses it."""
    layout = layout_of(reference)
    look = Look(layout)
    look.add(events_of(reference))
    return look.schema(None, layout)


def events_of(data: Data) -> Events:
    """All rows as one batch."""
    rows = len(data.rows)
    features: dict[str, AnyColumn] = {name: _numbers(data.rows[name]) for name in data.numbers}
    features |= {name: _categories(data.rows[name]) for name in data.categories}
    absent = np.full(rows, Status.ABSENT, np.uint8)
    return Events(
        partition=Partition(data.name, 0),
        offsets=np.arange(rows),
        items=np.zeros(rows, np.int64),
        broker_time=np.full(rows, -1),
        time=data.times,
        request_id=None,
        version=CategoryColumn(np.zeros(rows, np.int32), (VERSION,), np.zeros(rows, np.uint8)),
        error=np.full(rows, -1, np.int32),
        error_names=(),
        latency=NumberColumn(np.full(rows, np.nan), absent),
        resources={},
        record_bytes=np.zeros(rows, np.int64),
        record_items=np.ones(rows, np.int64),
        features=features,
        prediction=_numbers(data.rows[ANSWER]),
    )


def counted(
    data: Data, schema: Schema, windows: Sequence[Window], ignore: frozenset[str] = frozenset()
) -> dict[int, Summaries]:
    """The summaries of each of these windows, by start; what is ignored has no part in those of all
    features together."""
    events = schema.qualify(events_of(data))
    return {one.start: count(events, schema, one.places(), ignore) for one in windows}


def count(
    events: Events, schema: Schema, places: Ints, ignore: frozenset[str] = frozenset()
) -> Summaries:
    """The summaries of the rows at these places, which may be there more than once."""
    some = events.take(places)
    summaries: dict[str, Any] = {}
    for family in compared(schema, ignore):
        summaries[family.name] = family.empty()
        family.observe(summaries[family.name], some)
    return summaries


def _numbers(column: pd.Series[float]) -> NumberColumn:
    values = np.asarray(column, dtype=np.float64)
    return NumberColumn(values, np.where(np.isnan(values), Status.NULL, Status.OK).astype(np.uint8))


def _categories(column: pd.Series[str]) -> CategoryColumn:
    codes, names = pd.factorize(column, sort=True)
    status = np.where(codes < 0, Status.NULL, Status.OK).astype(np.uint8)
    return CategoryColumn(codes.astype(np.int32), tuple(map(str, names)), status)
