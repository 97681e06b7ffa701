"""What is found in the first records of a model, and what is known of it beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from collectors.layout import Kind, LatencyUnit, OutputKind, Path


@dataclass(frozen=True, slots=True)
class Hints:
    """What the config says already, and is not looked for.

    Attributes:
        fields: places by field name; nothing else is looked for then. None: look for everything.
        features_at: the object or list in which the features lie.
        feature_paths: the features by name, where all are known.
    """

    fields: Mapping[str, Path] | None = None
    features_at: Path | None = None
    feature_paths: Mapping[str, Path] | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field lies, and what was seen there, for people."""

    path: Path
    note: str


@dataclass(frozen=True, slots=True)
class FoundFeature:
    """One input as observed.

    `missing` is the share of rows without it; `low` and `high` are its smallest and largest number;
    `categories` are all its distinct names, the most frequent first, () if they are many;
    `left_out` says why it had better not be watched.
    """

    name: str
    path: Path
    kind: Kind
    missing: float
    low: float | None = None
    high: float | None = None
    categories: tuple[str, ...] = ()
    distinct: int = 0
    left_out: str | None = None


@dataclass(frozen=True, slots=True)
class Discovery:
    """Everything found. `places` is by field name; `unused` are paths that nothing claims."""

    rows: int
    places: Mapping[str, Place] = field(default_factory=dict)
    latency_unit: LatencyUnit | None = None
    features_at: Path | None = None
    features: tuple[FoundFeature, ...] = ()
    output_kind: OutputKind | None = None
    unused: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
