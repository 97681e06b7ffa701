"""Lines of a file, plain or gzip, however long: what passes a limit is measured, not held."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path
from typing import IO, NamedTuple

CHUNK = 256 * 1024


class Line(NamedTuple):
    """One line without its end; `size` is its true length in bytes if it was cut, else 0."""

    data: bytes
    size: int = 0


class LineReader:
    """Reads a file line by line, and goes on reading as it grows.

    A last line without an end is held back until it is complete, or until `finish`. When the path
    is another file than the one that is open (rotation by renaming), the old one is read to its end
    and the new one from its front; a file that became shorter is read again from its front.

    Attributes:
        generation: grows with each new file, or new beginning; one `read` never spans two.

    Raises (from `read`):
        OSError: the file cannot be read; EOFError, zlib.error: it is no whole gzip file.
    """

    def __init__(self, path: Path, limit: int, head: int) -> None:
        self.generation = 0
        self._path = path
        self._limit = limit
        self._head = head
        self._gzip = path.suffix == ".gz"
        self._file: IO[bytes] | None = None
        self._inode = 0
        self._begun = bytearray()  # of a line whose end was not read yet
        self._length = 0  # of that line, in bytes

    def read(self, most: int) -> list[Line]:
        """Up to about `most` complete lines; [] where there is none now."""
        lines: list[Line] = []
        while len(lines) < most:
            chunk = self._chunk()
            if not chunk:
                break
            lines += self._split(chunk)
        return lines

    def finish(self) -> list[Line]:
        """The last line, if it has no end."""
        return [self._take()] if self._length else []

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _chunk(self) -> bytes:
        if self._file is None and not self._open():
            return b""
        assert self._file is not None  # noqa: S101  # _open says so
        chunk = self._file.read(CHUNK)
        if chunk or self._gzip:
            return chunk
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return b""
        replaced, shorter = now.st_ino != self._inode, now.st_size < self._file.tell()
        if (replaced or shorter) and self._length:
            return b"\n"  # the old file's last line will never get its own
        if replaced:
            self.close()
        elif shorter:
            self._file.seek(0)
            self.generation += 1
        return b""

    def _open(self) -> bool:
        try:
            raw: IO[bytes] = self._path.open("rb")
        except FileNotFoundError:
            return False
        self._inode = os.fstat(raw.fileno()).st_ino
        if self._gzip:
            raw.close()
            raw = gzip.open(self._path, "rb")  # type: ignore[assignment]  # noqa: SIM115
        self._file = raw
        self.generation += 1
        return True

    def _split(self, chunk: bytes) -> list[Line]:
        *ends, rest = chunk.split(b"\n")
        lines = []
        for piece in ends:
            self._append(piece)
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
        self._begun.clear()
        if length > self._limit:
            return Line(whole[: self._head], length)
        return Line(whole.removesuffix(b"\r"))


BROKEN = (OSError, EOFError, zlib.error)
"""What reading a damaged file raises."""
