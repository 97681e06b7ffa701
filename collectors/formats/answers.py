"""What a model answered: null answers told from answers, and scores of classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import NoneType
from typing import Any

import numpy as np
import xxhash
from msgspec import UnsetType

from collectors.events import AnyColumn, Floats, ScoresColumn, Status
from collectors.formats.columns import booleans, bounded, categories, leftover, named, numbers
from collectors.layout import Output

_PLAIN = {bool, int, float, NoneType, UnsetType}


class Answers:
    """Turns raw predictions into a column of the output's kind.

    Raises:
        ValueError: the output's kind is not settled.
    """

    def __init__(self, output: Output) -> None:
        if output.kind is None:
            raise ValueError("the kind of the output has to be settled before records are read")
        self._kind = output.kind
        self._null_words = frozenset(word.strip().casefold() for word in output.null_words)
        self._classes = output.classes or ()

    def column(self, values: Sequence[Any]) -> AnyColumn:
        """n answers; null words are NULL, blank strings and empty lists and objects EMPTY."""
        kinds = set(map(type, values))
        if kinds <= {str, NoneType, UnsetType}:
            settled = {value: self._settled(value) for value in dict.fromkeys(values)}
            values = [settled[value] for value in values]
        elif not kinds <= _PLAIN:
            values = [self._settled(value) for value in values]
        if self._kind == "scores":
            return self._scores(values)
        return _COLUMNS[self._kind](values)

    def _settled(self, value: Any) -> Any:
        """The value, or the `Status` of one that is no answer."""
        if type(value) is str:
            word = value.strip()
            if not word:
                return Status.EMPTY
            return Status.NULL if word.casefold() in self._null_words else value
        if type(value) is list or type(value) is dict:
            if not value:
                return Status.EMPTY
            if self._kind == "number" and type(value) is list and len(value) == 1:
                only = value[0]
                return Status.TYPE if type(only) in (list, dict) else self._settled(only)
        return value

    def _scores(self, values: Sequence[Any]) -> ScoresColumn:
        """Scores as lists, by place, or as objects, by class. Rows of equal classes go together."""
        top: list[Any] = [None] * len(values)
        entropy = np.full(len(values), np.nan)
        hashes = np.zeros(len(values), dtype=np.uint64)
        alike: dict[int | tuple[str, ...], list[tuple[int, list[float]]]] = {}
        for i, value in enumerate(values):
            scores: list[Any] = value
            classes: int | tuple[str, ...] = 0
            if type(value) is dict:
                classes = tuple(sorted(value))
                scores = [value[name] for name in classes]
            elif type(value) is list:
                classes = len(value)
            else:
                top[i] = leftover(value)
                continue
            top[i] = _unusable(scores)
            if top[i] is Status.OK:
                alike.setdefault(classes, []).append((i, scores))
        for classes, rows in alike.items():
            index = [i for i, _ in rows]
            table = np.array([scores for _, scores in rows], dtype=np.float64) + 0.0
            names = self._names(classes)
            for i, best, digest in zip(
                index, table.argmax(axis=1).tolist(), _hashes(table, classes), strict=True
            ):
                top[i] = names[best]
                hashes[i] = digest
            entropy[index] = _entropy(table)
        return ScoresColumn(named(top), entropy, hashes)

    def _names(self, classes: int | tuple[str, ...]) -> Sequence[str]:
        if isinstance(classes, tuple):
            return [bounded(name) for name in classes]
        known = self._classes[:classes]
        return [*known, *map(str, range(len(known), classes))]


_COLUMNS: dict[str, Callable[[Sequence[Any]], AnyColumn]] = {
    "number": numbers,
    "category": categories,
    "boolean": booleans,
}


def _unusable(scores: Sequence[Any]) -> Status:
    """OK for finite numbers alone, else what is wrong with them."""
    if not set(map(type, scores)) <= {float, int}:
        return Status.TYPE
    column = numbers(scores)
    return Status(int(column.status.max(initial=0)))


def _hashes(table: Floats, classes: int | tuple[str, ...]) -> list[int]:
    """A hash of each row of scores, and of the classes where the record names them."""
    seed = 0
    if isinstance(classes, tuple):
        seed = xxhash.xxh3_64_intdigest("\0".join(classes).encode("utf-8", "replace"))
    return [xxhash.xxh3_64_intdigest(row.tobytes(), seed) for row in table]


def _entropy(table: Floats) -> Floats:
    """Shannon entropy in nats of each row divided by its sum; NaN where that is undefined."""
    with np.errstate(all="ignore"):
        total = table.sum(axis=1, keepdims=True)
        share = table / total
        terms = np.where(share > 0, share * np.log(share), 0.0)
        undefined = (table < 0).any(axis=1) | ~np.isfinite(total[:, 0]) | (total[:, 0] <= 0)
        return np.where(undefined, np.nan, np.abs(terms.sum(axis=1)))
