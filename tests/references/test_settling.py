"""A model with a reference takes its schema at once, or says why it cannot."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from collectors.schema import Schema, SchemaError, SchemaMismatch
from collectors.specs import CategorySpec
from collectors.summaries.state import StateError
from monitor.references.building import Built
from monitor.references.file import Reference
from monitor.settling import Known, Settling, schema_path
from tests.references.making import MODEL, as_csv, built, configured, training
from tests.support.harness import NOW, Harness

REFERENCE = f"{MODEL}    reference: {{path: reference.parquet}}\n"
OPEN = """\
  - name: m
    fields: {time: t, version: v, features: x, prediction: y}
    features: {a: {}, c: {}}
    windows: [1h, 1d]
"""
AGO = NOW - 3 * 3_600


def row(at: float = AGO, **more: Any) -> dict[str, Any]:
    return {"t": at, "v": "1", "l": 0.1, "x": {"a": 41.0, "b": 2.0, "c": "c1"}, "y": 0.5} | more


def made(folder: Path, models: str = MODEL, drop: str = "", **more: Any) -> Built:
    frame = training(500)
    as_csv(frame.drop(columns=list(drop)) if drop else frame, folder / "data.csv")
    return built(folder, "data.csv", models=models, **more)


def stored(folder: Path) -> Known | None:
    return Known.read(schema_path(folder / "state" / "models", "m"))


def refused(folder: Path, models: str, error: type[Exception], sentence: str) -> None:
    """By a start and by a check alike, with this sentence, and nothing is written."""
    before = stored(folder)
    settings = configured(folder, models)
    settling = Settling(settings.models[0], settings.state.dir / "models", lambda: 0.0)
    for ask in (lambda: Harness(folder, models), settling.check):
        with pytest.raises(error, match=sentence) as caught:
            ask()
        assert str(folder / "reference.parquet") in str(caught.value)
    assert stored(folder) == before


def test_the_schema_of_the_reference_is_taken_before_any_row(tmp_path: Path) -> None:
    reference = made(tmp_path).reference
    harness = Harness(tmp_path, REFERENCE)
    model = harness.app.pipeline.models["m"]
    assert model.settled.schema == reference.schema
    known = stored(tmp_path)
    assert known is not None
    assert known.schema.id == reference.schema.id
    harness.feed([row()])
    assert harness.metrics()["inferwatch_inferences_total{model=m,version=1}"] == 1.0


def test_a_restart_goes_on_under_the_same_schema_with_and_without_it(tmp_path: Path) -> None:
    reference = made(tmp_path).reference
    harness = Harness(tmp_path, REFERENCE)
    harness.start()
    harness.feed([row() for _ in range(30)])
    harness.app.stop()
    written = schema_path(tmp_path / "state" / "models", "m").read_bytes()
    for models in (REFERENCE, MODEL, REFERENCE):
        harness = Harness(tmp_path, models, now=NOW + 3_600)
        harness.start()
        harness.catch_up()
        harness.finish()
        assert harness.app.pipeline.models["m"].settled.schema.id == reference.schema.id
        spec = harness.app.pipeline.models["m"].settled.schema.columns["c"]
        assert isinstance(spec, CategorySpec)
        assert spec.declared == (models == REFERENCE)
        harness.app.stop()
    assert schema_path(tmp_path / "state" / "models", "m").read_bytes() == written


def test_only_what_the_reference_never_saw_is_unseen(tmp_path: Path) -> None:
    made(tmp_path)
    harness = Harness(tmp_path, REFERENCE)
    values = ["c1", "c2", "never", None, "c1"]
    harness.feed([row(x={"a": 1.0, "b": 1.0, "c": value}) for value in values])
    name = "inferwatch_input_invalid_total{feature=c,model=m,reason=unseen,version=1}"
    assert harness.metrics()[name] == 1.0
    declared = REFERENCE.replace("c: {kind: category}", "c: {categories: [c1, never]}")
    (tmp_path / "state" / "models" / "m.schema.json").unlink()
    harness = Harness(tmp_path, declared)
    harness.feed([row(x={"a": 1.0, "b": 1.0, "c": value}) for value in values])
    assert harness.metrics()[name] == 1.0  # it is c2 now


def test_a_reference_without_times_lends_its_schema_too(tmp_path: Path) -> None:
    reference = made(tmp_path, drop="t").reference
    assert reference.pane == 0
    harness = Harness(tmp_path, REFERENCE)
    assert harness.app.pipeline.models["m"].settled.schema == reference.schema


def test_answers_that_the_reference_lacks_are_settled_by_the_next_rows(tmp_path: Path) -> None:
    reference = made(tmp_path, OPEN, drop="y").reference
    assert reference.schema.output is None
    harness = Harness(tmp_path, f"{OPEN}    reference: {{path: reference.parquet}}\n")
    assert harness.app.pipeline.models == {}
    harness.feed([row(y=f"class {n % 3}") for n in range(30)])
    harness.settle()
    schema = harness.app.pipeline.models["m"].settled.schema
    assert schema.columns == reference.schema.columns
    assert isinstance(schema.output, CategorySpec)
    assert schema.output.known == ("class 0", "class 1", "class 2")
    assert not schema.output.declared
    again = Harness(tmp_path, f"{OPEN}    reference: {{path: reference.parquet}}\n")
    assert again.app.pipeline.models["m"].settled.schema == schema


def test_a_feature_that_came_with_the_reference_needs_no_rows(tmp_path: Path) -> None:
    fewer = MODEL.replace("b: {kind: number}, ", "")
    harness = Harness(tmp_path, fewer)
    harness.feed([row() for _ in range(30)])
    harness.settle()
    old = harness.app.pipeline.models["m"].settled.schema
    reference = made(tmp_path).reference
    schema = Harness(tmp_path, REFERENCE).app.pipeline.models["m"].settled.schema
    assert (schema.columns["a"], schema.latency) == (old.columns["a"], old.latency)
    assert schema.columns["b"] == reference.schema.columns["b"]
    known = stored(tmp_path)
    assert known is not None
    assert known.schema.columns.keys() == {"a", "b", "c"}


def test_a_reference_that_differs_from_the_models_schema_is_refused(tmp_path: Path) -> None:
    harness = Harness(tmp_path, MODEL)
    harness.feed([row(x={"a": 1e6 + n, "b": 2.0, "c": "c1"}) for n in range(30)])
    harness.settle()
    schema = schema_path(tmp_path / "state" / "models", "m")
    aside = tmp_path / "aside.json"
    schema.rename(aside)
    made(tmp_path)
    aside.rename(schema)
    sentence = (
        f"{tmp_path}/reference.parquet: the reference of model m: feature 'a' is counted on "
        f"another grid than in {schema}; build it again by `inferwatch reference build m`, which "
        "takes the schema that is there, or give the model another name, under which it begins anew"
    )
    refused(tmp_path, REFERENCE, SchemaMismatch, f"^{re.escape(sentence)}$")
    made(tmp_path)  # what the message says
    assert "m" in Harness(tmp_path, REFERENCE).app.pipeline.models


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("c: {kind: category}", "c: {kind: text}", "feature 'c' is category, not text than in"),
        ("c: {kind: category}", "c: {kind: category}", "feature 'c' is counted by other values"),
        ("output: {kind: number}", "output: {kind: category}", "the output is number, not cat"),
    ],
)
def test_how_columns_differ_is_said(tmp_path: Path, old: str, new: str, what: str) -> None:
    models = MODEL.replace(old, new)
    harness = Harness(tmp_path, models)
    numbers = iter(training(500)[["a", "b"]].itertuples(index=False))
    harness.feed([row(x={"a": a, "b": b, "c": "other"}) for a, b in numbers])
    harness.settle()
    schema = schema_path(tmp_path / "state" / "models", "m")
    data = schema.read_bytes()
    schema.unlink()
    reference = made(tmp_path).reference
    # Only one column is to differ.
    known = json.loads(data)
    stored_schema, own = known["schema"], json.loads(reference.schema.to_json())
    differing = "output" if old.startswith("output") else "c"
    for name in {"a", "b", "c"} - {differing}:
        stored_schema["schema"]["columns"][name] = own["schema"]["columns"][name]
    if differing != "output":
        stored_schema["schema"]["output"] = own["schema"]["output"]
    stored_schema["id"] = schema_id(stored_schema)
    schema.write_text(json.dumps(known))
    refused(tmp_path, REFERENCE, SchemaMismatch, what)


def schema_id(written: dict[str, Any]) -> str:
    with pytest.raises(SchemaError) as caught:
        Schema.from_json(json.dumps(written | {"id": ""}).encode())
    found = re.search("of id ([0-9a-f]{16})", str(caught.value))
    assert found is not None
    return found[1]


def test_a_feature_that_the_reference_lacks_is_refused(tmp_path: Path) -> None:
    fewer = MODEL.replace("b: {kind: number}, ", "")
    made(tmp_path, fewer)
    refused(
        tmp_path,
        REFERENCE,
        SchemaMismatch,
        "lacks feature 'b', which the config asks for; build it again by `inferwatch reference "
        "build m`, or remove it from the config$",
    )
    more = REFERENCE.replace("c: {kind: category}", "c: {kind: category}, d: {kind: number}")
    refused(tmp_path, more, SchemaMismatch, "lacks features 'b', 'd', which the config asks for")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("a: {kind: number}", "a: {kind: category}", "feature 'a' is category, and there number;"),
        ("c: {kind: category}", "c: {private: true, kind: category}", "'c' is private, and there"),
        ("name: m", "name: other", "the reference of model other: is of model m; build it again"),
        ("windows: [1h, 1d]", "windows: [30m]", "its panes are 3600 s long, and windows.0. is now"),
    ],
)
def test_a_reference_of_another_config_is_refused(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    made(tmp_path)
    refused(tmp_path, REFERENCE.replace(old, new), SchemaMismatch, sentence)


def test_a_file_that_is_damaged_or_not_there_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, REFERENCE, FileNotFoundError, "no such file; `inferwatch reference build`")
    made(tmp_path)
    path = tmp_path / "reference.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    refused(tmp_path, REFERENCE, StateError, "not a reference, or damaged; restore it")


def test_a_reload_takes_a_reference_or_leaves_all_as_it_was(tmp_path: Path) -> None:
    made(tmp_path)
    harness = Harness(tmp_path, REFERENCE)
    harness.start()
    harness.feed([row() for _ in range(30)])
    config = tmp_path / "inferwatch.yml"
    text = config.read_text()
    config.write_text(text.replace("reference.parquet", "none.parquet"))
    assert "none.parquet: no such file" in str(harness.app.reload())
    harness.feed([row()])
    config.write_text(text.replace("b: {kind: number}", "z: {kind: number}"))
    assert "lacks feature 'z'" in str(harness.app.reload())
    config.write_text(text.replace("[1h, 1d]", "[1h, 6h]"))
    assert harness.app.reload() is None
    harness.finish()
    assert harness.metrics()["inferwatch_inferences_total{model=m,version=1}"] == 31.0
    harness.app.stop()


def test_no_value_of_a_row_is_written_down_with_what_was_found(tmp_path: Path) -> None:
    harness = Harness(tmp_path, OPEN.replace("c: {}", "c: {private: true}"))
    harness.feed([row(x={"a": 1.0, "c": f"Ada {n % 3}"}) for n in range(30)])
    harness.settle()
    written = schema_path(tmp_path / "state" / "models", "m").read_bytes()
    assert b'"discovery":{' in written
    assert b"Ada" not in written
    assert "m" in Harness(tmp_path, OPEN.replace("c: {}", "c: {private: true}")).app.pipeline.models


def test_what_was_read_is_there_for_those_who_compare(tmp_path: Path) -> None:
    reference = made(tmp_path).reference
    config = configured(tmp_path, REFERENCE)
    settling = Settling(config.models[0], config.state.dir / "models", lambda: 0.0)
    assert settling.load() is not None
    assert isinstance(settling.reference, Reference)
    assert settling.reference.id == reference.id
