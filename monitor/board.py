"""The board: the current value of every series, as the exporter shows it. It has no clock.

What writes it is the pipeline's thread, what reads it the exporter's; every method is atomic.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import add
from threading import Lock
from typing import NamedTuple

from collectors.family import Distribution, Statistic
from monitor.metric import Kind, Metric
from monitor.metrics import BY_STATISTIC

OTHER = "__other__"
"""Label value of everything that a cap leaves no series of its own."""

MAX_LABEL = 128
"""Characters of a label value."""

LATENCY_BUCKETS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
"""Upper bounds of the latency histogram in seconds, where a model sets none."""


@dataclass(frozen=True, slots=True)
class Caps:
    """How many values a label may take that data can widen, for one model and version.

    Versions are capped where their rows are put together: means of several versions cannot be
    added up afterwards.
    """

    reasons: int = 50
    classes: int = 50


_CAPS = Caps()


class Histogram(NamedTuple):
    """Observations in buckets: upper bounds without +Inf, counts int per bucket, and their sum."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float


class Series(NamedTuple):
    """One series: its statistic's id, its label values in the metric's order, its value."""

    id: str
    labels: tuple[str, ...]
    value: float | Histogram


class _Counter:
    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def add(self, value: float | Distribution) -> None:
        if isinstance(value, Distribution):
            raise ValueError("a counter takes a number, not a distribution")  # noqa: TRY004
        self.value += value

    def copy(self) -> float:
        return self.value


class _Buckets:
    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = (0,) * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float | Distribution) -> None:
        if not isinstance(value, Distribution) or len(value.counts) != len(self.counts):
            raise ValueError(f"this histogram takes a distribution of {len(self.counts)} buckets")
        self.counts = tuple(map(add, self.counts, value.counts))
        self.total += value.total

    def copy(self) -> Histogram:
        return Histogram(self.bounds, self.counts, self.total)


_Place = tuple[str, tuple[str, ...]]
_Cells = dict[_Place, _Counter | _Buckets]
_Values = dict[_Place, float]
_Seen = dict[tuple[str, str], set[str]]
_Owner = tuple[str, ...]  # (), (model,), (model, version) or (model, version, window)

_SHARED = ("model", "version", "window")
_CAPPED = ("version", "reason", "class")


