"""References from the archive of a daemon that ran: what was counted live, as it was counted."""

from __future__ import annotations

import json
import time
from collections import Counter
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from collectors.schema import SchemaMismatch
from collectors.specs import CategorySpec
from monitor.app import App
from monitor.archive import Archive
from monitor.archive_files import COMPACT
from monitor.archive_table import ClosedPane
from monitor.compaction import QUIET, Compaction
from monitor.config import load
from monitor.references.building import CannotBuild
from monitor.references.facts import gather
from monitor.references.file import load as load_reference
from monitor.references.span import Span, moment
from tests.references.making import HOUR, MODEL, as_csv, built, taken, training
from tests.support.archives import differences
from tests.support.harness import NOW, Harness

FIRST = int(NOW) // 3600 * 3600 - 9 * 3600
"""The start of the first hour with rows."""


def rows(hour: int, number: int = 40, version: str = "1", **x: Any) -> list[dict[str, Any]]:
    return [
        {
            "t": FIRST + 3600 * hour + 60 * i,
            "v": version,
            "l": 0.01 * i,
            "x": {"a": 1.0 * i, "b": None if i % 10 == 0 else i, "c": f"c{i % 3}"} | x,
            "y": 0.5 * i,
        }
        for i in range(number)
    ]


def lived(folder: Path, models: str = MODEL, hours: int = 6) -> None:
    """A daemon over some hours of two versions, a row that came late, and its end."""
    harness = Harness(folder, models)
    harness.start()
    for hour in range(hours):
        harness.feed(rows(hour) + rows(hour, 10, "2"))
    harness.settle()
    harness.finish()
    harness.feed(rows(1, 5))
    harness.app.pipeline.finish(harness.now + 2)
    harness.app.stop()


def last_panes(folder: Path) -> list[ClosedPane]:
    panes = Archive(folder / "state" / "archive").panes("m")
    return sorted(panes, key=lambda pane: (pane.start, pane.version))


def same(one: ClosedPane, other: ClosedPane) -> bool:
    states = differences(one.state, other.state)
    return not states and replace(one, state={}) == replace(other, state={})


def test_every_pane_is_there_in_its_last_revision(tmp_path: Path) -> None:
    lived(tmp_path)
    made = taken(tmp_path)
    panes = last_panes(tmp_path)
    assert [pane.revision for pane in panes].count(1) == 1
    assert len(made.reference.panes) == len(panes) == 12
    assert all(map(same, made.reference.panes, panes))
    assert made.left_out.total() == 0
    assert made.reference.schema.id == panes[0].schema
    assert load_reference(tmp_path / "reference.parquet") == made.reference
    assert sum(pane.rows for pane in made.reference.panes) == 6 * 50 + 5
    assert taken(tmp_path, out="again.parquet").reference.id == made.reference.id


def test_of_compacted_days_it_is_the_same(tmp_path: Path) -> None:
    lived(tmp_path)
    spans = (Span(), Span((FIRST + 2 * 3600) * 1_000_000, (FIRST + 4 * 3600) * 1_000_000))
    before = [taken(tmp_path, span=span).reference.id for span in spans]
    archive = tmp_path / "state" / "archive"
    for note in archive.glob("unsettled/*"):
        note.unlink()  # as the next checkpoint would
    now = time.time_ns() // 1_000
    assert Compaction(archive, now, {}).run(now + 2 * QUIET).files >= 13
    assert {path.name for path in archive.glob("panes/*/*/*")} == {COMPACT}
    assert [taken(tmp_path, span=span).reference.id for span in spans] == before
    for path in archive.rglob(COMPACT):
        path.unlink()
    # Once it is made it needs no archive.
    assert len(load_reference(tmp_path / "reference.parquet").panes[:]) == 4


