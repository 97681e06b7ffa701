"""Verdicts: what is said of a model's newest window as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, get_args

from collectors.family import Statistic

Verdict = Literal["ok", "alarm", "insufficient_data", "no_reference", "no_data"]
"""`ok` and `alarm` come of a comparison with a reference. The others say why there was none: too
few rows, nothing to compare with, or no row at all."""


def judge(rows: int) -> Verdict:
    """The verdict on a window of so many rows, over all versions, where there is no reference."""
    return "no_reference" if rows else "no_data"


def statistics(verdict: Verdict, subjects: Sequence[str], window: str) -> Iterator[Statistic]:
    """Five series a subject: 1 for the verdict, 0 for the others."""
    for subject in subjects:
        for name in get_args(Verdict):
            of = {"version": "", "window": window, "subject": subject, "reference": ""}
            yield Statistic("verdict", float(name == verdict), of | {"verdict": name})
