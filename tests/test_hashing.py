"""Hashes: the same everywhere, and different where the values are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from collectors.events import AnyColumn, CategoryColumn, NumberColumn, Status
from collectors.hashing import (
    Hashes,
    hash_column,
    hash_identity,
    hash_names,
    hash_rows,
    hash_text,
    mix,
)
from tests.support.columns import category_column, number_column, text_column


def rows(columns: Mapping[str, AnyColumn], seed: int = 0) -> list[int]:
    count = len(next(iter(columns.values())).status)
    return [int(value) for value in hash_rows(columns, count, seed)]


def test_text_hashes_by_xxh3_of_its_utf8() -> None:
    assert hash_text("köln", 7) == xxhash.xxh3_64_intdigest("köln".encode(), 7)
    assert hash_text("köln".encode(), 7) == hash_text("köln", 7)
    assert hash_text("\ud800", 0) != hash_text("\ud801", 0)
    assert hash_names(["a", "b"], 3).tolist() == [hash_text("a", 3), hash_text("b", 3)]


def test_mix_is_splitmix64() -> None:
    # The first outputs of Vigna's splitmix64.c with the state 1234567.
    state = (1234567 + 0x9E3779B97F4A7C15 * np.arange(3, dtype=object)) % 2**64
    first = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert mix(state.astype(np.uint64)).tolist() == first


def test_rows_hash_the_same_on_every_machine() -> None:
    columns: dict[str, AnyColumn] = {
        "n": number_column([1.5, None]),
        "c": category_column(["a", "b"]),
    }
    assert rows(columns, seed=1) == [9275082839789046550, 12265339695528512703]


def test_equal_values_hash_equal_however_a_batch_codes_them() -> None:
    one = CategoryColumn(np.array([0, 1, 0], np.int32), ("a", "b"), np.zeros(3, np.uint8))
    other = CategoryColumn(np.array([2, 1, 2], np.int32), ("x", "b", "a"), np.zeros(3, np.uint8))
    assert hash_column(one, 0).tolist() == hash_column(other, 0).tolist()
    assert rows({"a": number_column([0.0])}) == rows({"a": number_column([-0.0])})


def test_a_flag_does_not_change_the_hash_of_a_value() -> None:
    plain = number_column([5.0])
    flagged = NumberColumn(plain.values, np.array([Status.RANGE], np.uint8))
    assert hash_column(plain, 0).tolist() == hash_column(flagged, 0).tolist()


def test_what_is_missing_hashes_by_why_and_not_as_a_value() -> None:
    status = np.array(
        [Status.OK, Status.NULL, Status.ABSENT, Status.EMPTY, Status.NAN, Status.TYPE], np.uint8
    )
    column = NumberColumn(np.array([0.0, *[np.nan] * 5]), status)
    assert len(set(hash_column(column, 0).tolist())) == len(status)
    empty = text_column(["", None])
    assert len(set(hash_column(empty, 0).tolist())) == 2


def test_swapped_columns_differ_and_the_order_given_does_not() -> None:
    one, two = number_column([1.0]), number_column([2.0])
    assert rows({"a": one, "b": two}) != rows({"a": two, "b": one})
    assert rows({"a": one, "b": two}) == rows({"b": two, "a": one})
    assert rows({"a": one, "b": one}) != rows({"a": two, "b": two})


def test_seeds_give_unrelated_hashes() -> None:
    column = {"a": number_column([1.0, 2.0])}
    assert not set(rows(column, 1)) & set(rows(column, 2))


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), unique=True, max_size=50))
def test_different_numbers_hash_differently(values: list[float]) -> None:
    assert len(set(hash_column(number_column(values), 0).tolist())) == len(values)


def identities(topic: str, partition: int, count: int = 1_000) -> Hashes:
    offsets = np.repeat(np.arange(count // 2, dtype=np.int64), 2)
    return hash_identity(topic, partition, offsets, np.tile(np.array([0, 1]), count // 2), 0)


def test_every_place_in_the_log_has_its_own_hash() -> None:
    places = [("a", 0), ("a", 10), ("a1", 0), ("b", 0)]
    found = np.concatenate([identities(topic, partition) for topic, partition in places])
    assert len(np.unique(found)) == len(places) * 1_000
    assert identities("a", 0).tolist() == identities("a", 0).tolist()


def test_hashes_are_spread_evenly() -> None:
    # 50,000 successive offsets into 64 buckets: chi-square with 63 degrees, mean 63, sd 11.2.
    found = identities("t", 3, 50_000)
    for bits in (found >> np.uint64(58), found & np.uint64(63)):
        counts = np.bincount(bits.astype(np.int64), minlength=64)
        expected = 50_000 / 64
        assert ((counts - expected) ** 2 / expected).sum() < 63 + 5 * 11.2
