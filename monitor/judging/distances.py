"""Distances to the reference in their usual units, and what the reference itself was like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from collectors.drift.comparisons import ANSWER, Summaries
from collectors.drift.distances import distances, parts
from collectors.events import MISSING
from collectors.family import Statistic
from collectors.summaries.columns import AnyColumnSummary
from collectors.summaries.numbers import NumberSummary

QUANTILES = (0.05, 0.5, 0.95)
"""Quantiles of the reference that are shown beside the present."""

Limits = Mapping[str, Mapping[str, float]]
"""Fixed thresholds, by feature or `ANSWER`, and distance."""

NONE: Limits = {}


def of_inputs(
    now: Summaries,
    reference: Summaries,
    methods: Sequence[str],
    of: Mapping[str, str],
    ignore: frozenset[str] = frozenset(),
    limits: Limits = NONE,
) -> Iterator[Statistic]:
    """Distances of every feature that both have, those with a limit too; `of` are labels beside
    theirs."""
    columns = {n: c for n, c in now["inputs"].columns.items() if n not in ignore}
    for name, column in reference["inputs"].columns.items():
        if name in columns:
            labels = {**of, "version": "", "subject": "input", "feature": name}
            yield from of_column(columns[name], column, (*methods, *limits.get(name, ())), labels)


def of_answers(
    now: Summaries,
    reference: Summaries,
    methods: Sequence[str],
    of: Mapping[str, str],
    limits: Limits = NONE,
) -> Iterator[Statistic]:
    """Distances of the answers, where there are any."""
    if "outputs" in now and "outputs" in reference:
        labels = {**of, "subject": "output", "feature": ""}
        answers: AnyColumnSummary = now["outputs"].answers
        asked = (*methods, *limits.get(ANSWER, ()))
        yield from of_column(answers, reference["outputs"].answers, asked, labels)


def of_reference(
    reference: Summaries, id: str, ignore: frozenset[str] = frozenset()
) -> Iterator[Statistic]:
    """Mean, quantiles and missing share of every feature of the reference."""
    for name, column in reference["inputs"].columns.items():
        if name in ignore:
            continue
        labels = {"feature": name, "reference": id}
        if column.rows:
            gone = int(column.tally[list(MISSING)].sum())
            yield Statistic("reference.missing_ratio", gone / column.rows, labels)
        if isinstance(column, NumberSummary) and (mean := column.mean()) is not None:
            yield Statistic("reference.mean", mean, labels)
            values = column.quantiles(QUANTILES)
            for q, value in zip(QUANTILES, values, strict=False):
                yield Statistic("reference.quantile", value, labels | {"q": f"{q:g}"})


def of_column(
    now: AnyColumnSummary,
    reference: AnyColumnSummary,
    methods: Sequence[str],
    labels: Mapping[str, str],
) -> Iterator[Statistic]:
    """Distances of one column; a method that is asked for twice once."""
    if not now.rows or not reference.rows:  # a feature that came later
        return
    then = dict(parts(reference))
    for part, summary in parts(now):
        for method, value in distances(summary, then[part], methods).items():
            given = {**labels, "part": part, "method": method}
            yield Statistic("drift.distance", value, given)
