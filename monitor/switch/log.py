"""The log of switches: lines that are only added, each durable, each bound to those before.

A line is one JSON object. It begins with its number and the hash of the line before it, so that of
a last line that a crash cut off it can be told whether it is the beginning of the one that belongs
there. `hash` covers number, hash before, time, kind, switch and body. Whoever can write the file
can write all of it anew: that shows against a head that was told elsewhere, which is why each
message about a switch carries it.

For the command line: `read` and `Chain.has` are what `switch log --verify` needs; they take no lock
and change nothing. For the daemon: `Log` alone writes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.disk import Growing
from monitor.switch.canonical import digest, encode

START = "0" * 64
"""The hash before the first line."""

MENDED = "mended"
"""The kind of the line that says that a torn one was removed."""

LARGEST = 64 * 1024
"""Bytes of a line, at most."""


class Tampered(Exception):
    """The log is not what was written; the message says which line, and in what way.

    Attributes:
        line: counted from 1.
    """

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log.

    Attributes:
        number: counted from 0.
        before: the hash of the line before it.
        at: seconds since 1970, by the clock of the daemon.
        kind: what happened.
        switch: the id of the switch that it happened to; empty where it makes one, or for none.
        body: what else there is to say, as plain values.
    """

    number: int
    before: str
    at: float
    kind: str
    switch: str
    body: dict[str, Any]

    @property
    def hash(self) -> str:
        """What the next line is bound to."""
        return digest([self.number, self.before, self.at, self.kind, self.switch, self.body])

    def line(self) -> bytes:
        """The line, with its end."""
        rest = {"at": self.at, "kind": self.kind, "switch": self.switch, "body": self.body}
        return (
            _lead(self.number, self.before) + f'"{self.hash}",'.encode() + encode(rest)[1:] + b"\n"
        )


@dataclass(frozen=True, slots=True)
class Chain:
    """A log that was read, and found to be whole.

    Attributes:
        entries: its lines.
        torn: what stands behind them: a line that a crash cut off, and that nobody was told of.
    """

    entries: tuple[Entry, ...] = ()
    torn: bytes = b""

    @property
    def head(self) -> str:
        """The hash of the last line."""
        return self.entries[-1].hash if self.entries else START

    def has(self, head: str) -> bool:
        """Whether this head, which a message told, was ever this log's."""
        return head == START or any(entry.hash == head for entry in self.entries)


def read(path: Path) -> Chain:
    """The log in a file, verified; an empty one where there is none.

    Raises:
        Tampered: it is not what was written.
        OSError: it cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Chain()
    return parse(data)


def parse(data: bytes) -> Chain:
    """The log that these bytes are.

    Raises:
        Tampered: they are none.
    """
    *lines, rest = data.split(b"\n")
    entries: list[Entry] = []
    before = START
    for number, line in enumerate(lines):
        entry = _entry(line, number, before)
        entries.append(entry)
        before = entry.hash
    # After a loss of power the end of a file may be there in length only.
    written = rest.rstrip(b"\0")
    lead = _lead(len(entries), before)
    if written[: len(lead)] != lead[: len(written)] or len(written) > LARGEST:
        what = "the last line has no end, and is not the beginning of the one that belongs here"
        raise Tampered(len(entries) + 1, what)
    return Chain(tuple(entries), rest)


class Log:
    """The log in a file, for the one process that writes it.

    Raises:
        Tampered: the file is not what was written; nothing is added to it then.
        OSError: it cannot be read or written, or another process has it.
    """

    def __init__(self, path: Path, now: float) -> None:
        self._file = Growing(path)
        try:
            data = path.read_bytes()
            chain = parse(data)
            self._entries = list(chain.entries)
            if chain.torn:
                self._file.cut(len(data) - len(chain.torn))
                torn = hashlib.sha256(chain.torn).hexdigest()
                self.add(MENDED, "", {"bytes": len(chain.torn), "sha256": torn}, now)
        except BaseException:
            self._file.close()
            raise

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every line so far."""
        return tuple(self._entries)

    @property
    def head(self) -> str:
        """The hash of the last line, for messages."""
        return self._entries[-1].hash if self._entries else START

    def add(self, kind: str, switch: str, body: dict[str, Any], now: float) -> Entry:
        """Add a line. Once this returns, it is on the disk.

        Raises:
            ValueError: it is too long, or holds what JSON does not.
            OSError: it is not written.
        """
        entry = Entry(len(self._entries), self.head, now, kind, switch, body)
        line = entry.line()
        if len(line) > LARGEST:
            raise ValueError(f"a line of {len(line):,} bytes; the log takes {LARGEST:,} at most")
        self._file.add(line)
        self._entries.append(entry)
        return entry

    def close(self) -> None:
        """Let another process have it."""
        self._file.close()


def _lead(number: int, before: str) -> bytes:
    """How a line begins, up to its own hash."""
    return f'{{"number":{number},"before":"{before}","hash":'.encode()


def _entry(line: bytes, number: int, before: str) -> Entry:
    """A line that is exactly what would have been written here."""
    try:
        found = json.loads(line)
        entry = Entry(
            found["number"],
            found["before"],
            found["at"],
            found["kind"],
            found["switch"],
            found["body"],
        )
        same = entry.line() == line + b"\n"
        shaped = type(found["at"]) is float and type(found["body"]) is dict
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Tampered(number + 1, "is no line of this log") from None
    if not same:
        raise Tampered(number + 1, "its hash is not that of what it says")
    if entry.number != number or entry.before != before:
        raise Tampered(number + 1, "does not follow the line before it: one is missing or changed")
    if not shaped:
        raise Tampered(number + 1, "is no line of this log")
    return entry
