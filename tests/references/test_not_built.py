"""What cannot be made a reference of is said, and nothing is written."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest

from collectors.schema import SchemaMismatch
from monitor.references.building import CannotBuild
from tests.references.making import MODEL, as_csv, built, training

NOT_BUILT = {
    "no such file": ("none.csv", "none.csv: cannot be read .No such file"),
    "no match": ("none-*.csv", r"none-\*.csv: no file matches it"),
    "a folder": ("folder", "folder: is a folder; name its files, for example"),
    "of no kind": ("data.txt", "data.txt: its name does not tell what is in it; name it"),
    "empty": ("empty.csv", "no row can be used: none of the first is a record"),
    "a header alone": ("header.csv", "no row can be used: none of the first is a record"),
    "no JSON": ("none.jsonl", "no row can be used: none of the first is a record"),
    "a column twice": (
        "twice.csv",
        "twice.csv: cannot be read to its end .*'a' stands in it twice",
    ),
    "cut gzip": ("cut.csv.gz", "cut.csv.gz: cannot be read to its end .*; mend the file"),
    "damaged Parquet": ("bad.parquet", "bad.parquet: cannot be read to its end"),
    "cut Parquet": ("cut.parquet", "cut.parquet: cannot be read to its end"),
    "no feature": ("few.csv", "no row has features 'b', 'c'; there are columns 't', 'a': rename"),
    "times that are none": ("times.csv", "no row can be used: 30 no_time"),
    "all of them later": ("later.csv", "no row can be used: 30 future"),
}


@pytest.mark.parametrize("case", NOT_BUILT)
def test_what_cannot_be_built_is_said_and_nothing_is_written(tmp_path: Path, case: str) -> None:
    frame = training(30)
    (tmp_path / "folder").mkdir()
    for name in ("data.txt", "empty.csv"):
        (tmp_path / name).write_text("")
    (tmp_path / "header.csv").write_text("t,v,l,a,b,c,y\n")
    (tmp_path / "none.jsonl").write_text("no\njson\n")
    (tmp_path / "twice.csv").write_text("t,a,a\n1,2,3\n")
    as_csv(training(3_000), tmp_path / "cut.csv")
    packed = gzip.compress((tmp_path / "cut.csv").read_bytes())
    (tmp_path / "cut.csv.gz").write_bytes(packed[: len(packed) * 2 // 3])
    frame.to_parquet(tmp_path / "cut.parquet")
    data = bytearray((tmp_path / "cut.parquet").read_bytes())
    (tmp_path / "cut.parquet").write_bytes(data[:-40])
    data[len(data) // 8 : len(data) // 4] = bytes(len(data) // 4 - len(data) // 8)
    (tmp_path / "bad.parquet").write_bytes(data)
    as_csv(frame[["t", "a"]], tmp_path / "few.csv")
    frame.assign(t="at noon").to_csv(tmp_path / "times.csv", index=False)
    as_csv(frame.assign(t=frame["t"] + pd.Timedelta("999D")), tmp_path / "later.csv")
    pattern, sentence = NOT_BUILT[case]
    with pytest.raises(CannotBuild, match=sentence):
        built(tmp_path, pattern)
    assert not (tmp_path / "reference.parquet").exists()


def test_a_file_that_is_read_is_not_written_over(tmp_path: Path) -> None:
    training(30).to_parquet(tmp_path / "data.parquet")
    (tmp_path / "link.parquet").symlink_to(tmp_path / "data.parquet")
    before = (tmp_path / "data.parquet").read_bytes()
    with pytest.raises(CannotBuild, match="is one of the files to be read"):
        built(tmp_path, "data.parquet", out="link.parquet")
    assert (tmp_path / "data.parquet").read_bytes() == before


def test_a_config_of_another_kind_than_the_models_schema_is_refused(tmp_path: Path) -> None:
    as_csv(training(100), tmp_path / "data.csv")
    first = built(tmp_path, "data.csv").reference
    models = tmp_path / "state" / "models"
    models.mkdir(parents=True)
    stored = {"discovery": None, "schema": json.loads(first.schema.to_json())}
    (models / "m.schema.json").write_text(json.dumps(stored))
    with pytest.raises(
        SchemaMismatch, match="feature 'a' is category, in the stored schema number"
    ):
        built(
            tmp_path, "data.csv", models=MODEL.replace("a: {kind: number}", "a: {kind: category}")
        )