class Board:
    """The current value of every series.

    Label values are cleaned, and beyond their cap become `__other__`, counted in `series_dropped`.
    Every method that takes statistics raises KeyError for an id that the table does not have, and
    ValueError for labels or a value that the metric does not take.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._generation = 0
        self._caps: dict[str, Caps] = {}
        self._bounds: dict[str, tuple[float, ...]] = {}
        self._cells: dict[_Owner, _Cells] = defaultdict(dict)
        self._shortcuts: dict[_Owner, dict[tuple[object, ...], _Counter | _Buckets]] = {}
        self._seen: dict[_Owner, _Seen] = defaultdict(dict)
        self._windows: dict[_Owner, _Values] = {}
        self._gauges: _Values = {}
        self._groups: dict[tuple[str, ...], _Values] = {}

    @property
    def generation(self) -> int:
        """Changes with every change: equal generations mean equal values."""
        return self._generation

    def declare(
        self, model: str, buckets: Iterable[float] = LATENCY_BUCKETS, caps: Caps = _CAPS
    ) -> None:
        """Set a model's caps, and its histogram's upper bounds, ascending, without +Inf.

        A model that is not declared has the defaults. New bounds start its histograms again at 0,
        for old counts do not fit them.
        """
        model = label(model)
        bounds = tuple(buckets)
        with self._lock:
            self._caps[model] = caps
            if bounds != self._bounds.get(model, LATENCY_BUCKETS):
                self._shortcuts.clear()
                for owner, cells in self._cells.items():
                    if owner[:1] == (model,):
                        for place in [p for p, c in cells.items() if isinstance(c, _Buckets)]:
                            del cells[place]
            self._bounds[model] = bounds
            for name in _CAPPED:
                self._dropped(model, name)
            self._generation += 1

    def add(self, statistic: Statistic, model: str = "", version: str = "") -> None:
        """Add to a counter or histogram; adding nothing makes it exist at 0."""
        key = (statistic.id, *statistic.labels.items())
        with self._lock:
            shortcuts = self._shortcuts.get((model, version))
            cell = shortcuts.get(key) if shortcuts else None
            if cell is None:
                cell = self._open(statistic, model, version, key)
            cell.add(statistic.value)
            self._generation += 1

    def drop(self, model: str, name: str) -> None:
        """Count one update that lost its value of the label `name` to a cap kept elsewhere."""
        with self._lock:
            self._dropped(label(model), name).value += 1
            self._generation += 1

    def set_window(
        self, model: str, version: str, window: str, statistics: Iterable[Statistic]
    ) -> None:
        """Replace all gauges of one window; what is not among `statistics` is gone.

        Of a label with a cap the first values that come keep series of their own, and the shares of
        the others are added up.
        """
        owner = (label(model), label(version), label(window))
        given = list(statistics)
        values: _Values = {}
        seen: _Seen = {}
        with self._lock:
            for statistic in given:
                labels = self._labels(statistic, _metric(statistic, "gauge"), owner, seen)
                place = (statistic.id, labels)
                shared = OTHER in labels[len(owner) :]
                values[place] = _number(statistic) + (values.get(place, 0.0) if shared else 0.0)
            self._windows[owner] = values
            self._generation += 1

    def drop_window(self, model: str, version: str, window: str) -> None:
        """Remove all gauges of one window: it has no rows any more."""
        with self._lock:
            self._windows.pop((label(model), label(version), label(window)), None)
            self._generation += 1

    def forget(self, model: str, version: str) -> None:
        """Remove counters and windows of a version; counters of the model as a whole stay."""
        owner = (label(model), label(version))
        with self._lock:
            self._cells.pop(owner, None)
            self._seen.pop(owner, None)
            self._shortcuts.clear()
            for window in [key for key in self._windows if key[:2] == owner]:
                del self._windows[window]
            self._generation += 1

    def set_version(self, model: str, version: str, statistics: Iterable[Statistic]) -> None:
        """Replace the gauges of a version as a whole; they go when it is forgotten."""
        self.set_window(model, version, "", statistics)

    def drop_length(self, model: str, window: str) -> None:
        """Remove all gauges of one length of window, of every version, its verdict and scores."""
        model, window = label(model), label(window)
        with self._lock:
            for key in [k for k in self._windows if (k[0], k[2]) == (model, window)]:
                del self._windows[key]
            for group in [key for key in self._groups if key[1:] == (model, window)]:
                del self._groups[group]
            self._generation += 1

    def drop_model(self, model: str) -> None:
        """Remove everything of a model."""
        model = label(model)
        with self._lock:
            for held in (self._cells, self._seen, self._windows):
                for owner in [key for key in held if key[:1] == (model,)]:
                    del held[owner]
            shared = self._cells[()]
            for place in [p for p in shared if p[0] == "series_dropped" and p[1][0] == model]:
                del shared[place]
            for group in [key for key in self._groups if key[1:2] == (model,)]:
                del self._groups[group]
            self._shortcuts.clear()
            self._generation += 1

    def set_gauge(self, statistic: Statistic, model: str = "") -> None:
        """Set one gauge of a model as a whole, or of the monitor."""
        metric = _metric(statistic, "gauge")
        with self._lock:
            labels = self._labels(statistic, metric, (label(model),), {})
            self._gauges[statistic.id, labels] = _number(statistic)
            self._generation += 1

    def replace_group(
        self, group: tuple[str, ...], statistics: Iterable[Statistic], model: str = ""
    ) -> None:
        """Replace every series of a group; what is not among `statistics` is gone.

        Counters in it are set to the value given, which their sampler has added up.
        """
        owner = (label(model),)
        given = list(statistics)
        with self._lock:
            values = {
                (s.id, self._labels(s, _metric(s, "gauge", "counter"), owner, {})): _number(s)
                for s in given
            }
            self._groups[group] = values
            self._generation += 1

    def series(self) -> tuple[int, list[Series]]:
        """The generation, and every series as of it."""
        with self._lock:
            copy = [
                Series(*place, cell.copy())
                for cells in self._cells.values()
                for place, cell in cells.items()
            ]
            # Windows and groups are replaced whole and never changed: no need to hold the lock.
            whole = [*self._windows.values(), dict(self._gauges), *self._groups.values()]
            generation = self._generation
        for values in whole:
            copy.extend(Series(*place, value) for place, value in values.items())
        return generation, copy

    def _open(
        self, statistic: Statistic, model: str, version: str, key: tuple[object, ...]
    ) -> _Counter | _Buckets:
        """The cell of a counter or histogram that has no shortcut."""
        metric = _metric(statistic, "counter", "histogram")
        # A counter belongs to what its labels name, so that no version's end takes the model's own.
        owner = tuple(
            label(value)
            for name, value in (("model", model), ("version", version))
            if name in metric.labels and name not in statistic.labels
        )
        labels = self._labels(statistic, metric, owner, self._seen[owner])
        place = (statistic.id, labels)
        cells = self._cells[owner]
        if place not in cells:
            histogram = metric.kind == "histogram"
            bounds = self._bounds.get(owner[0], LATENCY_BUCKETS) if histogram else ()
            cells[place] = _Buckets(bounds) if histogram else _Counter()
        # Only a value that stayed itself gets a shortcut: those that become another have no end.
        if {model, version, *statistic.labels.values()} <= {*labels, label(model), label(version)}:
            self._shortcuts.setdefault((model, version), {})[key] = cells[place]
        return cells[place]

    def _labels(
        self, statistic: Statistic, metric: Metric, owner: _Owner, seen: _Seen
    ) -> tuple[str, ...]:
        """All label values in the metric's order, clean and within their caps."""
        given = dict(zip(_SHARED, owner, strict=False)) | dict(statistic.labels)
        names = metric.labels
        if not set(statistic.labels) <= set(names) <= set(given):
            raise ValueError(
                f"{statistic.id} takes the labels {', '.join(names) or 'none'}; "
                f"it was given {', '.join(given) or 'none'}"
            )
        return tuple([self._capped(statistic, name, given, seen) for name in names])

    def _capped(
        self, statistic: Statistic, name: str, given: Mapping[str, str], seen: _Seen
    ) -> str:
        value = label(given[name])
        if name not in ("reason", "class") or value == OTHER:
            return value
        caps = self._caps.get(given["model"], _CAPS)
        cap = caps.reasons if name == "reason" else caps.classes
        known = seen.setdefault((statistic.id, name), set())
        if value not in known:
            if len(known) >= cap:
                self._dropped(given["model"], name).value += 1
                return OTHER
            known.add(value)
        return value

    def _dropped(self, model: str, name: str) -> _Counter:
        place = ("series_dropped", (model, name))
        cell = self._cells[()].setdefault(place, _Counter())
        assert isinstance(cell, _Counter)  # noqa: S101
        return cell


