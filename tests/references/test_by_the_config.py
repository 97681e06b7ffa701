"""Files are read by the model's config: names, kinds, zones, versions, and what it leaves open."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

from collectors.specs import CategorySpec, NumberSpec, ScoresSpec
from monitor.references.building import CannotBuild
from monitor.references.facts import gather
from monitor.references.show import lines
from monitor.references.span import Span, moment
from tests.references.making import HOUR, MODEL, NOW, as_csv, built, training
from tests.references.oracle import equals_pandas


def test_columns_named_by_their_path_are_found_and_said(tmp_path: Path) -> None:
    frame = training(100).rename(columns={"a": "x.a", "y": "out"})
    as_csv(frame, tmp_path / "data.csv")
    models = MODEL.replace("prediction: y", "prediction: answer.out")
    notes = built(tmp_path, "data.csv", models=models).notes
    assert "feature 'a' is read from column 'x.a'" in notes
    assert "prediction is read from column 'out'" in notes


def test_every_kind_of_column(tmp_path: Path) -> None:
    rows = [
        {
            "t": 1_767_600_000 + i,
            "x": {
                "text": "some words " * (i % 4 + 1),
                "list": list(range(i % 5 + 1)),
                "truth": i % 4 == 0,
                "image": "not an image",
            },
            "y": [0.2, 0.8] if i % 10 else [0.9, 0.1],
        }
        for i in range(200)
    ]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    models = """\
  - name: m
    fields: {time: t, features: x, prediction: y}
    features:
      {text: {kind: text}, list: {kind: list}, truth: {kind: boolean}, image: {kind: image}}
    output: {kind: scores}
