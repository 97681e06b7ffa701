"""The sample: the same rows whatever the batches, uniform, and built only where they are kept."""

from __future__ import annotations

import numpy as np

from collectors.events import Index
from collectors.hashing import Hashes, hash_identity
from collectors.summaries.sample import SampleSummary

ROWS = 5_000


def places(rows: int = ROWS, partition: int = 0) -> Hashes:
    offsets = np.arange(rows, dtype=np.int64)
    return hash_identity("t", partition, offsets, np.zeros(rows, np.int64), 0)


def summarise(hashes: Hashes, batch: int, k: int = 50) -> SampleSummary:
    summary = SampleSummary("s", k)
    for start in range(0, len(hashes), batch):

        def rows_at(index: Index, start: int = start) -> list[tuple[int]]:
            return [(start + i,) for i in index.tolist()]

        summary.observe(hashes[start : start + batch], rows_at)
    return summary


def test_the_rows_with_the_smallest_hashes_are_kept_whatever_the_batches() -> None:
    hashes = places()
    smallest = np.argsort(hashes)[:50]
    for batch in (1, 7, 640, ROWS):
        summary = summarise(hashes, batch)
        assert summary.kept == [(i,) for i in smallest.tolist()]
        assert summary.hashes.tolist() == hashes[smallest].tolist()
        assert summary.rows == ROWS


def test_partitions_merge_to_one_sample() -> None:
    one, other = places(), places(partition=1)
    merged = summarise(one, 100).merge(summarise(other, 300))
    assert merged.hashes.tolist() == np.sort(np.concatenate((one, other)))[:50].tolist()
    assert merged.rows == 2 * ROWS


def test_fewer_rows_than_k_are_all_kept() -> None:
    summary = summarise(places(20), 6)
    assert sorted(summary.kept) == [(i,) for i in range(20)]


def test_only_rows_that_are_kept_are_built() -> None:
    built = 0

    def rows_at(index: Index) -> list[tuple[int]]:
        nonlocal built
        built += len(index)
        return [(i,) for i in index.tolist()]

    summary = SampleSummary("s", 50)
    hashes = places(100_000)
    for start in range(0, len(hashes), 500):
        summary.observe(hashes[start : start + 500], rows_at)
    # k (1 + ln(n / k)) = 430 records of the smallest are expected, some more by whole batches.
    assert 50 <= built < 700


def test_every_part_of_the_log_is_sampled_alike() -> None:
    # Of 400 samples of 10 among 1,000 rows each tenth has 400 on average, sd 19.
    tenths = np.zeros(10)
    for partition in range(400):
        kept = summarise(places(1_000, partition), 1_000, k=10).kept
        tenths += np.bincount([row[0] // 100 for row in kept], minlength=10)
    assert np.abs(tenths - 400).max() < 5 * 19
