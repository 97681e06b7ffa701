"""The tables of a run, as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from benchmarks.simulate.bars import BARS, Spread, by_regime
from benchmarks.simulate.null import BUDGETS, Alarms
from benchmarks.simulate.power import OURS, Row
from benchmarks.simulate.rivals import RULES

Line = Sequence[object]


def table(head: Line, lines: Iterable[Line]) -> str:
    """A Markdown table."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows) + "\n"


def false_alarms(alarms: Sequence[Alarms], features: int) -> str:
    """Windows flagged and alarms entered, by regime and length of the reference."""
    groups = by_regime(alarms)
    lengths = sorted({panes for _, p, panes in groups if p == features}, reverse=True)
    head = ["regime"]
    for panes in lengths:
        head += [f"R = {panes}: mean", "p90", "worst", "entries"]
    lines = []
    for regime in dict.fromkeys(name for name, p, _ in groups if p == features):
        line = [regime]
        for panes in lengths:
            some = groups[regime, features, panes]
            spread = Spread.of([one.windows for one in some])
            entries = Spread.of([one.entries for one in some]).mean
            line += [
                _against(spread.mean, regime, panes, 0),
                _against(spread.high, regime, panes, 1),
                _number(spread.worst),
                _number(entries),
            ]
        lines.append(line)
    return table(head, lines)


def budgets(alarms: Sequence[Alarms], panes: int) -> str:
    """Windows flagged in 30 days under each budget."""
    names = [name for name in BUDGETS if by_regime(alarms, name)]
    head = ["regime", *(f"{name}: mean" for name in names), *(f"{name}: p90" for name in names)]
    groups = {name: by_regime(alarms, name) for name in names}
    lines = []
    for key in groups[names[-1]]:
        if key[2] == panes:
            spreads = [Spread.of([one.windows for one in groups[name][key]]) for name in names]
            means = [_number(one.mean) for one in spreads]
            lines.append([key[0], *means, *(_number(one.high) for one in spreads)])
    return table(head, lines)


def said(alarms: Sequence[Alarms], features: int) -> str:
    """What the product says of its references, and what led their alarms."""
    lines = []
    for (regime, p, panes), some in by_regime(alarms).items():
        if p == features:
            led: Counter[str] = Counter()
            for one in some:
                led.update(one.led)
            deff = Spread.of([one.deff for one in some])
            dependent = sum(one.too_dependent for one in some)
            judged = min(one.judged for one in some)
            first = ", ".join(f"{name} {number}" for name, number in led.most_common(3))
            cells = (f"{deff.mean:.1f}", f"{deff.worst:.1f}", f"{dependent} of {len(some)}")
            lines.append([regime, panes, *cells, f"{judged:.0%}", first or "none"])
    head = ["regime", "R", "deff", "largest", "`dependence too long`", "judged", "led by"]
    return table(head, lines)


def others(alarms: Sequence[Alarms]) -> str:
    """The rules of others as they come, in the same windows."""
    lines = []
    for (regime, _, panes), some in by_regime(alarms).items():
        given = [one for one in some if one.others]
        if given:
            means = [Spread.of([one.others[name] for one in given]).mean for name in RULES]
            own = Spread.of([one.windows for one in given]).mean
            lines.append([regime, panes, _number(own), *(_number(mean) for mean in means)])
    return table(["regime", "R", OURS, *RULES], lines)


def power(rows: Sequence[Row]) -> str:
    """Share of drifted windows found and hours until then, by rule."""
    names = [OURS, *RULES]
    head = [
        "drift",
        "own thresholds",
        *(f"{n}, once" for n in names),
        *(f"{n}, 2 of 3" for n in names),
    ]
    lines = [
        [
            row.drift,
            f"**{row.own.share:.2f}** ({row.own.delay:.1f} h)",
            *(f"{row.once[n].share:.2f} ({row.once[n].delay:.1f} h)" for n in names),
            *(f"{row.together[n].share:.2f} ({row.together[n].delay:.1f} h)" for n in names),
        ]
        for row in rows
    ]
    return table(head, lines)


def _against(value: float, regime: str, panes: int, which: int) -> str:
    bar = BARS.get((regime, panes))
    missed = bar is not None and value > bar[which]
    return f"**{_number(value)}**" if missed else _number(value)


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"
