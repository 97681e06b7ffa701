"""What is to be read, and what is in a file by its name."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FileKind = Literal["auto", "jsonl", "csv", "parquet"]
OneKind = Literal["jsonl", "csv", "parquet"]

HEAD = 1024
"""Bytes handed over of a record that passes the limit."""


@dataclass(frozen=True, slots=True)
class FilesOptions:
    """What to read.

    Attributes:
        paths: paths and glob patterns.
        follow: go on as files grow, and as new ones appear; not for Parquet.
        topic: the topic's name of what is read.
    """

    paths: tuple[str, ...]
    kind: FileKind = "auto"
    follow: bool = False
    max_record_bytes: int = 1024 * 1024
    topic: str = "files"

    def asks_for(self, path: Path) -> bool:
        """Whether the path is one of these, or matches one, be there a file or not."""
        patterns = (*self.paths, *(pattern.replace("**/", "") for pattern in self.paths))
        return any(str(path) == p or fnmatch.fnmatchcase(str(path), p) for p in patterns)


def kind_of(path: Path, kind: FileKind, follow: bool) -> OneKind:
    """What is in a file, by its name where `kind` is `auto`.

    Raises:
        ValueError: it cannot be told, or it is Parquet and to be followed.
    """
    if kind == "auto":
        suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
        endings: dict[str, OneKind] = {
            ".jsonl": "jsonl",
            ".ndjson": "jsonl",
            ".json": "jsonl",
            ".log": "jsonl",
            ".csv": "csv",
            ".parquet": "parquet",
            ".pq": "parquet",
        }
        found = endings.get(suffixes[-1] if suffixes else "")
        if found is None:
            raise ValueError(f"{path}: not .jsonl, .csv or .parquet; say which by `format:`")
        kind = found
    if kind == "parquet" and follow:
        raise ValueError(f"{path}: a Parquet file cannot be followed, for it is written whole")
    return kind
