"""Checkpoints: the whole state of the daemon in one file, of which the newest two are kept.

A file is framed so that every version of this program can tell damage from age: 8 bytes of magic,
format (u32), sequence number (u64), length of the body (u64), the body (a state, compressed), and a
CRC-32C of all that, integers little-endian. The CRC finds any damage of up to 32 bits in a row, and
misses other damage once in 2^32.
"""

from __future__ import annotations

import logging
import struct
from dataclasses import dataclass
from pathlib import Path

import crc32c
import zstandard

from collectors.summaries.state import State, StateError
from monitor.disk import PARTIAL, make_folder, sync_folders, write_whole
from monitor.encoding import decode, encode

log = logging.getLogger(__name__)

MAGIC = b"inferwch"
FORMAT = 1
KEPT = 2
LARGEST = 4 * 2**30
"""Bytes that a checkpoint may unfold to."""

_HEAD = struct.Struct("<8sIQQ")
_TAIL = struct.Struct("<I")


class Damaged(Exception):
    """The bytes are not a whole checkpoint."""


class Refused(Exception):
    """A checkpoint is whole and must not be used, or none is; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One state of the daemon, and which one it is: sequence numbers only grow."""

    sequence: int
    state: State


def pack(checkpoint: Checkpoint) -> bytes:
    """The checkpoint as a file's bytes."""
    body = zstandard.ZstdCompressor(level=1).compress(encode(checkpoint.state))
    head = _HEAD.pack(MAGIC, FORMAT, checkpoint.sequence, len(body))
    framed = head + body
    return framed + _TAIL.pack(crc32c.crc32c(framed))


def unpack(data: bytes) -> Checkpoint:
    """The checkpoint again.

    Raises:
        Damaged: the bytes are not those that were written.
        Refused: they are, by a newer inferwatch.
    """
    if len(data) < _HEAD.size + _TAIL.size or not data.startswith(MAGIC):
        raise Damaged("it is no checkpoint, or cut short")
    _, version, sequence, length = _HEAD.unpack_from(data)
    (crc,) = _TAIL.unpack(data[-_TAIL.size :])
    if crc != crc32c.crc32c(data[: -_TAIL.size]):
        raise Damaged("its checksum is not that of its bytes")
    if version != FORMAT:
        raise Refused(
            f"it is of format {version}, and this inferwatch reads format {FORMAT}: run the "
            "inferwatch that wrote it, or a newer one"
        )
    body = data[_HEAD.size : -_TAIL.size]
    if len(body) != length:
        raise Damaged("its length is not the one it says")
    try:
        unfolded = zstandard.ZstdDecompressor().decompress(body, max_output_size=LARGEST)
        return Checkpoint(sequence, decode(unfolded))
    except (zstandard.ZstdError, StateError) as error:
        raise Damaged(str(error)) from error


class Checkpoints:
    """The checkpoint files of one state folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def newest(self) -> Checkpoint | None:
        """The newest one that is whole; None where there is none at all. Damage is said.

        Raises:
            Refused: a newer inferwatch wrote the newest one, or all are damaged.
            OSError: they cannot be read.
        """
        for stray in self.folder.glob(f"*{PARTIAL}"):
            stray.unlink()
        files = self._files()
        for path in files:
            try:
                return unpack(path.read_bytes())
            except Damaged as damage:
                log.warning(
                    "checkpoint is damaged: the one before it is taken",
                    extra={"file": str(path), "why": str(damage)},
                )
            except Refused as refusal:
                raise Refused(f"{path}: {refusal}") from refusal
        if files:
            raise Refused(
                f"every checkpoint in {self.folder} is damaged; restore the state folder from a "
                "backup, or move it away to begin anew (open windows are then lost)"
            )
        return None

    def write(self, checkpoint: Checkpoint) -> int:
        """Write it, and remove all but the newest two; its size in bytes.

        Once it has its name it counts: what fails afterwards (making the name durable, removing an
        old one) is said, and cured by the next one.

        Raises:
            OSError: it cannot be written; the ones before it are still there.
        """
        make_folder(self.folder)
        data = pack(checkpoint)
        write_whole(self.folder / f"{checkpoint.sequence:016d}.checkpoint", data)
        try:
            sync_folders([self.folder])
            for old in self._files()[KEPT:]:
                old.unlink()
        except OSError as error:
            what = "checkpoint is written, and its folder cannot be put in order"
            log.warning(what, extra={"folder": str(self.folder), "why": str(error)})
        return len(data)

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.checkpoint"), reverse=True)
