"""Panes that carry only some of a model's columns, and references put together of them.

A pane of a reference carries a column where its state has one for it. What a pane does not carry it
is no sample of: where it has no software it says nothing of volume, errors and latency either, and
its `rows` are 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from heapq import merge
from itertools import groupby

import msgspec

from collectors.family import Statistic
from collectors.schema import Schema
from collectors.summaries.state import State
from monitor.archive_table import ClosedPane

INPUTS, OUTPUTS, SOFTWARE, SAMPLES = "inputs", "outputs", "software", "samples"
TOGETHER = "multivariate"


@dataclass(frozen=True, slots=True)
class Columns:
    """Some columns of a model: features by name, and the answer."""

    features: frozenset[str] = frozenset()
    output: bool = False

    def __bool__(self) -> bool:
        return bool(self.features) or self.output

    def __str__(self) -> str:
        return ", ".join([*sorted(self.features), *(["the answer"] if self.output else [])])

    def __and__(self, other: Columns) -> Columns:
        return Columns(self.features & other.features, self.output and other.output)

    def __sub__(self, other: Columns) -> Columns:
        return Columns(self.features - other.features, self.output and not other.output)


def carried(pane: ClosedPane) -> Columns:
    """The columns that a pane carries."""
    return Columns(frozenset(_columns(pane)), OUTPUTS in pane.state)


def is_whole(pane: ClosedPane) -> bool:
    """Whether it is a sample of the model as a whole: of its volume, too."""
    return SOFTWARE in pane.state


def without(pane: ClosedPane, some: Columns) -> ClosedPane:
    """The pane, which carries these no more."""
    state = _with_columns(pane, carried(pane).features - some.features)
    if some.output:
        state.pop(OUTPUTS, None)
    if SAMPLES in state:
        state[SAMPLES] = _sample_without(state[SAMPLES], some)
    if some.features:
        state.pop(TOGETHER, None)  # all features together are not those of one span any more
    return replace(
        pane, state=state, statistics=[s for s in pane.statistics if not _is_of(s, some)]
    )


def only(pane: ClosedPane, some: Columns) -> ClosedPane:
    """The pane, which carries nothing but these."""
    counts = {name: 0 for name in pane.state[INPUTS] if name != "columns"}
    state: State = {INPUTS: counts | {"columns": _only(_columns(pane), some.features)}}
    if some.output and OUTPUTS in pane.state:
        state[OUTPUTS] = pane.state[OUTPUTS]
    return replace(
        pane, rows=0, state=state, statistics=[s for s in pane.statistics if _is_of(s, some)]
    )


def replaced(
    old: Iterable[ClosedPane], new: Iterable[ClosedPane], some: Columns
) -> Iterator[ClosedPane]:
    """The old panes with these columns of the new ones instead of their own, in order."""
    bare = (without(pane, some) for pane in old)
    return united(filter(is_any, bare), filter(is_any, (only(pane, some) for pane in new)))


def united(one: Iterable[ClosedPane], other: Iterable[ClosedPane]) -> Iterator[ClosedPane]:
    """The panes of both, in order; two of one place are one pane, and no column is in both."""
    for _, same in groupby(merge(one, other, key=_place), key=_place):
        first, *more = same
        for pane in more:
            first = _joined(first, pane)
        yield first


def united_schema(old: Schema, new: Schema, some: Columns) -> Schema:
    """What panes are counted under of which these columns are of the new ones."""
    columns = dict(new.columns) | {n: c for n, c in old.columns.items() if n not in some.features}
    output = new.output if some.output or old.output is None else old.output
    return msgspec.structs.replace(new, columns=columns, output=output)


def _joined(one: ClosedPane, other: ClosedPane) -> ClosedPane:
    """Two panes of one place as one; the whole one first, if either is."""
    if is_whole(other):
        one, other = other, one
    columns = {**_columns(one), **_columns(other)}
    state = one.state | {INPUTS: one.state[INPUTS] | {"columns": columns}}
    if OUTPUTS in other.state:
        state[OUTPUTS] = other.state[OUTPUTS]
    return replace(one, state=state, statistics=[*one.statistics, *other.statistics])


def _place(pane: ClosedPane) -> tuple[int, str, str]:
    return pane.start, pane.version, pane.slice


def is_any(pane: ClosedPane) -> bool:
    """Whether there is anything that it is a sample of."""
    return is_whole(pane) or bool(carried(pane))


def _columns(pane: ClosedPane) -> State:
    columns: State = pane.state[INPUTS]["columns"]
    return columns


def _only(columns: State, names: Iterable[str]) -> State:
    wanted = frozenset(names)
    return {name: column for name, column in columns.items() if name in wanted}


def _with_columns(pane: ClosedPane, names: Iterable[str]) -> State:
    inputs = pane.state[INPUTS] | {"columns": _only(_columns(pane), names)}
    return pane.state | {INPUTS: inputs}


def _sample_without(sample: State, some: Columns) -> State:
    """A sample of rows without these: the rest of them did not change."""
    gone = {f"features.{name}" for name in some.features} | (
        {"prediction"} if some.output else set()
    )
    kept = [place for place, name in enumerate(sample["columns"]) if name not in gone]
    return sample | {
        "columns": [sample["columns"][place] for place in kept],
        "kept": [[row[place] for place in kept] for row in sample["kept"]],
    }


def _is_of(statistic: Statistic, some: Columns) -> bool:
    if statistic.id.startswith("output."):
        return some.output
    return statistic.labels.get("feature") in some.features
