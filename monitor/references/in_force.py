"""Which reference of a model is in force, where it is not the configured one any more.

    references/MODEL.current.json     accepts and growths since the configured reference
    references/MODEL-ID.parquet       the references that they made

The last one of the list is in force as long as the configured reference is the one that they began
with; with another one the list has ended. Files come before the list that names them, so that a
crash between the two leaves the reference that was in force before.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from collectors.summaries.state import StateError
from monitor.disk import make_folder, sync_folders, write_whole
from monitor.references.file import Reference, load
from monitor.references.fitting import Fitting

if TYPE_CHECKING:
    from monitor.settling import Known

FORMAT = 1
MOST = 100
"""Changes that are remembered; the oldest go first."""

_ID = re.compile(r"[0-9a-f]{16}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One reference that took the place of another. Times are in us.

    Attributes:
        id: of the one that is in force by it.
        before: of the one whose place it took.
        at: wall time.
        start, end: the span of the archive that was taken.
        features, output: the columns that were accepted; of all none is named.
    """

    id: str
    why: Literal["accepted", "grown"]
    before: str
    at: int
    start: int
    end: int
    features: tuple[str, ...] = ()
    output: bool = False

    def about(self) -> dict[str, Any]:
        """For people."""
        some = {"features": list(self.features), "output": self.output}
        spans = {"from": iso(self.start), "to": iso(self.end), "at": iso(self.at)}
        return {"why": self.why, "before": self.before, **spans, **some}


class InForce(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What changed since the configured reference, whose id is `base`; the last one is in force."""

    model: str
    base: str
    changes: tuple[Change, ...]
    format: int = FORMAT

    @property
    def newest(self) -> Change:
        """What is in force."""
        return self.changes[-1]

    @property
    def accepted(self) -> int | None:
        """When something was accepted last (us)."""
        return max((one.at for one in self.changes if one.why == "accepted"), default=None)


def pointer(folder: Path, model: str) -> Path:
    """Where it stands which reference of a model is in force."""
    return folder / f"{model}.current.json"


def file_of(folder: Path, model: str, id: str) -> Path:
    """Where a reference lies that was accepted or grown."""
    return folder / f"{model}-{id}.parquet"


def first_path(state: Path, model: str, needed: int) -> Path:
    """Where the reference of a model's first so many panes lies, once it is made."""
    return state / "references" / f"{model}-first-{needed}.parquet"


def read(folder: Path, model: str) -> InForce | None:
    """What changed; None where the configured reference is the only one there ever was.

    Raises:
        StateError: it is damaged; the message says what to do.
        OSError: it cannot be read.
    """
    path = pointer(folder, model)
    try:
        found = msgspec.json.decode(path.read_bytes(), type=InForce)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged(path, model, str(error)) from error
    ids = [found.base, *(one.id for one in found.changes)]
    if found.format != FORMAT:
        raise StateError(
            f"{path}: of format {found.format}, and this program reads format {FORMAT}: run the "
            "inferwatch that wrote it, or a newer one"
        )
    if found.model != model or not found.changes or not all(map(_ID.fullmatch, ids)):
        raise _damaged(path, model, "it does not say what is in force")
    return found


def put_in_force(folder: Path, model: str, base: str, change: Change) -> None:
    """Have a reference whose file is there be in force from now on, durably; within `alone`.

    Args:
        base: id of the configured reference.

    Raises:
        OSError: it cannot be written; what was in force still is.
    """
    try:
        known = read(folder, model)
    except StateError:
        known = None  # it is put right by what is written now
    earlier = known.changes if known is not None and known.base == base else ()
    new = InForce(model, base, (*earlier, change)[-MOST:])
    write_whole(pointer(folder, model), msgspec.json.format(msgspec.json.encode(new)))
    sync_folders([folder])


def keep(made: Reference, aside: Path, folder: Path) -> Path:
    """Put the file of a reference that was made aside where it stays.

    Raises:
        OSError: it cannot be done.
    """
    path = file_of(folder, made.model, made.id)
    aside.replace(path)
    sync_folders([folder])
    return path


def load_fitting(id: str, fitting: Fitting, known: Known) -> Reference:
    """A reference that was accepted or grown, if it fits the model as it is now.

    Args:
        known: what is chosen for the model.

    Raises:
        StateError, SchemaError, SchemaMismatch: it is damaged, or does not fit.
        OSError: it cannot be read.
    """
    path = fitting.path
    reference = load(path)
    if reference.id != id:
        raise StateError(f"{path}: holds {reference.id}, not {id}; restore it from a backup")
    fitting.joined(reference, fitting.config.layout(known.discovery), known.schema)
    return reference


def iso(time: int) -> str:
    """A moment (us) as people and SQL read it."""
    return datetime.fromtimestamp(time // 1_000_000, UTC).isoformat()


@contextmanager
def alone(folder: Path, model: str) -> Iterator[None]:
    """Only one process at a time makes a reference that is to be in force; others wait.

    Raises:
        OSError: the folder cannot be written.
    """
    make_folder(folder)
    lock = folder / f"{model}.current.lock"
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _damaged(path: Path, model: str, why: str) -> StateError:
    return StateError(
        f"{path}: damaged ({why}); restore it from a backup, or say again what is to be in force "
        f"by `inferwatch reference accept {model}`"
    )
