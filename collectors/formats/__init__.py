"""Wire formats: bytes in, events out. One format a file; the registry names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from collectors.events import Events
from collectors.layout import Layout
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


FORMATS: Mapping[str, str] = {
    "json": "collectors.formats.json:JsonFormat",
}
"""Every format by its name in the config: module and class, imported when first used."""


def make_format(name: str, layout: Layout) -> Format:
    """The format called `name`, set up for one model.

    Raises:
        ValueError: no such format, or a layout that it cannot read by.
        ImportError: the layout needs a package that is not installed; the message names it.
    """
    if name not in FORMATS:
        raise ValueError(f"there is no format {name!r}; known are: {', '.join(sorted(FORMATS))}")
    module, _, attribute = FORMATS[name].partition(":")
    made: Format = getattr(import_module(module), attribute)(layout)
    return made
