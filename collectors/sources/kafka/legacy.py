"""Message sets, as Kafka wrote them before 0.11; old topics may still hold some."""

from __future__ import annotations

import struct
from typing import Any

from kafka.record.legacy_records import LegacyRecordBatch

from collectors.sources.kafka.batches import Limits, Run, Slice
from collectors.sources.kafka.options import HEAD
from collectors.sources.kafka.unfold import Damaged, unfold

_SIZE = struct.Struct(">i")


class _Bounded(LegacyRecordBatch):  # type: ignore[misc]  # kafka-python has no types
    """kafka-python's own reader, with our limit where it unfolds."""

    limit = 0

    def _decompress(self, key_offset: int) -> bytes:
        if self._magic == 0 and self.compression_type == self.CODEC_LZ4:
            raise Damaged("lz4 as Kafka wrote it before 0.10 cannot be read")
        (key,) = _SIZE.unpack_from(self._buffer, key_offset)
        at = key_offset + _SIZE.size + max(key, 0)
        (size,) = _SIZE.unpack_from(self._buffer, at)
        at += _SIZE.size
        return unfold(self.compression_type, self._buffer[at : at + max(size, 0)], self.limit)


def legacy_run(piece: Slice, begin: int, limits: Limits) -> Run:
    """All records of one message, from offset `begin` on.

    Raises:
        TooLarge: it unfolds to more than the limit.
        Damaged: it cannot be read.
    """
    run = Run()
    try:
        batch: Any = _Bounded(memoryview(piece.data)[piece.begin : piece.end], piece.magic)
        batch.limit = limits.batch
        if not batch.validate_crc():
            raise Damaged("the checksum is wrong")
        for record in batch:
            if record.offset >= begin:
                _add(run, record, limits.record)
    except (struct.error, IndexError, ValueError, AssertionError) as error:
        raise Damaged(f"not a message set: {error!r}") from error
    return run


def _add(run: Run, record: Any, limit: int) -> None:
    key, value = record.key, record.value
    large = [len(part) for part in (value, key) if part is not None and len(part) > limit]
    if large:
        run.oversized[len(run.offsets)] = large[0]
        key = None if key is None else key[: HEAD if len(key) > limit else None]
        value = None if value is None else value[: HEAD if len(value) > limit else None]
    time = -1 if record.timestamp is None else record.timestamp
    run.add(record.offset, time, key, value, ())