"""
    reference = built(tmp_path, "data.jsonl", models=models).reference
    shown = [" ".join(line.split()) for line in lines(reference, gather(reference))]
    assert shown[10:15] == [
        "text text 200 0.0% 27.5 12.3 11 22 44 (characters)",
        "list list 200 0.0% 3 1.414 1 2.984 5 (items)",
        "truth boolean 200 0.0% false 75.0%, true 25.0%",
        "image image 200 0.0% - - - - - (brightness)",
        "(answer) scores 200 0.0% 0.4829 0.0526 0.3265 0.5002 0.5004 1 90.0%, 0 10.0% (entropy)",
    ]
    output = reference.schema.output
    assert isinstance(output, ScoresSpec)
    assert (output.top.known, output.top.declared) == (("1", "0"), True)
    truth = reference.schema.columns["truth"]
    assert isinstance(truth, CategorySpec)
    assert (truth.known, truth.declared) == (("false", "true"), False)


def test_without_times_there_is_one_summary(tmp_path: Path) -> None:
    frame = training().drop(columns=["t", "l", "v", "y"])
    frame.to_csv(tmp_path / "data.csv", index=False)
    made = built(tmp_path, "data.csv")
    reference = made.reference
    assert (reference.pane, len(reference.panes)) == (0, 1)
    (pane,) = reference.panes
    assert (pane.start, pane.end, pane.version, pane.rows) == (0, 0, "", 5_000)
    assert "software.throughput" not in {one.id for one in pane.statistics}
    column = pane.state["inputs"]["columns"]["b"]
    assert column["count"] == frame["b"].count()
    assert reference.schema.output is None
    assert "outputs" not in pane.state
    assert made.notes[1:] == (
        "rows are without the time of the config: all of a version are one summary, on which "
        "nothing can be calibrated",
        "no row has an answer: nothing can be compared with live answers",
    )
    with pytest.raises(CannotBuild, match="have no times, of which --from and --to could choose"):
        built(tmp_path, "data.csv", span=Span(0))
    again = built(tmp_path, "data.csv", now=NOW + HOUR).reference
    assert again.id == reference.id


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2026-01-05", 24), ("2026-03-08", 23), ("2025-11-02", 25)],
    ids=["a day", "the day summer time begins", "the day it ends"],
)
def test_days_begin_at_midnight_in_the_models_zone(tmp_path: Path, day: str, hours: int) -> None:
    begin = pd.Timestamp(day, tz="America/New_York")
    end = begin + pd.DateOffset(days=1)
    frame = training(3_000, days=4, start=str((begin - pd.Timedelta("36h")).tz_convert(None)))
    as_csv(frame, tmp_path / "data.csv")
    zone = "America/New_York"
    models = f"{MODEL}    timezone: {zone}\n"
    span = Span(moment(day, zone), moment(str(end.date()), zone))
    made = built(tmp_path, "data.csv", models=models, span=span, now=NOW + 9_000 * HOUR)
    inside = frame[(frame["t"] >= begin) & (frame["t"] < end)]
    equals_pandas(made.reference, inside)
    assert len({pane.start for pane in made.reference.panes}) == hours
    assert +made.left_out == Counter({"outside of --from and --to": 3_000 - len(inside)})
    spec = made.reference.schema.columns["c"]
    assert isinstance(spec, CategorySpec)
    assert set(spec.known) == set(inside["c"])


def test_times_without_a_zone_are_of_the_configs(tmp_path: Path) -> None:
    frame = training(2_000, start="2025-10-31", days=4)
    local = frame["t"].dt.tz_convert("America/New_York").dt.tz_localize(None)
    models = MODEL.replace("time: t", "time: {path: t, timezone: America/New_York}")
    for kind in ("csv", "parquet"):
        table = frame.assign(t=local)
        if kind == "csv":
            table.to_csv(tmp_path / "data.csv", index=False)
        else:
            table.to_parquet(tmp_path / "data.parquet")
        made = built(tmp_path, f"data.{kind}", models=models)
        # Of the hour that comes twice, the first is taken.
        known = local.dt.tz_localize("America/New_York", ambiguous=np.ones(len(local), dtype=bool))
        equals_pandas(made.reference, frame.assign(t=known.dt.tz_convert("UTC")))


HOSTILE = ["a b", 'q"uote', "käse", "a.b", "0", "drop;--", "<script>", "\\", "x" * 300, "t]["]


def test_hostile_names_of_columns(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.normal(i, 1, 300) for i, name in enumerate(HOSTILE)})
    frame["t"] = pd.Timestamp("2026-01-05", tz="UTC")
    frame.to_parquet(tmp_path / "data.parquet")
    paths = {name: json.dumps(f"[{json.dumps(name)}]") for name in HOSTILE}
    features = "".join(f"      {json.dumps(n)}: {{path: {path}}}\n" for n, path in paths.items())
    models = f"  - name: m\n    fields: {{time: t}}\n    features:\n{features}"
    reference = built(tmp_path, "data.parquet", models=models).reference
    (pane,) = reference.panes
    for name in HOSTILE:
        column = pane.state["inputs"]["columns"][name]
        assert column["maximum"] == frame[name].max(), name
        assert column["count"] == 300


def test_private_values_are_known_by_their_hashes_alone(tmp_path: Path) -> None:
    frame = training(1_000)
    as_csv(frame, tmp_path / "data.csv")
    models = MODEL.replace("c: {kind: category}", "c: {kind: category, private: true}")
    reference = built(tmp_path, "data.csv", models=models).reference
    spec = reference.schema.columns["c"]
    assert isinstance(spec, CategorySpec)
    names = list(frame["c"].value_counts().index)
    assert not set(names) & set(spec.known)
    assert (spec.places(names[:1], 0) == [0]).all()
    assert not spec.unseen(names, 0).any()
    assert spec.unseen(["other"], 0).all()
    for pane in reference.panes:
        assert "features.c" not in pane.state["samples"]["columns"]
    # Nor where the kind was left open, and found by looking at the values.
    secret = frame.assign(c=frame["c"] + " of Ada Lovelace")
    as_csv(secret, tmp_path / "data.csv")
    models = MODEL.replace("c: {kind: category}", "c: {private: true}")
    found = built(tmp_path, "data.csv", models=models).reference
    assert isinstance(found.schema.columns["c"], CategorySpec)
    said = parquet.ParquetFile(tmp_path / "reference.parquet").metadata.metadata
    text = b"".join(said.values()) + str([pane.state for pane in found.panes]).encode()
    assert b"Lovelace" not in text


def test_what_the_config_declares_wins_over_what_is_seen(tmp_path: Path) -> None:
    frame = training(1_000)
    as_csv(frame, tmp_path / "data.csv")
    models = MODEL.replace("c: {kind: category}", "c: {categories: [c1, c2, never]}")
    models = models.replace("a: {kind: number}", "a: {range: [0, 50]}")
    reference = built(tmp_path, "data.csv", models=models).reference
    spec = reference.schema.columns["c"]
    assert isinstance(spec, CategorySpec)
    assert spec.known == ("c1", "c2", "never")
    tally = sum(pane.state["inputs"]["columns"]["c"]["tally"] for pane in reference.panes)
    assert tally[9] == (~frame["c"].isin(["c1", "c2"])).sum()
    tally = sum(pane.state["inputs"]["columns"]["a"]["tally"] for pane in reference.panes)
    assert tally[8] == ((frame["a"] < 0) | (frame["a"] > 50)).sum()


def test_the_kinds_that_the_config_leaves_open_are_found(tmp_path: Path) -> None:
    frame = training(1_000)
    as_csv(frame, tmp_path / "data.csv")
    models = """\
  - name: m
    fields: {time: t, features: x, prediction: y}
    features: {a: {}, c: {}}
