"""The page of distances: what `docs/distances.md` says."""

from __future__ import annotations

from functools import cache
from math import isinf
from statistics import NormalDist

from collectors.drift.distances import REGISTRY, Distance, NumberPair
from collectors.drift.distances.examples import numbers

_PREFACE = """\
# Distances

How far a column is from its reference, made from `collectors/drift/distances` by
`python -m collectors.drift.distances`. Each is worked out from two summaries, without the rows:
0 for equal ones, larger is worse, never a p-value, and not growing with the rows.

- **What decides is none of these.** Verdicts come from calibrated scores; these are for people
  who know their PSI, and for a threshold of one's own.
- **Every number counts as the middle of its cell.** A cell is about 1/64 of the column's spread,
  and further out 1/64 of the distance from its centre. Equal values share a cell; so do values
  nearer than that. What float32 cannot hold shares the outermost cell, which ends at 1e150.
- **Missing values.** `category`: missing, invalid (of the wrong type, not finite, not decodable)
  and, for categories, unseen values are each a category of its own beside the values; in ks they
  come behind the largest value, missing ones last. So a column that turns 90% null has drifted. A
  side without a row is a category of its own too: it is as far from any other as can be, and at 0
  from another without rows. `left out`: usable values alone are compared; where a side has none
  the distance is 0, and is not exported, for a 0 would say that nothing changed.
- **Groups.** psi, kl_div, jensenshannon, hellinger, TVD, l_infinity and cramers_v compare shares
  p now and q in the reference. Categories are compared one by one: the known values, 64 buckets of
  all others by hash, unseen ones. Numbers are cut as Evidently cuts them: a reference of at most
  20 different values (here: cells) value by value, any other into bins of equal width from the
  smallest to the largest value of both sides, as many as Sturges says (log2 of all rows + 1,
  rounded up). One far outlier makes such bins wide and blind: look at ks or wasserstein there.
- **Empty groups.** In psi and kl_div a share of 0 counts as 0.0001, or as a millionth of that
  side's smallest share where that is 0.0001 or less (Evidently's rule). So a group that only one
  side has weighs much in them, and one row more or less there moves them.
- **Symmetric**: the sides may change places, once numbers are cut; whether by values or into bins
  is up to the reference.
- F and G are the distribution functions now and in the reference, n and m their rows, H the
  distribution function of both together, h, p and q the shares of a cell in both, now and in the
  reference.
"""

_BOUNDS = """\
The bound is the most by which a distance of numbers may be off the same one of the raw rows, beside
1e-9 for the rounding of sums; property tests hold every one to it, against SciPy, for normal,
lognormal, uniform, bimodal, integer, zero-inflated and heavy-tailed columns of 50 to 5,000 rows.
Distances of categories are exact to 1e-9 where all values are known. For the distances between
histograms the bound is for rows that lie in the middle of their cells; Evidently's bins cut through
cells, and the last column says how near to its value on the raw rows 19 of 20 comparisons of 1,000
rows and more are. The example: 1,000 rows of a normal distribution, moved by half a standard
deviation of 1 from 1,000 others.
"""

_EVIDENTLY = """\
## Evidently's twenty

Where each drift method of Evidently 0.7 has its place. A test's p-value falls as the rows grow;
here stands the effect size behind it. Evidently leaves missing
values out of every method.

| Evidently | it gives | here | what differs, but for missing values and cells |
|---|---|---|---|
"""

_TEXT = (
    "A classifier of raw texts: in the report, as `evidently:` and this name. "
    "Lengths in characters and words have distances."
)

