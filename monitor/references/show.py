"""A reference for people: what it is, its columns, and how far alarms can rest on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from collectors.drift.comparisons import ANSWER
from collectors.events import MISSING
from collectors.specs import ColumnSpec, kind_of
from collectors.summaries.categories import OTHER, CategorySummary
from collectors.summaries.columns import AnyColumnSummary
from collectors.summaries.images import ImageSummary
from collectors.summaries.lists import ListSummary
from collectors.summaries.numbers import NumberSummary
from collectors.summaries.scores import ScoresSummary
from collectors.summaries.text import TextSummary
from monitor.durations import format_duration
from monitor.event_clock import SECOND
from monitor.references.facts import LEAST_ROWS, Facts, calibration
from monitor.references.file import Reference
from monitor.references.span import shown

QUANTILES = (0.05, 0.5, 0.95)
MOST_VERSIONS = 5
MOST_CATEGORIES = 3
LONGEST = 24
"""Characters of a name that comes from data."""


def headline(reference: Reference, facts: Facts) -> str:
    """What was made, on one line."""
    panes = f" in {len(facts.starts):,} panes" if reference.pane else ""
    return f"reference {reference.id} of model {reference.model}, {facts.rows:,} rows{panes}"


def lines(reference: Reference, facts: Facts, least_rows: int = LEAST_ROWS) -> Iterator[str]:
    """All of it, a line each."""
    yield f"reference {reference.id} of model {reference.model}"
    yield from _pairs(reference, facts)
    yield ""
    yield from table(_rows(reference, facts))
    yield ""
    yield from calibration_lines(reference, facts, least_rows)


def _pairs(reference: Reference, facts: Facts) -> Iterator[str]:
    yield f"  made from  {printable(reference.made_from, 200)}"
    yield f"  made at    {shown(reference.created)} UTC"
    if reference.pane:
        last = max(facts.starts) + reference.pane
        yield f"  span       {shown(min(facts.starts))} to {shown(last)} UTC"
        length = format_duration(reference.pane / SECOND)
        yield f"  panes      {len(facts.starts):,} of {length}"
    else:
        yield "  span       unknown: its rows have no times"
    yield f"  rows       {facts.rows:,}"
    yield f"  versions   {_versions(facts)}"
    yield f"  schema     {reference.schema.id}"


def _versions(facts: Facts) -> str:
    named = [
        f"{printable(version) or '(none)'} ({rows:,} rows)"
        for version, rows in facts.versions.most_common(MOST_VERSIONS)
    ]
    more = len(facts.versions) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def calibration_lines(reference: Reference, facts: Facts, least_rows: int) -> Iterator[str]:
    """What can be expected of alarms by this reference, of panes with at least so many rows."""
    state, why = calibration(reference, facts, least_rows)
    yield f"{state}: {why}"


def _rows(reference: Reference, facts: Facts) -> Iterator[Sequence[str]]:
    quantiles = (f"p{100 * q:g}" for q in QUANTILES)
    yield ("column", "kind", "rows", "missing", "mean", "stddev", *quantiles, "most frequent")
    for name, spec in reference.schema.columns.items():
        yield _row(printable(name), kind_of(spec), facts.columns[name])
    output = reference.schema.output
    if output is not None and facts.answers is not None:
        yield _row(ANSWER, _output_kind(output), facts.answers)


def _row(name: str, kind: str, summary: AnyColumnSummary) -> Sequence[str]:
    rows = summary.rows
    missing = int(summary.tally[list(MISSING)].sum())
    share = f"{missing / rows:.1%}" if rows else "-"
    return (name, kind, f"{rows:,}", share, *_measured(summary), _frequent(summary))


def _measured(summary: AnyColumnSummary) -> list[str]:
    """Mean, standard deviation and quantiles of what is a number of it."""
    number = _number_of(summary)
    if number is None or not number.count:
        return ["-" if number is not None else ""] * (2 + len(QUANTILES))
    values = [number.mean(), number.stddev(), *number.quantiles(QUANTILES)]
    return ["-" if value is None else f"{value:.4g}" for value in values]


def _number_of(summary: AnyColumnSummary) -> NumberSummary | None:
    match summary:
        case NumberSummary():
            return summary
        case TextSummary():
            return summary.chars
        case ListSummary():
            return summary.items
        case ImageSummary():
            return summary.brightness
        case ScoresSummary():
            return summary.entropy
        case _:
            return None


def _frequent(summary: AnyColumnSummary) -> str:
    """The most frequent categories, and what a number of another kind is of."""
    match summary:
        case TextSummary():
            return "(characters)"
        case ListSummary():
            return "(items)"
        case ImageSummary():
            return "(brightness)"
        case ScoresSummary():
            return f"{_shares(summary.top)} (entropy)"
        case CategorySummary():
            return _shares(summary)
        case _:
            return ""


def _shares(summary: CategorySummary) -> str:
    shares = {name: share for name, share in summary.shares().items() if share}
    others = shares.pop(OTHER, 0.0)
    ranked = sorted(shares.items(), key=lambda item: -item[1])
    named = [f"{printable(name)} {share:.1%}" for name, share in ranked[:MOST_CATEGORIES]]
    rest = others + sum(share for _, share in ranked[MOST_CATEGORIES:])
    return ", ".join([*named, f"others {rest:.1%}"] if rest else named)


def _output_kind(spec: ColumnSpec) -> str:
    tag = str(spec.__struct_config__.tag)
    return tag if tag == "scores" else kind_of(spec)


def table(rows: Iterator[Sequence[str]]) -> Iterator[str]:
    """In columns as wide as they have to be: texts to the left, numbers to the right."""
    whole = list(rows)
    widths = [max(len(row[place]) for row in whole) for place in range(len(whole[0]))]
    for row in whole:
        cells = [
            cell.ljust(width) if place in {0, 1, len(row) - 1} else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def printable(text: str, longest: int = LONGEST) -> str:
    """On one line, printable, and not longer than this."""
    clean = "".join(char if char.isprintable() else "?" for char in text)
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"
