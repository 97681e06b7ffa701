"""What sample records seem to mean: where the time, the features and the answer lie, and of what
kind they are.

It serves `init`, which writes the findings down for people to judge, and a config that leaves its
fields open. It goes by names first and checks each by the values; it never raises for what a
sample contains. Ranges and categories are told as observed: nothing here declares anything valid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from collectors.discovery import Discovery, FoundFeature, Hints, Place
from collectors.events import RESOURCES
from collectors.field_names import (
    ANSWERS,
    CONTAINERS,
    ERRORS,
    LATENCIES,
    NAME_LISTS,
    PREDICTIONS,
    REQUEST_IDS,
    STATUSES,
    TIMES,
    UNITS,
    VERSIONS,
    WRAPPERS,
)
from collectors.layout import LatencyUnit, OutputKind, Path
from collectors.leaves import (
    FEW,
    MAX_INDEXED,
    Leaf,
    Values,
    is_missing,
    leaves_of,
    number,
    rows_of,
    tokens,
)

MAX_FEATURES = 1_000
MAX_VECTOR = 100
"""A longer list without names is one value (an embedding), not as many features."""


def discover(samples: Sequence[object], hints: Hints | None = None) -> Discovery:
    """Look at decoded JSON values; a list counts as its items, and what is no object is passed."""
    rows = rows_of(samples)
    return _Search(leaves_of(rows), len(rows), hints or Hints()).run()


class _Search:
    """One look at the leaves of the samples; each leaf is claimed at most once."""

    def __init__(self, leaves: dict[Path, Leaf], rows: int, hints: Hints) -> None:
        self.leaves = leaves
        self.rows = rows
        self.hints = hints
        self.claimed: set[Path] = set()
        self.places: dict[str, Place] = {}
        self.unit: LatencyUnit | None = None
        self.notes: list[str] = []

    def run(self) -> Discovery:
        at = self.hints.features_at
        if self.hints.fields is not None:
            self._take_given(self.hints.fields)
        else:
            at = at if at is not None else self._container(CONTAINERS)
            self._find_prediction(at)
            if at is None and self.hints.feature_paths is None:
                at = self._container(WRAPPERS, avoid=self._place("prediction"))
            self._find_fields(at)
        features = self._features(at)
        return Discovery(
            rows=self.rows,
            places=self.places,
            latency_unit=self.unit,
            features_at=at,
            features=features,
            output_kind=self._output_kind(),
            unused=tuple(path for path in self.leaves if path not in self.claimed),
            notes=tuple(self.notes),
        )

    def values(self, path: Path) -> Values:
        """The values at a path, of a leaf or of one item of a leaf's lists."""
        if path in self.leaves:
            return Values(self.leaves[path].values, self.rows)
        step = path[-1] if path else None
        held = self.leaves[path[:-1]].values if path[:-1] in self.leaves else []
        if not isinstance(step, int):
            return Values([], self.rows)
        items = [v[step] for v in held if isinstance(v, list) and 0 <= step < len(v)]
        return Values(items, self.rows)

    def _place(self, name: str) -> Path | None:
        return self.places[name].path if name in self.places else None

    def _claim(self, name: str, path: Path, note: str) -> None:
        self.places[name] = Place(path, note)
        self.claimed |= {path, path[:-1]} & self.leaves.keys()

    def _seen(self, path: Path) -> str:
        return f"in {len(self.values(path).present)} of {self.rows} rows"

    def _take_given(self, fields: Mapping[str, Path]) -> None:
        for name, path in fields.items():
            self._claim(name, path, self._seen(path))
        if "latency" in fields:
            self.unit = _latency_unit(fields["latency"], self.values(fields["latency"]))

    def _container(self, names: Sequence[str], avoid: Path | None = None) -> Path | None:
        """The best-named object or list that holds leaves, none of them `avoid`."""
        prefixes = {leaf.path[:depth] for leaf in self.leaves.values() for depth in range(1, 13)}
        found = [
            (names.index(_plain(prefix)), len(prefix), prefix)
            for prefix in prefixes
            if prefix and _plain(prefix) in names and isinstance(prefix[-1], str)
        ]
        found = [one for one in found if avoid is None or avoid[: one[1]] != one[2]]
        return min(found, key=lambda one: one[:2])[2] if found else None

    def _find_prediction(self, at: Path | None) -> None:
        """The answer: the best name wins, then the least deep, then the best name inside."""
        best: tuple[tuple[int, int, int, int], Path] | None = None
        for order, (path, leaf) in enumerate(self.leaves.items()):
            if _within(path, at) or not any(not is_missing(value) for value in leaf.values):
                continue
            for depth in range(1, len(path) + 1):
                name = _plain(path[:depth])
                if name not in PREDICTIONS or not isinstance(path[depth - 1], str):
                    continue
                inner = _plain(path) if depth < len(path) else "value"
                place = ANSWERS.index(inner) if inner in ANSWERS else len(ANSWERS)
                rank = (PREDICTIONS.index(name), depth, place, order)
                if best is None or rank < best[0]:
                    best = rank, path
        if best is None:
            return
        path = best[1]
        values = self.values(path)
        if values.kind() == "list" and not _scores(values):
            path = (*path, 0)
        self._claim("prediction", path, self._seen(path))

    def _find_fields(self, at: Path | None) -> None:
        outside = [leaf for path, leaf in self.leaves.items() if not _within(path, at)]
        self._find_time(outside)
        self._find_latency(outside)
        for name, names, fits in (
            ("status", STATUSES, _is_status),
            ("error", ERRORS, _is_error),
            ("version", VERSIONS, _is_version),
            ("request_id", REQUEST_IDS, _is_request_id),
        ):
            if path := self._named(outside, names, fits):
                self._claim(name, path, self._seen(path))
        for name in RESOURCES:
            if path := self._named(outside, ["".join(tokens(name))], _is_number):
                self._claim(name, path, self._seen(path))

    def _named(
        self,
        leaves: Iterable[Leaf],
        names: Sequence[str],
        fits: Callable[[str, Values], bool],
    ) -> Path | None:
        """The unclaimed leaf with the best name (its own, or with its parent's) that fits."""
        found: list[tuple[int, int, Path]] = []
        for leaf in leaves:
            if leaf.path in self.claimed:
                continue
            own, both = _plain(leaf.path), _plain(leaf.path[-2:-1]) + _plain(leaf.path)
            ranks = [names.index(name) for name in (own, both) if name in names]
            if ranks and fits(own, self.values(leaf.path)):
                found.append((min(ranks), len(leaf.path), leaf.path))
        return min(found, key=lambda one: one[:2])[2] if found else None

    def _find_time(self, leaves: Sequence[Leaf]) -> None:
        path = self._named(leaves, TIMES, lambda _, values: values.time() is not None)
        for leaf in leaves if path is None else ():
            style = self.values(leaf.path).time()
            if leaf.path not in self.claimed and _tells_time(style, leaf.key):
                path = leaf.path
                break
        if path is not None:
            self._claim("time", path, f"{self.values(path).time()}, {self._seen(path)}")

    def _find_latency(self, leaves: Sequence[Leaf]) -> None:
        named = [leaf for leaf in leaves if _without_unit(leaf.key) in LATENCIES]
        named = [leaf for leaf in named if _is_number("", self.values(leaf.path))]
        if not named:
            return
        leaf = min(named, key=lambda one: LATENCIES.index(_without_unit(one.key)))
        values = self.values(leaf.path)
        self.unit = _latency_unit(leaf.path, values)
        low, high = min(values.numbers), max(values.numbers)
        how = "by its name" if tokens(leaf.key)[-1] in UNITS else "by its size: a guess"
        note = f"{low:g} to {high:g}, unit {how}, {self._seen(leaf.path)}"
        self._claim("latency", leaf.path, note)

    def _features(self, at: Path | None) -> tuple[FoundFeature, ...]:
        if self.hints.feature_paths is not None:
            paths = dict(self.hints.feature_paths)
        elif at is not None:
            paths = self._inside(at)
        elif self.hints.fields is None:
            paths = self._names_of((path for path in self.leaves if path not in self.claimed), ())
        else:
            paths = {}
        found: list[FoundFeature] = []
        for name, path in paths.items():
            self.claimed |= {path, path[:-1]} & self.leaves.keys()
            if len(found) == MAX_FEATURES:
                self.notes.append(f"more than {MAX_FEATURES} features; the rest are left out")
                break
            if (feature := self._feature(name, path)) is not None:
                found.append(feature)
        return tuple(found)

    def _inside(self, at: Path) -> dict[str, Path]:
        """The features in a container: tensors, a list with or without names, an object."""
        inside = {path: leaf for path, leaf in self.leaves.items() if _within(path, at)}
        if tensors := self._tensors(at, inside):
            return tensors
        if len(inside) == 1:
            (path,) = inside
            if not isinstance(path[-1], str) or path == at:
                return self._items(path)
        common = [
            path
            for path, leaf in inside.items()
            if len(leaf.values) >= self.rows / 2 or not any(isinstance(s, int) for s in path)
        ]
        return self._names_of(common, at)

    def _names_of(self, paths: Iterable[Path], base: Path) -> dict[str, Path]:
        named: dict[str, Path] = {}
        for path in paths:
            name = ".".join(map(str, path[len(base) :])) or str(path[-1])
            if named.setdefault(name, path) != path:
                self.notes.append(f"two paths read {name}; the first one is taken")
        return named

    def _items(self, path: Path, name: str = "") -> dict[str, Path]:
        """A list as one feature an item, if every row has as many; else as it is."""
        lengths = {
            len(value) if isinstance(value, list) else -1
            for value in self.leaves[path].values
            if not is_missing(value)
        }
        whole = {name or self.leaves[path].key or str(path[-1]): path}
        if len(lengths) != 1 or -1 in lengths:
            return whole
        (length,) = lengths
        names = self._names_for(path, length)
        if names is None:
            if length > MAX_VECTOR:
                return whole
            names = [f"{name}.{i}" if name else str(i) for i in range(length)]
            names = [name] if name and length == 1 else names
        return {one: (*path, i) for i, one in enumerate(names)}

    def _names_for(self, path: Path, length: int) -> list[str] | None:
        """Names of a list's places, from a list of as many distinct strings that never changes."""
        for other, leaf in self.leaves.items():
            first = next((value for value in leaf.values if not is_missing(value)), None)
            if _plain(other) not in NAME_LISTS or not isinstance(first, list):
                continue
            named = [name for name in first if isinstance(name, str) and 0 < len(name) <= 200]
            same = all(value == first for value in leaf.values if not is_missing(value))
            if same and other != path and len(set(named)) == length == len(first):
                self.claimed.add(other)
                return named
        return None

    def _tensors(self, at: Path, inside: Mapping[Path, Leaf]) -> dict[str, Path]:
        """Named tensors, as KServe's V2 protocol has them: [{"name": ..., "data": [...]}]."""
        named: dict[str, Path] = {}
        for place in range(MAX_INDEXED):
            base = (*at, place)
            if (*base, "name") not in inside or (*base, "data") not in inside:
                break
            names = self.values((*base, "name")).names
            if len(names) != 1:
                break
            self.claimed |= {path for path in inside if path[: len(base)] == base}
            named |= self._items((*base, "data"), next(iter(names)))
        return named

    def _feature(self, name: str, path: Path) -> FoundFeature | None:
        values = self.values(path)
        kind = values.kind()
        if kind is None:
            if values.present:
                self.notes.append(f"{name}: values of several types; left out")
            elif self.rows:
                self.notes.append(f"{name}: never a value; left out")
            return None
        words = tokens(name.rsplit(".", 1)[-1])
        if kind == "number" and "id" in words and values.distinct <= FEW:
            kind = "category"
        low = high = None
        if kind == "number":
            low, high = min(values.numbers), max(values.numbers)
        few = kind == "category" and len(values.names) <= FEW
        return FoundFeature(
            name=name,
            path=path,
            kind=kind,
            missing=values.missing,
            low=low,
            high=high,
            categories=tuple(name for name, _ in values.names.most_common()) if few else (),
            distinct=values.distinct,
            left_out=values.left_out(words),
        )

    def _output_kind(self) -> OutputKind | None:
        path = self._place("prediction")
        if path is None:
            return None
        values = self.values(path)
        kind = values.kind()
        if kind in ("number", "boolean"):
            return kind
        if kind == "list":
            return "scores"
        return "category" if kind in ("category", "text", "image") else None


