"""Rows as points: all features of a row together, in a space of at most 64 dimensions.

Everything is in whole steps, a 16th of an octave each, so that sums over rows are exact integers,
the same in whatever order and on whatever machine rows are added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, log2, pi, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collectors.events import (
    AnyColumn,
    CategoryColumn,
    ImageColumn,
    Ints,
    ListColumn,
    NumberColumn,
    TextColumn,
    usable,
)
from collectors.grid import Grid
from collectors.hashing import Hashes, hash_names, hash_text, mix
from collectors.schema import Schema
from collectors.specs import (
    BOOLEANS,
    CategorySpec,
    ColumnSpec,
    ImageSpec,
    ListSpec,
    NumberSpec,
    TextSpec,
    digest,
)

FORMAT = 1
"""Version of the way from a row to its point: it is part of every space's id."""

MOST = 64
"""Dimensions; more coordinates than that share them."""

STEPS = 16
"""Whole steps in an octave, which is what coordinates are measured in."""

FARTHEST = 8 * STEPS - 1
"""A coordinate, beyond which it is clipped."""

SLOTS = 4
"""Coordinates of a category."""

FREQUENCIES = 64

TURN = 65_536
"""Whole steps in a turn of a phase."""

AT_ONCE = 8192
"""Numbers that are squashed at once: larger arrays cost more for their memory than for the work."""

Points = NDArray[np.int8]
"""In steps."""

_DROPPED_BITS = 23 - 4  # of float32's 23 mantissa bits, 4 stay: 16 to an octave
_ONE = 127 << 23  # the bits of 1.0


