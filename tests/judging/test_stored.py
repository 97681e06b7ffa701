"""A calibration as bytes: the same again to the last bit, or refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from collectors.drift.calibrate import calibrate
from collectors.drift.calibrated import Calibration, Rules
from collectors.drift.comparisons import merge
from collectors.drift.judge import Judge, Scored
from collectors.summaries.state import State, StateError, Stored
from monitor.encoding import decode, encode
from monitor.judging.families import empty
from monitor.judging.stored import Calibrated, from_state, pack, to_state, unpack
from tests.support.events import HOUR
from tests.support.panes import MONDAY, SCHEMA, Traffic, hours, nulls, stream

RULES = Rules(budget=1.0, min_rows=20, zone="America/New_York", ignore=frozenset({"c"}))


def made_of(number: int) -> Calibrated:
    panes = stream(1, hours(number), Traffic(rows=60))
    calibration, found = calibrate("ref", panes, HOUR, RULES)
    return Calibrated(calibration, found, merge(panes.values()))


@pytest.fixture(scope="module")
def made() -> Calibrated:
    return made_of(24 * 5)


@pytest.fixture(scope="module")
def data(made: Calibrated) -> bytes:
    return pack(made)


def again(data: bytes) -> Calibrated:
    return unpack(data, "kept", empty(SCHEMA))


def told(one: Scored) -> tuple[Any, ...]:
    return (*one.key, one.version, one.score, one.effect, *one.now, *one.reference)


def test_windows_score_the_same_to_the_last_bit(made: Calibrated, data: bytes) -> None:
    found = again(data)
    for name in ("hourly", "daily"):
        fits = [getattr(one.calibration, name) for one in (made, found)]
        judges = [
            Judge(fit, one.comparisons, RULES.zone, RULES.min_rows)
            for fit, one in zip(fits, (made, found), strict=True)
        ]
        for change in (lambda rows: rows, nulls(0.3)):
            for start, pane in stream(2, hours(6, MONDAY + 200 * HOUR), change=change).items():
                one, other = (judge.judge(start, 1, [pane], {"v": [pane]}) for judge in judges)
                assert one is not None
                assert other is not None
                assert one.score == other.score
                assert len(one.scored) == len(other.scored)
                for scored, wanted in zip(other.scored, one.scored, strict=True):
                    assert told(scored) == told(wanted)


def test_all_of_it_is_there_again(made: Calibrated, data: bytes) -> None:
    found = again(data)
    assert encode(to_state(found)) == encode(to_state(made))
    one, other = made.calibration, found.calibration
    bare: dict[str, Any] = {"hourly": None, "daily": None}
    assert replace(one, **bare) == replace(other, **bare)
    assert other.rules == RULES
    assert one.hourly is not None
    assert other.hourly is not None
    assert one.daily is not None
    assert other.daily is not None
    assert (other.beyond, other.too_dependent) == (one.beyond, one.too_dependent)
    for fit, fit_again in ((one.hourly, other.hourly), (one.daily, other.daily)):
        assert (fit.alone, fit.together, fit.deff, fit.judged, fit.dropped, fit.joint) == (
            fit_again.alone,
            fit_again.together,
            fit_again.deff,
            fit_again.judged,
            fit_again.dropped,
            fit_again.joint,
        )
        np.testing.assert_array_equal(fit.largest, fit_again.largest)
    assert [c.key for c in found.comparisons] == [c.key for c in made.comparisons]
    assert found.merged["software"].rows == made.merged["software"].rows


def test_what_is_not_calibrated_is_kept_too() -> None:
    found = again(pack(made_of(3)))
    assert found.calibration == Calibration("ref", "uncalibrated", HOUR, RULES, False, None, None)
    assert {one.key.feature for one in found.comparisons} == {"a", "b", ""}


def test_any_damage_of_the_file_is_refused(data: bytes) -> None:
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(data), 300).tolist():
        damaged = bytearray(data)
        damaged[place] ^= 1 << int(rng.integers(0, 8))
        with pytest.raises(StateError, match=r"kept: its checksum"):
            again(bytes(damaged))
    for length in (0, 1, 3, 4, 5, 100, len(data) - 5, len(data) - 1):
        with pytest.raises(StateError):
            again(data[:length])
    with pytest.raises(StateError):
        again(data + b"\0")


def put(state: State, path: str, value: object) -> None:
    *parents, name = path.split(".")
    here: Any = state
    for step in parents:
        here = here[int(step) if step.isdecimal() else step]
    here[int(name) if name.isdecimal() else name] = value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("format", 1),
        ("certainty", "sure"),
        ("reference", 7),
        ("budget", float("nan")),
        ("min_rows", -1),
        ("zone", None),
        ("ignore", "c"),
        ("days", 1),
        ("hourly", []),
        ("hourly.scorers", None),
        ("hourly.scorers.0.season", "hour of moon"),
        ("hourly.scorers.0.key", ["input", "nobody", "mean"]),
        ("hourly.scorers.0.a", "x"),
        ("hourly.scorers.0.totals", "x"),
        ("hourly.scorers.0.rows", np.zeros(2)),
        ("hourly.scorers.0.raw", np.zeros(5)),
        ("hourly.alone", [1.0]),
        ("hourly.alone", [1.0, 2.0, 3.0]),
        ("hourly.joint", 3),
        ("hourly.joint", {"knee": 1.0}),
        ("hourly.deff", None),
        ("hourly.largest", "x"),
        ("daily.judged", -3),
        ("edges", 5),
        ("edges", [[1]]),
        ("merged", None),
        ("merged.inputs", None),
        ("merged.software.rows", "many"),
    ],
)
def test_a_state_that_is_none_is_refused_in_a_sentence(
    made: Calibrated, path: str, value: object
) -> None:
    state = decode(encode(to_state(made)))
    put(state, path, value)
    with pytest.raises(StateError, match=r".+"):
        from_state(Stored(state, "kept"), empty(SCHEMA))


def test_a_calibration_of_another_schema_is_refused(data: bytes) -> None:
    other = msgspec.structs.replace(SCHEMA, seed=5)
    with pytest.raises(StateError, match="another schema"):
        unpack(data, "kept", empty(other))


@pytest.mark.parametrize("name", ["a", "c"])
def test_a_feature_that_is_ignored_is_not_there_again(name: str) -> None:
    rules = replace(RULES, ignore=frozenset({name}), subjects=frozenset({"input"}))
    panes = stream(1, hours(30), Traffic(rows=60))
    calibration, found = calibrate("ref", panes, HOUR, rules)
    kept = again(pack(Calibrated(calibration, found, merge(panes.values()))))
    assert [c.key for c in kept.comparisons] == [c.key for c in found]
    assert name not in {c.key.feature for c in found}
    assert {c.key.subject for c in found} == {"input"}
    assert kept.calibration.rules == rules