EVIDENTLY: tuple[tuple[str, str, str, str], ...] = (
    ("anderson", "p-value", "anderson", "Effect size: the statistic without the rows."),
    ("chisquare", "p-value", "cramers_v", "Effect size."),
    ("cramer_von_mises", "p-value", "cramer_von_mises", "Effect size: the same without the rows."),
    ("ed", "distance", "ed", "Nothing."),
    ("empirical_mmd", "p-value", "empirical_mmd", "The squared discrepancy, biased, not its test."),
    ("es", "p-value", "", "Epps-Singleton, on raw values: in the report, `evidently:es`."),
    ("fisher_exact", "p-value", "log_odds_ratio", "Effect size, for columns of two values."),
    ("g_test", "p-value", "cramers_v", "Effect size."),
    ("hellinger", "distance", "hellinger", "Numbers: the bins of its psi, also for few values."),
    ("jensenshannon", "distance", "jensenshannon", "Nothing; base e, the square root."),
    ("kl_div", "divergence", "kl_div", "Nothing; reference by present."),
    ("ks", "p-value", "ks", "Effect size: the statistic itself."),
    ("mannw", "p-value", "cliffs_delta", "Effect size, both ways; its test is one-sided."),
    ("perc_text_content_drift", "ROC AUC", "", _TEXT),
    ("abs_text_content_drift", "ROC AUC", "", _TEXT),
    ("psi", "index", "psi", "Nothing."),
    ("t_test", "p-value", "cohens_d", "Effect size."),
    ("TVD", "p-value", "TVD", "Effect size: the distance itself; for numbers too."),
    (
        "wasserstein",
        "distance",
        "wasserstein",
        "The standard deviation is at least a cell's width, not 0.001. In the data's own unit: "
        "`wasserstein_raw`.",
    ),
    ("z", "p-value", "cohens_d", "Effect size, for columns of two values."),
)
"""Method, what it returns, the distance here ("" for none), and what differs."""

_DATASET = """\

## A whole data set

Evidently calls a data set drifted when at least half of its columns (`drift_share=0.5`) are, each
by its own method and threshold. So one column that breaks wholly is no drift among twenty, while
tests at 0.05 call one of twenty columns drifted by chance in most windows, and more of them the
more rows there are. Here there is one verdict a model and window: each column's score says how
unusual its distance is among the reference's own windows, the largest over all columns is compared
with one threshold, and that is set so that all columns and windows together give no more false
alarms than `budget` allows. The share of drifted columns, for those who want it, is a count over
the exported distances in PromQL.
"""


def render() -> str:
    """The whole page."""
    lines = [_PREFACE]
    lines += ["| distance | for | formula | source | range | symmetric | missing |"]
    lines += ["|---|---|---|---|---|---|---|"]
    lines += [_row(distance) for distance in REGISTRY.values()]
    lines += ["", "## How near they come", "", _BOUNDS]
    lines += ["| distance | bound, numbers | example | its bound | to Evidently's bins |"]
    lines += ["|---|---|---|---|---|"]
    lines += [_bound(distance) for distance in REGISTRY.values() if distance.numbers]
    lines += ["", _EVIDENTLY + "".join(map(_evidently, EVIDENTLY)) + _DATASET]
    return "\n".join(lines)


def _row(distance: Distance) -> str:
    least, largest = distance.range
    top = "infinity" if isinf(largest) else f"{largest:.4g}"
    kinds = ", ".join(distance.kinds)
    symmetric = "yes" if distance.symmetric else "no"
    cells = (distance.formula, distance.source, f"{least:g} to {top}", symmetric, distance.missing)
    return f"| `{distance.name}` | {kinds} | " + " | ".join(cells) + " |"


def _bound(distance: Distance) -> str:
    usual = "" if distance.bound.usual is None else f"{distance.bound.usual:g}"
    example = _example()
    shown = f"{distance.measure(example):.2g} | {distance.bound.of(example):.1g}"
    return f"| `{distance.name}` | {distance.bound.says} | {shown} | {usual} |"


@cache
def _example() -> NumberPair:
    """The quantiles of a normal distribution, moved by half a standard deviation."""
    values = [NormalDist().inv_cdf((i + 0.5) / 1_000) for i in range(1_000)]
    return numbers([value + 0.5 for value in values], values)


def _evidently(row: tuple[str, str, str, str]) -> str:
    method, gives, here, differs = row
    return f"| `{method}` | {gives} | {f'`{here}`' if here else 'none'} | {differs} |\n"
