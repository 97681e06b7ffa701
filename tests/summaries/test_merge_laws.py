"""Every summary merges as section 4 promises; a new one is tested by being registered."""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.embedding import Space
from collectors.events import AnyColumn, Index, NumberColumn
from collectors.experiments.firsts import UnitSample
from collectors.experiments.metrics import Above, Mean, Metric, Share
from collectors.experiments.units import UnitsSummary
from collectors.grid import Grid
from collectors.hashing import mix
from collectors.schema import Schema, SchemaMismatch, qualify
from collectors.specs import (
    CategorySpec,
    ColumnSpec,
    ImageSpec,
    ListSpec,
    NumberSpec,
    ScoresSpec,
    TextSpec,
)
from collectors.summaries import REGISTRY, multivariate, numbers, reruns
from collectors.summaries.categories import CategorySummary
from collectors.summaries.images import ImageSummary
from collectors.summaries.lists import ListSummary
from collectors.summaries.multivariate import MultivariateSummary
from collectors.summaries.numbers import NumberSummary
from collectors.summaries.reruns import RerunSummary
from collectors.summaries.sample import SampleSummary
from collectors.summaries.scores import ScoresSummary
from collectors.summaries.state import StateError, Stored
from collectors.summaries.text import TextSummary
from monitor.encoding import decode, encode
from tests.support import columns

CATEGORY = CategorySpec(("a", "b", "c"), declared=True)
NUMBER = NumberSpec(Grid(10.0, 3), (-50.0, 50.0))
K = 8


@dataclass(frozen=True)
class Case:
    """How an empty summary is made, what it takes, and how it takes it."""

    empty: Callable[[str], Any]
    values: st.SearchStrategy[Any]
    observe: Callable[[Any, Any], None] = lambda summary, value: summary.observe(value)
    size: Callable[[Any], int] = lambda column: len(column.status)
    take: Callable[[Any, Index], Any] = lambda column, index: column.take(index)


Table = dict[str, AnyColumn]


@functools.cache
def _multivariate_space(id: str) -> Space:
    specs: dict[str, ColumnSpec] = {
        "n": NUMBER,
        "c": CATEGORY,
        "t": TextSpec(Grid(5, 0), Grid(1, 0)),
        "i": ImageSpec(),
    }
    space = Space.of(Schema("m", specs, None))
    assert space is not None
    return replace(space, id=id)


@st.composite
def _tables(draw: st.DrawFn) -> Table:
    table: Table = {
        "n": draw(columns.numbers() | columns.numbers(-1e300, 1e300)),
        "c": draw(columns.categories()),
        "t": draw(columns.texts()),
        "i": draw(columns.images()),
    }
    rows = np.arange(min(len(column.status) for column in table.values()))
    return {name: column.take(rows) for name, column in table.items()}


def _rows(table: Table) -> int:
    return len(table["n"].status)


def _some(rows: Sequence[Any], index: Index) -> list[Any]:
    return [rows[i] for i in index.tolist()]


def _category(schema_id: str) -> CategorySummary:
    return CategorySummary(CATEGORY, schema_id, seed=0, k=2)


def _observe_reruns(summary: RerunSummary, rows: list[tuple[int, float]]) -> None:
    inputs = np.array([i for i, _ in rows], dtype=np.uint64) * np.uint64(2**58)
    numbers = np.array([x for _, x in rows], dtype=np.float64)
    summary.observe(inputs, numbers.view(np.uint64), numbers)


def _observe_sample(summary: SampleSummary, hashes: list[int]) -> None:
    def rows_at(index: Index) -> list[tuple[int]]:
        return [(hashes[i],) for i in index.tolist()]

    summary.observe(np.array(hashes, dtype=np.uint64), rows_at)


def _observe_units(summary: UnitSample, rows: list[tuple[int, int, int]]) -> None:
    units, arms, keys = (np.array([row[i] for row in rows], dtype=np.uint64) for i in range(3))
    # Few units, so that they return, spread over all hashes, so that thresholds fall.
    summary.observe(mix(units), arms.astype(np.int32), keys)


def _observe_experiment(summary: UnitsSummary, table: Table) -> None:
    numbers = table["n"]
    assert isinstance(numbers, NumberColumn)
    drawn = mix(np.nan_to_num(numbers.values).view(np.uint64) % np.uint64(2**16))
    arms = (drawn % np.uint64(4)).astype(np.int32) - 1
    summary.observe(arms, drawn, mix(drawn), table)


