"""Columns that the reference knows in one way only, or not at all: a verdict and words for each."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from collectors.schema import SchemaMismatch
from tests.judging.living import (
    BEGIN,
    FIRST,
    HOUR,
    MODEL,
    REFERENCE,
    Life,
    Row,
    hour,
    traffic,
)
from tests.judging.test_first import made
from tests.references.making import built

ASKED = "{a: {kind: number}, b: {kind: number}, c: {kind: category}}"
ALL = (
    "{a: {kind: number}, b: {kind: number}, c: {kind: category}, never: {kind: number}, "
    "no_word: {kind: category}, no_text: {kind: text}, no_flag: {kind: boolean}, "
    "seven: {kind: number}, zero: {kind: number}, only: {kind: category}}"
)
EDGES = MODEL.replace(ASKED, ALL)
JUDGED = EDGES + REFERENCE
USUAL: Row = {"seven": 7, "zero": 0, "only": "this"}
NONE: Row = {"never": None, "no_word": None, "no_text": None, "no_flag": None}

Change = Callable[[Row, int], Row]
"""Of the features of one row, and its place in its hour."""


def put(**values: Any) -> Change:
    return lambda features, _: features | values


def without(name: str) -> Change:
    return lambda features, _: {key: value for key, value in features.items() if key != name}


def now_and_then(every: int, **values: Any) -> Change:
    return lambda features, place: features | values if place % every == 0 else features


def records(start: int, change: Change) -> list[Row]:
    found = []
    for place, row in enumerate(hour(start)):
        features = {name: row[name] for name in "abc"} | USUAL | NONE
        found.append({name: row[name] for name in "tvly"} | {"x": change(features, place)})
    return found


def live(hours: int, changed: int, change: Change) -> list[list[Row]]:
    """So many hours, of which those from `changed` on are changed."""
    begin = round(BEGIN.timestamp())
    return [records(begin + p * HOUR, change if p >= changed else put()) for p in range(hours)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a reference of a week, and its calibration."""
    folder = tmp_path_factory.mktemp("edges")
    start = round(FIRST.timestamp())
    lines = (
        json.dumps(one) for place in range(168) for one in records(start + place * HOUR, put())
    )
    (folder / "data.jsonl").write_text("\n".join(lines))
    built(folder, "data.jsonl", models=EDGES, now=(BEGIN + pd.Timedelta("30D")).value // 1000)
    Life(folder, JUDGED).harness.app.die()
    shutil.rmtree(folder / "state/checkpoints", ignore_errors=True)
    return folder


@pytest.fixture
def edged(whole: Path, tmp_path: Path) -> Iterator[Life]:
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    life = Life(tmp_path, JUDGED)
    yield life
    life.harness.app.die()


AT_ONCE: dict[str, tuple[Change, str, str]] = {
    "a number that vanishes": (without("a"), "a", "missing 0.0% to 100.0%"),
    "a category that vanishes": (without("c"), "c", "missing 0.0% to 100.0%"),
    "a constant that vanishes": (without("seven"), "seven", "missing 0.0% to 100.0%"),
    "a number that never had a value": (
        put(never=3.0),
        "never",
        "missing 100.0% to 0.0%, where the reference has no value at all",
    ),
    "a category that never had a value": (
        put(no_word="x"),
        "no_word",
        "missing 100.0% to 0.0%, where the reference has no value at all",
    ),
    "a text that never had a value": (
        put(no_text="some words"),
        "no_text",
        "missing 100.0% to 0.0%, where the reference has no value at all",
    ),
    "a boolean that never had a value": (
        put(no_flag=True),
        "no_flag",
        "missing 100.0% to 0.0%, where the reference has no value at all",
    ),
    "a tenth of what never had a value": (
        now_and_then(10, never=3.0),
        "never",
        "missing 100.0% to 90.0%, where the reference has no value at all",
    ),
    "a constant that is another": (
        put(seven=8),
        "seven",
        "share of 7, the only value of the reference, 100.0% to 0.0%",
    ),
    "a constant that is a little more": (
        put(seven=7.01),
        "seven",
        "share of 7, the only value of the reference, 100.0% to 0.0%",
    ),
    "a constant that is less": (
        put(zero=-1),
        "zero",
        "share of 0, the only value of the reference, 100.0% to 0.0%",
    ),
    "a constant that now and then is not": (
        now_and_then(8, seven=9),
        "seven",
        "share of 7, the only value of the reference, 100.0% to 87.5%",
    ),
    "a word that is another": (put(only="that"), "only", "invalid 0.0% to 100.0%"),
    "a word that is none": (put(only=None), "only", "missing 0.0% to 100.0%"),
}


@pytest.mark.parametrize("what", AT_ONCE)
def test_it_rings_in_the_first_window_and_says_what_changed(edged: Life, what: str) -> None:
    change, feature, words = AT_ONCE[what]
    edged.hours(live(4, 2, change))
    assert edged.verdicts() == {"input": "alarm", "output": "ok", "software": "ok"}
    assert edged.value("alarm_since_timestamp_seconds") == BEGIN.timestamp() + 3 * HOUR
    (alarm,) = [detail for _, kind, _, detail in edged.end() if kind == "alarm"]
    led = alarm["causes"][0]
    assert (led["feature"], led["words"]) == (feature, words)
    kind = words.partition(" ")[0]
    assert edged.value("alarm_cause", rank="1", side="now", change=kind, feature=feature) >= 0


def test_where_nothing_changes_such_columns_are_quiet(edged: Life) -> None:
    edged.hours(live(8, 99, put()))
    assert set(edged.verdicts().values()) == {"ok"}
    for name in ("never", "no_word", "no_text", "no_flag", "seven", "zero", "only"):
        assert set(edged.shown("score", window="1h", feature=name).values()) <= {0}


@pytest.mark.parametrize(
    "values", [{"never": 1.0}, {"seven": 8}, {"only": "that"}, {"no_flag": True}]
)
def test_one_row_that_is_like_none_before_is_no_alarm_and_some_in_a_row_are(
    edged: Life, values: Row
) -> None:
    hours = live(5, 99, put())
    odd = live(5, 0, now_and_then(len(hours[0]), **values))
    edged.hours([*hours[:2], odd[2], *hours[3:]])
    assert edged.value("alarms_total", window="1h") == 0
    assert set(edged.verdicts().values()) == {"ok"}
    begin = BEGIN + pd.Timedelta("5h")
    start = round(begin.timestamp())
    change = now_and_then(10, **values)
    edged.hours([records(start + place * HOUR, change) for place in range(4)])
    assert edged.verdicts()["input"] == "alarm"


def test_an_alarm_says_how_rare_it_is(edged: Life, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        edged.hours(live(4, 2, put(never=3.0)))
    (said,) = [one for one in caplog.records if one.message == "alarm"]
    assert said.__dict__["as_rare_as"] == "less than once in 1,000,000 days"
    (alarm,) = [detail for _, kind, _, detail in edged.end() if kind == "alarm"]
    assert alarm["as_rare_as"] == "less than once in 1,000,000 days"


def test_two_of_three_are_as_rare_as_their_share_of_the_budget(
    edged: Life, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        edged.hours(live(6, 2, now_and_then(40, never=3.0)))
    (said,) = [one for one in caplog.records if one.message == "alarm"]
    # Half of 1 per 30d is of hours, and three quarters of that of two in three.
    assert said.__dict__["as_rare_as"] == "once in 80 days"
    assert edged.value("alarm_since_timestamp_seconds") == BEGIN.timestamp() + 4 * HOUR


def test_a_feature_that_the_reference_lacks_is_refused(edged: Life) -> None:
    more = JUDGED.replace("{a:", "{new: {kind: number}, a:")
    refusal = edged.reload(more)
    assert refusal is not None
    assert "lacks feature 'new', which the config asks for; build it again by" in refusal
    edged.harness.app.die()
    with pytest.raises(SchemaMismatch, match="lacks feature 'new'"):
        Life(edged.folder, more)


def test_a_feature_that_comes_after_the_first_panes_is_compared_with_nothing_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = f"{MODEL}    reference: {{first: 24}}\n"
    life = Life(tmp_path, first)
    life.read(traffic(1)[0])
    life.harness.settle()
    life.hours(traffic(26, begin=BEGIN + pd.Timedelta("1h")))
    # All that is needed is on disk before the last pane closes, whose end makes it look once more.
    assert life.harness.app.save()
    life.hours(traffic(1, begin=BEGIN + pd.Timedelta("27h")))
    made(life)
    assert life.shown("calibration_info") != {}
    more = first.replace("{a:", "{new: {kind: number}, a:")
    said = "features that the reference does not have are compared with nothing"
    with caplog.at_level(logging.WARNING):
        life.reborn(more)
        for place in range(28, 32):
            for some in traffic(1, begin=BEGIN + pd.Timedelta(hours=place)):
                life.read([one | {"x": one["x"] | {"new": 5.0}} for one in some])
            life.harness.settle()
    (told,) = [one for one in caplog.records if one.message == said]
    assert told.__dict__["features"] == "new"
    assert life.value("input_mean", window="1h", feature="new") == 5
    assert life.shown("score", feature="new") == {}
    assert life.verdicts()["input"] == "ok"
    life.harness.app.die()


def test_answers_that_the_reference_does_not_have_have_no_reference(tmp_path: Path) -> None:
    start = round(FIRST.timestamp())
    silent = MODEL.replace(", prediction: y", "").replace("    output: {kind: number}\n", "")
    lines = [json.dumps(one) for place in range(30) for one in records(start + place * HOUR, put())]
    (tmp_path / "data.jsonl").write_text("\n".join(lines))
    built(tmp_path, "data.jsonl", models=silent, now=(BEGIN + pd.Timedelta("30D")).value // 1000)
    life = Life(tmp_path, MODEL + REFERENCE)
    life.read(traffic(1)[0])
    life.harness.settle()
    life.hours(traffic(3, begin=BEGIN + pd.Timedelta("1h")))
    assert life.verdicts() == {"input": "ok", "output": "no_reference", "software": "ok"}
    life.harness.app.die()
