"""From many records to columns by path: a struct that decodes only what is asked for.

The paths of a layout become one msgspec struct a level of nesting. Whichever way a record was
read, it ends as that struct, so that columns are taken from it in one way only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import astuple

from collectors.layout import Path

Columns = dict[Path, Sequence[Any]]
"""One raw value a row, by path; UNSET where the record has nothing at the path."""

MAX_STEPS = 64
"""Steps a path may have: far fewer than the nesting at which parsers give up."""


def pick(value: Any, path: Path) -> Any:
    """What lies at `path` inside a plain value, or UNSET. A number also finds the key "3"."""
    for step in path:
        kind = type(value)
        if kind is dict:
            value = value.get(step if type(step) is str else str(step), UNSET)
        elif kind is list and type(step) is int and 0 <= step < len(value):
            value = value[step]
        else:
            return UNSET
    return value


@dataclass(slots=True)
class _Node:
    path: Path
    wanted: bool = False
    children: dict[str | int, _Node] = field(default_factory=dict)

    def whole(self) -> bool:
        """Whether it is decoded as a plain value: it is asked for, or a struct cannot hold it."""
        return self.wanted or not all(_nameable(step) for step in self.children)

    def wishes(self) -> list[Path]:
        below = [path for child in self.children.values() for path in child.wishes()]
        return [self.path, *below] if self.wanted else below


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A plain value, and the paths that are picked out of it: (path, the rest below it)."""

    picks: tuple[tuple[Path, Path], ...]

    def build(self, plain: Any) -> Any:
        return plain

    def spread(self, values: Sequence[Any], columns: Columns) -> None:
        places = self._places()
        if places and set(map(type, values)) == {list} and min(map(len, values)) > max(places):
            across = list(zip(*values, strict=False))
            for (path, _), place in zip(self.picks, places, strict=True):
                columns[path] = across[place]
            return
        for path, rest in self.picks:
            columns[path] = [pick(value, rest) for value in values] if rest else values

    def _places(self) -> list[int]:
        """The items to pick where all picks are direct items of a list, else nothing."""
        firsts = [rest[0] for _, rest in self.picks if len(rest) == 1]
        places = [first for first in firsts if isinstance(first, int) and first >= 0]
        return places if len(places) == len(self.picks) else []


@dataclass(frozen=True, slots=True)
class _Object:
    """A JSON object as a struct: its members in the order of the struct's fields."""

    struct: type[msgspec.Struct]
    nothing: msgspec.Struct
    members: tuple[tuple[str, _Leaf | _Object], ...]

    def build(self, plain: Any) -> Any:
        if type(plain) is not dict:
            return self.nothing
        return self.struct(
            *[part.build(plain.get(key, UNSET)) for key, part in self.members],
        )

    def spread(self, values: Sequence[Any], columns: Columns) -> None:
        nothing = self.nothing
        rows = [astuple(nothing if value is None else value) for value in values]
        across = zip(*rows, strict=True) if rows else [()] * len(self.members)
        for (_, part), column in zip(self.members, across, strict=True):
            part.spread(column, columns)


class Shape:
    """The part of a record that a layout asks for.

    Attributes:
        type: what msgspec has to decode a record into; `build` makes the same from plain objects.

    Raises:
        ValueError: a path has more than `MAX_STEPS` steps.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        root = _Node(())
        for path in paths:
            if len(path) > MAX_STEPS:
                raise ValueError(f"path {path[:3]}... has {len(path)} steps; {MAX_STEPS} at most")
            node = root
            for depth, step in enumerate(path, 1):
                node = node.children.setdefault(step, _Node(path[:depth]))
            node.wanted = True
        self._part = _compile(root)
        self.type: Any = self._part.struct if isinstance(self._part, _Object) else dict[str, Any]

    def build(self, plain: dict[str, Any]) -> Any:
        """One record, from plain objects."""
        return self._part.build(plain)

    def columns(self, rows: Sequence[Any]) -> Columns:
        """n records as columns of n raw values."""
        columns: Columns = {}
        self._part.spread(rows, columns)
        return columns


def _compile(node: _Node) -> _Leaf | _Object:
    if node.whole():
        depth = len(node.path)
        return _Leaf(tuple((path, path[depth:]) for path in node.wishes()))
    members = [(str(key), _compile(child)) for key, child in node.children.items()]
    fields = []
    for place, (_, part) in enumerate(members):
        # A struct as default is shared by every record that lacks it, so it has to be frozen.
        fields.append(
            (f"f{place}", part.struct | None, part.nothing)
            if isinstance(part, _Object)
            else (f"f{place}", Any, UNSET)
        )
    struct = msgspec.defstruct(
        "Record",
        fields,
        rename={f"f{place}": key for place, (key, _) in enumerate(members)},
        frozen=True,
        gc=False,
    )
    return _Object(struct, struct(), tuple(members))


def _nameable(step: str | int) -> bool:
    """Whether msgspec can take the step as a field's name."""
    return isinstance(step, str) and step.isprintable() and not set(step) & {'"', "\\"}
