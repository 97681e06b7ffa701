"""What is compared of a model: every window statistic, each with its measure and its profile.

One list for everything: a new statistic that is to be scored is added here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from collectors.drift import profiles
from collectors.drift.calibrated import SUBJECTS
from collectors.drift.calibration.heldout import ColumnKey
from collectors.drift.calibration.measures import (
    Floats,
    JensenShannon,
    Kolmogorov,
    Mean,
    Measure,
    Share,
    Spread,
    Volume,
)
from collectors.drift.calibration.points import Correlation, Discrepancy, Reconstruction
from collectors.drift.points import Together
from collectors.events import Codes
from collectors.grid import Grid
from collectors.inputs import InputsSummary
from collectors.multivariate import TogetherSummary
from collectors.outputs import OutputsSummary
from collectors.software import SoftwareSummary
from collectors.summaries.columns import AnyColumnSummary
from collectors.summaries.numbers import NumberSummary
from collectors.summaries.reruns import RerunSummary

T = TypeVar("T")
U = TypeVar("U")

FINE, COARSE = 128, 11
"""Groups of near-equal mass: for the distance of Kolmogorov and Smirnov, and for the shape."""

TAIL = 0.99
"""The quantile of latency above which the share of inferences is compared."""

ANSWER = "(answer)"
"""What answers are called among features."""

Summaries = Mapping[str, Any]
"""The summaries of one pane or window, by family."""

MMD, PCA, CORRELATION = (ColumnKey("input", "", name) for name in ("mmd", "pca", "correlation"))
"""Of all features together. They are the inputs', and in their verdict."""

TOGETHER = frozenset({MMD, PCA, CORRELATION})

Edges = Mapping[ColumnKey, Codes]
"""By comparison, the first cell of each of its groups but the lowest one, ascending."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One statistic, and how its profile is taken.

    Attributes:
        profile: float64 [G], of the summaries of a pane or window.
        edges: the groups that the profile is taken by; None where there are none.
        always: judged however few rows there are.
        grid: of the numbers that it is of; None where it is of none.
        names: of the categories that are counted one by one, or of what the profile has numbers
            of in turn; None where it is of none.
    """

    key: ColumnKey
    measure: Measure
    profile: Callable[[Summaries], Floats]
    edges: Codes | None = None
    always: bool = False
    grid: Grid | None = None
    names: tuple[str, ...] | None = None

    @property
    def rests_on(self) -> tuple[str, str]:
        """What of a pane: software, where it is of the pane as a whole, multivariate, output, or
        input and a feature."""
        subject, feature, _ = self.key
        if self.key in TOGETHER:
            return "multivariate", ""
        return ("software", "") if self.always else (subject, feature)

    @property
    def all_versions(self) -> bool:
        """Whether it is of all versions together, not of each."""
        return self.key.subject == "input"


def quiet(key: ColumnKey, muted: frozenset[str]) -> bool:
    """Whether a score does not count while these features, or `ANSWER`, are muted: that of all
    features together is theirs too."""
    if key in TOGETHER:
        return bool(muted - {ANSWER})
    return key.feature in muted or (key.subject == "output" and ANSWER in muted)


def merge(panes: Iterable[Summaries]) -> dict[str, Any]:
    """The summaries of all of them together; there is at least one."""
    merged: dict[str, Any] = {}
    for pane in panes:
        merged = {n: s if n not in merged else merged[n].merge(s) for n, s in pane.items()}
    return merged


def resting_rows(subject: str, feature: str, summaries: Summaries) -> int | None:
    """How many rows a pane has for what a comparison rests on; None where it has no part in it.

    A feature that came later, or that alone was accepted, is not in every pane of a reference. An
    hour whose inferences all failed has answers: none.
    """
    software = summaries["software"]
    own, failed = software.rows, False
    if subject == "input":
        column = summaries["inputs"].columns.get(feature)
        own = 0 if column is None else column.rows
    elif subject == "multivariate":
        own = summaries["multivariate"].rows if "multivariate" in summaries else 0
    elif subject == "output":
        own = summaries["outputs"].rows if "outputs" in summaries else 0
        failed = 0 < software.rows == software.errors
    return max(int(own), int(software.rows)) if own or failed else None


def comparisons(
    summaries: Summaries,
    edges: Edges | None = None,
    ignore: frozenset[str] = frozenset(),
    subjects: frozenset[str] = SUBJECTS,
) -> list[Comparison]:
    """Everything that is compared of a model with such summaries, in a fixed order.

    Args:
        summaries: those of the whole reference.
        edges: of the groups; without it they are chosen by `summaries`.
        ignore: features that are left out; `ANSWER` for the values of answers.
        subjects: what is compared at all.
    """
    found: list[Comparison] = []
    inputs, outputs = summaries.get("inputs"), summaries.get("outputs")
    software = summaries.get("software")
    if isinstance(inputs, InputsSummary) and "input" in subjects:
        for name, column in inputs.columns.items():
            if name not in ignore:
                found += _column("input", name, column, partial(_feature, name), edges)
    together = summaries.get("multivariate")
    if isinstance(together, TogetherSummary) and together.rows and "input" in subjects:
        found += _together(Together.of(together.sums))
    if isinstance(outputs, OutputsSummary) and "output" in subjects:
        if ANSWER not in ignore:
            found += _column("output", "", outputs.answers, _answers, edges)
        found += _reruns()
    if isinstance(software, SoftwareSummary) and "input" in subjects:
        # Volume is of the model as a whole, whichever versions answer.
        measure, profile = Volume(), _then(_of_software, profiles.volume)
        found.append(Comparison(ColumnKey("input", "", "volume"), measure, profile, always=True))
    if isinstance(software, SoftwareSummary) and "software" in subjects:
        found += _software(software, edges)
    return found