def test_a_span_is_whole_panes_from_its_begin_up_to_its_end(tmp_path: Path) -> None:
    lived(tmp_path)
    begin = FIRST * 1_000_000
    for span, hours in (
        (Span(begin + 2 * HOUR, begin + 4 * HOUR), (2, 3)),
        (Span(begin + 2 * HOUR - 1, begin + 4 * HOUR + 1), (2, 3)),
        (Span(begin + 2 * HOUR + 1, begin + 5 * HOUR - 1), (3,)),
        (Span(end=begin + HOUR), (0,)),
        (Span(begin + 5 * HOUR), (5,)),
    ):
        reference = taken(tmp_path, span=span).reference
        inside = [p for p in last_panes(tmp_path) if (p.start - begin) // HOUR in hours]
        assert len(inside) == 2 * len(hours)
        assert all(map(same, reference.panes, inside))
        assert len(reference.panes) == len(inside)
    with pytest.raises(CannotBuild, match=r"no pane of model m from .* UTC; panes are there once"):
        taken(tmp_path, span=Span(begin + 6 * HOUR))


FLAT = """\
  - name: m
    fields: {time: t, version: v, latency: {path: l, unit: s}, features: [a, b, c], prediction: y}
    features: {a: {kind: number}, b: {kind: number}, c: {kind: category}}
    output: {kind: number}
    windows: [1h, 1d]
"""


def test_counted_live_and_from_a_file_is_the_same(tmp_path: Path) -> None:
    """The daemon reads the very file, under the schema that the build chose from it."""
    as_csv(training(2_000, days=1).sort_values("t"), tmp_path / "data.csv")
    made = built(tmp_path, "data.csv", models=FLAT)
    (tmp_path / "state" / "models").mkdir(parents=True)
    stored = {"discovery": None, "schema": json.loads(made.reference.schema.to_json())}
    (tmp_path / "state" / "models" / "m.schema.json").write_text(json.dumps(stored))
    (tmp_path / "live.yml").write_text(
        f"source: {{files: {{paths: [{tmp_path / 'data.csv'}]}}}}\nmodels:\n{FLAT}"
        'state: {dir: state}\nweb: {listen: "127.0.0.1:0"}\n'
    )
    app = App(load(tmp_path / "live.yml"), clock=lambda: NOW + 9e8)
    app.start()
    for _ in range(5):
        app.turn()
    app.stop()
    live = last_panes(tmp_path)
    assert len(live) == len(made.reference.panes) > 40
    for one, other in zip(live, made.reference.panes, strict=True):
        assert differences(one.state, other.state) == []
        assert replace(one, state={}, published=0, statistics=()) == replace(
            other, state={}, published=0, statistics=()
        )
        for a, b in zip(one.statistics, other.statistics, strict=True):
            assert (a.id, a.labels) == (b.id, b.labels)
            assert a.value == pytest.approx(b.value, rel=1e-12)


def test_categories_are_declared_where_all_were_known_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived(tmp_path)
    made = taken(tmp_path)
    spec = made.reference.schema.columns["c"]
    assert isinstance(spec, CategorySpec)
    assert (spec.known, spec.declared, spec.seen) == (("c0", "c1", "c2"), True, None)
    assert made.notes == ()
    (tmp_path / "more").mkdir()
    monkeypatch.setattr("collectors.specs.MOST_KNOWN", 2)
    lived(tmp_path / "more")
    made = taken(tmp_path / "more")
    spec = made.reference.schema.columns["c"]
    assert isinstance(spec, CategorySpec)
    assert (len(spec.known), spec.declared) == (2, False)
    assert made.notes == ("feature 'c' has values that are not known by name: none is ever unseen",)


def test_a_version_that_is_anything(tmp_path: Path) -> None:
    harness = Harness(tmp_path, MODEL)
    harness.start()
    hostile = "../../x\n\x1b[31m'\"" + "v" * 200
    harness.feed(rows(0) + rows(0, version=hostile) + rows(0, version=""))
    harness.settle()
    harness.finish()
    harness.app.stop()
    reference = taken(tmp_path).reference
    assert [pane.version for pane in reference.panes] == sorted(["1", "", hostile])
    assert gather(reference).versions == Counter({"1": 40, "": 40, hostile: 40})


def test_panes_that_cannot_be_compared_are_left_out_and_counted(tmp_path: Path) -> None:
    lived(tmp_path)
    one = last_panes(tmp_path)[0]
    other = deepcopy(replace(one, start=one.start + 20 * HOUR, end=one.end + 20 * HOUR))
    other.state["inputs"]["columns"]["a"]["schema"] = "of another grid"
    longer = replace(one, start=one.start + 30 * HOUR, end=one.end + 31 * HOUR)
    Archive(tmp_path / "state" / "archive").store(99, [other, longer], [])
    made = taken(tmp_path)
    assert len(made.reference.panes) == 12
    assert made.left_out == Counter(
        {"counted under another schema": one.rows, "in panes of another length": one.rows}
    )


def test_a_feature_that_came_later_is_empty_before(tmp_path: Path) -> None:
    lived(tmp_path)
    more = MODEL.replace("c: {kind: category}", "c: {kind: category}, d: {kind: number}")
    with pytest.raises(CannotBuild, match="the schema of model m lacks d, which the config asks"):
        taken(tmp_path, more)
    harness = Harness(tmp_path, more)
    harness.start()
    harness.feed(rows(7, d=5.0))
    harness.settle()
    harness.finish()
    harness.app.stop()
    reference = taken(tmp_path, more).reference
    facts = gather(reference)
    assert (facts.rows, facts.columns["d"].rows, facts.columns["a"].rows) == (345, 40, 345)
    fewer = MODEL.replace("b: {kind: number}, ", "")
    assert "b" not in taken(tmp_path, fewer).reference.schema.columns
    wrong = MODEL.replace("a: {kind: number}", "a: {kind: category}")
    with pytest.raises(SchemaMismatch, match="feature 'a' is category"):
        taken(tmp_path, wrong)


def test_a_damaged_pane_is_said(tmp_path: Path) -> None:
    lived(tmp_path)
    paths = sorted((tmp_path / "state").glob("archive/panes/*/*/*.parquet"))
    data = bytearray(paths[-1].read_bytes())
    data[len(data) // 3] ^= 0xFF
    paths[-1].write_bytes(data)
    with pytest.raises(
        CannotBuild, match=r"a pane cannot be read .*; restore it from a backup, or"
    ):
        taken(tmp_path)
    before = Span(end=moment("2023-11-14T17:00Z", "UTC"))
    assert len(taken(tmp_path, span=before).reference.panes) > 0


def test_a_model_that_never_ran_has_no_archive(tmp_path: Path) -> None:
    with pytest.raises(CannotBuild, match="has no schema yet, and so no archive; run the daemon"):
        taken(tmp_path)