@dataclass(frozen=True, slots=True)
class _Part:
    """What one feature is measured by: a number on a grid, or a category in some slots.

    Attributes:
        first: its first coordinate.
        name: which number of the column it is; "" for the only one.
    """

    feature: str
    first: int
    grid: Grid | None = None
    name: str = ""
    category: CategorySpec | None = None
    slots: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """The space that rows of one schema lie in.

    A number is sign(z) log2(1 + |z|), z its distance from the grid's centre in scale units, linear
    between two powers of two and clipped at 8; a text is its length, an image its brightness and
    contrast; a category is 1 or -1 in one of 4 coordinates, by its place among the known values,
    else by hash; a boolean is 1 or -1. What is not there is 0, and 1 in a coordinate of its own.
    Coordinates beyond the 64th are added to earlier ones, each with a sign, by hash, and the sums
    made smaller by the power of two next to the root of their number.

    Attributes:
        id: 16 hex digits, the same wherever rows become the same points.
        names: the features that each dimension is of, [d].
        frequencies: of the random Fourier features, whole steps of a phase for a step of a
            coordinate, float32 [64, d]. They are normal, those of the Gaussian kernel whose
            squared bandwidth is the number of features: about half the squared distance of two
            rows.
    """

    id: str
    names: tuple[tuple[str, ...], ...]
    frequencies: NDArray[np.float32]
    _seed: int
    _features: tuple[str, ...]
    _parts: tuple[_Part, ...]
    _owners: Ints  # place in `_features` of each coordinate of a value
    _dimension: Ints  # of each coordinate, those of values before the marks
    _signs: Ints

    @classmethod
    def of(cls, schema: Schema, ignore: frozenset[str] = frozenset()) -> Space | None:
        """The space of the features that are not ignored; None where they are fewer than two."""
        columns = {n: schema.columns[n] for n in sorted(schema.columns) if n not in ignore}
        if len(columns) < 2:
            return None
        kinds = [[name, schema.part_id(spec)] for name, spec in columns.items()]
        id = digest(["multivariate", FORMAT, schema.seed, kinds])
        return _space(id, schema.seed, tuple(columns.items()))

    def __len__(self) -> int:
        return len(self.names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Space) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def points(self, columns: Mapping[str, AnyColumn], rows: int) -> Points:
        """Every row's point, [d, rows]."""
        values = len(self._owners)
        found = np.zeros((len(self._dimension), rows), dtype=np.int8)
        gone = ~usable(np.array([columns[name].status for name in self._features]))
        complete = not gone.any()
        numbers = [part for part in self._parts if part.category is None]
        together = max(AT_ONCE // max(rows, 1), 1)
        for start in range(0, len(numbers), together):
            some = numbers[start : start + together]
            places = [part.first for part in some]
            squashed = _squashed(some, columns)
            found[places] = squashed if complete else squashed * ~gone[self._owners[places]]
        for part in self._parts:
            column = columns[part.feature]
            if part.category is not None and isinstance(column, CategoryColumn):
                table = self._table(part.category, part, column.names)
                found[part.first : part.first + part.slots] = table[:, column.codes]
        if not complete:
            np.multiply(gone, np.int8(STEPS), out=found[values:])
        if len(found) <= MOST:
            return found
        return self._shared(found[:values] if complete else found)

    def _shared(self, found: Points) -> Points:
        """Coordinates added up by dimension; those that are left out are 0."""
        together = np.zeros((len(self), found.shape[1]), dtype=np.int32)
        for coordinate, dimension, sign in zip(found, self._dimension, self._signs, strict=False):
            add = np.add if sign > 0 else np.subtract
            add(together[dimension], coordinate, out=together[dimension])
        smaller = np.rint(together * np.float32(_shrinking(len(self._dimension))))
        return np.asarray(np.clip(smaller, -FARTHEST, FARTHEST), dtype=np.int8)

    def _table(self, spec: CategorySpec, part: _Part, names: tuple[str, ...]) -> Points:
        """What each name is in the part's slots, and last that of no value, [slots, names + 1]."""
        places = spec.places(names, self._seed)
        other = np.flatnonzero(places < 0)
        if len(other):
            salt = np.uint64(hash_text(part.feature, self._seed))
            hashes = mix(hash_names([names[i] for i in other.tolist()], self._seed) ^ salt)
            places[other] = (hashes >> np.uint64(32)).astype(np.int64)
        table = np.zeros((part.slots, len(names) + 1), dtype=np.int8)
        signs = np.where(places // part.slots % 2, -STEPS, STEPS)
        table[places % part.slots, np.arange(len(names))] = signs
        return table


def _squashed(parts: Sequence[_Part], columns: Mapping[str, AnyColumn]) -> Points:
    """The numbers of so many parts, [parts, n]; anything where there is none.

    The top bits of float32(1 + |z|), counted from those of 1, as grids count their cells.
    """
    each = [_numbers(columns[part.feature], part.name) for part in parts]
    values = np.array(each, dtype=np.float64)
    scaled = np.empty(values.shape, dtype=np.float32)
    grids = [part.grid for part in parts if part.grid is not None]
    with np.errstate(over="ignore", invalid="ignore"):
        values -= np.array([grid.center for grid in grids])[:, None]
        inverse = np.array([1.0 / grid.scale for grid in grids])[:, None]
        np.multiply(values, inverse, out=scaled, casting="same_kind")
        octaves = np.abs(scaled)
        octaves += np.float32(1.0)
    steps = octaves.view(np.int32)
    steps += (1 << (_DROPPED_BITS - 1)) - _ONE  # half a step more: the nearest one
    steps >>= _DROPPED_BITS
    np.minimum(steps, FARTHEST, out=steps)
    return np.copysign(steps.astype(np.float32), scaled).astype(np.int8)


def _numbers(column: AnyColumn, name: str) -> NDArray[Any]:
    """The numbers of a column, [n]; anything where there is none."""
    match column:
        case NumberColumn():
            return column.values
        case TextColumn():
            return np.fromiter(map(len, column.values), np.float64, len(column.values))
        case ListColumn():
            return column.lengths
        case ImageColumn():
            return column.brightness if name == "brightness" else column.contrast
        case _:
            raise TypeError(f"{type(column).__name__} has no numbers to compare")


@lru_cache(maxsize=64)
def _space(id: str, seed: int, columns: tuple[tuple[str, ColumnSpec], ...]) -> Space:
    parts: list[_Part] = []
    owners: list[int] = []
    for place, (name, spec) in enumerate(columns):
        for part in _parts_of(name, spec, len(owners)):
            parts.append(part)
            owners += [place] * part.slots
    features = tuple(name for name, _ in columns)
    every = [*owners, *range(len(features))]
    # Values have dimensions of their own as far as there are any, in an order by hash.
    hashes = mix(np.arange(len(every), dtype=np.uint64) ^ np.uint64(hash_text("space", seed)))
    order = np.lexsort((hashes, np.arange(len(every)) >= len(owners)))
    dimension = np.arange(len(every))
    if len(every) > MOST:
        dimension[order] = np.arange(len(every)) % MOST
    d = min(len(every), MOST)
    signs = np.where(hashes >> np.uint64(63), 1, -1)
    signs[order[:d]] = 1
    names: list[dict[str, None]] = [{} for _ in range(d)]
    for coordinate in order.tolist():
        names[dimension[coordinate]][features[every[coordinate]]] = None
    return Space(
        id=id,
        names=tuple(map(tuple, names)),
        frequencies=_frequencies(seed, d, len(features) * _shrinking(len(every)) ** 2),
        _seed=seed,
        _features=features,
        _parts=tuple(parts),
        _owners=np.array(owners),
        _dimension=dimension,
        _signs=signs,
    )


def _parts_of(feature: str, spec: ColumnSpec, first: int) -> list[_Part]:
    match spec:
        case NumberSpec():
            return [_Part(feature, first, spec.grid)]
        case TextSpec():
            return [_Part(feature, first, spec.chars)]
        case ListSpec():
            return [_Part(feature, first, spec.items)]
        case ImageSpec():
            brightness = _Part(feature, first, spec.brightness, "brightness")
            return [brightness, _Part(feature, first + 1, spec.contrast, "contrast")]
        case CategorySpec(known=known):
            slots = 1 if known == BOOLEANS else SLOTS
            return [_Part(feature, first, category=spec, slots=slots)]
        case _:
            raise TypeError(f"{type(spec).__name__} is no feature's")


def _shrinking(coordinates: int) -> float:
    """What the sums of so many coordinates are multiplied by."""
    return 2.0 ** -ceil(log2(max(coordinates / MOST, 1.0)) / 2.0)


def _frequencies(seed: int, dimensions: int, squared: float) -> NDArray[np.float32]:
    """Normal numbers made of hashes (Box and Muller 1958), so that no library changes them."""
    count = FREQUENCIES * dimensions
    start = np.uint64(hash_text("frequencies", seed) >> 1)
    numbers = np.arange(2 * count, dtype=np.uint64) + start
    first, second = _uniform(mix(numbers)).reshape(2, count)
    normal = np.sqrt(-2.0 * np.log(first)) * np.cos(2.0 * pi * second)
    step = TURN / (2.0 * pi * STEPS * sqrt(squared))
    return np.rint(normal.reshape(FREQUENCIES, dimensions) * step).astype(np.float32)


def _uniform(hashes: Hashes) -> NDArray[np.float64]:
    """In (0, 1), float64 [n]."""
    return np.asarray(((hashes >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53)
