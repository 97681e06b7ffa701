"""Files that are there whole or not at all, whatever happens while they are written.

Every write and every fsync of the state folder goes through here, so that a test can let each fail.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

PARTIAL = ".partial"
"""Ending of a file that is being written."""


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Whole]:
    """A file to be written piece by piece, put at `path` in one step where the block ends well.

    Raises:
        OSError: it cannot be written; what was at `path` is still there.
    """
    partial = path.with_name(path.name + PARTIAL)
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            yield Whole(handle)
            os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(partial, path)  # noqa: PTH105  # through `os`, as all of it
    except Exception:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


class Whole:
    """A file that is being written; see `whole`."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def write(self, data: bytes) -> None:
        """Add to it."""
        left = memoryview(data)
        while left:
            left = left[os.write(self._handle, left) :]

    def date(self, moment: int) -> None:
        """Say that it was last changed at this moment, in ns."""
        os.utime(self._handle, ns=(moment, moment))


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` at `path` in one step. It is durable once `sync_folders` was called on its folder.

    Raises:
        OSError: it cannot be written; what was at `path` is still there.
    """
    with whole(path) as file:
        file.write(data)


def remove(path: Path) -> None:
    """Remove a file, if it is there. It is durable once `sync_folders` was called on its folder.

    Raises:
        OSError: it cannot be removed.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108  # through `os`, as all of it


def sync_folders(folders: Iterable[Path]) -> None:
    """Make names that were made, replaced or removed in these folders durable.

    Raises:
        OSError: it cannot be done.
    """
    for folder in sorted(set(folders)):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def make_folder(folder: Path) -> None:
    """The folder, and those above it, made durable where they are new.

    Raises:
        OSError: it cannot be made.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folders([folder.parent])


class Growing:
    """A file that only grows, by one process: what `add` was given is durable, or it raised.

    Raises:
        OSError: it cannot be opened, or another process has it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._broken = False
        self._closed = False
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._handle = os.open(path, flags, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            sync_folders([path.parent])
        except BlockingIOError:
            os.close(self._handle)
            raise OSError(f"{path} is in use by another process; stop that one") from None
        except OSError:
            os.close(self._handle)
            raise

    def cut(self, size: int) -> None:
        """Keep `size` bytes of it."""
        os.ftruncate(self._handle, size)
        os.fsync(self._handle)

    def add(self, data: bytes) -> None:
        """Add to it; where that fails, it is as long as before.

        Raises:
            OSError: it cannot be added. Where it is not certain what is on the disk now, every
                later call raises too: the file has to be read again.
        """
        if self._closed:
            raise OSError(f"{self._path} is closed: the daemon is ending")
        if self._broken:
            raise OSError(
                f"{self._path}: an earlier write failed; start again to read what is there"
            )
        size = os.fstat(self._handle).st_size
        self._broken = True
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._handle, left) :]
        except OSError:
            self.cut(size)
            self._broken = False
            raise
        os.fsync(self._handle)
        self._broken = False

    def close(self) -> None:
        """Let others have it; what is added later raises."""
        if not self._closed:
            self._closed = True
            os.close(self._handle)


class Lock:
    """Keeps a second daemon off the same folder, for as long as this process lives."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._handle: int | None = None

    def take(self) -> None:
        """Take it.

        Raises:
            OSError: another process has it, or the file cannot be made.
        """
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(handle, 32).decode("ascii", "replace").strip()
            os.close(handle)
            raise OSError(
                f"{self._path.parent} is in use by process {owner or '(unknown)'}; stop that one, "
                "or give this one another state.dir"
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        self._handle = handle

    def give_back(self) -> None:
        """Let others have it; may be called twice."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
