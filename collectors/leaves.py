"""Decoded sample records taken apart: every path in them, and what lies there.

The first look at somebody's records, before any config says what they mean. Nothing here raises for
what a record contains, and everything is bounded.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import accumulate
from typing import Any

from collectors.layout import Kind, Path

MAX_ROWS = 10_000
MAX_LEAVES = 4_000
MAX_KEY = 200
MAX_DEPTH = 12
MAX_INDEXED = 16
"""Items of a list of objects or lists that are looked into; a list of plain values is one value."""

FEW = 50
"""Distinct strings up to which a text is rather a category."""

ENOUGH = 20
"""Rows from which on it means something that all values differ, or that each passes the last."""

_TOKENS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NUMBER = re.compile(r"\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_IMAGE = re.compile(r"data:image/|iVBORw0KGgo|/9j/|UklGR[A-Za-z0-9+/]{7}RUJQ")
_UUID = re.compile(r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}|[0-9a-fA-F]{16,}")
_EPOCH_UNITS = (("s", 1.0), ("ms", 1e3), ("us", 1e6), ("ns", 1e9))
_EPOCH_RANGE = (946_684_800.0, 4_102_444_800.0)  # the years 2000 to 2099


def tokens(key: str) -> tuple[str, ...]:
    """The words of a key in lower case: `latencyMs`, `latency-ms`, `LATENCY_MS` are the same."""
    return tuple(word.lower() for word in _TOKENS.findall(key))


def is_missing(value: Any) -> bool:
    """Null, NaN, and what is empty."""
    return value is None or value in ("", []) or (type(value) is float and math.isnan(value))


def number(value: Any) -> float | None:
    """The finite number that a JSON number, or a string that spells one, stands for."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and (len(value) > 400 or not _NUMBER.fullmatch(value)):
        return None
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if math.isfinite(result) else None


def time_style(value: Any) -> str | None:
    """How a value tells the time, None if it does not: `ISO 8601`, `a date`, `epoch ms` ..."""
    if isinstance(value, str) and _DATE.match(value):
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
        if len(value.strip()) == 10:
            return "a date"
        return "ISO 8601" if moment.tzinfo else "ISO 8601 without zone"
    epoch = number(value)
    if epoch is None:
        return None
    for unit, scale in _EPOCH_UNITS:
        if _EPOCH_RANGE[0] <= epoch / scale < _EPOCH_RANGE[1]:
            return f"epoch {unit}"
    return None


