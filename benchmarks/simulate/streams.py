"""Streams of panes in which nothing changes but what a regime says: counts by cell, from a seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from benchmarks.simulate.kinds import KINDS, Floats

Counts = NDArray[np.int32]
Ints = NDArray[np.int64]

WEEK = 168
LEAST_WEEKS = 30

NULLS = 0.01
"""Share of values that are missing."""

SCALES = 0.5
"""By how much log-scales wander where means wander by 1."""


@dataclass(frozen=True)
class Regime:
    """What a stream does while nothing is wrong; effects are in latent standard deviations.

    Attributes:
        rows: mean rows of a pane.
        tenfold: the busiest hour of the day has ten times the rows of the quietest.
        wander: of panes, by half common to all features.
        memory: AR(1) coefficient of that, from pane to pane.
        degrees: Student's, of that; 0 for normal.
        hours, weekend: size of the daily wave, and of the weekend's step.
        days: of whole days.
        kinds: of columns, in turn over the features.
        dark: hours of each night without rows.
        follow: AR(1) coefficients of the rows themselves, in turn over the features.
        software: whether errors, reruns, latency and a wandering volume are there, and a quarter of
            the features only.
    """

    name: str
    rows: float = 1_000.0
    tenfold: bool = False
    wander: float = 0.0
    memory: float = 0.0
    degrees: float = 0.0
    hours: float = 0.0
    weekend: float = 0.0
    days: float = 0.0
    kinds: tuple[str, ...] = ("number",)
    dark: int = 0
    follow: tuple[float, ...] = ()
    software: bool = False


MIXED = ("category 3", "number", "category 8", "number", "number") * 3 + (
    "category 20",
    "number",
    "category 5",
    "number",
    "number",
)
SPARSE = (
    *("5% not zero", "1% not zero", "binary 10%", "binary 2%", "integer 3"),
    *("30% not zero", "binary 50%", "integer 0.3", "number", "5% not zero"),
)

REGIMES = {
    one.name: one
    for one in (
        Regime("independent"),
        Regime("independent, n = 100", rows=100.0),
        Regime("rows AR(0.9), AR(0.98)", rows=500.0, follow=(0.9, 0.98)),
        Regime("panes wander", wander=0.1),
        Regime("panes AR(0.9)", wander=0.1, memory=0.9),
        Regime("n tenfold", tenfold=True, wander=0.1),
        Regime("season, n tenfold", tenfold=True, hours=0.3, weekend=0.2),
        Regime("Student t3", wander=0.1, degrees=3.0),
        Regime(
            "mixed",
            wander=0.1,
            memory=0.7,
            degrees=5.0,
            hours=0.3,
            weekend=0.2,
            tenfold=True,
            kinds=MIXED,
        ),
        Regime("days wander", days=0.1),
        Regime("panes AR(0.99)", wander=0.1, memory=0.99),
        Regime("sparse", kinds=SPARSE),
        Regime("sparse, panes wander", wander=0.1, kinds=SPARSE),
        Regime("software", wander=0.1, memory=0.5, tenfold=True, software=True),
        Regime("dark nights", wander=0.1, dark=6),
    )
}


@dataclass(frozen=True)
class Drift:
    """What is put into a stream from its onset on; effects as in `Regime`.

    Attributes:
        mean, scale: added to means and to log-scales.
        nulls: share of values that are missing.
        unseen: share of values that no reference has.
        double: by how much the share of all cells but the first grows.
        kind: of the column that drifts, the first of that kind; "" for all columns.
        ramp: panes in which mean and scale grow from nothing.
    """

    name: str
    mean: float = 0.0
    scale: float = 0.0
    nulls: float = NULLS
    unseen: float = 0.0
    double: float = 1.0
    kind: str = "number"
    ramp: int = 0


NO_DRIFT = Drift("none")


@dataclass(frozen=True)
class Cells:
    """One column's counts.

    Attributes:
        counts: int32 [T, G + 1], the last cell those that are missing.
    """

    kind: str
    counts: Counts

    @property
    def values(self) -> Floats | None:
        """What the cells stand for, [G]; None for categories."""
        return KINDS[self.kind].values

    @cached_property
    def moments(self) -> Floats:
        """(values, their sum, their sum of squares) of each pane, [T, 3]."""
        assert self.values is not None  # noqa: S101  # asked of numbers only
        by = np.column_stack((np.ones_like(self.values), self.values, np.square(self.values)))
        return np.asarray(self.counts[:, :-1].astype(np.float64) @ by)

    def total(self, panes: slice) -> Floats:
        """The counts of values over some panes together, [G]."""
        return np.asarray(self.counts[panes, :-1].sum(axis=0, dtype=np.float64))


@dataclass(frozen=True)
class Stream:
    """Panes of counts.

    Attributes:
        rows: [T], rows of each pane.
        cells: by feature.
        latency: of the inferences; None without `software`.
        shares: by statistic, [T, 2], those that have it and those that have not.
        expected: [T], whether a pane of this time has rows.
    """

    regime: Regime
    rows: Ints
    cells: list[Cells]
    latency: Cells | None
    shares: dict[str, Ints]
    expected: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Effects:
    """Latent means and log-scales of each feature in each pane, [T, p]."""

    means: Floats
    scales: Floats


def hours_of(panes: int) -> Ints:
    """Hour of the week, from a Monday on."""
    return np.arange(panes) % WEEK


def draw(regime: Regime, features: int, panes: int, seed: tuple[int, ...]) -> Stream:
    """A stream without a drift."""
    rng = np.random.default_rng((*seed, 1))
    rows, expected = _rows(regime, panes, np.random.default_rng((*seed, 2)))
    number = max(features // 4, 1) if regime.software else features
    effects = draw_effects(regime, number, panes, seed)
    kinds = tuple(regime.kinds[j % len(regime.kinds)] for j in range(number))
    if regime.follow:
        cells = [
            _following(kind, rows, regime.follow[j % len(regime.follow)], rng)
            for j, kind in enumerate(kinds)
        ]
    else:
        cells = [draw_cells(rng, kind, rows, effects, j) for j, kind in enumerate(kinds)]
    stream = Stream(regime, rows, cells, None, {}, expected)
    return _with_software(stream, rng) if regime.software else stream


def draw_effects(regime: Regime, features: int, panes: int, seed: tuple[int, ...]) -> Effects:
    """What a regime does to means and scales; the features' own constants come first."""
    rng = np.random.default_rng((*seed, 3))
    size = regime.wander * rng.uniform(0.4, 1.6, features)
    wave = regime.hours * rng.uniform(0.3, 1.7, features)
    step = regime.weekend * rng.uniform(-1.7, 1.7, features)
    hour = hours_of(panes)
    means = size * _wandering(regime, features, panes, rng)
    scales = SCALES * size * _wandering(regime, features, panes, rng)
    means += wave * np.sin(2.0 * np.pi * hour / 24.0)[:, None]
    means += step * (hour >= 120)[:, None]
    means += regime.days * rng.standard_normal((panes // 24 + 1, features))[np.arange(panes) // 24]
    return Effects(means, scales)


def draw_cells(
    rng: np.random.Generator,
    kind: str,
    rows: Ints,
    effects: Effects,
    feature: int,
    drift: Drift = NO_DRIFT,
) -> Cells:
    """Counts of one feature in each pane."""
    grown = np.minimum(np.arange(1, len(rows) + 1) / drift.ramp, 1.0) if drift.ramp else 1.0
    mean = effects.means[:, feature] + drift.mean * grown
    scale = effects.scales[:, feature] + drift.scale * grown
    shares = KINDS[kind].shares(mean, scale)
    if drift.double != 1.0:
        others = shares[:, 1:] * drift.double
        shares = np.column_stack((1.0 - others.sum(axis=1), others))
    if drift.unseen:
        shares *= 1.0 - drift.unseen
        shares[:, -1] += drift.unseen
    shares = np.column_stack((shares * (1.0 - drift.nulls), np.full(len(rows), drift.nulls)))
    drawn = rng.multinomial(rows, shares / shares.sum(axis=1, keepdims=True))
    return Cells(kind, drawn.astype(np.int32))


def _rows(regime: Regime, panes: int, rng: np.random.Generator) -> tuple[Ints, NDArray[np.bool_]]:
    hour = hours_of(panes)
    mean = np.full(panes, regime.rows)
    if regime.tenfold:
        mean *= 10.0 ** (0.5 * np.sin(2.0 * np.pi * (hour - 6) / 24.0))
    if regime.software:
        mean *= np.where(hour >= 120, 0.6, 1.0)
        mean *= np.exp(0.1 * _autoregressive(rng, panes, 1, 0.5))[:, 0]
    lit = hour % 24 >= regime.dark
    return rng.poisson(mean * lit), lit


def _wandering(regime: Regime, features: int, panes: int, rng: np.random.Generator) -> Floats:
    """Of variance 1, half of it common to all features, [T, p]."""
    if not regime.wander:
        return np.zeros((panes, features))
    common = _autoregressive(rng, panes, 1, regime.memory, regime.degrees)
    own = _autoregressive(rng, panes, features, regime.memory, regime.degrees)
    return np.asarray(np.sqrt(0.5) * (common + own))


def _autoregressive(
    rng: np.random.Generator, length: int, series: int, memory: float, degrees: float = 0.0
) -> Floats:
    """Stationary AR(1) series of variance 1, [T, series]."""
    shape = (length, series)
    if degrees:
        noise = rng.standard_t(degrees, shape) / np.sqrt(degrees / (degrees - 2.0))
    else:
        noise = rng.standard_normal(shape)
    noise[1:] *= np.sqrt(1.0 - memory * memory)
    return np.asarray(lfilter([1.0], [1.0, -memory], noise, axis=0))


def _following(kind: str, rows: Ints, memory: float, rng: np.random.Generator) -> Cells:
    """Counts of rows each of which follows the one before it."""
    total = int(rows.sum())
    values = _autoregressive(rng, total, 1, memory)[:, 0]
    edges = KINDS[kind].edges
    cell = np.searchsorted(edges, values)
    cell[rng.random(total) < NULLS] = len(edges) + 1
    width = len(edges) + 2
    place = np.repeat(np.arange(len(rows)), rows) * width + cell
    counts = np.bincount(place, minlength=len(rows) * width).reshape(-1, width)
    return Cells(kind, counts.astype(np.int32))


def _with_software(stream: Stream, rng: np.random.Generator) -> Stream:
    """Errors, answers to inputs that came before, and latency, each wandering by itself."""
    regime, panes, rows = stream.regime, len(stream), stream.rows
    moved = _autoregressive(rng, panes, 4, regime.memory)
    errors = rng.binomial(rows, 0.005 * np.exp(0.3 * moved[:, 0]))
    again = rng.binomial(rows, 0.05 * np.exp(0.2 * moved[:, 1]))
    repeated = again // 2
    differ = rng.binomial(repeated, 0.02)
    wave = 0.3 * np.sin(2.0 * np.pi * hours_of(panes) / 24.0)
    effects = Effects(0.1 * moved[:, 2:3] + wave[:, None], 0.05 * moved[:, 3:4])
    latency = draw_cells(rng, "latency", rows - errors, effects, 0, Drift("none", nulls=0.0))
    shares = {
        "errors": np.column_stack((errors, rows - errors)),
        "reruns": np.column_stack((again, rows - again)),
        "mismatches": np.column_stack((differ, repeated - differ)),
    }
    return replace(stream, latency=latency, shares=shares)
