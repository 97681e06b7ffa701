"""Kafka's record batches, from the bytes of a fetch to runs of records.

kafka-python reads these too, but one bad batch makes its `poll()` raise for ever, it unfolds
without a limit, and it copies a record of 100 MiB five times. Here a batch that cannot be read is
passed exactly, by the offsets in its header, and a record beyond the limit is measured, not copied.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from kafka.record.util import calc_crc32c

from collectors.sources import Headers
from collectors.sources.kafka.options import HEAD
from collectors.sources.kafka.unfold import Damaged, unfold

_LOG = struct.Struct(">qi")  # base offset, length: the same in every version of the format
_MAGIC_AT = 16
_CRC_AT = 17
_BODY_AT = 21  # what the checksum covers begins here
_HEADER = struct.Struct(">qiibIhiqqqhii")

NEWEST_MAGIC = 2
_CODEC, _APPEND_TIME, _TRANSACTIONAL, _CONTROL = 0x07, 0x08, 0x10, 0x20


@dataclass(frozen=True, slots=True)
class Limits:
    """What is too much.

    Attributes:
        record: bytes of one key, value or header list that are still handed over.
        batch: bytes that a compressed batch may unfold to.
        run: records handed over at once, and `run_bytes`, their bytes.
    """

    record: int
    batch: int
    run: int
    run_bytes: int = 4 * 1024 * 1024


@dataclass(slots=True)
class Run:
    """Records of one partition in the order of its log, as columns."""

    offsets: list[int] = field(default_factory=list)
    timestamps: list[int] = field(default_factory=list)
    keys: list[bytes | None] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)
    headers: list[Headers] = field(default_factory=list)
    oversized: dict[int, int] = field(default_factory=dict)
    size: int = 0

    @property
    def offset(self) -> int:
        """The first offset; kafka-python asks for it by this name."""
        return self.offsets[0]

    @property
    def end(self) -> int:
        """The offset after the last."""
        return self.offsets[-1] + 1

    def add(
        self,
        offset: int,
        timestamp: int,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
    ) -> None:
        """One more record."""
        self.offsets.append(offset)
        self.timestamps.append(timestamp)
        self.keys.append(key)
        self.values.append(value)
        self.headers.append(headers)
        self.size += len(value or b"") + len(key or b"")


@dataclass(frozen=True, slots=True)
class Refused:
    """Offsets [offset, end) that cannot be read."""

    offset: int
    end: int
    reason: str
    why: str


@dataclass(frozen=True, slots=True)
class Slice:
    """Where one batch lies in the bytes of a fetch; `following` is the next one's base offset."""

    data: bytes
    begin: int
    end: int
    following: int | None

    @property
    def base_offset(self) -> int:
        """The first offset, as the batch says it."""
        return int(_LOG.unpack_from(self.data, self.begin)[0])

    @property
    def magic(self) -> int:
        """The version of the format."""
        return self.data[self.begin + _MAGIC_AT]


def slices(data: bytes) -> Iterator[Slice]:
    """The whole batches in `data`; what is cut off at the end comes with the next fetch."""
    begin, size = 0, len(data)
    while size - begin >= _BODY_AT:
        _, length = _LOG.unpack_from(data, begin)
        end = begin + _LOG.size + length
        if end < begin + _BODY_AT or end > size:
            return
        following = None
        if size - end >= _LOG.size:
            (following, _) = _LOG.unpack_from(data, end)
        yield Slice(data, begin, end, following)
        begin = end


class Batch:
    """One batch of the newest format: its header, and its records for the taking."""

    def __init__(self, piece: Slice) -> None:
        self.piece = piece
        whole = piece.end - piece.begin >= _HEADER.size
        values = _HEADER.unpack_from(piece.data, piece.begin) if whole else (0,) * 13
        self.base_offset: int = piece.base_offset
        self.leader_epoch: int = values[2]
        self._crc: int = values[4]
        self.attributes: int = values[5]
        self.last_delta: int = values[6]
        self._first_time: int = values[7]
        self._last_time: int = values[8]
        self.producer_id: int = values[9]
        self.count: int = values[12]
        self.whole = whole

    @property
    def last_offset(self) -> int:
        """The last offset, whether or not its record is still there."""
        return self.base_offset + self.last_delta

    @property
    def is_transactional(self) -> bool:
        """Whether it is part of a transaction."""
        return bool(self.attributes & _TRANSACTIONAL)

    @property
    def is_control_batch(self) -> bool:
        """Whether it marks the end of a transaction, and holds no data."""
        return bool(self.attributes & _CONTROL)

    def intact(self) -> bool:
        """Whether the checksum is right."""
        if not self.whole or self.piece.magic != NEWEST_MAGIC or self.last_delta < 0:
            return False
        body = memoryview(self.piece.data)[self.piece.begin + _BODY_AT : self.piece.end]
        return bool(calc_crc32c(body) == self._crc)

    def passed(self, begin: int, known_end: int | None) -> int:
        """The offset after this batch, where its checksum is wrong and `begin` was wanted.

        The checksum covers the last offset, so that may be what is wrong. Where the number of
        records agrees with it, it is right; else the next batch says where this one ends, else the
        partition's end.
        """
        end = self.last_offset + 1
        following = self.piece.following
        agrees = self.whole and self.last_delta >= 0 and self.count == self.last_delta + 1
        if following is not None and following > begin and not (agrees and end <= following):
            return following
        if known_end is not None and following is None:
            end = min(end, known_end)
        return max(end, begin + 1)

    def records(self, limit: int) -> RecordReader:
        """What is in it.

        Raises:
            TooLarge: it unfolds to more than `limit` bytes.
            Damaged: it cannot be unfolded.
        """
        data, begin, end = self.piece.data, self.piece.begin + _HEADER.size, self.piece.end
        codec = self.attributes & _CODEC
        if codec:
            data = unfold(codec, memoryview(data)[begin:end], limit)
            begin, end = 0, len(data)
        fixed = self._last_time if self.attributes & _APPEND_TIME else None
        return RecordReader(self, data, begin, end, self._first_time, fixed)

    def aborts(self) -> bool:
        """Whether it marks a transaction as aborted."""
        run = Run()
        self.records(HEAD).take(run, self.base_offset, Limits(HEAD, HEAD, 1))
        key = run.keys[0] if run.keys else None
        return key is not None and len(key) >= 4 and key[2:4] == b"\x00\x00"


