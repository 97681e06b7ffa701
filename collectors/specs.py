"""What a column is: its kind, and what makes two of its summaries mergeable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property, lru_cache
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from collectors.events import (
    AnyColumn,
    CategoryColumn,
    Floats,
    Ints,
    ListColumn,
    NumberColumn,
    ScoresColumn,
    TextColumn,
)
from collectors.grid import Grid
from collectors.hashing import hash_names, hash_text
from collectors.layout import Kind, OutputKind

BOOLEANS = ("false", "true")
"""What a boolean's values are called."""

MOST_KNOWN = 1_000
"""Categories that are counted one by one; the rest goes into hash buckets."""

HUGE = 1e150
"""Numbers beyond it would overflow a sum of squares."""


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is read back strictly."""


class NumberSpec(Strict, frozen=True, tag="number"):
    """A number: its grid, and the range declared as valid."""

    grid: Grid
    range: tuple[float, float] | None = None


class CategorySpec(Strict, frozen=True, dict=True, tag="category"):
    """A category or boolean: values counted one by one, as names, or as hex hashes when private.

    Attributes:
        seen: sorted hashes of all valid values, uint64 little-endian; None where `known` are all.
        declared: whether a value that is not among the valid ones is unseen; else nothing is.
    """

    known: tuple[str, ...]
    seen: bytes | None = None
    declared: bool = False
    private: bool = False

    def __post_init__(self) -> None:
        if self.seen is not None and len(self.seen) % 8:
            raise ValueError("the hashes of the values seen are cut short")

    @cached_property
    def _place(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.known)}

    def places(self, names: Sequence[str], seed: int) -> Ints:
        """Index of each name in `known`, int64 [n]; -1 where it is not there."""
        shown = [_hidden(name, seed) for name in names] if self.private else names
        return np.array([self._place.get(name, -1) for name in shown], dtype=np.int64)

    def unseen(self, names: Sequence[str], seed: int) -> NDArray[np.bool_]:
        """Where a name is not among the valid ones, bool [n]; nowhere where none are declared."""
        if not self.declared:
            return np.zeros(len(names), dtype=np.bool_)
        if self.seen is None:
            return np.asarray(self.places(names, seed) < 0, dtype=np.bool_)
        seen = np.frombuffer(self.seen, dtype="<u8")
        return np.isin(hash_names(names, seed), seen, invert=True)


class TextSpec(Strict, frozen=True, tag="text"):
    """Text: the grids of its length in characters and in words."""

    chars: Grid
    words: Grid


class ListSpec(Strict, frozen=True, tag="list"):
    """A list: the grid of its length."""

    items: Grid


class ImageSpec(Strict, frozen=True, tag="image"):
    """An image: brightness and contrast from 0 to 1, width and height in pixels."""

    brightness: Grid = Grid(0.5, -2)
    contrast: Grid = Grid(0.25, -3)
    width: Grid = Grid(0.0, 6)
    height: Grid = Grid(0.0, 6)


class ScoresSpec(Strict, frozen=True, tag="scores"):
    """Class scores: the winning class, and the grid of their entropy in nats."""

    top: CategorySpec
    entropy: Grid = Grid(0.0, -2)


ColumnSpec = NumberSpec | CategorySpec | TextSpec | ListSpec | ImageSpec | ScoresSpec


def kind_of(spec: ColumnSpec) -> Kind:
    """The kind of feature that has such a spec."""
    if isinstance(spec, CategorySpec):
        return "boolean" if spec.known == BOOLEANS else "category"
    kinds: dict[type, Kind] = {
        NumberSpec: "number",
        TextSpec: "text",
        ListSpec: "list",
        ImageSpec: "image",
    }
    return kinds[type(spec)]


@lru_cache(maxsize=65_536)
def part_id(spec: ColumnSpec, seed: int, unseen_k: int) -> str:
    """16 hex digits, the same wherever columns of this kind are counted alike."""
    return digest([declared_as(spec, None, None, 0), seed, unseen_k])


def digest(value: object) -> str:
    """16 hex digits (BLAKE2b) of a value as JSON."""
    return blake2b(msgspec.json.encode(value), digest_size=8).hexdigest()


def spec_for(
    kind: Kind | OutputKind,
    columns: Sequence[AnyColumn],
    categories: tuple[str, ...] | None,
    private: bool,
    seed: int,
) -> ColumnSpec:
    """The spec for columns like these. What is declared wins over what is seen."""
    if kind == "number":
        numbers = [c.values for c in columns if isinstance(c, NumberColumn)]
        return NumberSpec(Grid.fit(joined(numbers)))
    if kind == "boolean":
        return CategorySpec(BOOLEANS)
    if kind == "category":
        return _categories(columns, categories, private, seed)
    if kind == "scores":
        tops = [c.top for c in columns if isinstance(c, ScoresColumn)]
        return ScoresSpec(_categories(tops, categories, private, seed))
    if kind == "list":
        lengths = [c.lengths for c in columns if isinstance(c, ListColumn)]
        return ListSpec(Grid.fit(joined(lengths)))
    if kind == "image":
        return ImageSpec()
    texts = [value for c in columns if isinstance(c, TextColumn) for value in c.values if value]
    return TextSpec(
        Grid.fit(np.array([len(text) for text in texts], dtype=np.float64)),
        Grid.fit(np.array([len(text.split()) for text in texts], dtype=np.float64)),
    )


def joined(parts: Sequence[Any]) -> Floats:
    """All of the numbers, float64 [n]."""
    return np.concatenate([np.zeros(0), *parts]).astype(np.float64)


def _categories(
    columns: Sequence[AnyColumn], declared: tuple[str, ...] | None, private: bool, seed: int
) -> CategorySpec:
    rows: Counter[str] = Counter()
    for column in columns:
        if isinstance(column, CategoryColumn):
            counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.names))
            rows.update(dict(zip(column.names, counts.tolist(), strict=True)))
    if declared is None:
        known = sorted((name for name in rows if rows[name]), key=lambda name: (-rows[name], name))
        known = known[:MOST_KNOWN]
    else:
        names = list(dict.fromkeys(declared))
        frequent = set(sorted(names, key=lambda name: -rows[name])[:MOST_KNOWN])
        known = [name for name in names if name in frequent]
    if private:
        known = [_hidden(name, seed) for name in known]
    return CategorySpec(tuple(known), private=private)


def declared_as(
    spec: ColumnSpec,
    range_: tuple[float, float] | None,
    categories: Sequence[str] | None,
    seed: int,
) -> ColumnSpec:
    """The spec with these values as the valid ones; None declares nothing."""
    if isinstance(spec, NumberSpec):
        return msgspec.structs.replace(spec, range=range_)
    if isinstance(spec, CategorySpec):
        return _declare_categories(spec, categories, seed)
    if isinstance(spec, ScoresSpec):
        top = _declare_categories(spec.top, categories, seed)
        return msgspec.structs.replace(spec, top=top)
    return spec


def _declare_categories(
    spec: CategorySpec, categories: Sequence[str] | None, seed: int
) -> CategorySpec:
    seen = None
    if categories is not None:
        seen = np.unique(hash_names(categories, seed)).astype("<u8").tobytes()
    return msgspec.structs.replace(spec, seen=seen, declared=categories is not None)


def _hidden(name: str, seed: int) -> str:
    return f"{hash_text(name, seed):016x}"
