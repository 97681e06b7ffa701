"""Power and delay: how soon named drifts are found, beside the rules of others at equal alarms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.simulate import judging, rivals
from benchmarks.simulate.columns import Compared, compared, of_feature, some, where
from benchmarks.simulate.kinds import Floats
from benchmarks.simulate.null import fits_of
from benchmarks.simulate.streams import (
    REGIMES,
    WEEK,
    Cells,
    Drift,
    Effects,
    Regime,
    Stream,
    draw,
    draw_cells,
    draw_effects,
)
from collectors.drift.calibration.fitted import Fitted

ROWS = 1_500.0
FEATURES = 20
OURS = "inferwatch"

ALONE, TOGETHER = 0.25, 0.75
"""Shares of the alarms that one window alone may make, and two of three, under that rule."""

FEWEST = 8
"""Null windows that are flagged at least where rules are compared: fewer say too little."""

DRIFTED = 2 * WEEK
RAMP = 2 * WEEK
ONSETS = WEEK
"""Hours of the drifted windows at each of which a step is taken to begin."""

KINDS = ("number", "category 8", "5% not zero") + ("number",) * 17

SETTINGS: Mapping[str, Regime] = {
    "independent": Regime("independent", rows=ROWS, kinds=KINDS),
    "panes wander 0.05, AR(0.5)": Regime(
        "panes wander 0.05, AR(0.5)", rows=ROWS, wander=0.05, memory=0.5, kinds=KINDS
    ),
    "season, n tenfold": replace(REGIMES["season, n tenfold"], rows=ROWS, kinds=KINDS),
}

DRIFTS = (
    Drift("0.5 sd in one of 20", mean=0.5),
    Drift("0.25 sd in one of 20", mean=0.25),
    Drift("0.1 sd in one of 20", mean=0.1),
    Drift("variance x 1.5 in one of 20", scale=0.5 * math.log(1.5)),
    Drift("5% nulls in one of 20", nulls=0.05),
    Drift("new category of 1%", unseen=0.01, kind="category 8"),
    Drift("5% to 10% not zero", double=2.0, kind="5% not zero"),
    Drift("0.1 sd in all", mean=0.1, kind=""),
    Drift("ramp to 0.5 sd in 14 days", mean=0.5, ramp=RAMP),
)


@dataclass(frozen=True)
class Trial:
    """One stream with its drifts.

    Attributes:
        panes: of its reference.
        weeks: of windows without a drift after that.
    """

    setting: str
    panes: int
    stream: int
    weeks: int = 12

    @property
    def seed(self) -> tuple[int, ...]:
        return 1_000 + list(SETTINGS).index(self.setting), self.panes, self.stream


@dataclass(frozen=True)
class Past:
    """How far windows are past the thresholds of a rule, each [N]; -inf where nothing is judged.

    Attributes:
        alone: the column that is farthest.
        near, far: the column that is farthest both in a window and in the one before it, and both
            in a window and in the one before that.
    """

    alone: Floats
    near: Floats
    far: Floats

    @classmethod
    def of(cls, each: Floats, ratio: float = 1.0) -> Past:
        """Of columns [C, N]; `ratio` is the threshold alone over that of two of three."""
        given = np.where(np.isfinite(each), each, -np.inf)
        near, far = (_both(given, lag) * ratio for lag in (1, 2))
        return cls(given.max(axis=0), near, far)

    @property
    def pair(self) -> Floats:
        return np.maximum(self.near, self.far)


def _both(given: Floats, lag: int) -> Floats:
    before = np.full_like(given, -np.inf)
    before[:, lag:] = given[:, :-lag]
    return np.asarray(np.minimum(given, before).max(axis=0))


@dataclass(frozen=True)
class Outcome:
    """What a trial came to: by rule, windows without a drift, and by drift and rule, those with it
    from their first one on (of a ramp, several times)."""

    trial: Trial
    null: Mapping[str, Past]
    drifted: Mapping[str, Mapping[str, list[Past]]]


@dataclass(frozen=True)
class Found:
    """What one rule finds of one drift.

    Attributes:
        share: of drifted windows that are flagged.
        delay: mean hours from an onset to the end of the first flagged window; where none is, all
            hours that were drawn.
    """

    share: float
    delay: float


@dataclass(frozen=True)
class Row:
    """One drift in one setting: our own thresholds, then every rule at equal alarms.

    Attributes:
        alarms: null windows flagged in 30 days by our own thresholds.
        equal: the same for all rules where they are compared.
        own: by our own thresholds.
        once, together: by rule, once a window, and under the rule of two of three.
    """

    setting: str
    panes: int
    drift: str
    alarms: float
    equal: float
    own: Found
    once: dict[str, Found]
    together: dict[str, Found]


@dataclass(frozen=True)
class _Laid:
    """A stream fitted, with what its drifted windows are made from."""

    stream: Stream
    every: Sequence[Compared]
    fitted: Fitted
    null: judging.Scores
    effects: Effects
    reference: slice
    live: slice


def run(trial: Trial, drifts: Sequence[Drift] = DRIFTS) -> Outcome:
    """One stream with each of the drifts."""
    laid = _lay(trial)
    cells, fitted = laid.stream.cells, laid.fitted
    given = cells, laid.live, cells, laid.reference, FEATURES
    others = {name: rivals.each_feature(rule, *given) for name, rule in rivals.RULES.items()}
    null = {OURS: _ours(fitted, laid.null)}
    null |= {name: Past.of(each) for name, each in others.items()}
    drifted: dict[str, dict[str, list[Past]]] = {}
    for place, drift in enumerate(drifts):
        rng = np.random.default_rng((*trial.seed, 9, place))
        found = drifted[drift.name] = {name: [] for name in null}
        for begin in range(0, trial.weeks * WEEK - 2 * RAMP + 1 if drift.ramp else 1, RAMP):
            span = slice(begin, begin + (2 * RAMP if drift.ramp else DRIFTED))
            changed = _changed(laid, drift, span, rng)
            found[OURS].append(_ours(fitted, _rescored(laid, span, changed)))
            same = [cells[feature] for feature in changed]
            drifting = list(changed.values()), slice(None), same, laid.reference, FEATURES
            for name, rule in rivals.RULES.items():
                each = others[name][:, span].copy()
                each[list(changed)] = rivals.each_feature(rule, *drifting)
                found[name].append(Past.of(each))
    return Outcome(trial, null, drifted)


def rows(outcomes: Sequence[Outcome], drifts: Sequence[Drift] = DRIFTS) -> list[Row]:
    """The table of one setting and one length of reference; of drifts that were all played."""
    trial = outcomes[0].trial
    windows = sum(len(one.null[OURS].alone) for one in outcomes)
    own = [one.null[OURS] for one in outcomes]
    flagged = sum(int(((past.alone > 1.0) | (past.pair > 1.0)).sum()) for past in own)
    share = max(flagged, FEWEST) / windows
    limits = {name: _limits([one.null[name] for one in outcomes], share) for name in _names()}
    found = []
    for drift in drifts:
        pasts = {
            name: [past for one in outcomes for past in one.drifted[drift.name][name]]
            for name in _names()
        }
        found.append(
            Row(
                setting=trial.setting,
                panes=trial.panes,
                drift=drift.name,
                alarms=flagged / windows * 720.0,
                equal=share * 720.0,
                own=_found(drift, pasts[OURS], 1.0, 1.0),
                once={n: _found(drift, pasts[n], limits[n][0], math.inf) for n in _names()},
                together={n: _found(drift, pasts[n], *limits[n][1:]) for n in _names()},
            )
        )
    return found


def hours_to(past: Past, alone: float, pair: float, onset: int) -> int:
    """Hours from an onset to the end of the first window that is flagged: by one column alone, or
    by one in two of three windows since then; all that are left where none is."""
    flags = past.alone[onset:] > alone
    flags[1:] |= past.near[onset + 1 :] > pair
    flags[2:] |= past.far[onset + 2 :] > pair
    return int(flags.argmax()) + 1 if flags.any() else len(flags)


def _lay(trial: Trial) -> _Laid:
    regime = SETTINGS[trial.setting]
    length = trial.panes + trial.weeks * WEEK
    stream = draw(regime, FEATURES, length, trial.seed)
    reference, live = slice(0, trial.panes), slice(trial.panes, length)
    calendar = where(length)
    every = compared(stream, reference)
    fitted, _ = fits_of(stream, every, calendar, reference, 1.0)
    panes = some(calendar, live)
    scored = zip(fitted.scorers, every, strict=True)
    null = judging.gathered([judging.score(by, one.column(live), panes) for by, one in scored])
    effects = draw_effects(regime, FEATURES, length, trial.seed)
    return _Laid(stream, every, fitted, null, effects, reference, live)


def _changed(laid: _Laid, drift: Drift, span: slice, rng: np.random.Generator) -> dict[int, Cells]:
    """Counts of a span of the live windows by feature, of those that drift in it."""
    panes = slice(laid.live.start + span.start, laid.live.start + span.stop)
    effects = Effects(laid.effects.means[panes], laid.effects.scales[panes])
    rows = laid.stream.rows[panes]
    features = [KINDS.index(drift.kind)] if drift.kind else range(FEATURES)
    return {j: draw_cells(rng, KINDS[j], rows, effects, j, drift) for j in features}


def _rescored(laid: _Laid, span: slice, changed: Mapping[int, Cells]) -> judging.Scores:
    """Scores of a span of the live windows with some features changed."""
    start = laid.live.start
    panes = some(where(start + span.stop), slice(start + span.start, None))
    found = laid.null.within(span)
    for feature, cells in changed.items():
        places = [i for i, one in enumerate(laid.every) if one.key.feature == str(feature)]
        made = of_feature(feature, cells, laid.stream.cells[feature].total(laid.reference))
        each = [
            judging.score(laid.fitted.scorers[place], one.column(slice(None)), panes)
            for place, one in zip(places, made, strict=True)
        ]
        found = found.changed(places, judging.gathered(each))
    return found


def _ours(fitted: Fitted, scores: judging.Scores) -> Past:
    alone = fitted.alone.value
    return Past.of(judging.with_joint(fitted, scores) / alone, alone / fitted.together.value)


def _names() -> list[str]:
    return [OURS, *rivals.RULES]


def _limits(null: Sequence[Past], share: float) -> tuple[float, float, float]:
    """Of one window a share; of one alone, and of two of three, a quarter and the rest."""
    single = np.concatenate([past.alone for past in null])
    pair = np.concatenate([past.pair[2:] for past in null])
    return (
        float(np.quantile(single, 1.0 - share)),
        float(np.quantile(single, 1.0 - ALONE * share)),
        float(np.quantile(pair, 1.0 - TOGETHER * share)),
    )


def _found(drift: Drift, pasts: Sequence[Past], alone: float, pair: float) -> Found:
    shares, delays = [], []
    for past in pasts:
        shares.append(float(((past.alone > alone) | (past.pair > pair)).mean()))
        onsets = range(1 if drift.ramp else ONSETS)
        delays += [hours_to(past, alone, pair, onset) for onset in onsets]
    return Found(float(np.mean(shares)), float(np.mean(delays)))