class RecordReader:
    """Takes the records out of one batch, some at a time.

    Attributes:
        left: how many are still in it.
        next_offset: the smallest offset that the next one can have.
    """

    def __init__(
        self, batch: Batch, data: bytes, begin: int, end: int, first_time: int, fixed: int | None
    ) -> None:
        self.left = batch.count
        self.next_offset = batch.base_offset
        self._base = batch.base_offset
        self._last = batch.last_offset
        self._data = data
        self._at = begin
        self._end = end
        self._first_time = first_time
        self._fixed = fixed

    def take(self, run: Run, begin: int, limits: Limits) -> None:
        """Add records from offset `begin` on to `run`, until it or the batch is full.

        Raises:
            Damaged: a record's parts do not fit in it; those before it were taken.
        """
        data = self._data
        try:
            while self.left > 0 and len(run.offsets) < limits.run and run.size < limits.run_bytes:
                length, at = _varint(data, self._at)
                stop = at + length
                if length < 0 or stop > self._end:
                    raise Damaged("a record is longer than its batch")
                delta, at = _varint(data, at + 1)
                step, at = _varint(data, at)
                offset = self._base + step
                if offset < self.next_offset or offset > self._last:
                    raise Damaged(f"offset {offset} does not follow")
                if offset >= begin:
                    time = self._first_time + delta if self._fixed is None else self._fixed
                    self._record(run, offset, time, at, stop, limits.record)
                self.next_offset = offset + 1
                self._at = stop
                self.left -= 1
        except IndexError as error:
            raise Damaged("a record is cut off") from error

    def _record(self, run: Run, offset: int, time: int, at: int, stop: int, limit: int) -> None:
        data = self._data
        true_size = stop - at
        key_size, at = _varint(data, at)
        key_at, at = at, at + max(key_size, 0)
        value_size, at = _varint(data, at)
        value_at, at = at, at + max(value_size, 0)
        count, at = _varint(data, at)
        if at > stop or count < 0 or count > stop - at:
            raise Damaged("a record's parts do not fit in it")
        long_headers = stop - at > limit
        headers: Headers = ()
        if not count:
            if at != stop:
                raise Damaged("a record is shorter than it says")
        elif not long_headers:
            headers = _headers(data, at, stop, count)
        key = value = None
        if key_size >= 0:
            key = data[key_at : key_at + (key_size if key_size <= limit else HEAD)]
        if value_size >= 0:
            value = data[value_at : value_at + (value_size if value_size <= limit else HEAD)]
        if true_size > limit and (value_size > limit or key_size > limit or long_headers):
            run.oversized[len(run.offsets)] = value_size if value_size > limit else true_size
        run.add(offset, time, key, value, headers)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """One zigzag number, and where the next one is."""
    byte = data[at]
    if byte < 0x80:
        return (byte >> 1) ^ -(byte & 1), at + 1
    number, shift = byte & 0x7F, 7
    while True:
        at += 1
        byte = data[at]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), at + 1
        shift += 7
        if shift > 63:
            raise Damaged("a number is too long")


def _headers(data: bytes, at: int, stop: int, count: int) -> Headers:
    found = []
    for _ in range(count):
        size, at = _varint(data, at)
        name = data[at : at + size].decode("utf-8", "replace")
        at += max(size, 0)
        size, at = _varint(data, at)
        found.append((name, data[at : at + size] if size >= 0 else b""))
        at += max(size, 0)
    if at != stop:
        raise Damaged("a record's headers do not fit in it")
    return found
