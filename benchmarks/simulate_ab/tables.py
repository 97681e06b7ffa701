"""The tables, the bars, and the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.simulate_ab.looks import ERROR, NEVER, Outcome
from benchmarks.simulate_ab.streams import PANES, Regime

METHOD = Path(__file__).with_name("method.md")
OURS = ("sequence", "ratio")


@dataclass(frozen=True, slots=True)
class Played:
    """Experiments of one kind: the regime, what was planted, and what came of each."""

    regime: Regime
    outcomes: Sequence[Outcome]
    effect: float = 0.0
    share: float = 0.5

    def panes(self, test: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """After which pane each experiment rang."""
        return np.array([getattr(outcome, test) for outcome in self.outcomes], dtype=np.int64)

    def rang(self, test: str) -> int:
        """How many rang at all."""
        return int((self.panes(test) < NEVER).sum())


def most(experiments: int) -> int:
    """How many of so many may ring at 5%: 1.96 standard errors more, which is 119 of 2,000."""
    return int(experiments * ERROR + 1.96 * np.sqrt(experiments * ERROR * (1 - ERROR)))


def missed(played: Sequence[Played]) -> list[str]:
    """The bars that were missed, in words."""
    return [
        f"{one.regime.name}, {test}: {one.rang(test)} of {len(one.outcomes)} rang, "
        f"at most {most(len(one.outcomes))} may"
        for one in played
        for test in OURS
        if one.rang(test) > most(len(one.outcomes))
    ]


def nothing_differs(played: Sequence[Played]) -> str:
    """How many A/A experiments rang."""
    head = [
        "traffic",
        "**inferwatch**",
        "**its ratio check**",
        "same within the margin",
        "t-test of rows, once",
        "peeked at",
        "test of buckets, once",
        "peeked at",
    ]
    tests = ("sequence", "ratio", "same", "once", "peeked", "once_buckets", "peeked_buckets")
    rows = [[one.regime.name, *(str(one.rang(test)) for test in tests)] for one in played]
    return _table(head, rows)


def something_differs(played: Sequence[Played]) -> str:
    """How often, and after how many panes in the median, a difference was found."""
    tests = ("sequence", "once", "peeked", "once_buckets", "peeked_buckets")
    head = [
        "traffic",
        "share larger by",
        "**inferwatch**",
        "t-test of rows, once",
        "peeked at",
        "test of buckets, once",
        "peeked at",
    ]
    return _table(
        head,
        [
            [one.regime.name, f"{one.effect:g}", *(_found(one, test) for test in tests)]
            for one in played
        ],
    )


def splits_broken(played: Sequence[Played]) -> str:
    """How often, and how soon, a wrong split was found."""
    head = ["traffic", "share of the treatment", "ratio check"]
    rows = [[one.regime.name, f"{one.share:g}", _found(one, "ratio")] for one in played]
    return _table(head, rows)


def page(
    null: Sequence[Played],
    power: Sequence[Played],
    splits: Sequence[Played],
    day: date,
    minutes: float,
) -> str:
    """docs/experiments.md."""
    lost = missed(null)
    bars = "\n".join(f"- missed: {line}" for line in lost) or "Every bar was reached."
    count = len(null[0].outcomes)
    return METHOD.read_text().format(
        day=day,
        minutes=f"{minutes:.0f}",
        numpy=version("numpy"),
        scipy=version("scipy"),
        count=f"{count:,}",
        most=most(count),
        bars=bars,
        null=nothing_differs(null),
        power=something_differs(power),
        splits=splits_broken(splits),
        trials=len(power[0].outcomes),
        panes=PANES,
    )


def _found(one: Played, test: str) -> str:
    panes = one.panes(test)
    found = panes[panes < NEVER]
    if not len(found):
        return "0.00"
    return f"{len(found) / len(panes):.2f} ({np.median(found):.0f})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
