"""`docs/calibration.md`: the method in words, with the tables of a full run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import scipy

from benchmarks.simulate import tables
from benchmarks.simulate.bars import BARS, Spread, by_regime
from benchmarks.simulate.null import Alarms
from benchmarks.simulate.power import FEWEST, Row
from benchmarks.simulate.streams import REGIMES, Regime

METHOD = Path(__file__).with_name("method.md")

FEATURES = 20
"""Of the tables beside those of false alarms."""


def render(
    alarms: Sequence[Alarms],
    rows: Sequence[Row],
    missed: Sequence[str],
    day: date,
    minutes: float,
    arguments: str = "",
) -> str:
    """The page; `arguments` are those that the run was given."""
    given = sorted({one.task.features for one in alarms})
    return METHOD.read_text().format(
        command=f'make simulate ARGS="{arguments}"' if arguments else "make simulate",
        date=day.isoformat(),
        streams=len({one.task.stream for one in alarms}),
        weeks=max(one.task.weeks for one in alarms),
        references=max(one.task.references for one in alarms),
        together=_together(alarms),
        minutes=f"{minutes:.0f}",
        numpy=np.__version__,
        scipy=scipy.__version__,
        misses=_missed(missed),
        regimes="\n".join(_described(one) for one in REGIMES.values()),
        bars=_bars(),
        alarms="\n".join(
            f"{features} features:\n\n{tables.false_alarms(alarms, features)}" for features in given
        ),
        budgets="\n".join(
            f"R = {panes}:\n\n{tables.budgets(alarms, panes)}" for panes in _lengths(alarms)
        ),
        others=tables.others(alarms),
        low=_low(alarms),
        said=tables.said(alarms, FEATURES),
        fewest=FEWEST,
        power="\n".join(_power(rows)),
    )


def _together(alarms: Sequence[Alarms]) -> int:
    """References of each regime and length."""
    return max(len(some) for some in by_regime(alarms).values())


def _missed(missed: Sequence[str]) -> str:
    if not missed:
        return "Every bar was reached.\n"
    return "\n".join(["Bars that were missed:\n", *(f"- {one}" for one in missed), ""])


def _lengths(alarms: Sequence[Alarms]) -> list[int]:
    return sorted({one.panes for one in alarms}, reverse=True)


def _bars() -> str:
    """The bars in one line."""
    found: dict[tuple[int, float, float], list[str]] = {}
    for (regime, panes), bar in BARS.items():
        found.setdefault((panes, *bar), []).append(regime)
    parts = []
    for (panes, mean, high), names in sorted(found.items(), reverse=True):
        who = names[0] if len(names) == 1 else "the others that are judged"
        parts.append(f"R = {panes}, {who}: mean {mean:g}, 90th percentile {high:g}")
    return "; ".join(parts)


def _described(regime: Regime) -> str:
    said = []
    if regime.wander:
        tail = f", Student t{regime.degrees:g}" if regime.degrees else ""
        memory = f", AR({regime.memory:g})" if regime.memory else ""
        said.append(f"panes wander by {regime.wander:g}{memory}{tail}")
    if regime.hours:
        said.append(f"a daily wave of {regime.hours:g} and weekends off by {regime.weekend:g}")
    if regime.days:
        said.append(f"days wander by {regime.days:g}")
    if regime.follow:
        said.append("each row follows the one before: " + _listed(map(str, regime.follow)))
    if regime.dark:
        said.append(f"no rows in {regime.dark} hours of each night")
    if regime.software:
        said.append(
            "a quarter of the features; errors, reruns, mismatches, latency and volume wander"
        )
    if len(regime.kinds) > 1:
        said.append("columns in turn: " + _listed(dict.fromkeys(regime.kinds)))
    rows = f"{regime.rows:,.0f}" + (", tenfold by hour" if regime.tenfold else "")
    return f"| {regime.name} | {rows} | {'; '.join(said) or 'nothing'} |"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


def _low(alarms: Sequence[Alarms]) -> str:
    """How far from the budget the regimes that are judged stay."""
    parts = []
    for panes in _lengths(alarms):
        spent = {
            regime: Spread.of([one.windows for one in some]).mean
            for (regime, features, length), some in by_regime(alarms).items()
            if features == FEATURES and length == panes and (regime, panes) in BARS
        }
        if spent:
            least, most = (choose(spent, key=lambda name: spent[name]) for choose in (min, max))
            middle = float(np.median(list(spent.values())))
            parts.append(
                f"At R = {panes} the regimes with a bar spend between {spent[least]:.2f} ({least}) "
                f"and {spent[most]:.2f} ({most}) of a budget of 1, their median {middle:.2f}."
            )
    return "\n".join(parts)


def _power(rows: Sequence[Row]) -> Iterable[str]:
    for setting, panes in dict.fromkeys((row.setting, row.panes) for row in rows):
        same = [row for row in rows if (row.setting, row.panes) == (setting, panes)]
        yield (
            f"**{setting}, R = {panes}.** Without a drift our own thresholds flag "
            f"{same[0].alarms:.2f} windows in 30 days; the rules are compared at "
            f"{same[0].equal:.2f}.\n\n{tables.power(same)}"
        )
