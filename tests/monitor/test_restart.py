"""Another process goes on where one ended, or died."""

from __future__ import annotations

import itertools
import logging
from pathlib import Path

import pandas as pd
import pytest

from collectors.sources import Gap, Partition, Revoked
from collectors.summaries.state import StateError
from monitor.settling import LONGEST_WAIT
from tests.support.archives import read
from tests.support.faults import FailingOs
from tests.support.harness import NOW
from tests.support.lives import AGO, HOUR, MODEL, begun, row, series

PAIR = """\
  - name: quick
    match: {field: model, equals: quick}
    fields: {time: t, features: x, prediction: y}
    features: {a: {kind: number}}
    output: {kind: number}
  - name: slow
    match: {field: model, equals: slow}
    fields: {time: t, features: x, prediction: y}
    features: {b: {kind: number}}
    output: {kind: number}
"""


def test_windows_are_shown_at_once_as_they_were_and_counters_begin_at_zero(tmp_path: Path) -> None:
    one = begun(tmp_path)
    one.feed([row(), row(x={"a": 5.0}), row(AGO + 2 * HOUR), row(AGO + 3 * HOUR)])
    one.settle()
    shown = series(one, "window=")
    assert shown["inferwatch_input_mean{feature=a,model=m,version=v1,window=1d}"] == pytest.approx(
        7 / 3
    )
    assert one.app.save()
    one.app.die()
    other = begun(tmp_path)
    assert series(other, "window=") == shown
    assert other.metrics()["inferwatch_inferences_total{model=m,version=v1}"] == 0
    assert other.metrics()["inferwatch_revisions_total{model=m}"] == 0
    first = "inferwatch_version_first_seen_timestamp_seconds{model=m,version=v1}"
    assert other.metrics()[first] == AGO
    # The row before was open; this one rolls the day's window on over panes from the archive.
    other.feed([row(AGO + 5 * HOUR, x={"a": 9.0})])
    other.app.pipeline.advance(other.now)
    mean = series(other, "inferwatch_input_mean", "window=1d")
    assert list(mean.values()) == [pytest.approx((1 + 5 + 1 + 1) / 4)]
    other.app.stop()


def test_what_is_late_is_told_by_the_log_before_the_restart(tmp_path: Path) -> None:
    one = begun(tmp_path)
    one.feed([row()])
    one.settle()
    one.app.stop()
    other = begun(tmp_path)
    other.feed([row(AGO - 26 * HOUR), row(AGO - 20 * HOUR)])
    assert series(other, "outcome=late") == {
        "inferwatch_records_total{outcome=late,topic=inferences}": 1
    }
    other.app.stop()


def test_what_one_model_holds_is_read_again_and_no_other_counts_it_twice(tmp_path: Path) -> None:
    one = begun(tmp_path, PAIR)
    quick = [row(model="quick", x={"a": float(i)}) for i in range(3)]
    one.feed(quick)
    one.settle()  # quick has a schema now, and slow has had no row
    one.feed([row(model="quick", x={"a": 3.0}), row(model="slow", x={"b": 1.0})])
    one.feed([row(model="quick", x={"a": 4.0})])
    positions = {Partition("inferences", 0): 6}
    assert one.app.pipeline.positions == positions
    one.app.stop()
    other = begun(tmp_path, PAIR)
    # The log is read again from the record that slow held.
    assert other.app.pipeline.positions == {Partition("inferences", 0): 4}
    other.feed([row(model="slow", x={"b": 1.0}), row(model="quick", x={"a": 4.0})])
    other.feed([row(model="quick", x={"a": 5.0}), row(model="slow", x={"b": 7.0})])
    other.settle()
    other.finish()
    other.app.stop()
    state = tmp_path / "state"
    assert {k[0]: p["rows"] for k, p in read(state, "quick").items()} == {"": 6}
    assert {k[0]: p["rows"] for k, p in read(state, "slow").items()} == {"": 2}


