"""Pieces of PromQL that several boards use. All sum or take the largest over instances."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.build.palette import VERDICTS

MODEL = 'model="$model"'
VERSION = 'version="$version"'
BESIDE = 'version="$beside", version!="$version"'
"""Of a model without versions both are empty: nothing is drawn beside it."""

WINDOW = 'window="$window"'
FEATURE = 'feature="$feature"'
REFERENCE = 'reference=~"$reference"'

EITHER = "version=~`${version:regex}|`"
"""Scores of inputs are of all versions together, and have no version. In backquotes, PromQL leaves
a backslash what it is."""


def verdict(by: str, selector: str) -> str:
    """The worst verdict as a number of `VERDICTS`, by these labels."""
    each = (
        f'{number} * (inferwatch_verdict{{{selector}, verdict="{name}"}} == 1)'
        for name, (number, _) in VERDICTS.items()
    )
    return f"max by ({by}) (\n  " + "\n  or ".join(each) + "\n)"


def over_threshold(by: str, selector: str, of: str) -> str:
    """The largest score by what a window alone must pass, by these labels.

    Args:
        selector: of scores.
        of: selector of the threshold.
    """
    limit = f'max by (model) (inferwatch_score_threshold{{{of}, rule="alone"}})'
    score = f"max by ({', '.join(dict.fromkeys(('model', *by.split(', '))))}) "
    score += f"(inferwatch_score{{{selector}}})"
    return f"max by ({by}) (\n  {score}\n  / on (model) group_left {limit}\n)"


def ranked(expression: str, by: str, ranks: int) -> Iterator[str]:
    """What reached highest in the range shown, the worst first, a query each.

    With a query each they have colours of their own, and they stay the same all along, which those
    of a plain `topk` do not.

    Args:
        by: the one label that tells the series apart.
    """
    highest = f"max by ({by}) (max_over_time(({expression})[$__range:$__interval] @ end()))"
    for rank in range(1, ranks + 1):
        chosen = f"topk({rank}, {highest})"
        if rank > 1:
            chosen += f"\n    unless on ({by}) topk({rank - 1}, {highest})"
        yield f"{expression}\n  and on ({by}) (\n    {chosen}\n  )"


def share(part: str, whole: str) -> str:
    """One part of a whole, where there is a whole."""
    return f"{part}\n  / ({whole} > 0)"