_METRICS = (
    Metric("a", "c", Share("a"), 0.1),
    Metric("mean", "n", Mean(-100.0, 100.0), 1.0, "higher"),
    Metric("large", "n", Above(50.0), 0.1, "lower"),
)

CASES: dict[type, Case] = {
    NumberSummary: Case(
        lambda s: NumberSummary(NUMBER, s),
        columns.numbers() | columns.numbers(-1e300, 1e300).map(lambda c: qualify(c, NUMBER, 0)),
    ),
    CategorySummary: Case(
        _category, columns.categories().map(lambda column: qualify(column, CATEGORY, 0))
    ),
    TextSummary: Case(lambda s: TextSummary(TextSpec(Grid(5, 0), Grid(1, 0)), s), columns.texts()),
    ListSummary: Case(lambda s: ListSummary(ListSpec(Grid(5, 2)), s), columns.lists()),
    ImageSummary: Case(lambda s: ImageSummary(ImageSpec(), s), columns.images()),
    ScoresSummary: Case(
        lambda s: ScoresSummary(
            _category(s), NumberSummary(NumberSpec(ScoresSpec(CATEGORY).entropy), s)
        ),
        columns.scores(),
    ),
    MultivariateSummary: Case(
        lambda s: MultivariateSummary(_multivariate_space(s)),
        _tables(),
        lambda summary, table: summary.observe(table, _rows(table)),
        _rows,
        lambda table, index: {name: column.take(index) for name, column in table.items()},
    ),
    RerunSummary: Case(
        lambda s: RerunSummary(s, K),
        st.lists(st.tuples(st.integers(0, 30), st.floats(-100, 100)), max_size=30),
        _observe_reruns,
        len,
        _some,
    ),
    SampleSummary: Case(
        lambda s: SampleSummary(s, K, ("place",)),
        st.lists(st.integers(0, 2**64 - 1), max_size=20, unique=True),
        _observe_sample,
        len,
        _some,
    ),
    UnitSample: Case(
        lambda s: UnitSample(s, K),
        st.lists(
            st.tuples(st.integers(0, 40), st.integers(0, 2), st.integers(0, 2**64 - 1)),
            max_size=40,
        ),
        _observe_units,
        len,
        _some,
    ),
    UnitsSummary: Case(
        lambda s: UnitsSummary(("one", "two", "three"), _METRICS, s, k=K),
        _tables(),
        _observe_experiment,
        _rows,
        lambda table, index: {name: column.take(index) for name, column in table.items()},
    ),
}


@pytest.fixture(scope="module", autouse=True)
def small_buffers() -> Iterator[None]:
    """So that some of what is compared has been taken in, and some still waits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbers, "BUFFERED", 16)
        patch.setattr(reruns, "BUFFERED", 16)
        patch.setattr(multivariate, "BUFFERED", 16)
        yield


def _registered() -> list[type]:
    found = []
    for place in REGISTRY:
        module, _, name = place.partition(":")
        found.append(getattr(import_module(module), name))
    return found


EVERY = pytest.mark.parametrize("kind", _registered(), ids=lambda kind: kind.__name__)


def state(summary: Any) -> Any:
    """Everything that a summary holds, settled, as plain comparable values."""
    for settle in ("cells", "groups", "moments"):
        if hasattr(summary, settle):
            getattr(summary, settle)()
    found = {}
    for name in type(summary).__slots__:
        value = getattr(summary, name)
        if hasattr(type(value), "merge"):
            found[name] = state(value)
        elif isinstance(value, tuple) and hasattr(value, "_asdict"):
            found[name] = {field: array.tolist() for field, array in value._asdict().items()}
        else:
            found[name] = value.tolist() if isinstance(value, np.ndarray) else value
    return found


def slack(found: dict[str, Any]) -> dict[str, float]:
    """How far sums of floats may be apart: 1e-12 of the sum of their sizes."""
    if "_squares" in found:
        # The root of n times the squares bounds the sum of the sizes (Cauchy and Schwarz).
        size = math.sqrt(found["_count"] * found["_squares"])
        return {"_total": 1e-12 * size, "_squares": 1e-12 * found["_squares"]}
    return {"mean": 1e-12 * 100, "m2": 1e-12 * 60 * 100**2}


def assert_same(one: Any, other: Any, within: float = 0.0) -> None:
    """Integers bit for bit, sums of floats within their slack."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key], slack(one).get(key, 0.0))
    elif isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b, within)
    elif isinstance(one, float) and isinstance(other, float):
        assert one == other or abs(one - other) <= within
    else:
        assert one == other