def test_a_feature_more_resets_no_other(tmp_path: Path) -> None:
    one = begun(tmp_path)
    one.feed([row(x={"a": float(i)}) for i in range(5)])
    one.settle()
    one.app.stop()
    more = MODEL.replace("a: {kind: number}", "a: {kind: number}, b: {kind: category}")
    other = begun(tmp_path, more)
    other.feed([row(x={"a": 10.0, "b": "new"})])
    other.settle()
    other.finish()
    found = other.metrics()
    labels = "model=m,version=v1,window=1h"
    assert found[f"inferwatch_window_rows{{{labels}}}"] == 6
    assert found[f"inferwatch_input_mean{{feature=a,{labels}}}"] == pytest.approx(20 / 6)
    # It was asked for in one row, and was there.
    assert found[f"inferwatch_input_missing_ratio{{feature=b,{labels}}}"] == 0
    other.app.stop()


def test_a_feature_less_and_another_threshold_keep_the_state(tmp_path: Path) -> None:
    both = MODEL.replace("a: {kind: number}", "a: {kind: number}, b: {kind: number}")
    one = begun(tmp_path, both)
    one.feed([row(x={"a": 1.0, "b": 2.0})] * 4)
    one.settle()
    one.app.stop()
    other = begun(tmp_path, MODEL.replace("a: {kind: number}", "a: {kind: number, range: [0, 9]}"))
    other.feed([row(x={"a": 99.0, "b": 2.0})])
    other.finish()
    labels = "model=m,version=v1,window=1h"
    found = other.metrics()
    assert found[f"inferwatch_input_mean{{feature=a,{labels}}}"] == (4 + 99) / 5
    assert found[f"inferwatch_input_invalid_ratio{{feature=a,{labels}}}"] == 1 / 5
    assert not series(other, "feature=b", "window=")
    other.app.stop()


def test_a_model_that_is_gone_is_let_go_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = begun(tmp_path, PAIR)
    one.feed([row(model="quick")])
    one.settle()
    one.app.stop()
    with caplog.at_level(logging.WARNING):
        other = begun(tmp_path, PAIR[PAIR.index("  - name: slow") :])
    assert "the state of a model that is not in the config is let go" in caplog.text
    assert not series(other, "model=quick")
    other.app.stop()


@pytest.mark.parametrize(
    ("models", "sentence"),
    [
        (
            MODEL.replace("[1h, 1d]", "[2h, 1d]"),
            "panes are 3600 s long, and windows.0. is now 7200",
        ),
        (MODEL, "m.schema.json is gone.*restore it from a backup"),
    ],
    ids=["other panes", "no schema"],
)
def test_a_state_that_does_not_fit_is_refused_with_a_sentence(
    tmp_path: Path, models: str, sentence: str
) -> None:
    one = begun(tmp_path)
    one.feed([row()])
    one.settle()
    one.app.stop()
    if models == MODEL:
        (tmp_path / "state" / "models" / "m.schema.json").unlink()
    with pytest.raises(StateError, match=sentence):
        begun(tmp_path, models)
    # The folder is free again for one that fits.
    with pytest.raises(StateError, match=sentence):
        begun(tmp_path, models)


def test_a_state_under_another_schema_is_refused(tmp_path: Path) -> None:
    one = begun(tmp_path)
    one.feed([row()])
    one.settle()
    one.app.stop()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = begun(elsewhere)
    other.feed([row(x={"a": 1e6 * i}) for i in range(9)])
    other.settle()
    other.app.stop()
    schema = Path("state") / "models" / "m.schema.json"
    (tmp_path / schema).write_bytes((elsewhere / schema).read_bytes())
    with pytest.raises(StateError, match=r"counted under another schema .*move the state folder"):
        begun(tmp_path)


