"""Verdicts: what is said of a model's newest window as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, get_args

from collectors.family import Statistic

Verdict = Literal["ok", "alarm", "insufficient_data", "no_reference", "no_data"]
"""`ok` and `alarm` come of a comparison with a reference. The others say why there was none: too
few rows, nothing to compare with, or no row at all."""


def without_scores(rows: int) -> Verdict:
    """The verdict on a window of so many rows, over all versions, that nothing is compared with."""
    return "no_reference" if rows else "no_data"


def statistics(
    verdicts: Mapping[str, Verdict], window: str, reference: str = ""
) -> Iterator[Statistic]:
    """Five series a subject: 1 for its verdict, 0 for the others."""
    for subject, verdict in verdicts.items():
        for name in get_args(Verdict):
            of = {"version": "", "window": window, "subject": subject, "reference": reference}
            yield Statistic("verdict", float(name == verdict), of | {"verdict": name})
