"""Lists of Python values, as JSON has them, to columns.

A value is None, UNSET (absent), a bool, int, float, str, list or dict; a `Status` in its place says
what is already known of it. Every kind shares: None is NULL, UNSET is ABSENT, "" is EMPTY, NaN is
NAN and Infinity NONFINITE; what is left over and no value of the kind is TYPE.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import NoneType
from typing import Any

import msgspec
import numpy as np
import xxhash
from msgspec import UNSET, UnsetType

from collectors.events import (
    CategoryColumn,
    Codes,
    ListColumn,
    NumberColumn,
    Status,
    Statuses,
    TextColumn,
)

MAX_NAME = 256
"""Characters of a category's name; a longer one is cut, and ends in a hash of the whole."""

MAX_LIST_DEPTH = 100
"""A list that nests deeper is no list of values."""

_NOTHING = (NoneType, UnsetType)
_MISSING = {None: Status.NULL, UNSET: Status.ABSENT, "": Status.EMPTY}
_TRUTH = {True: 1, False: 0, None: -int(Status.NULL), UNSET: -int(Status.ABSENT)}
_WORDS = {"true": "true", "false": "false"}
_TRUTH_NAMES = ("false", "true")


def leftover(value: Any) -> Status:
    """What became of a value that is none of its kind."""
    kind = type(value)
    if kind is Status:
        return Status(value)
    if kind is float and not math.isfinite(value):
        return Status.NAN if math.isnan(value) else Status.NONFINITE
    if kind is list or kind is dict:
        return Status.TYPE
    return _MISSING.get(value, Status.TYPE)


def numbers(values: Sequence[Any]) -> NumberColumn:
    """Numbers, and strings that spell one ("nan" is NAN, "inf" NONFINITE)."""
    status = np.zeros(len(values), dtype=np.uint8)
    if not set(map(type, values)) <= {float, int}:
        values = list(values)
        odd = [i for i, value in enumerate(values) if type(value) is not float]
        for i in odd:
            values[i], status[i] = _number(values[i])
    try:
        array = np.array(values, dtype=np.float64)
    except OverflowError:  # an integer beyond float64
        array = np.array([_number(value)[0] for value in values], dtype=np.float64)
    finite = np.isfinite(array)
    if not finite.all():
        status[np.isnan(array) & (status == Status.OK)] = Status.NAN
        status[np.isinf(array)] = Status.NONFINITE
        array[~finite] = np.nan
    return NumberColumn(array, status)


def _number(value: Any) -> tuple[float, Status]:
    kind = type(value)
    if kind is float:
        return value, Status.OK
    if kind is int:
        try:
            return float(value), Status.OK
        except OverflowError:
            return math.inf, Status.OK
    if kind is str:
        return _spelled(value)
    return math.nan, leftover(value)


def _spelled(text: str) -> tuple[float, Status]:
    """The number that `text` spells: what Python reads, but ASCII digits without underscores."""
    try:
        if "_" in text or not text.isascii():
            return math.nan, Status.TYPE
        return float(text), Status.OK
    except ValueError:
        return math.nan, Status.TYPE if text.strip() else Status.EMPTY


def categories(values: Sequence[Any]) -> CategoryColumn:
    """Categories by name: strings; integers, whole floats and booleans as JSON text."""
    if not set(map(type, values)) <= {str, NoneType, UnsetType}:
        values = [name_of(value) for value in values]
    return named(values)


def name_of(value: Any) -> Any:
    """The value as a category's name, or its `Status`; None, UNSET and strings as they are."""
    kind = type(value)
    if kind is str or kind in _NOTHING:
        return value
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        # As a number it would not be finite either, and its text would be no name for people.
        return str(value) if value.bit_length() < 1024 else Status.NONFINITE
    if kind is float and math.isfinite(value):
        return str(int(value)) if value.is_integer() and abs(value) < 2**63 else repr(value)
    return leftover(value)


