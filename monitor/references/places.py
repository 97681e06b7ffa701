"""Where the fields of a model lie in files that are shaped otherwise than its log.

A training file is often a flat table, while the log nests: `features.age` is a column `age`, or one
named `features.age`. Where the files have nothing of what a path begins with, such a column is
taken for it, and that is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from collectors.discovery import Discovery, Hints, Place
from collectors.layout import Layout, Path, Where
from monitor.paths import format_path

Rows = Sequence[Mapping[str, Any]]


class Places:
    """Which column of the files a path of the log is, by the first rows.

    Attributes:
        rows: the first rows, as plain values.
        columns: the keys in them, in order.
        taken: column by what it was taken for.
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.columns = list(dict.fromkeys(key for row in rows for key in row))
        self.taken: dict[str, str] = {}

    def there(self, path: Path) -> bool:
        """Whether any of the rows has something there, if only null."""
        return any(_has(row, path) for row in self.rows)

    def of(self, what: str, path: Path, names: Iterable[str]) -> Path:
        """The path in the files; itself where it is there, or nothing else is taken for it."""
        if not path or path[0] in self.columns:
            return path
        for name in (format_path(path), ".".join(map(str, path)), *names):
            if name in self.columns:
                self.taken[what] = name
                return (name,)
        return path

    def layout(self, layout: Layout) -> Layout:
        """The layout by which the files are read."""
        features = self.features({one.name: one.path for one in layout.features})
        output = layout.output
        answer = None if output is None else self._field("prediction", output.path)
        return replace(
            layout,
            features=tuple(replace(one, path=features[one.name]) for one in layout.features),
            output=output and replace(output, path=answer or output.path),
            time=self._where("time", layout.time),
            version=self._where("version", layout.version),
            request_id=self._where("request_id", layout.request_id),
            latency=layout.latency and self._field("latency", layout.latency),
            error=layout.error and self._field("error", layout.error),
            status=layout.status and self._field("status", layout.status),
            resources={name: self._field(name, path) for name, path in layout.resources.items()},
        )

    def features(self, paths: Mapping[str, Path]) -> dict[str, Path]:
        """Where each feature lies in the files, by name."""
        ends = Counter(path[-1:] for path in paths.values())
        return {
            name: self.of(
                f"feature {name!r}", path, [name, *_last(path)] if ends[path[-1:]] == 1 else [name]
            )
            for name, path in paths.items()
        }

    def _field(self, what: str, path: Path) -> Path:
        return self.of(what, path, _last(path))

    def _where(self, what: str, where: Where | None) -> Where | None:
        if where is None or where.path is None:
            return where
        return replace(where, path=self._field(what, where.path))


def hints_in(places: Places, hints: Hints) -> Hints:
    """The hints, with the paths of the files."""
    fields, features = hints.fields, hints.feature_paths
    return replace(
        hints,
        fields=None
        if fields is None
        else {n: places.of(n, p, _last(p)) for n, p in fields.items()},
        feature_paths=None if features is None else places.features(features),
    )


def in_the_log(found: Discovery, hints: Hints) -> Discovery:
    """What was found in the files, with the paths of the log where the hints have them."""
    fields, features = hints.fields or {}, hints.feature_paths or {}
    return replace(
        found,
        places={
            name: Place(fields.get(name, place.path), place.note)
            for name, place in found.places.items()
        },
        features=tuple(
            replace(one, path=features.get(one.name, one.path)) for one in found.features
        ),
    )


def _last(path: Path) -> list[str]:
    return [step for step in path[-1:] if isinstance(step, str)]


def _has(row: Any, path: Path) -> bool:
    for step in path:
        try:
            row = row[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True
