"""JSON text to records, three ways: quick, with NaN and Infinity rewritten, and tolerant.

The quick way refuses what is not strictly JSON of the asked shape. What it refuses loses one value
in the ways behind it, not the record. All three end in the same structs.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from typing import Any, NamedTuple

import msgspec

from collectors.formats.paths import Shape

MAX_DEPTH = 200
"""Levels of nesting that survive in a record that nests deeper than the parsers can follow."""

_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
# The word comes first in each pattern, and what must stand before it second: that searches fastest.
_BARE = re.compile(
    rb"(?:NaN(?<=[\[:,\s]NaN)|Infinity(?<=[\[:,\s]Infinity)|-Infinity(?<=[\[:,\s]-Infinity))"
    rb"(?=[\s,\]}])"
)
_BRACKETS = re.compile(_STRING + r"|[\[\]{}]", re.DOTALL)
_ESCAPES = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)

# Literals that stand for what JSON cannot write. They are valid JSON numbers that nobody sends; a
# record that does contain their exponent is read the tolerant way.
_EXPONENT = b"e-49990071"
_LITERALS = {
    b"NaN": b"1" + _EXPONENT,
    b"Infinity": b"2" + _EXPONENT,
    b"-Infinity": b"-2" + _EXPONENT,
}


# What the quick way says of a record that no goodwill helps: it was JSON up to its end, and cut
# there, or a whole object with something behind it. Trying the other ways costs ten times as much.
_HOPELESS = ("Input data was truncated", "JSON is malformed: trailing characters")


class _Meanings(dict[str, float]):
    """Number literals to floats, by lookup: no Python code runs for one, and most are numbers."""

    __missing__ = staticmethod(float)


_MEANINGS = _Meanings({_LITERALS[word].decode(): float(word) for word in _LITERALS})


def plain_json(raw: bytes) -> Any:
    """The JSON value as plain Python, NaN and Infinity allowed; None for what is no JSON."""
    try:
        return msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        pass
    try:
        return _plain(raw.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


class Refused(Exception):
    """The record is no inference, nor a list of them; `args[0]` is the reason."""

    @property
    def reason(self) -> str:
        return str(self.args[0])


class Parsed(NamedTuple):
    """A record's items, None for an item that is no object; whether it was a list."""

    rows: list[Any]
    listed: bool


class Parser:
    """Reads one record at a time.

    Attributes:
        quick: bytes to one row of `shape`; raises ValueError or RecursionError for whatever is not
            plain: a list, NaN, another type than an object, damage.
    """

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        many = list[shape.type]  # type: ignore[name-defined]
        self.quick = msgspec.json.Decoder(shape.type).decode
        self._quick_list = msgspec.json.Decoder(many).decode
        self._literal = msgspec.json.Decoder(shape.type, float_hook=_MEANINGS.__getitem__).decode
        self._literal_list = msgspec.json.Decoder(many, float_hook=_MEANINGS.__getitem__).decode

    def read(self, raw: bytes, error: Exception | None = None) -> Parsed:
        """What `quick` refused, with what it said.

        Raises:
            Refused: it is malformed, empty, or of a kind that this format does not read.
        """
        head = raw.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
        if head not in (b"{", b"["):
            raise Refused(_foreign(raw))
        if error is not None and str(error).startswith(_HOPELESS):
            raise Refused("malformed")
        try:
            return self._rewritten(raw, head == b"[")
        except (ValueError, RecursionError):
            return self._tolerant(raw)

    def _rewritten(self, raw: bytes, listed: bool) -> Parsed:
        """Bare NaN and Infinity as literals, lists as they are; ValueError if neither is there."""
        text = _without_bare(raw)
        if listed:
            return Parsed((self._quick_list if text is raw else self._literal_list)(text), True)
        if text is raw:
            raise ValueError("nothing to rewrite")
        return Parsed([self._literal(text)], False)

    def _tolerant(self, raw: bytes) -> Parsed:
        """Whatever can be read as JSON with some goodwill, from plain objects."""
        text = raw.decode("utf-8", "replace").removeprefix("\ufeff")
        if "\\u" in text:
            text = _ESCAPES.sub(_without_lone, text)
        try:
            plain = _plain(text)
        except (ValueError, RecursionError):
            raise Refused("malformed") from None
        build = self._shape.build
        if type(plain) is dict:
            return Parsed([build(plain)], False)
        return Parsed([build(item) if type(item) is dict else None for item in plain], True)


def _foreign(raw: bytes) -> str:
    """The reason for a record that starts like neither an object nor a list."""
    if raw.startswith((b"\x00", b"Obj\x01")):
        return "unsupported"
    return "malformed" if raw.strip() else "empty"


def _without_bare(raw: bytes) -> bytes:
    """`raw` with literals for bare NaN and Infinity; `raw` itself where that is not safe.

    Without a backslash in the text, a place lies outside strings if the quotes before it are even.
    """
    if (b"NaN" not in raw and b"Infinity" not in raw) or b"\\" in raw or _EXPONENT in raw:
        return raw
    pieces = []
    quotes = done = 0
    for match in _BARE.finditer(raw):
        start, end = match.span()
        quotes += raw.count(b'"', done, start)
        word = match.group()
        pieces += [raw[done:start], word if quotes % 2 else _LITERALS[word]]
        done = end
    return b"".join([*pieces, raw[done:]]) if pieces else raw


def _without_lone(match: re.Match[str]) -> str:
    return "\\ufffd" if match["lone"] else match.group()


def _plain(text: str) -> Any:
    try:
        return json.loads(text, parse_int=_integer, strict=False)
    except RecursionError:
        return json.loads(_shallow(text), parse_int=_integer, strict=False)


def _integer(text: str) -> float:
    """An integer; infinity for one with more digits than Python converts."""
    try:
        return int(text)
    except ValueError:
        return -math.inf if text.startswith("-") else math.inf


def _shallow(text: str) -> str:
    """`text` with null for everything that lies deeper than `MAX_DEPTH`."""
    pieces = []
    depth = done = 0
    for match in _BRACKETS.finditer(text):
        mark = match.group()
        if mark in ("[", "{"):
            depth += 1
            if depth == MAX_DEPTH + 1:
                pieces.append(text[done : match.start()])
        elif mark in ("]", "}"):
            depth -= 1
            if depth == MAX_DEPTH:
                pieces.append("null")
                done = match.end()
    if depth > 0:
        raise ValueError("brackets are left open")
    return "".join([*pieces, text[done:]])
