"""Where the parts of an inference lie in a record: one value a model, made from the config.

Formats read by it, the schema is built from it. Paths are tuples of object keys (str) and list
indices (int), so that a key may contain a dot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Path = tuple[str | int, ...]
Kind = Literal["number", "category", "boolean", "text", "list", "image"]
OutputKind = Literal["number", "category", "boolean", "scores"]
LatencyUnit = Literal["s", "ms", "us"]

KINDS: tuple[Kind, ...] = ("number", "category", "boolean", "text", "list", "image")


@dataclass(frozen=True, slots=True)
class Where:
    """One place of a value: a path in the record, a header, the key, or by topic name.

    Exactly one is set. `topics` maps a topic's name to the value.
    """

    path: Path | None = None
    header: str | None = None
    key: bool = False
    topics: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Feature:
    """One input of the model.

    `range` (low, high) and `categories` are what the config declares as valid; None declares
    nothing. A `private` feature never enters a sample, and its known values are kept as hashes.
    """

    name: str
    kind: Kind
    path: Path
    range: tuple[float, float] | None = None
    categories: tuple[str, ...] | None = None
    private: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """What the model answers. `kind` None: settled from the first rows, with the schema.

    `null_words` are strings that mean "no answer", compared without case and outer white space.
    `classes` are the names of a score list's places, or the categories an answer may take.
    """

    kind: OutputKind | None = None
    path: Path = ("prediction",)
    null_words: tuple[str, ...] = ()
    classes: tuple[str, ...] | None = None
    private: bool = False


@dataclass(frozen=True)
class ImageLimits:
    """What an image may weigh before anything of it is decoded."""

    max_bytes: int = 10 * 1024 * 1024
    max_pixels: int = 50_000_000


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything a format has to know about one model.

    Attributes:
        time: event time; None takes the broker's timestamp. `time_zone` (IANA) is the zone of
            times that carry none.
        error: an error's name, or anything else that is not null, false, 0 or "".
        status: an HTTP-like status; 400 and above is an error named by the number.
        resources: paths by name, of `collectors.events.RESOURCES`.
        max_record_bytes: larger records are counted and not decoded.
        max_items: a record that is a longer list is refused whole as too large.
    """

    model: str
    features: tuple[Feature, ...]
    output: Output | None
    time: Where | None = None
    time_zone: str = "UTC"
    request_id: Where | None = None
    version: Where | None = None
    latency: Path | None = None
    latency_unit: LatencyUnit = "ms"
    error: Path | None = None
    status: Path | None = None
    resources: Mapping[str, Path] = field(default_factory=dict)
    image_limits: ImageLimits = ImageLimits()
    max_record_bytes: int = 1024 * 1024
    max_items: int = 100_000
