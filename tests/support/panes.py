"""Panes of a small model made by hand, from raw rows by seed, as the daemon would count them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collectors.drift.comparisons import Summaries
from collectors.events import AnyColumn, CategoryColumn, Events, NumberColumn, Status
from collectors.layout import Layout, Output
from collectors.schema import Schema
from monitor.judging.families import compared
from tests.support.columns import category_column
from tests.support.events import HOUR, events
from tests.support.schemas import feature

Floats = NDArray[np.float64]

MONDAY = 1_767_571_200_000_000
"""Monday, 5 January 2026, 0:00 UTC (us)."""

LEVELS = np.array(["gold", "silver", "bronze", "none"])
SHARES = (0.1, 0.2, 0.3, 0.4)


@dataclass(frozen=True)
class Rows:
    """Raw rows of one pane.

    Attributes:
        a, b: numbers, NaN where null; `b` lacks 5%.
        c: one of `LEVELS`, "" where null.
        y: the answer; latency: seconds.
        failed: whether the inference ended in an error.
    """

    a: Floats
    b: Floats
    c: NDArray[np.str_]
    y: Floats
    latency: Floats
    failed: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.a)

    def some(self, number: int) -> Rows:
        """The first so many."""
        return Rows(*(getattr(self, name)[:number] for name in self.__dataclass_fields__))


def draw(rng: np.random.Generator, number: int, mean: float = 0.0) -> Rows:
    """Rows in which nothing is wrong; `mean` moves `a`, in its standard deviations."""
    b = rng.exponential(10.0, number)
    b[rng.random(number) < 0.05] = np.nan
    return Rows(
        a=rng.normal(50.0 + 10.0 * mean, 10.0, number),
        b=b,
        c=rng.choice(LEVELS, number, p=SHARES),
        y=rng.normal(2.0, 1.0, number),
        latency=rng.lognormal(-3.0, 0.5, number),
        failed=rng.random(number) < 0.01,
    )


@dataclass(frozen=True)
class Traffic:
    """What a stream of panes is like.

    Attributes:
        rows: mean rows of a pane.
        wander: of `a` from pane to pane, in its standard deviations.
        season: size of the daily wave in the mean of `a`.
        tenfold: the busiest hour has ten times the rows of the quietest.
    """

    rows: float = 150.0
    wander: float = 0.05
    season: float = 0.0
    tenfold: bool = False

    def pane(self, rng: np.random.Generator, start: int) -> Rows:
        """The rows of one pane."""
        hour = start // HOUR % 24
        wave = np.sin(2.0 * np.pi * hour / 24.0)
        size = self.rows * (10.0 ** (0.5 * wave) if self.tenfold else 1.0)
        mean = self.season * wave + self.wander * rng.standard_normal()
        return draw(rng, max(int(rng.poisson(size)), 1), mean)


USUAL = Traffic()


def numbers(values: Floats) -> NumberColumn:
    """NaN is null."""
    status = np.where(np.isnan(values), Status.NULL, Status.OK).astype(np.uint8)
    return NumberColumn(values, status)


def names(values: NDArray[np.str_]) -> CategoryColumn:
    """ "" is null."""
    return category_column([name or None for name in values.tolist()])


def as_events(rows: Rows, start: int, without: Iterable[str] = ()) -> Events:
    """The rows as one batch; of `without` nothing is there at all."""
    features: dict[str, AnyColumn] = {
        "a": numbers(rows.a),
        "b": numbers(rows.b),
        "c": names(rows.c),
    }
    for name in without:
        gone = np.full(len(rows), Status.ABSENT, np.uint8)
        features[name] = (
            CategoryColumn(np.full(len(rows), -1, np.int32), (), gone)
            if name == "c"
            else NumberColumn(np.full(len(rows), np.nan), gone)
        )
    return events(
        [start] * len(rows),
        features=features,
        prediction=numbers(rows.y),
        errors=["timeout" if failed else None for failed in rows.failed.tolist()],
        latency=rows.latency.tolist(),
    )


def schema() -> Schema:
    """Of the model, with the levels declared as valid."""
    layout = Layout(
        "m",
        (
            feature("a", "number"),
            feature("b", "number"),
            feature("c", "category", categories=tuple(LEVELS.tolist())),
        ),
        Output("number"),
    )
    return Schema.build(layout, [as_events(draw(np.random.default_rng(0), 2_000), MONDAY)])


SCHEMA = schema()


def count(rows: Rows, start: int = MONDAY, under: Schema = SCHEMA, **more: Any) -> Summaries:
    """The summaries of one pane."""
    batch = under.qualify(as_events(rows, start, **more))
    found: dict[str, Any] = {}
    for family in compared(under):
        found[family.name] = family.empty()
        family.observe(found[family.name], batch)
    return found


Change = Callable[[Rows], Rows]


def stream(
    seed: int,
    starts: Iterable[int],
    traffic: Traffic = USUAL,
    change: Change = lambda rows: rows,
) -> dict[int, Summaries]:
    """Panes by start; every one has a seed of its own, so that a part of a stream stays itself."""
    found = {}
    for start in starts:
        rng = np.random.default_rng((seed, start // HOUR))
        found[start] = count(change(traffic.pane(rng, start)), start)
    return found


def hours(number: int, start: int = MONDAY) -> list[int]:
    """So many starts of panes."""
    return [start + place * HOUR for place in range(number)]


def nulls(share: float, seed: int = 1) -> Change:
    """Of `b`, beside those that are missing by nature."""

    def change(rows: Rows) -> Rows:
        gone = np.random.default_rng(seed).random(len(rows)) < share
        return replace(rows, b=np.where(gone, np.nan, rows.b))

    return change