def test_an_old_pane_that_memory_has_dropped_is_revised_as_a_whole(tmp_path: Path) -> None:
    harness = begun(tmp_path, MODEL + "    keep_late: 1h\n    idle_timeout: 1m\n")
    harness.feed([row(AGO - 90 * HOUR), row(AGO - 90 * HOUR)], number=0)
    harness.feed([row(AGO - 90 * HOUR)], number=1)
    harness.settle()
    # Partition 1 is at its end while days pass in partition 0, and then goes on where it was.
    for hour in range(-89, 4):
        harness.now += 60
        harness.feed([row(AGO + hour * HOUR)], number=0)
        harness.catch_up()
        harness.app.pipeline.advance(harness.now)
    assert harness.app.save()
    harness.feed([row(AGO - 90 * HOUR)], number=1)
    harness.finish()
    harness.app.stop()
    pane = read(tmp_path / "state")["v1", int((AGO - 90 * HOUR) // HOUR * HOUR * 1e6)]
    assert pane["rows"] == 4


def test_gaps_and_versions_are_events_in_the_archive(tmp_path: Path) -> None:
    harness = begun(tmp_path)
    harness.feed([row(), row(AGO + 1, version="v2")])
    harness.app.pipeline.handle(Gap(Partition("inferences", 0), 2, 12, "lost"), harness.now)
    harness.settle()
    harness.app.stop()
    found = pd.concat(map(pd.read_parquet, (tmp_path / "state/archive/events").rglob("*.parquet")))
    events = {(e.kind, e.subject, e.detail) for e in found.itertuples()}
    assert ("version", "v1", '{"change":"first seen"}') in events
    assert ("version", "v2", '{"change":"first seen"}') in events
    detail = '{"topic":"inferences","partition":0,"from":2,"to":12,"reason":"lost"}'
    assert ("gap", "inferences/0", detail) in events
    assert "config" in set(found["kind"])
    assert series(harness, "outcome=lost") == {
        "inferwatch_records_total{outcome=lost,topic=inferences}": 10
    }


def test_another_log_under_the_same_name_begins_anew(tmp_path: Path) -> None:
    harness = begun(tmp_path)
    place = Partition("inferences", 0)
    harness.feed([row(NOW - 60)])
    harness.settle()
    harness.app.pipeline.handle(Revoked(frozenset({place})), harness.now)
    assert place not in harness.app.pipeline.restart_positions()
    harness._next.clear()
    harness.feed([row(NOW - 50 * HOUR)])  # late, had its partition's watermark stayed
    assert not series(harness, "outcome=late")
    harness.app.stop()


def test_without_its_schema_on_disk_nothing_counts_and_reading_stops_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = begun(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("monitor.disk.os", FailingOs(1, 10**9))
        for _ in range(9):
            harness.feed([row()] * 1_000)
        full = harness.app.pipeline.full
        harness.settle()
        assert not series(harness, "outcome=ok")
    harness.now += LONGEST_WAIT
    harness.settle()
    assert (full, harness.app.pipeline.full) == (True, False)
    assert sum(series(harness, "outcome=ok").values()) == 9_000
    harness.app.stop()


def test_nothing_to_say_is_said_as_no_data(tmp_path: Path) -> None:
    harness = begun(tmp_path, MODEL + "    idle_timeout: 1m\n")
    harness.feed([row(NOW - 60)] * 5)
    harness.settle()

    def said(window: str) -> set[str]:
        on = series(harness, "inferwatch_verdict{", f"window={window}")
        return {k.split("verdict=")[1].split(",")[0] for k, v in on.items() if v}

    assert said("1h") == set()
    heard: list[set[str]] = []
    for moment in itertools.count(0, 60):
        if len(heard) == 3 or moment > 9_000:
            break
        harness.now = NOW + moment
        harness.catch_up()
        harness.app.pipeline.advance(harness.now)
        if said("1h") not in heard:
            heard.append(said("1h"))
    assert heard == [set(), {"no_reference"}, {"no_data"}]
    assert said("1d") == {"no_reference"}
    subjects = series(harness, "inferwatch_verdict{", "window=1h", "verdict=no_data")
    assert {k.split("subject=")[1].split(",")[0] for k in subjects} == {
        "software",
        "input",
        "output",
    }
    harness.app.stop()