def named(values: Sequence[Any]) -> CategoryColumn:
    """A category column of values that are names, None, UNSET or a `Status`."""
    names: dict[str, int] = {}
    coded: dict[Any, int] = {}
    for value in dict.fromkeys(values):
        if type(value) is Status:
            coded[value] = -value
        elif value in _MISSING:
            coded[value] = -_MISSING[value]
        else:
            coded[value] = names.setdefault(bounded(value), len(names))
    codes = np.fromiter(map(coded.__getitem__, values), dtype=np.int32, count=len(values))
    return _coded(codes, tuple(names))


def bounded(name: str) -> str:
    """The name itself, or its beginning and a hash of the whole: distinct names stay distinct."""
    if len(name) <= MAX_NAME:
        return name
    digest = xxhash.xxh3_64_hexdigest(name.encode("utf-8", "replace"))
    return f"{name[: MAX_NAME - 17]}~{digest}"


def _coded(codes: Codes, names: tuple[str, ...]) -> CategoryColumn:
    """A column of codes in which a negative one is the negative of its status."""
    status: Statuses = np.where(codes < 0, -codes, 0).astype(np.uint8)
    codes[codes < 0] = -1
    return CategoryColumn(codes, names, status)


def booleans(values: Sequence[Any]) -> CategoryColumn:
    """Truth: true and false, 1 and 0, and the words "true" and "false" in any case."""
    if not set(map(type, values)) <= {bool, NoneType, UnsetType}:
        codes = [_truth(value) for value in values]
    else:
        codes = [_TRUTH[value] for value in values]
    return _coded(np.array(codes, dtype=np.int32), _TRUTH_NAMES)


def _truth(value: Any) -> int:
    kind = type(value)
    if kind is str:
        word = value.strip().casefold()
        return _TRUTH_NAMES.index(word) if word in _TRUTH_NAMES else -leftover(value)
    if kind is bool or (kind in (int, float) and value in (0, 1)):
        return int(value)
    return -leftover(value)


def texts(values: Sequence[Any]) -> TextColumn:
    """Free text: strings alone."""
    values = [value if type(value) is str and value else leftover(value) for value in values]
    status = [value if type(value) is Status else Status.OK for value in values]
    return TextColumn(
        [value if type(value) is str else "" for value in values],
        np.array(status, dtype=np.uint8),
    )


def lists(values: Sequence[Any]) -> ListColumn:
    """Lists: their length, and the hash of their JSON with sorted keys."""
    lengths = np.zeros(len(values), dtype=np.int64)
    hashes = np.zeros(len(values), dtype=np.uint64)
    status = np.zeros(len(values), dtype=np.uint8)
    for i, value in enumerate(values):
        if type(value) is not list:
            status[i] = leftover(value)
        elif not value:
            status[i] = Status.EMPTY
        elif (text := canonical(value)) is None:
            status[i] = Status.TYPE
        else:
            lengths[i] = len(value)
            hashes[i] = xxhash.xxh3_64_intdigest(text)
    return ListColumn(lengths, hashes, status)


def canonical(value: Any) -> bytes | None:
    """A plain value as JSON bytes, the same for equal values; None if it nests too deep.

    NaN and Infinity are written as null, as JSON has no word for them.
    """
    try:
        text = msgspec.json.encode(value, order="sorted")
    except RecursionError:
        return None
    if text.count(b"[") + text.count(b"{") > MAX_LIST_DEPTH and _depth(value) > MAX_LIST_DEPTH:
        return None
    return text


def _depth(value: Any) -> int:
    """Levels of lists and objects in `value`, counted up to one more than is allowed."""
    level, depth = [value], 0
    while level and depth <= MAX_LIST_DEPTH + 1:
        level = [
            item
            for part in level
            if type(part) is list or type(part) is dict
            for item in (part.values() if type(part) is dict else part)
        ]
        depth += 1
    return depth - 1
