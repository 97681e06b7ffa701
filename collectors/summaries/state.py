"""States: what a summary holds as plain values and arrays, and how it is read back, strictly.

A state is what checkpoints, the archive and a reload pass on. Whoever takes one owns it: nothing in
it changes when the summary goes on counting.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

State = dict[str, Any]
"""By name: int, float, bool, str, None, lists and rows of these, NumPy arrays, and states."""


class StateError(Exception):
    """A stored state is not what it should be; the message says where and what."""


class Stored:
    """A state as it was read back: nothing is believed before it was looked at.

    Every method raises StateError, with the place, where the value is missing or of another type.
    """

    def __init__(self, state: object, place: str = "state") -> None:
        if not isinstance(state, Mapping):
            raise StateError(f"{place}: {type(state).__name__}, not a mapping")
        self._state = state
        self.place = place

    def __contains__(self, name: str) -> bool:
        return name in self._state

    def __iter__(self) -> Iterator[str]:
        return iter(self._state)

    def given(self, name: str) -> bool:
        """Whether there is anything but None under this name."""
        return self._get(name) is not None

    def whole_state(self) -> State:
        """All of it, as it was read."""
        return dict(self._state)

    def part(self, name: str) -> Stored:
        """The state inside this one."""
        return Stored(self._get(name), f"{self.place}.{name}")

    def whole(self, name: str, least: int = 0) -> int:
        """A whole number, not below `least`."""
        value = self._get(name)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self._wrong(name, f"{value!r}, not a whole number from {least} on")
        return value

    def real(self, name: str, *, infinite: bool = False) -> float:
        """A number; with `infinite` it may be an infinity, never NaN."""
        value = self._get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(name, f"{value!r}, not a number")
        if math.isnan(value) or (math.isinf(value) and not infinite):
            raise self._wrong(name, f"{value!r}, not a finite number")
        return float(value)

    def truth(self, name: str) -> bool:
        """True or false."""
        value = self._get(name)
        if not isinstance(value, bool):
            raise self._wrong(name, f"{value!r}, not true or false")
        return value

    def text(self, name: str) -> str:
        """A text."""
        value = self._get(name)
        if not isinstance(value, str):
            raise self._wrong(name, f"{type(value).__name__}, not a text")
        return value

    def blob(self, name: str) -> bytes:
        """Bytes."""
        value = self._get(name)
        if not isinstance(value, bytes):
            raise self._wrong(name, f"{type(value).__name__}, not bytes")
        return value

    def rows(self, name: str) -> list[Any]:
        """A list."""
        value = self._get(name)
        if not isinstance(value, list):
            raise self._wrong(name, f"{type(value).__name__}, not a list")
        return value

    def array(self, name: str, dtype: DTypeLike, length: int | None = None) -> NDArray[Any]:
        """One-dimensional numbers that `dtype` holds exactly, `length` of them if that is given."""
        value, wanted = self._get(name), np.dtype(dtype)
        if not isinstance(value, np.ndarray) or value.ndim != 1:
            raise self._wrong(name, f"{type(value).__name__}, not a list of numbers")
        if length is not None and len(value) != length:
            raise self._wrong(name, f"{len(value)} values, not {length}")
        found = value.astype(wanted)
        if value.dtype != wanted and (value.dtype.kind == "f") != (wanted.kind == "f"):
            raise self._wrong(name, f"values of {value.dtype}, not of {wanted}")
        if value.dtype != wanted and not np.array_equal(found.astype(value.dtype), value):
            raise self._wrong(name, f"values that {wanted} does not hold")
        return found

    def same_schema(self, expected: str) -> None:
        """That the state was taken under the schema of this id."""
        found = self.text("schema")
        if found != expected:
            raise StateError(
                f"{self.place} was counted under another schema ({found}, now {expected}); restore "
                "the config and schema that it was made with, or move the state folder away to "
                "begin anew"
            )

    def _get(self, name: str) -> Any:
        try:
            return self._state[name]
        except KeyError:
            raise self._wrong(name, "is missing") from None

    def _wrong(self, name: str, what: str) -> StateError:
        return StateError(f"{self.place}.{name}: {what}")
