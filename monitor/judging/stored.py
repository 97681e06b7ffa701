"""A calibration as a state: how it goes from the child that made it to the daemon, and to disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import crc32c
import numpy as np

from collectors.drift.calibrated import Calibration, Certainty, Rules
from collectors.drift.calibration.fitted import Fitted, Threshold
from collectors.drift.calibration.heldout import ColumnKey
from collectors.drift.calibration.scorer import KNOTS, Pooled, Scorer
from collectors.drift.calibration.seasons import BUCKETS
from collectors.drift.comparisons import Comparison, Summaries, comparisons
from collectors.summaries.state import State, StateError, Stored
from monitor.encoding import decode, encode

FORMAT = 4


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A calibration, what it compares, and the summaries of the whole reference."""

    calibration: Calibration
    comparisons: Sequence[Comparison]
    merged: Summaries


def pack(made: Calibrated) -> bytes:
    """It as a file's bytes: its state, and a CRC-32C of that."""
    body = encode(to_state(made))
    return body + crc32c.crc32c(body).to_bytes(4, "little")


def unpack(data: bytes, place: str, empty: Mapping[str, Any]) -> Calibrated:
    """The calibration again; see `from_state`."""
    body = data[:-4]
    if crc32c.crc32c(body).to_bytes(4, "little") != data[-4:]:
        raise StateError(f"{place}: its checksum is not that of its bytes")
    return from_state(Stored(decode(body), place), empty)


def to_state(made: Calibrated) -> State:
    """All of it as a state."""
    one, rules = made.calibration, made.calibration.rules
    return {
        "format": FORMAT,
        "reference": one.reference,
        "certainty": one.certainty,
        "pane": one.pane,
        "budget": rules.budget,
        "min_rows": rules.min_rows,
        "zone": rules.zone,
        "ignore": sorted(rules.ignore),
        "fixed": sorted(rules.fixed),
        "subjects": sorted(rules.subjects),
        "days": rules.days,
        "mixed": one.mixed,
        "hourly": None if one.hourly is None else _fit_state(one.hourly),
        "daily": None if one.daily is None else _fit_state(one.daily),
        "edges": [[*c.key, c.edges] for c in made.comparisons if c.edges is not None],
        "merged": {name: summary.state() for name, summary in made.merged.items()},
    }


def from_state(stored: Stored, empty: Mapping[str, Any]) -> Calibrated:
    """The calibration again.

    Args:
        empty: summaries of no rows, by family, as the reference was counted.

    Raises:
        StateError: it is damaged, of another format, or does not fit the summaries.
    """
    if stored.whole("format") != FORMAT:
        raise StateError(f"{stored.place}: of another format")
    summaries = stored.part("merged")
    for name, summary in empty.items():
        summary.restore(summaries.part(name))
    try:
        edges = {ColumnKey(*key): cells for *key, cells in stored.rows("edges")}
        ignore = frozenset(map(str, stored.rows("ignore")))
        fixed = frozenset(map(str, stored.rows("fixed")))
        subjects = frozenset(map(str, stored.rows("subjects")))
        found = comparisons(empty, edges, ignore | fixed, subjects)
        by_key = {one.key: one for one in found}
        rules = Rules(
            budget=stored.real("budget"),
            min_rows=stored.whole("min_rows"),
            zone=stored.text("zone"),
            ignore=ignore,
            subjects=subjects,
            days=stored.truth("days"),
            fixed=fixed,
        )
        calibration = Calibration(
            reference=stored.text("reference"),
            certainty=_certainty(stored),
            pane=stored.whole("pane"),
            rules=rules,
            mixed=stored.truth("mixed"),
            hourly=_fit(stored.part("hourly"), by_key) if stored.given("hourly") else None,
            daily=_fit(stored.part("daily"), by_key) if stored.given("daily") else None,
        )
    except (KeyError, StopIteration, TypeError, ValueError) as error:
        raise StateError(f"{stored.place}: {error!r}") from error
    return Calibrated(calibration, found, empty)


def _certainty(stored: Stored) -> Certainty:
    found = stored.text("certainty")
    for known in get_args(Certainty):
        if found == known:
            return known  # type: ignore[no-any-return]
    raise StateError(f"{stored.place}.certainty: {found!r}")


def _fit_state(fitted: Fitted) -> State:
    return {
        "scorers": [_scorer_state(one) for one in fitted.scorers],
        "joint": None if fitted.joint is None else _pooled_state(fitted.joint),
        "alone": [fitted.alone.value, fitted.alone.beyond],
        "together": [fitted.together.value, fitted.together.beyond],
        "deff": fitted.deff,
        "judged": fitted.judged,
        "dropped": list(fitted.dropped),
        "largest": fitted.largest,
    }


def _fit(stored: Stored, by_key: Mapping[ColumnKey, Comparison]) -> Fitted:
    scorers = [
        _scorer(Stored(one, f"{stored.place}.scorers[{i}]"), by_key)
        for i, one in enumerate(stored.rows("scorers"))
    ]
    joint = stored.part("joint") if stored.given("joint") else None
    return Fitted(
        scorers=tuple(scorers),
        joint=None
        if joint is None
        else Pooled(joint.real("knee"), joint.real("level"), joint.real("scale")),
        alone=Threshold(*stored.rows("alone")),
        together=Threshold(*stored.rows("together")),
        deff=stored.real("deff"),
        judged=stored.whole("judged"),
        dropped=tuple(stored.rows("dropped")),
        largest=stored.array("largest", np.float64),
    )


def _scorer_state(scorer: Scorer) -> State:
    return {
        "key": list(scorer.key),
        "season": scorer.season,
        "totals": scorer.totals.ravel(),
        "rows": scorer.rows,
        "squares": scorer.squares,
        "a": scorer.a,
        "b": scorer.b,
        "raw": scorer.raw,
        "scores": scorer.scores,
        "farthest": scorer.farthest,
        "sure": scorer.sure,
    }


def _scorer(stored: Stored, by_key: Mapping[ColumnKey, Comparison]) -> Scorer:
    comparison = by_key[ColumnKey(*stored.rows("key"))]
    season = next(one for one in BUCKETS if one == stored.text("season"))
    buckets = BUCKETS[season]
    return Scorer(
        key=comparison.key,
        measure=comparison.measure,
        always=comparison.always,
        season=season,
        totals=stored.array("totals", np.float64).reshape(buckets, -1),
        rows=stored.array("rows", np.float64, buckets),
        squares=stored.array("squares", np.float64, buckets),
        a=stored.real("a"),
        b=stored.real("b"),
        raw=stored.array("raw", np.float64, len(KNOTS)),
        scores=stored.array("scores", np.float64, len(KNOTS)),
        farthest=stored.real("farthest"),
        sure=stored.real("sure", infinite=True),
    )


def _pooled_state(pooled: Pooled) -> State:
    return {"knee": pooled.knee, "level": pooled.level, "scale": pooled.scale}