def label(value: str) -> str:
    r"""A label value that every Prometheus takes: valid UTF-8, no control characters, bounded.

    What cannot be shown becomes U+FFFD. A value that is too long keeps its beginning and ends in a
    hash of the whole, so that two of them stay apart.

    >>> label("a\nb")
    'a�b'
    """
    if len(value) <= MAX_LABEL and value.isprintable():
        return value
    if len(value) > MAX_LABEL:
        whole = value.encode("utf-8", "surrogatepass")
        value = f"{value[: MAX_LABEL - 9]}~{hashlib.blake2b(whole, digest_size=4).hexdigest()}"
    return "".join(
        "\ufffd" if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in value
    )


def _metric(statistic: Statistic, *kinds: Kind) -> Metric:
    metric = BY_STATISTIC.get(statistic.id)
    if metric is None:
        raise KeyError(f"no metric shows the statistic {statistic.id!r}; see monitor/metrics.py")
    if metric.kind not in kinds:
        raise ValueError(f"{statistic.id} is a {metric.kind}; here only: {', '.join(kinds)}")
    return metric


def _number(statistic: Statistic) -> float:
    if isinstance(statistic.value, Distribution):
        raise ValueError(f"{statistic.id} takes a number, not a distribution")  # noqa: TRY004
    return statistic.value
