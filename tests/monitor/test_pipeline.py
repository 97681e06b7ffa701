"""From the stream of a source to counted outcomes, by hand."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from collectors.schema import SchemaError, SchemaMismatch
from collectors.sources import Assigned, Gap, Partition, Revoked
from monitor.settling import LONGEST_WAIT
from tests.support.harness import NOW, Harness

MODEL = """\
  - name: m
    fields: {time: t, version: v, features: x, prediction: y}
    features: {a: {kind: number}}
    output: {kind: number}
    windows: [1h, 1d]
"""
LEAST = "  - name: m\n"
AGO = NOW - 5400


def row(at: float = AGO, version: str = "v1", **more: Any) -> dict[str, Any]:
    return {"t": at, "v": version, "x": {"a": 1.0}, "y": 2.0} | more


def outcomes(harness: Harness) -> dict[str, float]:
    prefix = "inferwatch_records_total{outcome="
    return {
        name.removeprefix(prefix).partition(",")[0]: value
        for name, value in harness.metrics().items()
        if name.startswith(prefix) and value
    }


def test_every_record_ends_in_one_outcome_and_the_bad_ones_are_kept_for_looking(
    tmp_path: Path,
) -> None:
    harness = Harness(tmp_path, MODEL)
    bad = [b"{not json", None, b"", b"[]", b"\x00\x00\x00\x00\x01avro", b"[1, 2]"]
    harness.feed([row(), *bad, row(NOW + 90_000 * 2), row()])
    harness.feed([row(AGO), row(AGO - 40 * 86_400)])
    harness.finish()
    found = outcomes(harness)
    assert found == {
        "ok": 3,
        "malformed": 3,
        "tombstone": 1,
        "empty": 2,
        "unsupported": 1,
        "future": 1,
        "late": 1,
    }
    kept = (tmp_path / "state" / "dead-letters.jsonl").read_text()
    letters = [json.loads(line) for line in kept.splitlines()]
    assert [letter["offset"] for letter in letters] == [1, 2, 3, 4, 5, 6, 6]
    assert base64.b64decode(letters[0]["value"]) == b"{not json"
    assert letters[0]["reason"] == "malformed"


def test_one_bad_value_costs_itself_alone(tmp_path: Path) -> None:
    harness = Harness(tmp_path, MODEL)
    harness.feed([row(), row(x={"a": {"deep": 1}}), row(x={"a": "12.5"}), row(v=None)])
    harness.finish()
    found = harness.metrics()
    assert outcomes(harness) == {"ok": 4}
    type_errors = "inferwatch_input_invalid_total{feature=a,model=m,reason=type,version=v1}"
    assert found[type_errors] == 1
    assert found["inferwatch_inferences_total{model=m}"] == 1


def test_versions_beyond_the_cap_are_counted_together(tmp_path: Path) -> None:
    harness = Harness(tmp_path, MODEL + "    caps: {versions: 3}\n")
    harness.feed([row(version=f"v{i % 10}") for i in range(100)])
    harness.finish()
    found = harness.metrics()
    versions = {key for key in found if key.startswith("inferwatch_inferences_total")}
    assert len(versions) == 4
    assert found["inferwatch_inferences_total{model=m,version=__other__}"] == 70
    assert found["inferwatch_series_dropped_total{label=version,model=m}"] > 0


def test_a_version_without_rows_loses_its_window_and_a_forgotten_one_its_counters(
    tmp_path: Path,
) -> None:
    harness = Harness(tmp_path, MODEL + "    forget_after: 2d\n")
    start = NOW - 1800 - 7200
    harness.feed([row(start, "old"), row(start, "new"), row(start + 3700, "new")])
    harness.feed([row(start + 7600, "new")])
    harness.settle()
    found = harness.metrics()
    assert "inferwatch_window_rows{model=m,version=old,window=1h}" not in found
    assert found["inferwatch_window_rows{model=m,version=new,window=1h}"] == 1
    assert found["inferwatch_window_rows{model=m,version=old,window=1d}"] == 1
    harness.now += 86_400
    harness.feed([row(harness.now, "new")])
    harness.now += 86_400
    harness.app.pipeline.advance(harness.now)
    found = harness.metrics()
    assert "inferwatch_inferences_total{model=m,version=old}" not in found
    assert found["inferwatch_inferences_total{model=m,version=new}"] == 4


def test_a_row_accepted_after_the_close_revises_the_window(tmp_path: Path) -> None:
    harness = Harness(tmp_path, MODEL)
    harness.feed([row(AGO), row(AGO + 3600 * 1.2)])
    harness.settle()
    rows = "inferwatch_window_rows{model=m,version=v1,window=1h}"
    assert harness.metrics()[rows] == 1
    harness.now += 1
    harness.feed([row(AGO + 1)])
    harness.app.pipeline.advance(harness.now)
    assert harness.metrics()[rows] == 2
    assert harness.metrics()["inferwatch_revisions_total{model=m}"] == 1


def test_silence_closes_panes_and_takes_the_windows_away(tmp_path: Path) -> None:
    harness = Harness(tmp_path, MODEL + "    idle_timeout: 1m\n")
    harness.feed([row(NOW - 60)] * 5)
    harness.now += LONGEST_WAIT
    harness.app.pipeline.advance(harness.now)
    rows = "inferwatch_window_rows{model=m,version=v1,window=1h}"
    for moment in range(0, 7_200, 10):
        harness.now = NOW + 10 + moment
        harness.catch_up()
        harness.app.pipeline.advance(harness.now)
        if moment == 1_800 + 310:
            assert harness.metrics()[rows] == 5
    assert rows not in harness.metrics()


def test_the_schema_is_chosen_once_kept_and_read_again(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    one = Harness(tmp_path, LEAST)
    one.feed(
        [row(x={"a": float(v), "c": "abc"[i % 3]}) for i, v in enumerate(rng.normal(0, 5, 60))]
    )
    one.finish()
    first = one.app.pipeline.models["m"].settled.schema
    other = Harness(tmp_path, LEAST)
    other.feed([row(x={"a": 1e9, "c": "zzz"})])
    other.finish()
    again = other.app.pipeline.models["m"].settled.schema
    assert again.id == first.id
    assert list(again.columns) == ["a", "c"]
    assert outcomes(other) == {"ok": 1}


def test_a_schema_of_another_config_is_refused_with_a_sentence(tmp_path: Path) -> None:
    harness = Harness(tmp_path, MODEL)
    harness.feed([row()])
    harness.finish()
    with pytest.raises(
        SchemaMismatch, match=r"m\.schema\.json: feature 'a' is category.*another name"
    ):
        Harness(tmp_path, MODEL.replace("a: {kind: number}", "a: {kind: category}"))
    (tmp_path / "state" / "models" / "m.schema.json").write_bytes(b'{"discovery": null')
    with pytest.raises(SchemaError, match="damaged"):
        Harness(tmp_path, MODEL)


def test_records_wait_for_the_schema_but_not_for_ever(tmp_path: Path) -> None:
    harness = Harness(tmp_path, MODEL)
    harness.feed([row()])
    harness.app.pipeline.advance(harness.now)
    assert outcomes(harness) == {}
    harness.now += LONGEST_WAIT
    harness.app.pipeline.advance(harness.now)
    assert outcomes(harness) == {"ok": 1}


def test_a_model_whose_first_records_are_no_inferences_settles_later(tmp_path: Path) -> None:
    harness = Harness(tmp_path, MODEL)
    harness.feed([b"nonsense"] * 3)
    harness.finish()
    assert outcomes(harness) == {"malformed": 3}
    harness.feed([row()])
    harness.finish()
    assert outcomes(harness) == {"malformed": 3, "ok": 1}


def test_a_model_that_answers_nothing_at_first_is_watched_all_the_same(tmp_path: Path) -> None:
    fields = "  - name: m\n    fields: {time: t, features: x, prediction: y}\n"
    harness = Harness(tmp_path, fields)
    harness.feed([row(y=None)] * 40)
    harness.finish()
    harness.feed([row(y=3.5)])
    harness.finish()
    found = harness.metrics()
    assert found["inferwatch_output_nulls_total{model=m}"] == 40
    assert found["inferwatch_output_null_ratio{model=m,window=1h}"] == 40 / 41


def test_what_is_no_inference_is_counted_by_its_own_reason_before_a_schema_stands(
    tmp_path: Path,
) -> None:
    harness = Harness(tmp_path, LEAST)
    harness.feed([{}, [], None, {"a": 1}])
    harness.finish()
    assert outcomes(harness) == {"no_time": 2, "empty": 1, "tombstone": 1}


def test_models_share_a_topic_by_a_field_or_a_header(tmp_path: Path) -> None:
    models = "".join(
        MODEL.replace("name: m", f"name: {name}").replace(
            "    fields:", f"    match: {match}\n    fields:"
        )
        for name, match in (
            ("one", "{field: model, equals: one}"),
            ("two", "{header: model, equals: two}"),
        )
    )
    harness = Harness(tmp_path, models)
    headers: list[Any] = [(), (), [("model", b"two")], (), ()]
    values = [row(model="one"), [row(model="one"), row()], row(), row(model="three")]
    values.append(row(model="one", x={"a": float("nan")}))
    harness.feed(values, headers=headers)
    harness.finish()
    found = harness.metrics()
    assert found["inferwatch_inferences_total{model=one,version=v1}"] == 4
    assert found["inferwatch_inferences_total{model=two,version=v1}"] == 1
    assert outcomes(harness) == {"ok": 5, "unmatched": 1}


def test_gaps_and_partitions_that_come_and_go(tmp_path: Path) -> None:
    harness = Harness(tmp_path, MODEL)
    here = Partition("inferences", 0)
    assert not harness.app.ready()
    harness.app.pipeline.handle(Assigned({here: 7}), NOW)
    assert harness.app.ready()
    harness.app.pipeline.handle(Gap(here, 7, 19, "lost"), NOW)
    assert outcomes(harness) == {"lost": 12}
    assert harness.app.pipeline.positions == {here: 19}
    harness.app.pipeline.handle(Revoked(frozenset({here})), NOW)
    assert harness.app.pipeline.positions == {}
