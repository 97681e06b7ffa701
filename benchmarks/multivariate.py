"""What the comparison of all features together costs, and what it finds.

Run as `python -m benchmarks.multivariate`. Cost: rows a second through the summaries of 20 and of
100 features, with it and without, in one run. Power: raw rows by seed through the product's own
summaries, calibration and judging; 20 features, 1,500 rows an hour, a reference of 168 hours; the
share of hourly windows that are flagged, with it and without.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collectors.drift.calibrate import calibrate
from collectors.drift.calibrated import HOUR, Calibration, Rules
from collectors.drift.calibration.tail import pairs
from collectors.drift.comparisons import CORRELATION, MMD, PCA, Comparison, Summaries
from collectors.drift.judge import Judge
from collectors.events import AnyColumn, CategoryColumn, Events, NumberColumn, Status
from collectors.inputs import Inputs
from collectors.layout import Feature, Layout
from collectors.multivariate import Multivariate
from collectors.outputs import Outputs
from collectors.schema import Schema
from collectors.software import Software
from collectors.sources import Partition

Floats = NDArray[np.float64]

ROWS, FEATURES, CATEGORIES = 1_500, 20, 5
REFERENCE = 168
LEVELS = np.array([-1.0, -0.4, 0.0, 0.4, 0.8, 1.2, 1.8])
NAMES = tuple("abcdefgh")
NULLS = 0.01
MONDAY = 1_767_571_200_000_000
RULES = Rules(budget=1.0, min_rows=20, zone="UTC", days=False)


@dataclass(frozen=True)
class Rows:
    """How rows are drawn; moves are in standard deviations.

    Attributes:
        wander: of the means of all features from pane to pane, by half common to all; AR(0.5).
        rho: correlation of the first two features, both numbers.
        factor: share of every feature's variance that is common to all.
        all, one: added to the mean of every feature, and of the third alone.
    """

    wander: float = 0.0
    rho: float = 0.0
    factor: float = 0.0
    all: float = 0.0
    one: float = 0.0


SETTINGS = {
    "independent": Rows(),
    "panes wander 0.05, AR(0.5)": Rows(wander=0.05),
    "one factor, half of the variance": Rows(factor=0.5),
}
NONE = "nothing"
DRIFTS: Mapping[str, tuple[Mapping[str, float], Mapping[str, float]]] = {
    NONE: ({}, {}),
    "correlation of two 0 to 0.2": ({}, {"rho": 0.2}),
    "correlation of two 0 to 0.5": ({}, {"rho": 0.5}),
    "correlation of two 0.7 to -0.7": ({"rho": 0.7}, {"rho": -0.7}),
    "0.1 sd in all": ({}, {"all": 0.1}),
    "0.05 sd in all": ({}, {"all": 0.05}),
    "0.25 sd in one": ({}, {"one": 0.25}),
}


def layout(features: int, categories: int) -> Layout:
    """Numbers, then categories."""
    kinds = ["number"] * (features - categories) + ["category"] * categories
    each = [Feature(f"f{j}", kind, (f"f{j}",)) for j, kind in enumerate(kinds)]  # type: ignore[arg-type]
    return Layout("m", tuple(each), None)


def events(values: Floats, gone: NDArray[np.bool_], start: int, categories: int) -> Events:
    """Rows as the formats would give them, from latent normal values [n, p]."""
    rows, features = values.shape
    columns: dict[str, AnyColumn] = {}
    for j in range(features):
        status = np.where(gone[:, j], Status.NULL, Status.OK).astype(np.uint8)
        if j < features - categories:
            numbers = np.where(gone[:, j], np.nan, values[:, j])
            columns[f"f{j}"] = NumberColumn(numbers, status)
        else:
            codes = np.where(gone[:, j], -1, np.searchsorted(LEVELS, values[:, j]))
            columns[f"f{j}"] = CategoryColumn(codes.astype(np.int32), NAMES, status)
    return Events(
        partition=Partition("t", 0),
        offsets=np.arange(rows, dtype=np.int64),
        items=np.zeros(rows, dtype=np.int64),
        broker_time=np.full(rows, -1, dtype=np.int64),
        time=np.full(rows, start, dtype=np.int64),
        request_id=None,
        version=CategoryColumn(np.zeros(rows, np.int32), ("",), np.zeros(rows, np.uint8)),
        error=np.full(rows, -1, dtype=np.int32),
        error_names=(),
        latency=NumberColumn(np.full(rows, np.nan), np.full(rows, Status.ABSENT, np.uint8)),
        resources={},
        record_bytes=np.full(rows, 500, dtype=np.int64),
        record_items=np.ones(rows, dtype=np.int64),
        features=columns,
        prediction=None,
    )


def drawn(rng: np.random.Generator, like: Rows, means: Floats) -> Events:
    """The rows of one pane."""
    number = int(rng.poisson(ROWS))
    values = rng.standard_normal((number, FEATURES))
    values[:, 1] = like.rho * values[:, 0] + np.sqrt(1.0 - like.rho**2) * values[:, 1]
    if like.factor:
        common = rng.standard_normal((number, 1))
        values = np.sqrt(like.factor) * common + np.sqrt(1.0 - like.factor) * values
    values += means + like.all
    values[:, 2] += like.one
    gone = rng.random(values.shape) < NULLS
    return events(values, gone, MONDAY, CATEGORIES)


def moves(rng: np.random.Generator, wander: float, panes: int) -> Floats:
    """Means of all features in each pane, [panes, p]."""
    each = rng.standard_normal((panes, FEATURES + 1))
    for place in range(1, panes):
        each[place] = 0.5 * each[place - 1] + np.sqrt(0.75) * each[place]
    return np.asarray(wander * np.sqrt(0.5) * (each[:, :1] + each[:, 1:]))


def stream(seed: Sequence[int], like: Rows, panes: int, schema: Schema) -> Iterator[Summaries]:
    """The summaries of so many panes."""
    rng = np.random.default_rng(seed)
    families: list[Any] = [Software(schema, ()), Inputs(schema, ())]
    families += Multivariate.of(schema, frozenset())
    for means in moves(rng, like.wander, panes):
        batch = schema.qualify(drawn(rng, like, means))
        found = {family.name: family.empty() for family in families}
        for family in families:
            family.observe(found[family.name], batch)
        yield found


@dataclass(frozen=True)
class Judged:
    """One reference calibrated, and who judges by it."""

    calibration: Calibration
    comparisons: Sequence[Comparison]
    judge: Judge

    @classmethod
    def by(cls, panes: Mapping[int, Summaries]) -> Judged:
        calibration, found = calibrate("reference", panes, HOUR, RULES)
        assert calibration.hourly is not None  # noqa: S101  # there are 168 panes
        return cls(calibration, found, Judge(calibration.hourly, found, "UTC", RULES.min_rows))

    def past(self, panes: Sequence[Summaries]) -> dict[str, NDArray[np.bool_]]:
        """Which windows are flagged, in all, and by each comparison of the features together."""
        fitted = self.judge.fitted
        scores: dict[Any, Floats] = {}
        for place, pane in enumerate(panes):
            start = MONDAY + (REFERENCE + place) * HOUR
            judged = self.judge.judge(start, 1, [pane], {"": [pane]})
            for one in judged.scored if judged is not None else ():
                row = scores.setdefault(one.key, np.full(len(panes), np.nan))
                row[place] = one.score
        flags = {
            key: (each > fitted.alone.value) | (pairs(each) > fitted.together.value)
            for key, each in scores.items()
        }
        by_name = {key.statistic: flags[key] for key in (MMD, PCA, CORRELATION) if key in flags}
        return {"all": np.any(list(flags.values()), axis=0)} | by_name


def without(panes: Mapping[int, Summaries]) -> dict[int, Summaries]:
    """The same panes without what is of all features together."""
    return {
        start: {name: one for name, one in pane.items() if name != "multivariate"}
        for start, pane in panes.items()
    }


def power(streams: int, windows: int, null: int) -> None:
    """Print the share of windows flagged, a row a setting and drift."""
    where = layout(FEATURES, CATEGORIES)
    rng = np.random.default_rng(0)
    schema = Schema.build(where, [drawn(rng, Rows(), np.zeros(FEATURES))])
    print(f"{streams} references of {REFERENCE} hours; share of {windows} windows flagged, of")
    print(f"{null} where nothing changes; seeds (setting, drift, stream)\n")
    print("| setting | drift | without | with | mmd | pca | correlation |")
    print("|---|---|---|---|---|---|---|")
    for number, (name, setting) in enumerate(SETTINGS.items()):
        for place, (drift, (before, after)) in enumerate(DRIFTS.items()):
            wanted = null if drift == NONE else windows
            found: dict[str, list[float]] = {}
            for one in range(streams):
                seed = (number, place, one)
                like = replace(setting, **before)
                first = stream((*seed, 0), like, REFERENCE, schema)
                panes = {MONDAY + i * HOUR: pane for i, pane in enumerate(first)}
                live = list(stream((*seed, 1), replace(like, **after), wanted, schema))
                flags = Judged.by(panes).past(live)
                flags["without"] = Judged.by(without(panes)).past(live)["all"]
                for what, flagged in flags.items():
                    found.setdefault(what, []).append(float(flagged.mean()))
            order = ("without", "all", "mmd", "pca", "correlation")
            shares = " | ".join(f"{np.mean(found[what]):.3f}" for what in order)
            print(f"| {name} | {drift} | {shares} |", flush=True)


def cost(features: int, categories: int, batch: int = 2_000, times: int = 60) -> None:
    """Print what a row costs the summaries, in turn with and without."""
    rng = np.random.default_rng(1)
    values = rng.standard_normal((batch, features))
    rows = events(values, rng.random(values.shape) < NULLS, MONDAY, categories)
    schema = Schema.build(layout(features, categories), [rows])
    answered = replace(rows, prediction=rows.features["f0"])
    spec = schema.columns["f0"]
    families: list[Any] = [Software(schema, ()), Inputs(schema, ()), Outputs(schema, spec, ())]
    families += Multivariate.of(schema, frozenset())
    summaries = [family.empty() for family in families]
    taken: list[list[float]] = [[] for _ in families]
    for _ in range(times):
        for place, family in enumerate(families):
            began = time.process_time()
            family.observe(summaries[place], answered)
            taken[place].append(time.process_time() - began)
    each = [median(one) / batch * 1e9 for one in taken]
    names = ", ".join(f"{f.name} {ns:.0f}" for f, ns in zip(families, each, strict=True))
    before, after = sum(each[:-1]), sum(each)
    state = summaries[-1].state()["sums"]
    size = sum(value.nbytes for value in state.values() if isinstance(value, np.ndarray))
    print(f"{features} features: ns a row: {names}")
    print(
        f"{features} features: {1e9 / before:,.0f} rows/s without, {1e9 / after:,.0f} with it "
        f"({before / after - 1:+.0%}); {size:,} bytes a pane in memory\n"
    )


def main() -> None:
    """Measure, play, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=2)
    parser.add_argument("--windows", type=int, default=72)
    parser.add_argument("--null", type=int, default=720)
    options = parser.parse_args()
    cost(20, CATEGORIES)
    cost(100, 25)
    power(options.streams, options.windows, options.null)


if __name__ == "__main__":
    main()
