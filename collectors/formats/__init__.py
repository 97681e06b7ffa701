"""Wire formats: bytes in, events out. One format a file; the registry names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from collectors.events import Events
from collectors.sources import Records


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record (or one item of its list) that is no inference: where, and why.

    `index` is its place in the batch, `item` its place in the record's list, -1 for the whole
    record. `reason` is one of `REASONS`.
    """

    index: int
    item: int
    reason: str


REASONS = ("malformed", "too_large", "tombstone", "empty", "no_time", "unsupported")
"""Every way in which a record can fail to be an inference."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A batch, taken apart: len(events) + len(rejected) is the number of items that came in."""

    events: Events
    rejected: Sequence[Rejected]


class Format(Protocol):
    """One wire format, set up for one model. Never raises for what a record contains."""

    def decode(self, records: Records) -> Decoded:
        """All of `records` as events, in order, and every record that is none as rejected."""
