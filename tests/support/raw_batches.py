"""Kafka's record batches, made and damaged by hand: what no decent producer would send."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import lz4.frame  # type: ignore[import-untyped]
import snappy  # type: ignore[import-untyped]
import zstandard
from crc32c import crc32c
from kafka import KafkaConsumer
from kafka.errors import for_code
from kafka.protocol.producer import ProduceRequest

from tests.support.kafka import Broker

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
HEADER = 61
CRC_AT, BODY_AT, ATTRIBUTES_AT, DELTA_AT = 17, 21, 21, 23


def varint(number: int) -> bytes:
    """Zigzag, seven bits a byte."""
    number = (number << 1) ^ (number >> 63)
    out = bytearray()
    while number > 0x7F:
        out.append((number & 0x7F) | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def record(
    value: bytes, delta: int = 0, key: bytes | None = None, headers: Iterable[Any] = ()
) -> bytes:
    """One record of a batch."""
    body = b"\0" + varint(0) + varint(delta)
    body += varint(-1) if key is None else varint(len(key)) + key
    body += varint(len(value)) + value
    listed = list(headers)
    body += varint(len(listed))
    for name, content in listed:
        body += varint(len(name)) + name + varint(len(content)) + content
    return varint(len(body)) + body


def giant(size: int) -> Iterator[bytes]:
    """One record with a value of so many zeros, in pieces."""
    head = b"\0" + varint(0) + varint(0) + varint(-1) + varint(size)
    yield varint(len(head) + size + 1) + head
    piece = bytes(1 << 20)
    for _ in range(size >> 20):
        yield piece
    yield bytes(size & 0xFFFFF) + varint(0)


def fold(codec: str, pieces: Iterable[bytes]) -> bytes:
    """The pieces, compressed, without ever being whole."""
    if codec == "none":
        return b"".join(pieces)
    if codec == "gzip":
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        return b"".join([packer.compress(piece) for piece in pieces]) + packer.flush()
    if codec == "zstd":
        press = zstandard.ZstdCompressor().compressobj()
        return b"".join([press.compress(piece) for piece in pieces]) + press.flush()
    if codec == "lz4":
        with lz4.frame.LZ4FrameCompressor(block_linked=False) as frame:
            parts = [frame.begin()] + [frame.compress(piece) for piece in pieces]
            return b"".join([*parts, frame.flush()])
    out = bytearray(b"\x82SNAPPY\0" + struct.pack(">ii", 1, 1))
    for piece in pieces:
        for at in range(0, len(piece), 32 * 1024):
            block = snappy.compress(piece[at : at + 32 * 1024])
            out += struct.pack(">i", len(block)) + block
    return bytes(out)


def batch(codec: str, payload: bytes, count: int = 1, base: int = 0, attributes: int = 0) -> bytes:
    """A batch whose records are `payload`, compressed already."""
    body = struct.pack(
        ">hiqqqhii", CODECS[codec] | attributes, count - 1, 1_000, 1_000, -1, -1, -1, count
    )
    body += payload
    head = struct.pack(">qiibI", base, len(body) + 9, -1, 2, crc32c(body))
    return head + body


def send(address: str, topic: str, data: bytes, partition: int = 0) -> None:
    """Write one batch as it is."""
    consumer = KafkaConsumer(bootstrap_servers=address, receive_message_max_bytes=1 << 28)
    try:
        part = ProduceRequest.TopicProduceData.PartitionProduceData(index=partition, records=data)
        request = ProduceRequest(
            transactional_id=None,
            acks=1,
            timeout_ms=30_000,
            topic_data=[ProduceRequest.TopicProduceData(name=topic, partition_data=[part])],
            max_version=9,
        )
        manager = consumer._manager
        manager.bootstrap(10_000)
        answer = manager.run(manager.send, request)
        code = answer.responses[0].partition_responses[0].error_code
        assert code == 0, for_code(code)
    finally:
        consumer.close(autocommit=False)


class Place(NamedTuple):
    """Where a batch lies in a log segment."""

    at: int
    size: int
    base: int
    end: int


def places(segment: Path) -> list[Place]:
    """The batches of a log segment, in order."""
    data, found, at = segment.read_bytes(), [], 0
    while at + HEADER <= len(data):
        base, length = struct.unpack_from(">qi", data, at)
        if length <= 0:
            break
        (delta,) = struct.unpack_from(">i", data, at + DELTA_AT)
        found.append(Place(at, length + 12, base, base + delta + 1))
        at += length + 12
    return found


def overwrite(segment: Path, at: int, data: bytes) -> None:
    """Change bytes of a segment in place; the broker serves what is there."""
    with segment.open("r+b") as file:
        file.seek(at)
        file.write(data)


def flip(segment: Path, place: Place, back: int = 1) -> None:
    """Turn one bit of the batch, so many bytes from its end."""
    at = place.at + place.size - back
    byte = segment.read_bytes()[at]
    overwrite(segment, at, bytes([byte ^ 1]))


def mend(segment: Path, place: Place) -> None:
    """Make the checksum right again, of whatever the batch holds by now."""
    body = segment.read_bytes()[place.at + BODY_AT : place.at + place.size]
    overwrite(segment, place.at + CRC_AT, struct.pack(">I", crc32c(body)))


def segment(broker: Broker, topic: str, partition: int = 0) -> Path:
    """The first log segment of a partition."""
    return broker._folder / "data" / f"{topic}-{partition}" / "00000000000000000000.log"