@dataclass(slots=True)
class Leaf:
    """One path, and the values that the rows have there (absent ones are not among them)."""

    path: Path
    rows: int = 0
    values: list[Any] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The last name on the path; "" where there is none."""
        return next((step for step in reversed(self.path) if isinstance(step, str)), "")


class Values:
    """What can be said of the values of one leaf in `rows` rows."""

    def __init__(self, values: Sequence[Any], rows: int) -> None:
        self.present = [value for value in values if not is_missing(value)]
        self.rows = rows

    @property
    def missing(self) -> float:
        """Share of rows without a value, 0 to 1."""
        return 1 - len(self.present) / self.rows if self.rows else 1.0

    @cached_property
    def strings(self) -> list[str]:
        return [value for value in self.present if isinstance(value, str)]

    @cached_property
    def numbers(self) -> list[float]:
        """Finite numbers in order, spelled ones included."""
        return [found for value in self.present if (found := number(value)) is not None]

    @cached_property
    def names(self) -> Counter[str]:
        """Strings and how often each came."""
        return Counter(self.strings)

    @cached_property
    def distinct(self) -> int:
        """Distinct plain values."""
        plain = (value for value in self.present if isinstance(value, str | int | float))
        return len(set(plain))

    def share(self, matches: Iterable[Any]) -> float:
        """Share of present values for which `matches` holds something true."""
        return sum(map(bool, matches)) / len(self.present) if self.present else 0.0

    def kind(self) -> Kind | None:
        """The kind of feature that they are; None if they are none, or there are none.

        Up to one value in ten may be of another type: it will count as invalid.
        """
        if self.share(isinstance(value, list) for value in self.present) >= 0.9:
            return "list"
        if self.share(isinstance(value, bool) for value in self.present) >= 0.9:
            return "boolean"
        if self._numeric():
            return "number"
        if self.share(isinstance(value, str | int | float) for value in self.present) < 0.9:
            return None
        return self._kind_of_strings()

    def time(self) -> str | None:
        """How at least nine in ten of them tell the time; None if they do not."""
        styles = Counter(filter(None, map(time_style, self.present)))
        if not styles or styles.total() < 0.9 * len(self.present):
            return None
        return styles.most_common(1)[0][0]

    def left_out(self, key_tokens: Sequence[str]) -> str | None:
        """Why a feature of these values had better not be watched; None if it may be."""
        if (self.time() or "").startswith(("ISO", "a date")):
            return "a time: it always grows"
        if self._grows():
            return "ever growing: every value passes the one before"
        count = len(self.present)
        differ = count >= ENOUGH and self.distinct >= 0.98 * count
        named = bool({"id", "uuid", "guid", "hash", "token"} & set(key_tokens))
        if self.strings and not self.numbers:
            coded = self.share(_UUID.fullmatch(text) for text in self.strings) >= 0.9
            one_word = not any(" " in text for text in self.strings)
            if coded or (differ and one_word and self.kind() == "category"):
                return "an identifier: every value is different"
        if named and (differ or "uuid" in key_tokens or "guid" in key_tokens):
            return "an identifier: every value is different"
        return None

    def _numeric(self) -> bool:
        if self.strings and len(self.strings) > 0.1 * len(self.present):
            return len(self.numbers) == len(self.present)
        return bool(self.present) and len(self.numbers) >= 0.9 * len(self.present)

    def _kind_of_strings(self) -> Kind:
        if self.share(_IMAGE.match(text[:40]) for text in self.strings) >= 0.9:
            return "image"
        if {text.lower() for text in self.names} <= {"true", "false"}:
            return "boolean"
        count = max(len(self.strings), 1)
        words = sum(text.count(" ") + 1 for text in self.strings) / count
        length = sum(map(len, self.strings)) / count
        varied = len(self.names) > 0.3 * count
        spaced = self.share(" " in text for text in self.strings) >= 0.5
        if varied and (words >= 4 or length >= 50) and spaced:
            return "text"
        return "text" if spaced and varied and len(self.names) > FEW else "category"

    def _grows(self) -> bool:
        run = self.numbers
        if len(run) < ENOUGH or len(run) < 0.9 * len(self.present):
            return False
        # Of a value that only comes round again, such as an hour, most steps lead upwards too.
        records = sum(
            value > top for value, top in zip(run[1:], accumulate(run, max), strict=False)
        )
        return records >= 0.95 * (len(run) - 1)


def rows_of(samples: Sequence[Any]) -> list[Mapping[str, Any]]:
    """The inferences of the samples: objects, and the objects in lists; at most `MAX_ROWS`."""
    rows: list[Mapping[str, Any]] = []
    for sample in samples:
        for item in sample if isinstance(sample, list) else [sample]:
            if isinstance(item, Mapping) and len(rows) < MAX_ROWS:
                rows.append(item)
    return rows


def leaves_of(rows: Sequence[Mapping[str, Any]]) -> dict[Path, Leaf]:
    """Every leaf of the rows by path, in the order in which they are first seen."""
    leaves: dict[Path, Leaf] = {}
    for row in rows:
        for path, value in _flat(row, ()):
            if (leaf := leaves.get(path)) is None:
                if len(leaves) >= MAX_LEAVES:
                    continue
                leaf = leaves[path] = Leaf(path, len(rows))
            leaf.values.append(value)
    inner = {leaf.path[:depth] for leaf in leaves.values() for depth in range(len(leaf.path))}
    return {
        path: leaf
        for path, leaf in leaves.items()
        if path not in inner or not all(map(is_missing, leaf.values))
    }


def _flat(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    steps: Iterable[tuple[str | int, Any]]
    if isinstance(value, Mapping):
        steps = ((key, inner) for key, inner in value.items() if _usable_key(key))
    elif isinstance(value, list) and any(isinstance(item, list | Mapping) for item in value):
        steps = enumerate(value[:MAX_INDEXED])
    else:
        yield path, value
        return
    if len(path) < MAX_DEPTH:
        for step, inner in steps:
            yield from _flat(inner, (*path, step))


def _usable_key(key: Any) -> bool:
    """Whether the key can be written into a config: not blank, not endless, no lone surrogates."""
    if not isinstance(key, str) or not key.strip() or len(key) > MAX_KEY:
        return False
    return not any("\ud800" <= letter <= "\udfff" for letter in key)
