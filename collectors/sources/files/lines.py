"""Lines of one file, plain or gzip, however long: what passes a limit is measured, not held."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path
from typing import IO, NamedTuple

CHUNK = 256 * 1024

BROKEN = (OSError, EOFError, zlib.error)
"""What reading a damaged file raises."""


class Line(NamedTuple):
    """One line without its end; `size` is its true length in bytes if it was cut, else 0."""

    data: bytes
    size: int = 0


class LineReader:
    """Reads one file line by line, and goes on reading as it grows, whatever its name is by then.

    A last line without an end is held back until it is complete, or until `finish`.

    Attributes:
        at_end: whether the last `read` came to the end of what is there.

    Raises (from each method):
        OSError: the file cannot be read; EOFError, zlib.error: it is no whole gzip file.
    """

    def __init__(self, path: Path, limit: int, head: int) -> None:
        self.at_end = False
        self._limit = limit
        self._head = head
        self._gzip = path.suffix.lower() == ".gz"
        self._file: IO[bytes] = path.open("rb")
        self._number = self._file.fileno()
        self.facts = os.fstat(self._number)
        if self._gzip:
            self._raw = self._file
            self._file = gzip.GzipFile(fileobj=self._raw, mode="rb")  # type: ignore[assignment]
        self._pending = b""  # read, and not split yet
        self._begun = bytearray()  # of a line whose end was not read yet
        self._length = 0  # of that line, in bytes
        self._place = 0

    @property
    def place(self) -> int | None:
        """The byte at which the first line that was not handed over begins; None in gzip."""
        return None if self._gzip else self._place

    @property
    def held(self) -> int:
        """Bytes that were read of a line without an end."""
        return self._length

    def now(self) -> os.stat_result:
        """Of the file as it is now."""
        return os.fstat(self._number)

    def front(self, length: int) -> bytes:
        """The file's first bytes as they are now, of a plain file."""
        return os.pread(self._number, length, 0)

    def first_line(self) -> bytes | None:
        """The line at the front, before anything was read; None where it has no end yet."""
        found = b""
        while b"\n" not in found:
            chunk = self._chunk()
            if not chunk or len(found) > self._limit:
                self._pending = found
                if len(found) > self._limit:
                    raise OSError(f"its first line has more than {self._limit} bytes")
                return None
            found += chunk
        self._pending = found
        return found[: found.index(b"\n")].removesuffix(b"\r")

    def go_to(self, place: int) -> None:
        """Go on at this byte of a plain file, where a line begins."""
        self._file.seek(place)
        self._place, self._pending = place, b""

    def pass_over(self, lines: int) -> bool:
        """Leave out so many lines; whether there are as many, a last one without end included."""
        while lines:
            chunk = self._chunk()
            if not chunk:
                whole = lines == 1 and self._length > 0
                if whole:
                    self._take()
                return whole
            ends = chunk.count(b"\n")
            if ends < lines:
                lines -= ends
                rest = chunk[chunk.rfind(b"\n") + 1 :]
                if ends:
                    self._place += self._length + len(chunk) - len(rest)
                    self._begun.clear()
                    self._length = 0
                self._append(rest)
                continue
            self._pending = chunk.split(b"\n", lines)[lines]
            self._place += self._length + len(chunk) - len(self._pending)
            self._begun.clear()
            self._length = lines = 0
        return True

    def read(self, most: int, most_bytes: int) -> list[Line]:
        """Up to about `most` complete lines, or bytes; [] where there is none now."""
        lines: list[Line] = []
        size = 0
        self.at_end = False
        while len(lines) < most and size < most_bytes:
            chunk = self._chunk()
            if not chunk:
                self.at_end = True
                break
            found = self._split(chunk)
            size += sum(len(line.data) for line in found)
            lines += found
        return lines

    def finish(self) -> list[Line]:
        """The last line, if it has no end."""
        return [self._take()] if self._length else []

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        if self._gzip:
            self._raw.close()

    def _chunk(self) -> bytes:
        pending, self._pending = self._pending, b""
        return pending or self._file.read(CHUNK)

    def _split(self, chunk: bytes) -> list[Line]:
        *ends, rest = chunk.split(b"\n")
        lines = []
        for piece in ends:
            self._append(piece)
            self._place += 1
            lines.append(self._take())
        self._append(rest)
        return lines

    def _append(self, piece: bytes) -> None:
        room = self._limit + 1 - len(self._begun)
        if room > 0:
            self._begun += piece[:room]
        self._length += len(piece)

    def _take(self) -> Line:
        whole = bytes(self._begun)
        length, self._length = self._length, 0
        self._place += length
        self._begun.clear()
        if length > self._limit:
            return Line(whole[: self._head], length)
        return Line(whole.removesuffix(b"\r"))
