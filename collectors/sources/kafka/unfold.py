"""Decompression with a limit: a batch of 32 KiB can unfold to 1 GiB, and is refused before it does.

kafka-python's own codecs have no limit. These read as it does (several frames or members one after
another, snappy with the framing of xerial or without), and stop where the limit is passed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import lz4.frame  # type: ignore[import-untyped]
import snappy  # type: ignore[import-untyped]
import zstandard

CHUNK = 1024 * 1024
_XERIAL = b"\x82SNAPPY\x00"
_XERIAL_HEADER = 16


class TooLarge(Exception):
    """What is folded is larger than the limit."""


class Damaged(Exception):
    """It cannot be unfolded."""


def unfold(codec: int, data: memoryview, limit: int) -> bytes:
    """What `data` holds, by the number that Kafka gives to codecs.

    Raises:
        TooLarge: it is more than `limit` bytes.
        Damaged: it cannot be unfolded, or nobody knows the codec.
    """
    way = _CODECS.get(codec)
    if way is None:
        raise Damaged(f"compression codec {codec} is unknown")
    try:
        return way(data, limit)
    except (TooLarge, Damaged):
        raise
    except Exception as error:
        # Each library has errors of its own, and some raise plain RuntimeErrors and worse.
        raise Damaged(f"{_NAMES[codec]}: {error!r}") from error


class _Parts:
    """Pieces that come one after another, never more than the limit in sum."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0

    @property
    def room(self) -> int:
        """How much to ask for next: one byte more than may be there."""
        return min(self._limit + 1 - self._size, CHUNK)

    def add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._limit:
            raise TooLarge(f"unfolds to more than {self._limit} bytes")
        self._pieces.append(piece)

    def whole(self) -> bytes:
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)


def _gzip(data: memoryview, limit: int) -> bytes:
    parts = _Parts(limit)
    rest: bytes | memoryview = data
    while rest:
        member = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        while not member.eof:
            piece = member.decompress(rest, parts.room)
            rest = member.unconsumed_tail
            if not piece and not rest and not member.eof:
                raise Damaged("gzip: ends too early")
            parts.add(piece)
        rest = member.unused_data
    return parts.whole()


def _lz4(data: memoryview, limit: int) -> bytes:
    parts = _Parts(limit)
    rest: bytes | memoryview = data
    while rest:
        frame = lz4.frame.LZ4FrameDecompressor()
        while not frame.eof:
            piece = frame.decompress(rest, parts.room)
            rest = b""
            parts.add(piece)
            if not piece and frame.needs_input and not frame.eof:
                raise Damaged("lz4: ends too early")
        rest = frame.unused_data or b""
    return parts.whole()


def _zstd(data: memoryview, limit: int) -> bytes:
    stated = zstandard.frame_content_size(data)
    if stated > limit:
        raise TooLarge(f"unfolds to {stated} bytes, more than {limit}")
    parts = _Parts(limit)
    reader = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True)
    with reader:
        while piece := reader.read(parts.room):
            parts.add(piece)
    if stated > 0 and len(parts.whole()) < stated:
        raise Damaged("zstd: ends too early")
    return parts.whole()


def _snappy(data: memoryview, limit: int) -> bytes:
    parts = _Parts(limit)
    if bytes(data[: len(_XERIAL)]) != _XERIAL:
        return _snappy_block(data, limit)
    position = _XERIAL_HEADER
    while position < len(data):
        (size,) = struct.unpack_from(">i", data, position)
        position += 4
        if size < 0 or position + size > len(data):
            raise Damaged("snappy: ends too early")
        parts.add(_snappy_block(data[position : position + size], limit))
        position += size
    return parts.whole()


def _snappy_block(data: memoryview, limit: int) -> bytes:
    """One block; its first bytes say, as a varint, how long it will be."""
    stated = shift = 0
    for byte in data[:5]:
        stated |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if stated > limit:
        raise TooLarge(f"unfolds to {stated} bytes, more than {limit}")
    return bytes(snappy.decompress(bytes(data)))


_CODECS: dict[int, Callable[[memoryview, int], bytes]] = {1: _gzip, 2: _snappy, 3: _lz4, 4: _zstd}
_NAMES = {1: "gzip", 2: "snappy", 3: "lz4", 4: "zstd"}
