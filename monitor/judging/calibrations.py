"""Calibrations of references: made in a child process once, and kept in the state folder."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import threading
from collections import defaultdict
from hashlib import blake2b
from pathlib import Path

import msgspec

from collectors.drift.calibrated import Rules
from collectors.summaries.state import StateError
from monitor.disk import make_folder, remove
from monitor.judging.families import empty
from monitor.judging.stored import FORMAT, Calibrated, unpack
from monitor.references.file import Reference

log = logging.getLogger(__name__)

TIMEOUT = 600.0
"""Seconds that one calibration may take."""

_LOCKS: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
"""By file: what one thread is making another one waits for."""


class Calibrations:
    """The calibrations of one state folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, path: Path, reference: Reference, rules: Rules) -> Calibrated:
        """The calibration of the reference in the file `path`; it is made where there is none.

        Raises:
            StateError: it cannot be made; the message is that of the child.
            OSError: the folder cannot be written.
        """
        kept = self._folder / f"{self._name(reference, rules)}.calibration"
        damaged = False
        try:
            found = self._read(kept, reference, rules)
        except FileNotFoundError:
            pass
        except StateError as error:
            damaged = True
            what = "a calibration cannot be read: it is made again"
            log.warning(what, extra={"file": str(kept), "why": str(error)})
        else:
            with contextlib.suppress(OSError):  # it tells `forget` alone that it was used
                kept.touch()
            return found
        with _LOCKS[str(kept)]:
            if not kept.exists() or damaged:
                make_folder(self._folder)
                log.info("calibrating", extra={"model": reference.model, "reference": reference.id})
                self._make(path, kept, rules)
        return self._read(kept, reference, rules)

    def forget(self, before: float) -> int:
        """Remove those that were not used since `before` (wall time, s), but for the newest of each
        model; how many there were.

        Raises:
            OSError: one cannot be removed.
        """
        used = [(path.stat().st_mtime, path) for path in self._folder.glob("*.calibration")]
        newest = {path.stem.rpartition("-")[0]: path for _, path in sorted(used)}
        old = [path for time, path in used if time < before and path not in newest.values()]
        for path in old:
            remove(path)
        return len(old)

    def _make(self, path: Path, out: Path, rules: Rules) -> None:
        command = [sys.executable, "-P", "-m", "monitor.judging.child", str(path), str(out)]
        try:
            done = subprocess.run(  # noqa: S603  # our own module, and paths of the config
                command,
                input=msgspec.json.encode(rules),
                capture_output=True,
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise StateError(f"{path}: not calibrated within {TIMEOUT:.0f} s") from error
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise StateError(f"{path}: cannot be calibrated: {said[-1] if said else 'no word'}")

    def _read(self, path: Path, reference: Reference, rules: Rules) -> Calibrated:
        return unpack(path.read_bytes(), str(path), empty(reference.schema, rules.ignore))

    def _name(self, reference: Reference, rules: Rules) -> str:
        said = msgspec.json.encode([FORMAT, rules, reference.id], order="sorted")
        return f"{reference.model}-{blake2b(said, digest_size=8).hexdigest()}"
