"""The domain classifier: can a row of the span be told from one of the reference, and by what?

One number of all columns together. It sees what no column shows alone, such as two that no longer
go together. By itself an AUC says little: a day differs from a month even when nothing is wrong.
So every span of the reference is compared with the rest of it in the same way, with as many rows,
and how many of those come as far is what is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import t
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from collectors.drift.calibration.tail import SAFETY
from monitor.event_clock import DAY
from monitor.jobs.report.frames import Frame, labels
from monitor.jobs.report.task import Column, Domain, Spread

LEAST = 40
"""Rows of a side below which nothing is learnt."""

MOST_NOW = 2_000
"""Rows of the span, or of a part of the reference, that are told from the rest."""

MOST_REST = 4_000
"""Rows of the rest."""

PARTS = 28
"""Parts of the reference that are told from the rest of it, at most."""

LEAST_PARTS = 5
"""Below so many spans in the reference, rows drawn at random stand in for them."""

FOLDS = 4
SLOTS = 24
"""Parts of a span, of which every fourth is held out at a time, on both sides."""

MOST_CATEGORIES = 60
"""Categories that are told apart; the rest counts as one."""

SHOWN = 10
"""Columns that are named."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as numbers, [n, p], NaN where there is none.

    Attributes:
        of: which column each place is of.
        category: whether a place holds codes of categories.
        fold: of each row.
    """

    values: Floats
    of: list[str]
    category: Truths
    fold: Ints


def tell_apart(
    before: Frame,
    now: Frame,
    columns: Sequence[Column],
    start: int,
    end: int,
    seed: int,
    alpha: float = 0.0,
) -> Domain | None:
    """What a classifier makes of the sides; None where there are too few rows or no columns.

    `start` and `end` are those of the span (us). Only columns that are compared are looked at.
    `alpha` is the share of spans that may pass the threshold by chance; 0 asks for none.
    """
    table = table_of(before, now, columns, start, end - start)
    rest = np.arange(len(before))
    span = np.arange(len(before), len(before) + len(now))
    if not table.of or min(len(rest), len(span)) < LEAST:
        return None
    rng = np.random.default_rng(seed)
    parts, of_spans = parts_of(before, start, end - start, len(span), rng)
    # The first rows are a sample: each comparison gets as many of either side.
    rows = min([len(span), MOST_NOW, *map(len, parts)])
    auc, lost = auc_of(table, rest[:MOST_REST], span[:rows], rng)
    found = [auc_of(table, others(rest, part), part[:rows], None)[0] for part in parts]
    found = [one for one in found if not np.isnan(one)]
    if np.isnan(auc):
        return None
    spread = limit = None
    if len(found) >= LEAST_PARTS:
        quantiles = {f"{q:g}": round(float(np.quantile(found, q)), 4) for q in (0, 0.5, 0.9, 1)}
        as_far = sum(one >= auc for one in found)
        spread = Spread("spans" if of_spans else "random rows", len(found), as_far, quantiles)
        if of_spans and alpha:
            limit = round(threshold(found, alpha), 4)
            limit = limit if limit < 1.0 else None  # days that differ so much say nothing
    order = sorted(lost.items(), key=lambda item: -item[1])
    leading = [(name, round(loss, 4)) for name, loss in order[:SHOWN] if loss > 0.001]
    words = _words(spread, (end - start) / DAY)
    return Domain(round(auc, 4), rows, leading, spread, words, limit)


def threshold(found: Sequence[float], alpha: float) -> float:
    """The AUC that a span like those passes with a probability of at most about `alpha`.

    The upper prediction limit for one more value of a normal sample (Hahn and Meeker 1991,
    "Statistical Intervals", 4.6), in logits, where an AUC has no ends. Made rarer by what is made
    of every threshold here, for that a sample of some days does not show how far days can go.
    """
    logits = logit(np.clip(found, 1e-3, 1.0 - 1e-3))
    number = len(logits)
    far = t.isf(alpha / SAFETY, number - 1) * logits.std(ddof=1) * np.sqrt(1.0 + 1.0 / number)
    return float(expit(logits.mean() + far))


def others(rest: Ints, part: Ints) -> Ints:
    """What is left of the reference without a part, so many as are used."""
    return np.setdiff1d(rest, part, assume_unique=True)[:MOST_REST]


def parts_of(
    before: Frame, start: int, length: int, rows: int, rng: np.random.Generator
) -> tuple[list[Ints], bool]:
    """Parts of the reference that are told from the rest of it; whether they are spans."""
    block = (before.time - start) // length
    spans = [np.flatnonzero(block == one) for one in np.unique(block)]
    # The first and last are often cut short; a part of a few rows would teach too little.
    enough = max(LEAST, min(rows, int(np.median([len(part) for part in spans]))) // 2)
    spans = [part for part in spans if len(part) >= enough]
    if len(spans) >= LEAST_PARTS:
        chosen = np.unique(np.linspace(0, len(spans) - 1, PARTS).round().astype(int))
        return [spans[i] for i in chosen], True
    size = min(rows, MOST_NOW, len(before) // 2)
    if size < LEAST:
        return [], False
    draws = [np.sort(rng.permutation(len(before))[:size]) for _ in range(PARTS)]
    return draws, False


def auc_of(
    table: Table, rest: Ints, part: Ints, shuffle: np.random.Generator | None
) -> tuple[float, dict[str, float]]:
    """The mean AUC over held-out folds, and what it loses without each column, if asked for."""
    index = np.concatenate((rest, part))
    label = np.repeat([0, 1], [len(rest), len(part)])
    values, fold = table.values[index], table.fold[index]
    found: list[float] = []
    lost: dict[str, list[float]] = {}
    for held in range(FOLDS):
        inside, outside = fold == held, fold != held
        if min(_least(label[inside]), _least(label[outside])) < 2:
            continue
        model = _model(table.category)
        model.fit(values[outside], label[outside])
        auc = roc_auc_score(label[inside], model.decision_function(values[inside]))
        found.append(float(auc))
        if shuffle is not None:
            for name in dict.fromkeys(table.of):
                without = values[inside].copy()
                places = [i for i, of in enumerate(table.of) if of == name]
                without[:, places] = shuffle.permutation(without[:, places], axis=0)
                score = roc_auc_score(label[inside], model.decision_function(without))
                lost.setdefault(name, []).append(float(auc - score))
    if not found:
        return float("nan"), {}
    return float(np.mean(found)), {name: float(np.mean(of)) for name, of in lost.items()}


def _least(label: Ints) -> int:
    return int(np.bincount(label, minlength=2).min())


def _model(category: Truths) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        learning_rate=0.15,
        max_iter=40,
        max_leaf_nodes=8,
        min_samples_leaf=10,
        early_stopping=False,
        class_weight="balanced",
        categorical_features=category,
        random_state=0,
    )


def table_of(
    before: Frame, now: Frame, columns: Sequence[Column], start: int, length: int
) -> Table:
    """The rows of the reference and then those of now, as numbers, by compared columns."""
    both = pd.concat([before.table, now.table], ignore_index=True)
    time = np.concatenate((before.time, now.time))
    # Both sides lose the same hours of the day: else the hours themselves would tell them apart.
    fold = (time - start) % length * SLOTS // length % FOLDS
    parts: list[tuple[str, bool, Floats]] = []
    for name, column in zip(labels(columns), columns, strict=True):
        if column.compared:
            parts += [(name, *one) for one in _as_numbers(both[name], column)]
    values = np.column_stack([part[2] for part in parts]) if parts else np.zeros((len(both), 0))
    category = np.array([part[1] for part in parts], dtype=np.bool_)
    return Table(values, [part[0] for part in parts], category, fold.astype(np.int64))


def _as_numbers(values: pd.Series, column: Column) -> Iterator[tuple[bool, Floats]]:
    """Whether it is a code, and the numbers: a text gives two, its length in chars and words."""
    if column.kind == "number":
        # Boosting bins its numbers; what float32 cannot hold would only be in its way.
        yield False, np.clip(values.to_numpy(np.float64), -1e30, 1e30)
    elif column.kind == "text":
        texts = [text if isinstance(text, str) else None for text in values]
        yield False, np.array([np.nan if t is None else len(t) for t in texts])
        yield False, np.array([np.nan if t is None else len(t.split()) for t in texts])
    else:
        frequent = values.value_counts().index[:MOST_CATEGORIES]
        codes = pd.Categorical(values, categories=frequent).codes.astype(np.float64)
        codes[(codes < 0) & values.notna().to_numpy()] = len(frequent)
        codes[values.isna().to_numpy()] = np.nan
        yield True, codes


def _words(spread: Spread | None, days: float) -> str:
    """How rare it is that a span is told apart that well; `days` is how long one is."""
    if spread is None:
        return "How rare that is cannot be said: the reference has too few rows."
    once, unit = (spread.parts + 1) / (spread.as_far + 1) * days, " days"
    what = f"of {spread.parts} spans of the reference as long as this one"
    if spread.of == "random rows":
        once, unit = once / days, ""
        what = f"of {spread.parts} draws from the reference, which has too few spans of this length"
    if not spread.as_far:
        rare = f"rarer than once in {once:.0f}{unit}"
        return f"None {what} is told from the rest of it that well: {rare}."
    many = (
        f"{spread.as_far} {what} {'is' if spread.as_far == 1 else 'are'} told from the rest of it"
    )
    if 2 * spread.as_far >= spread.parts:
        return f"{many} at least that well: nothing unusual."
    return f"{many} at least that well: about once in {once:.1f}{unit}."
