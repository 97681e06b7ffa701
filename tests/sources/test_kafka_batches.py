"""Record batches as bytes: against kafka-python's own reader, and against damage of every kind."""

from __future__ import annotations

import struct
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecordBatchBuilder
from kafka.record.legacy_records import LegacyRecordBatchBuilder

from collectors.sources.kafka.batches import Limits, Refused, Run
from collectors.sources.kafka.fetching import GuardedRecords
from collectors.sources.kafka.unfold import Damaged, TooLarge, unfold
from tests.support.raw_batches import CODECS, batch, fold, giant, record

PLACE = TopicPartition("t", 0)
LIMITS = Limits(record=1000, batch=1 << 20, run=7, run_bytes=1 << 16)

optional_bytes = st.none() | st.binary(max_size=40)
headers = st.lists(st.tuples(st.text(max_size=5), st.binary(max_size=5)), max_size=3)
rows = st.lists(st.tuples(optional_bytes, optional_bytes, headers), min_size=1, max_size=20)


def built(content: list[Any], codec: int, base: int, magic: int = 2) -> bytes:
    """One batch, by kafka-python's own writer."""
    if magic == 2:
        builder: Any = DefaultRecordBatchBuilder(2, codec, False, -1, -1, -1, 1 << 20)
    else:
        builder = LegacyRecordBatchBuilder(magic, codec, 1 << 20)
    for delta, (key, value, named) in enumerate(content):
        builder.append(delta, 1_000 + delta, key, value, named if magic == 2 else None)
    data = bytearray(builder.build())
    if magic == 2:
        struct.pack_into(">q", data, 0, base)
    return bytes(data)


def read(
    data: bytes, begin: int = 0, limits: Limits = LIMITS, end: int | None = None
) -> list[Run | Refused]:
    part = GuardedRecords(limits, lambda place: end, begin, PLACE, MemoryRecords(data))
    found: list[Run | Refused] = []
    while part.record_iterator is not None:
        before = part.next_fetch_offset
        items = part.take(1)
        assert part.next_fetch_offset >= before
        found += items
    return found


def columns(found: list[Run | Refused]) -> list[tuple[Any, ...]]:
    lines: list[tuple[Any, ...]] = []
    for run in found:
        assert isinstance(run, Run)
        assert len(run.offsets) <= LIMITS.run
        lines += zip(
            run.offsets, run.timestamps, run.keys, run.values, map(list, run.headers), strict=True
        )
    return lines


@given(st.lists(rows, min_size=1, max_size=4), st.sampled_from(range(5)), st.integers(0, 30))
def test_what_is_read_is_what_kafka_python_reads(
    contents: list[list[Any]], codec: int, begin: int
) -> None:
    data, base = b"", 0
    for content in contents:
        data += built(content, codec, base)
        base += len(content) + 2  # as after compaction: some offsets are missing
    theirs = Fetcher.PartitionRecords(begin, PLACE, MemoryRecords(data))
    wanted = [(r.offset, r.timestamp, r.key, r.value, r.headers) for r in theirs.take(10**6)]
    assert columns(read(data, begin)) == wanted


@given(rows, st.sampled_from([0, 1, 2]), st.sampled_from([0, 1]))
def test_message_sets_of_old_are_read_too(content: list[Any], codec: int, magic: int) -> None:
    data = built(content, codec, 0, magic)
    theirs = Fetcher.PartitionRecords(0, PLACE, MemoryRecords(data))
    wanted: list[Any] = [
        (r.offset, -1 if r.timestamp is None else r.timestamp, r.key, r.value, [])
        for r in theirs.take(10**6)
    ]
    found = [run for run in read(data) if isinstance(run, Run)]
    assert [
        line
        for run in found
        for line in zip(
            run.offsets, run.timestamps, run.keys, run.values, map(list, run.headers), strict=True
        )
    ] == wanted


