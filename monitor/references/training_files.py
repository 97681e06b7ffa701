"""Files of training data, or of a log, read once from front to back, any number of times."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from collectors.formats.parsing import plain_json
from collectors.leaves import rows_of
from collectors.sources import NO_TIMESTAMP, Partition, Records
from collectors.sources.files.lines import BROKEN, Line
from collectors.sources.files.options import OneKind, kind_of
from collectors.sources.files.rows import Mark, RowReader, open_rows
from monitor.references.building import CannotBuild
from monitor.routing import Router

TOPIC = "files"
"""As the source over files names it, so that rows have the same identities."""

BATCH = 50_000
"""Rows that are counted at once: of a shuffled file each pane gets a few of them."""

BATCH_BYTES = 32 * 1024 * 1024
"""Bytes of them, about."""


@dataclass(frozen=True, slots=True)
class TrainingFiles:
    """Some files, in order of their names, each a partition.

    Attributes:
        limit: bytes of a record; a longer one is handed over as oversized.
        router: says which rows are the model's; without it, all of them.
    """

    paths: tuple[tuple[Path, OneKind], ...]
    limit: int
    router: Router | None = None

    @property
    def size(self) -> int:
        """Bytes of all of them."""
        return sum(path.stat().st_size for path, _ in self.paths)

    def first_rows(self, most: int) -> list[Mapping[str, Any]]:
        """Rows from the front of each file, as plain values; at most `most`, or one a file.

        Raises:
            CannotBuild: a file is damaged, or cannot be read.
        """
        each = max(most // max(len(self.paths), 1), 1)
        documents = []
        for number in range(len(self.paths)):
            records = next(self._read(number, each, lambda _: None, NO_TIMESTAMP, Counter()), None)
            values = [] if records is None else records.values[:each]
            documents += [plain_json(value) for value in values if value is not None]
        return rows_of(documents)

    def records(
        self, done: Callable[[int], None], timestamp: int, left_out: Counter[str]
    ) -> Iterator[Records]:
        """The model's rows, as a source hands them over; blank lines are none.

        Args:
            done: told how many bytes were read so far, about.
            timestamp: the broker's time of each row, in ms.
            left_out: takes the count of rows that are not the model's, as `unmatched`.

        Raises:
            CannotBuild: a file is damaged, or cannot be read.
        """
        before = 0
        for number, (path, _) in enumerate(self.paths):
            read = partial(_read_so_far, done, before)
            yield from self._read(number, BATCH, read, timestamp, left_out)
            before += path.stat().st_size
            done(before)

    def _read(
        self,
        number: int,
        most: int,
        done: Callable[[int], None],
        timestamp: int,
        left_out: Counter[str],
    ) -> Iterator[Records]:
        path, kind = self.paths[number]
        partition = Partition(TOPIC, number)
        try:
            reader = open_rows(path, kind, self.limit)
            try:
                reader.begin(0, Mark(0, 0))
                for first, lines in _batches(reader, most):
                    yield from self._own(_records(partition, first, lines, timestamp), left_out)
                    done(reader.place or 0)
            finally:
                reader.close()
        except BROKEN as error:
            raise CannotBuild(
                f"{path}: cannot be read to its end ({error}); mend the file, or leave it out"
            ) from error

    def _own(self, records: Records, left_out: Counter[str]) -> Iterator[Records]:
        routed = [("", records)] if self.router is None else self.router.route(records)
        for model, part in routed:
            if model is None:
                left_out["unmatched"] += len(part)
            elif len(part):
                yield part


def find(patterns: Sequence[str], limit: int) -> TrainingFiles:
    """The files that paths and glob patterns name, each once.

    Raises:
        CannotBuild: a path or pattern names no file, or one whose kind its name does not tell.
    """
    found: dict[tuple[int, int], tuple[Path, OneKind]] = {}
    for pattern in patterns:
        paths = [Path(pattern)]
        if glob.has_magic(pattern) and not paths[0].exists():
            matching = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207  # may be absolute
            paths = [path for path in map(Path, matching) if not path.is_dir()]
            if not paths:
                raise CannotBuild(f"{pattern}: no file matches it")
        for path in paths:
            if path.is_dir():
                raise CannotBuild(f"{path}: is a folder; name its files, for example {path}/*.csv")
            try:
                facts = path.stat()
            except OSError as error:
                raise CannotBuild(f"{path}: cannot be read ({error.strerror})") from error
            found.setdefault((facts.st_dev, facts.st_ino), (path, _kind(path)))
    ordered = sorted(found.values(), key=lambda one: str(one[0]))
    return TrainingFiles(tuple(ordered), limit)


def _kind(path: Path) -> OneKind:
    try:
        return kind_of(path, "auto", follow=False)
    except ValueError:
        raise CannotBuild(
            f"{path}: its name does not tell what is in it; name it .csv, .parquet or .jsonl (CSV "
            "and JSONL also with .gz behind)"
        ) from None


def _batches(reader: RowReader, most: int) -> Iterator[tuple[int, list[Line]]]:
    """The lines in runs of about `most`, each with the number of its first."""
    first, waiting, size = 0, list[Line](), 0
    over = False
    while not over:
        lines = reader.read()
        if not lines and reader.at_end:
            lines, over = reader.finish(), True
        waiting += lines
        size += sum(len(line.data) for line in lines)
        if over or len(waiting) >= most or size >= BATCH_BYTES:
            yield first, waiting
            first, waiting, size = first + len(waiting), [], 0


def _records(partition: Partition, first: int, lines: list[Line], timestamp: int) -> Records:
    kept = [(n, one) for n, one in enumerate(lines, first) if one.data.strip() or one.size]
    rows = len(kept)
    return Records(
        partition=partition,
        offsets=np.array([number for number, _ in kept], dtype=np.int64),
        values=[line.data for _, line in kept],
        keys=[None] * rows,
        headers=[()] * rows,
        timestamps=np.full(rows, timestamp, dtype=np.int64),
        oversized={index: line.size for index, (_, line) in enumerate(kept) if line.size},
    )


def _read_so_far(done: Callable[[int], None], before: int, at: int) -> None:
    done(before + at)