"""
    reference = built(tmp_path, "data.csv", models=models).reference
    kinds = {n: type(spec).__name__ for n, spec in reference.schema.columns.items()}
    assert kinds == {"a": "NumberSpec", "c": "CategorySpec"}
    found = reference.discovery
    assert found is not None
    # The log has them where the config says, not where this file has them.
    assert {one.name: one.path for one in found.features} == {"a": ("x", "a"), "c": ("x", "c")}
    assert (found.output_kind, found.places["prediction"].path) == ("number", ("y",))


def test_all_that_the_config_leaves_open_is_found_and_that_is_said(tmp_path: Path) -> None:
    frame = training(1_000).rename(columns={"t": "timestamp", "y": "prediction"})
    as_csv(frame.assign(t=frame["timestamp"]).drop(columns="timestamp"), tmp_path / "data.csv")
    made = built(tmp_path, "data.csv", models="  - name: m\n")
    assert {"a", "b", "c"} <= made.reference.schema.columns.keys()
    assert made.reference.pane == HOUR
    assert "where things lie was found in these files" in made.notes[0]


def test_rows_of_other_models_are_left_out(tmp_path: Path) -> None:
    frame = training(300)
    frame["model"] = np.where(np.arange(300) % 3 == 0, "other", "m")
    as_csv(frame, tmp_path / "data.csv")
    models = MODEL.replace("name: m\n", "name: m\n    match: {field: model, equals: m}\n")
    made = built(tmp_path, "data.csv", models=models)
    assert +made.left_out == Counter(unmatched=100)
    equals_pandas(made.reference, frame[frame["model"] == "m"])
    as_csv(frame.drop(columns="model"), tmp_path / "data.csv")
    made = built(tmp_path, "data.csv", models=models)
    assert "model (match.field) is not in the files: all rows are taken" in made.notes
    equals_pandas(made.reference, frame)


def test_more_versions_than_are_told_apart(tmp_path: Path) -> None:
    frame = training(1_000)
    frame["v"] = [str(n % 7) for n in range(1_000)]
    as_csv(frame, tmp_path / "data.csv")
    made = built(tmp_path, "data.csv", models=f"{MODEL}    caps: {{versions: 3}}\n")
    assert {pane.version for pane in made.reference.panes} == {"0", "1", "2", "__other__"}
    frame.loc[~frame["v"].isin(["0", "1", "2"]), "v"] = "__other__"
    equals_pandas(made.reference, frame)
    assert any("more than 3 versions" in note for note in made.notes)


def test_the_schema_of_the_model_is_taken_where_it_has_one(tmp_path: Path) -> None:
    frame = training()
    as_csv(frame, tmp_path / "data.csv")
    first = built(tmp_path, "data.csv").reference
    models = tmp_path / "state" / "models"
    models.mkdir(parents=True)
    stored = json.dumps({"discovery": None, "schema": json.loads(first.schema.to_json())})
    (models / "m.schema.json").write_text(stored)
    moved = frame.assign(a=frame["a"] * 100, c=frame["c"].replace("c1", "new"))
    as_csv(moved, tmp_path / "data.csv")
    second = built(tmp_path, "data.csv").reference
    assert second.schema.id == first.schema.id
    assert second.id != first.id
    spec = second.schema.columns["c"]
    assert isinstance(spec, CategorySpec)
    # Counted by its hash, for the model does not know it by name; but seen it was.
    assert spec.unseen(["new", "c1"], second.schema.seed).tolist() == [False, True]
    hashed = sum(pane.state["inputs"]["columns"]["c"]["buckets"].sum() for pane in second.panes)
    assert hashed == (moved["c"] == "new").sum()
    more = MODEL.replace("b: {kind: number}", "b: {kind: number}, l: {kind: number, path: l}")
    third = built(tmp_path, "data.csv", models=more).reference.schema
    assert {n: third.columns[n] for n in "ab"} == {n: first.schema.columns[n] for n in "ab"}
    grid = third.columns["l"]
    assert isinstance(grid, NumberSpec)
    assert grid.grid.scale < 0.1
