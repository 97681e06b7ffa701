"""64-bit hashes of values and rows: the same in every process, on every machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xxhash
from numpy.typing import NDArray

from collectors.events import (
    AnyColumn,
    CategoryColumn,
    Ints,
    NumberColumn,
    Status,
    TextColumn,
    usable,
)

Hashes = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MASK = 2**64 - 1


def hash_text(value: str | bytes, seed: int) -> int:
    """XXH3 of the UTF-8 bytes; lone surrogates are taken as they are."""
    data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    return xxhash.xxh3_64_intdigest(data, seed)


def hash_names(names: Sequence[str], seed: int) -> Hashes:
    """`hash_text` of each name, uint64 [n]."""
    return np.fromiter((hash_text(name, seed) for name in names), np.uint64, len(names))


def mix(values: Hashes) -> Hashes:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit moves every other."""
    mixed = values + _GOLDEN
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)


def hash_column(column: AnyColumn, seed: int) -> Hashes:
    """Hash of each value, uint64 [n]; a value that is not usable hashes by its status alone."""
    status = column.status
    if isinstance(column, NumberColumn):
        hashes = (column.values + 0.0).view(np.uint64)  # + 0.0 makes -0.0 equal to 0.0
    elif isinstance(column, CategoryColumn):
        hashes = np.append(hash_names(column.names, seed), np.uint64(0))[column.codes]
    elif isinstance(column, TextColumn):
        hashes = hash_names(column.values, seed)
    else:
        hashes = column.hashes
    good = usable(status)
    # A flag (out of range, unseen) depends on the config; the value does not.
    kind = np.where(good, Status.OK, status).astype(np.uint64)
    salt = np.uint64(seed & _MASK)
    return mix(np.where(good, hashes, np.uint64(0)) ^ mix(kind + salt))


def hash_rows(columns: Mapping[str, AnyColumn], rows: int, seed: int) -> Hashes:
    """Hash of all values of each row, uint64 [rows].

    Which column holds which value counts; the order in which the columns are given does not, so
    that a config whose features change places still finds the same inputs.
    """
    combined = np.full(rows, seed & _MASK, dtype=np.uint64)
    for name in sorted(columns):
        combined = mix(combined ^ hash_column(columns[name], seed))
    return combined


def hash_identity(topic: str, partition: int, offsets: Ints, items: Ints, seed: int) -> Hashes:
    """Hash of where each row stands in the log, uint64 [n]."""
    log = np.uint64(hash_text(f"{topic}\x00{partition}", seed))
    return mix(mix(offsets.astype(np.uint64) ^ log) ^ items.astype(np.uint64))