def _column(
    subject: str,
    feature: str,
    column: AnyColumnSummary,
    of: Callable[[Summaries], AnyColumnSummary],
    edges: Edges | None,
) -> Iterator[Comparison]:
    for part, summary in profiles.parts(column).items():
        key, inner = ColumnKey(subject, feature, part), _then(of, partial(_part, part))
        if isinstance(summary, NumberSummary):
            yield from _numbers(key, summary, inner, edges)
        else:
            yield Comparison(
                key.named("distribution"),
                JensenShannon("categories"),
                _then(inner, profiles.values),
                names=summary.spec.known,
            )
    key = ColumnKey(subject, feature, "")
    yield Comparison(key.named("missing"), Share("missing"), _then(of, profiles.missing))
    yield Comparison(
        key.named("invalid"), Share("invalid", floor=0.005), _then(of, profiles.invalid)
    )


def _numbers(
    key: ColumnKey,
    numbers: NumberSummary,
    of: Callable[[Summaries], NumberSummary],
    edges: Edges | None,
) -> Iterator[Comparison]:
    grouped: tuple[tuple[ColumnKey, Measure, int], ...] = (
        (key.named("distribution"), Kolmogorov(), FINE),
        (key.named("shape"), JensenShannon("shape"), COARSE),
    )
    for named, measure, groups in grouped:
        known = profiles.near_equal(numbers, groups) if edges is None else edges[named]
        profile = partial(profiles.grouped, edges=known)
        yield Comparison(named, measure, _then(of, profile), known, grid=numbers.grid)
    mean, spread = _then(of, profiles.moments), _then(of, profiles.squares)
    yield Comparison(key.named("mean"), Mean(), mean, grid=numbers.grid)
    yield Comparison(key.named("spread"), Spread(), spread, grid=numbers.grid)


def _together(features: Together) -> Iterator[Comparison]:
    """All features together, by what there is of a reference."""
    yield Comparison(MMD, Discrepancy(), features.waves, names=features.names)
    yield Comparison(PCA, Reconstruction(), features.errors, names=features.names)
    if features.pairs:
        names = tuple(features.names[place] for place in features.varying.tolist())
        yield Comparison(CORRELATION, Correlation(), features.products, names=names)


def _reruns() -> Iterator[Comparison]:
    def of(summaries: Summaries) -> RerunSummary:
        reruns: RerunSummary = summaries["outputs"].reruns
        return reruns

    key = ColumnKey("output", "", "")
    yield Comparison(key.named("reruns"), Share("reruns", up=False), _then(of, profiles.reruns))
    yield Comparison(key.named("mismatches"), Share("mismatches"), _then(of, profiles.mismatches))
    yield Comparison(key.named("instability"), Spread(), _then(of, profiles.instability))


def _software(software: SoftwareSummary, edges: Edges | None) -> Iterator[Comparison]:
    key = ColumnKey("software", "", "")
    yield Comparison(
        key.named("errors"), Share("errors", floor=0.002), _then(_of_software, profiles.errors)
    )
    latency = key.named("latency")
    yield from _numbers(latency, software.latency, _latency, edges)
    tail = latency.named("tail")
    known = profiles.above(software.latency, TAIL) if edges is None else edges[tail]
    profile = _then(_latency, partial(profiles.beyond, edges=known))
    yield Comparison(tail, Share("tail"), profile, known)
    for name, resource in software.resources.items():
        profile = _then(_of_software, partial(_resource, name))
        yield Comparison(key.named(f"{name}_mean"), Mean(), profile, grid=resource.grid)


def _then(of: Callable[[Summaries], T], profile: Callable[[T], U]) -> Callable[[Summaries], U]:
    return lambda summaries: profile(of(summaries))


def _part(part: str, column: AnyColumnSummary) -> Any:
    return profiles.parts(column)[part]


def _feature(name: str, summaries: Summaries) -> AnyColumnSummary:
    column: AnyColumnSummary = summaries["inputs"].columns[name]
    return column


def _answers(summaries: Summaries) -> AnyColumnSummary:
    column: AnyColumnSummary = summaries["outputs"].answers
    return column


def _of_software(summaries: Summaries) -> SoftwareSummary:
    software: SoftwareSummary = summaries["software"]
    return software


def _latency(summaries: Summaries) -> NumberSummary:
    return _of_software(summaries).latency


def _resource(name: str, software: SoftwareSummary) -> Floats:
    return profiles.moments(software.resources[name])
