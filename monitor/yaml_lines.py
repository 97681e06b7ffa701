"""YAML to plain values, with the line of every key and item.

Only what a config needs: mappings with unique text keys, lists, text, numbers, true, false, null,
and anchors with aliases. Plain words are read by the YAML 1.2 core schema, so that the carrier code
NO stays a text. Tags are refused. Size, depth and what aliases unfold to are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

KeyPath = tuple[str | int, ...]
"""Keys and list places from the root of the file."""

MAX_CHARS = 4 * 1024 * 1024
MAX_DEPTH = 50
MAX_VALUES = 200_000
"""Keys and values of one file, those of aliases counted each time that they are used."""

_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], float]], ...] = (
    (re.compile(r"[-+]?[0-9]{1,400}"), int),
    (re.compile(r"0o[0-7]{1,400}|0x[0-9a-fA-F]{1,400}"), lambda text: int(text, 0)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (
        re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
        lambda text: float(text.replace(".", "")),
    ),
)


class Mistake(NamedTuple):
    """Something wrong at a line (counted from 1) and a key; `text` is "what; what to do"."""

    line: int
    path: KeyPath
    text: str


class NotYaml(Exception):
    """The file cannot be read as YAML at all; `mistake` says where."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.mistake = Mistake(line, (), text)


@dataclass(slots=True)
class Document:
    """One file: its plain value, the line of every key path, and what was wrong on the way."""

    value: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def line(self, path: KeyPath) -> int:
        """The line of `path`, or of the nearest key around it that the file has."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def parse(text: str) -> Document:
    """Read one YAML document; duplicate keys, tags and odd keys are listed as its mistakes.

    Raises:
        NotYaml: the text is no YAML, more than one document, or beyond the bounds.
    """
    if len(text) > MAX_CHARS:
        raise NotYaml(1, f"the file is larger than {MAX_CHARS} characters; make it smaller")
    try:
        return _Reader(text).read()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        what = f"the character U+{error.character:04X} is not allowed in YAML"
        raise NotYaml(line, f"{what}; remove it") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        around = f" {error.context}" if error.context else ""
        what = f"not YAML: {error.problem}{around}"
        raise NotYaml(
            mark.line + 1 if mark else 1,
            f"{what}; look for a missing quote, colon or bracket, or a tab, here or just above",
        ) from None


class _Reader:
    def __init__(self, text: str) -> None:
        self._events: Iterator[Any] = yaml.parse(text, Loader=yaml.CBaseLoader)
        self._document = Document()
        self._anchors: dict[str, tuple[Any, int]] = {}  # value, and how many values are in it
        self._open: set[str] = set()
        self._count = 0

    def read(self) -> Document:
        next(self._events)  # the stream's start
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return self._document
        self._document.value = self._value(next(self._events), ())
        next(self._events)  # the document's end
        follows = next(self._events)
        if not isinstance(follows, yaml.StreamEndEvent):
            line = follows.start_mark.line + 1
            raise NotYaml(line, "a second document begins; keep one document in the file")
        return self._document

    def _value(self, event: Any, path: KeyPath) -> Any:
        line = event.start_mark.line + 1
        self._document.lines.setdefault(path, line)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor or "", line)
        before = self._count
        self._add(1, line)
        if len(path) > MAX_DEPTH:
            raise NotYaml(line, f"nested deeper than {MAX_DEPTH} levels; make it flatter")
        if event.tag is not None:
            self._mistake(line, path, f"the tag {event.tag} is not supported; remove it")
        if event.anchor is not None:
            self._open.add(event.anchor)
        value = self._content(event, path)
        if event.anchor is not None:
            self._open.discard(event.anchor)
            self._anchors[event.anchor] = value, self._count - before
        return value

    def _content(self, event: Any, path: KeyPath) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return scalar(event.value) if event.implicit[0] else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Any] = []
            while not isinstance(item := next(self._events), yaml.SequenceEndEvent):
                items.append(self._value(item, (*path, len(items))))
            return items
        return self._mapping(path)

    def _mapping(self, path: KeyPath) -> dict[str, Any]:
        members: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            if not isinstance(event, yaml.ScalarEvent):
                raise NotYaml(line, "a key is a list, a mapping or an alias; write it as a word")
            self._add(1, line)
            key = event.value
            where = (*path, key)
            if key == "<<":
                self._mistake(line, path, "merge keys (<<) are not supported; write the keys out")
                self._value(next(self._events), where)
                continue
            if key in members:
                first = self._document.lines[where]
                self._mistake(line, where, f"given twice, first in line {first}; keep one of them")
                self._value(next(self._events), where)
                continue
            self._document.lines[where] = line
            members[key] = self._value(next(self._events), where)
        return members

    def _alias(self, anchor: str, line: int) -> Any:
        if anchor in self._open:
            raise NotYaml(line, f"the alias *{anchor} lies inside what it names; write it out")
        if anchor not in self._anchors:
            raise NotYaml(line, f"the alias *{anchor} has no anchor &{anchor} above it; add one")
        value, count = self._anchors[anchor]
        self._add(count, line)
        return value

    def _add(self, count: int, line: int) -> None:
        self._count += count
        if self._count > MAX_VALUES:
            what = f"more than {MAX_VALUES} values, aliases unfolded"
            raise NotYaml(line, f"{what}; make the file smaller")

    def _mistake(self, line: int, path: KeyPath, text: str) -> None:
        self._document.mistakes.append(Mistake(line, path, text))


def scalar(text: str) -> Any:
    """What a plain, unquoted word means: null, a boolean, a number, or the text itself."""
    if text in _WORDS:
        return _WORDS[text]
    for pattern, read in _NUMBERS:
        if pattern.fullmatch(text):
            return read(text)
    return text
