"""One dead letter: a record that is no inference, as it came, with where from and why."""

from __future__ import annotations

import base64
from typing import NamedTuple

import msgspec

from collectors.sources import Partition

MOST_BYTES = 64 * 1024
"""Bytes kept of a record."""


class Name(NamedTuple):
    """What a letter is known by: a replay of the log makes the same one again."""

    partition: Partition
    offset: int
    item: int

    @property
    def key(self) -> bytes:
        """The name as a Kafka key."""
        topic, number = self.partition
        return f"{topic}/{number}/{self.offset}/{self.item}".encode()


class Letter(NamedTuple):
    """A letter: `size` is that of the record, of which `value` is the beginning."""

    name: Name
    reason: str
    size: int | None
    value: bytes | None

    def line(self) -> bytes:
        """The letter as a line of JSON."""
        (topic, number), offset, item = self.name
        fields = {
            # The path of a file is the topic of its records, and may be no Unicode.
            "topic": topic.encode("utf-8", "backslashreplace").decode(),
            "partition": number,
            "offset": offset,
            "item": item,
            "reason": self.reason,
            "bytes": self.size,
            "value": None if self.value is None else base64.b64encode(self.value).decode(),
        }
        return msgspec.json.encode(fields) + b"\n"

    def headers(self) -> list[tuple[str, bytes]]:
        """All but the value, as headers of a Kafka record."""
        (topic, number), offset, item = self.name
        found = {
            "reason": self.reason,
            "topic": topic,
            "partition": number,
            "offset": offset,
            "item": item,
            "bytes": self.size,
        }
        return [(key, str(v).encode()) for key, v in found.items() if v is not None]


def make_letter(
    partition: Partition, offset: int, item: int, reason: str, value: bytes | None
) -> Letter:
    """The letter of a record, which may be of any size."""
    name = Name(partition, offset, item)
    if value is None:
        return Letter(name, reason, None, None)
    return Letter(name, reason, len(value), bytes(value[:MOST_BYTES]))
