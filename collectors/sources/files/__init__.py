"""Files as a source: JSONL, CSV and Parquet, plain or gzip, read once or followed as they grow.

Each path is a partition, numbered as it is found, and a number stays with its path over restarts;
an offset is the number of a line or row since the path was first read, over all files that were
under it. Whatever the file's kind, a record is the bytes of a JSON object, so that formats see one
thing. Of a followed path, rotations by name (app.log.1 of app.log) are a part of it, even where a
pattern matches them too.

Exact over restarts: which files the offsets were read from is said in the topic's id, and with it
the rest of a file that was rotated in the meantime is found. What cannot be told: two files that
begin with the same 1024 bytes, where one takes over the inode of the other; lines that were written
between the two steps of a rotation by copying and truncating; and how many lines were in a file
that is gone (one offset stands for them).
"""

from __future__ import annotations

from collectors.sources.files.options import HEAD, FileKind, FilesOptions, kind_of
from collectors.sources.files.source import FilesSource

__all__ = ["HEAD", "FileKind", "FilesOptions", "FilesSource", "kind_of"]
