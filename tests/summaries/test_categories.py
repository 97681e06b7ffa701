"""Categories against a plain count of all values."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from collectors.events import CategoryColumn, Status
from collectors.hashing import hash_text
from collectors.schema import qualify
from collectors.specs import CategorySpec
from collectors.summaries.categories import BUCKETS, OTHER, CategorySummary
from tests.support.columns import category_column

SEED = 3


def traffic(rows: int = 8_000) -> list[str | None]:
    """Two known values, and hundreds of others, few of them frequent."""
    rng = np.random.default_rng(2)
    others = [f"other {i}" for i in (300 * rng.random(rows) ** 3).astype(int)]
    return [
        "a" if draw < 0.4 else "b" if draw < 0.5 else None if draw < 0.6 else other
        for draw, other in zip(rng.random(rows), others, strict=True)
    ]


def summarise(
    values: list[str | None], spec: CategorySpec, k: int = 16, batch: int = 700
) -> CategorySummary:
    summary = CategorySummary(spec, "s", SEED, k)
    for start in range(0, len(values), batch):
        column = category_column(values[start : start + batch])
        summary.observe(qualify(column, spec, SEED))
    return summary


def test_known_values_are_counted_one_by_one_and_the_rest_by_hash() -> None:
    values = traffic()
    counts = Counter(value for value in values if value is not None)
    summary = summarise(values, CategorySpec(("a", "b", "never")))
    assert summary.known.tolist() == [counts["a"], counts["b"], 0]
    buckets = [0] * BUCKETS
    for value, rows in counts.items():
        if value not in {"a", "b"}:
            buckets[hash_text(value, SEED) % BUCKETS] += rows
    assert summary.buckets.tolist() == buckets
    assert summary.tally[Status.NULL] == values.count(None)
    assert summary.tally[Status.UNSEEN] == 0
    assert len(summary.unseen_hashes) == 0


def test_unseen_values_are_exact_in_total_and_for_the_k_smallest_hashes() -> None:
    values = traffic()
    counts = Counter(value for value in values if value not in {"a", "b", None})
    summary = summarise(values, CategorySpec(("a", "b"), declared=True))
    assert summary.tally[Status.UNSEEN] == counts.total()
    smallest = sorted((hash_text(str(value), SEED), rows) for value, rows in counts.items())[:16]
    assert summary.unseen_hashes.tolist() == [value for value, _ in smallest]
    assert summary.unseen_counts.tolist() == [rows for _, rows in smallest]


def test_few_unseen_values_are_all_counted() -> None:
    summary = summarise(["a", "x", "x", "y"], CategorySpec(("a",), declared=True))
    found = dict(zip(summary.unseen_hashes.tolist(), summary.unseen_counts.tolist(), strict=True))
    assert found == {hash_text("x", SEED): 2, hash_text("y", SEED): 1}


def test_a_valid_value_that_is_not_known_is_not_unseen() -> None:
    seen = np.sort(np.array([hash_text("a", SEED), hash_text("rare", SEED)], np.uint64))
    spec = CategorySpec(("a",), seen.astype("<u8").tobytes(), declared=True)
    summary = summarise(["a", "rare", "new"], spec)
    assert summary.unseen_hashes.tolist() == [hash_text("new", SEED)]
    assert summary.tally[Status.UNSEEN] == 1
    assert summary.buckets.sum() == 2


def test_a_known_value_that_is_no_longer_valid_is_known_and_unseen() -> None:
    seen = np.array([hash_text("a", SEED)], "<u8").tobytes()
    summary = summarise(["a", "b", "b"], CategorySpec(("a", "b"), seen, declared=True))
    assert summary.known.tolist() == [1, 2]
    assert summary.unseen_hashes.tolist() == [hash_text("b", SEED)]
    assert summary.unseen_counts.tolist() == [2]


def test_private_values_are_counted_by_their_hashes() -> None:
    spec = CategorySpec((f"{hash_text('ann', SEED):016x}",), declared=True, private=True)
    summary = summarise(["ann", "ann", "eve"], spec)
    assert summary.known.tolist() == [2]
    assert summary.tally[Status.UNSEEN] == 1
    assert set(summary.shares()) == {f"{hash_text('ann', SEED):016x}", OTHER}


def test_shares_are_of_the_usable_values() -> None:
    summary = summarise(["a", "a", "b", "x", None], CategorySpec(("a", "b", "never")))
    assert summary.shares() == {"a": 0.5, "b": 0.25, "never": 0.0, OTHER: 0.25}


@pytest.mark.parametrize("values", [[], [None, None]], ids=["no row", "all null"])
def test_no_value_has_no_shares(values: list[str | None]) -> None:
    assert summarise(values, CategorySpec(("a",))).shares() == {}


def test_names_that_no_row_has_are_not_counted() -> None:
    column = CategoryColumn(np.array([1, 1], np.int32), ("gone", "x"), np.zeros(2, np.uint8))
    summary = CategorySummary(CategorySpec(("gone",)), "s", SEED, 4)
    summary.observe(column)
    assert summary.known.tolist() == [0]
    assert summary.buckets.sum() == 2