def filled(kind: type, value: Any, schema: str = "s") -> Any:
    """A summary of one batch."""
    summary = CASES[kind].empty(schema)
    CASES[kind].observe(summary, value)
    return summary


def test_every_registered_summary_has_a_case() -> None:
    assert set(CASES) == set(_registered())


@EVERY
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_merge_is_associative_and_commutative(kind: type, data: st.DataObject) -> None:
    a, b, c = (filled(kind, data.draw(CASES[kind].values)) for _ in range(3))
    assert_same(state(a.merge(b).merge(c)), state(a.merge(b.merge(c))))
    assert_same(state(a.merge(b)), state(b.merge(a)))


@EVERY
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_an_empty_summary_is_the_zero(kind: type, data: st.DataObject) -> None:
    a = filled(kind, data.draw(CASES[kind].values))
    assert_same(state(a.merge(CASES[kind].empty("s"))), state(a))


@EVERY
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_one_after_another_is_the_same_as_apart(kind: type, data: st.DataObject) -> None:
    batches = data.draw(st.lists(CASES[kind].values, min_size=1, max_size=4))
    together, apart = CASES[kind].empty("s"), CASES[kind].empty("s")
    for batch in batches:
        CASES[kind].observe(together, batch)
        apart = apart.merge(filled(kind, batch))
    assert_same(state(together), state(apart))
    assert together.rows == sum(filled(kind, batch).rows for batch in batches)


@EVERY
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_split_in_any_way_and_merged_is_the_same_as_at_once(
    kind: type, data: st.DataObject
) -> None:
    case = CASES[kind]
    whole = data.draw(case.values)
    rows = case.size(whole)
    drawn = data.draw(st.lists(st.integers(0, 4), min_size=rows, max_size=rows))
    part = np.array(drawn, dtype=np.int64)
    parts = [filled(kind, case.take(whole, np.flatnonzero(part == i))) for i in range(5)]
    merged = functools.reduce(lambda a, b: a.merge(b), data.draw(st.permutations(parts)))
    assert_same(state(merged), state(filled(kind, whole)))


@EVERY
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_merge_leaves_its_operands_alone(kind: type, data: st.DataObject) -> None:
    a, b = (filled(kind, data.draw(CASES[kind].values)) for _ in range(2))
    before = copy.deepcopy((state(a), state(b)))
    merged = a.merge(b)
    CASES[kind].observe(merged, data.draw(CASES[kind].values))
    state(merged)
    assert (state(a), state(b)) == before


@EVERY
def test_summaries_of_two_schemas_are_refused(kind: type) -> None:
    with pytest.raises(SchemaMismatch, match="cannot be merged"):
        CASES[kind].empty("one").merge(CASES[kind].empty("two"))


@EVERY
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_every_row_counts_and_the_schema_is_kept(kind: type, data: st.DataObject) -> None:
    value = data.draw(CASES[kind].values)
    summary = filled(kind, value, "some schema")
    assert summary.rows == CASES[kind].size(value)
    assert summary.schema_id == "some schema"
    assert summary.merge(summary).schema_id == "some schema"
    if hasattr(summary, "tally"):
        assert summary.tally.tolist() == np.bincount(value.status, minlength=11).tolist()


@EVERY
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_state_goes_through_bytes_and_counts_on(kind: type, data: st.DataObject) -> None:
    before, after = (data.draw(CASES[kind].values) for _ in range(2))
    summary = filled(kind, before)
    taken = summary.state()
    restored = CASES[kind].empty("s")
    restored.restore(Stored(decode(encode(taken))))
    assert state(restored) == state(summary)
    CASES[kind].observe(summary, after)
    state(summary)
    again = CASES[kind].empty("s")
    again.restore(Stored(taken))
    assert state(again) == state(restored), "a state changed with its summary"
    CASES[kind].observe(restored, after)
    assert_same(state(restored), state(summary))


@EVERY
def test_a_state_of_another_schema_is_refused(kind: type) -> None:
    taken = CASES[kind].empty("one").state()
    with pytest.raises(StateError, match="counted under another schema"):
        CASES[kind].empty("two").restore(Stored(taken))


@EVERY
def test_a_state_that_lacks_something_is_refused(kind: type) -> None:
    taken = CASES[kind].empty("s").state()
    for name in taken:
        less = {key: value for key, value in taken.items() if key != name}
        with pytest.raises(StateError, match=f"state.{name}"):
            CASES[kind].empty("s").restore(Stored(less))
        with pytest.raises(StateError, match="state"):
            CASES[kind].empty("s").restore(Stored(taken | {name: {"no": "such"}}))