def _plain(path: Path) -> str:
    """The last name on the path, its words run together; "" where there is none."""
    return "".join(tokens(Leaf(path).key))


def _within(path: Path, at: Path | None) -> bool:
    return at is not None and path[: len(at)] == at


def _tells_time(style: str | None, key: str) -> bool:
    """Whether values that look like times are times, whatever their name."""
    if style is None or style == "a date":
        return False
    return style.startswith("ISO") or not {"id", "phone", "number", "no"} & set(tokens(key))


def _without_unit(key: str) -> str:
    words = tokens(key)
    return "".join(words[:-1] if words and words[-1] in UNITS else words)


def _latency_unit(path: Path, values: Values) -> LatencyUnit:
    """By the name's last word, else by the middle value: below 10 and broken s, from 20,000 us."""
    words = tokens(Leaf(path).key)
    if words and words[-1] in UNITS:
        return UNITS[words[-1]]
    middle = sorted(values.numbers)[len(values.numbers) // 2] if values.numbers else 0.0
    if middle >= 20_000:
        return "us"
    whole = all(value.is_integer() for value in values.numbers)
    return "s" if middle < 10 and not whole else "ms"


def _scores(values: Values) -> bool:
    """Whether most are lists of at least two numbers."""
    lists = (value for value in values.present if isinstance(value, list))
    good = sum(len(one) >= 2 and all(number(item) is not None for item in one) for one in lists)
    return good >= 0.9 * len(values.present)


def _is_number(_: str, values: Values) -> bool:
    return values.kind() == "number"


def _is_status(_: str, values: Values) -> bool:
    coded = sum(100 <= value <= 599 and value.is_integer() for value in values.numbers)
    return bool(values.present) and coded >= 0.9 * len(values.present)


def _is_error(_: str, values: Values) -> bool:
    """Names, flags and codes; broken numbers are how far a prediction was off."""
    return all(value.is_integer() for value in values.numbers) and values.kind() != "list"


def _is_version(name: str, values: Values) -> bool:
    if not values.present or values.kind() in ("list", "text", "image"):
        return False
    digits = any(any(letter.isdigit() for letter in text) for text in values.names)
    return name not in ("model", "modelid") or digits


def _is_request_id(_: str, values: Values) -> bool:
    plain = values.share(isinstance(value, str | int) for value in values.present)
    return bool(values.present) and plain >= 0.9
