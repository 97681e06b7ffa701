"""How far annotations have come, in one file of the state folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from monitor.disk import sync_folders, write_whole
from monitor.grafana.changes import Key, Known

FORMAT = 1


class _Stored(msgspec.Struct):
    format: int
    since: float
    looked: float
    known: list[tuple[str, str, int, dict[str, str]]]


@dataclass(slots=True)
class Progress:
    """What was posted already.

    Attributes:
        since: wall time (s); what was judged before it is not posted.
        looked: wall time (s) of the newest look at the archive that was whole.
        known: the newest verdicts that were looked at, by model and window.
    """

    since: float
    looked: float = 0.0
    known: dict[Key, Known] = field(default_factory=dict)

    @staticmethod
    def read(path: Path) -> Progress | None:
        """What a file says; None where it is not there.

        Raises:
            ValueError: it is damaged, or of another version.
            OSError: it cannot be read.
        """
        try:
            stored = msgspec.json.decode(path.read_bytes(), type=_Stored)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise ValueError(f"{path}: damaged ({error})") from error
        if stored.format != FORMAT:
            raise ValueError(f"{path}: of another version of inferwatch")
        known = {(m, w): Known(time, verdicts) for m, w, time, verdicts in stored.known}
        return Progress(stored.since, stored.looked, known)

    def write(self, path: Path) -> None:
        """Put it into a file, durably and whole.

        Raises:
            OSError: it cannot be written.
        """
        known = [(*key, one.time, one.verdicts) for key, one in self.known.items()]
        stored = _Stored(FORMAT, self.since, self.looked, known)
        write_whole(path, msgspec.json.encode(stored))
        sync_folders([path.parent])