@given(
    st.lists(rows, min_size=2, max_size=4),
    st.sampled_from(range(5)),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=6),
    st.booleans(),
)
def test_damage_never_raises_and_offsets_only_grow(
    contents: list[list[Any]], codec: int, damage: list[tuple[int, int]], cut: bool
) -> None:
    data, base = bytearray(), 0
    for content in contents:
        data += built(content, codec, base)
        base += len(content)
    for at, byte in damage:
        data[at % len(data)] = byte
    if cut:
        del data[-3:]
    expected = 0
    for item in read(bytes(data), end=base):
        assert item.offset >= expected
        if isinstance(item, Run):
            assert item.offsets == sorted(set(item.offsets))
        assert item.end > item.offset
        expected = item.end


@given(st.lists(rows, min_size=3, max_size=5), st.sampled_from(range(5)), st.data())
def test_one_flipped_bit_costs_one_batch(
    contents: list[list[Any]], codec: int, data: st.DataObject
) -> None:
    pieces, bases = [], [0]
    for content in contents:
        pieces.append(bytearray(built(content, codec, bases[-1])))
        bases.append(bases[-1] + len(content))
    hurt = data.draw(st.integers(0, len(pieces) - 1))
    at = data.draw(st.integers(17, len(pieces[hurt]) - 1))  # the checksum, or what it covers
    pieces[hurt][at] ^= 1 << data.draw(st.integers(0, 7))
    found = read(b"".join(map(bytes, pieces)), end=bases[-1])
    refused = [(item.offset, item.end) for item in found if isinstance(item, Refused)]
    assert refused == [(bases[hurt], bases[hurt + 1])]
    there = [offset for item in found if isinstance(item, Run) for offset in item.offsets]
    assert there == [o for o in range(bases[-1]) if not bases[hurt] <= o < bases[hurt + 1]]


@pytest.mark.parametrize("part", ["value", "key", "headers"])
def test_what_is_too_long_is_measured_and_cut(part: str) -> None:
    long = b"x" * 5_000
    one = record(
        long if part == "value" else b"v",
        key=long if part == "key" else b"k",
        headers=[(b"h", long)] if part == "headers" else [],
    )
    (run,) = read(batch("none", one))
    assert isinstance(run, Run)
    if part == "value":
        assert run.oversized == {0: 5_000}
        assert run.values == [long[:1024]]
    assert run.oversized[0] >= 5_000
    assert len(run.keys[0] or b"") <= 1024
    assert list(run.headers) == [()]


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_nothing_unfolds_past_the_limit(codec: str) -> None:
    limit = 1 << 20
    folded = memoryview(fold(codec, giant(16 << 20)))
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            unfold(CODECS[codec], folded, limit)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * limit


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
@pytest.mark.parametrize("size", [0, 1, 70_000, 3 << 20])
def test_what_is_just_within_the_limit_unfolds(codec: str, size: int) -> None:
    whole = b"".join(giant(size))
    folded = memoryview(fold(codec, [whole]))
    assert unfold(CODECS[codec], folded, len(whole)) == whole
    with pytest.raises(TooLarge):
        unfold(CODECS[codec], folded, len(whole) - 1)


@pytest.mark.parametrize("codec", ["gzip", "lz4", "zstd"])
def test_frames_one_after_another_are_one(codec: str) -> None:
    folded = fold(codec, [b"one"]) + fold(codec, [b"two"])
    assert unfold(CODECS[codec], memoryview(folded), 100) == b"onetwo"


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4"])
def test_what_is_cut_off_is_damaged(codec: str) -> None:
    folded = fold(codec, [bytes(range(256)) * 400])
    with pytest.raises(Damaged):
        unfold(CODECS[codec], memoryview(folded)[: len(folded) // 2], 1 << 20)


def test_zstd_that_is_cut_off_costs_the_records_that_are_not_whole() -> None:
    """Its reader does not tell a cut from an end; the records do."""
    folded = fold("zstd", [record(b"%d" % i * 9_000, i) for i in range(8)])
    found = read(batch("zstd", folded[: len(folded) - 4], count=8))
    assert found
    assert isinstance(found[-1], Refused)
    assert (found[0].offset, found[-1].end, found[-1].reason) == (0, 8, "undecodable")


def test_an_unknown_codec_is_damaged() -> None:
    with pytest.raises(Damaged, match="codec 6"):
        unfold(6, memoryview(b""), 10)
