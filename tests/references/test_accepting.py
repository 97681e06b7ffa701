"""`inferwatch reference accept`: what a person types, what is made, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from monitor.app import App
from monitor.archive import Archive
from monitor.archive_table import ClosedPane
from monitor.cli import main
from monitor.config import load as load_config
from monitor.references.carrying import Columns, carried, is_whole, only, united, without
from monitor.references.facts import calibration, gather
from monitor.references.file import identify, load
from monitor.references.in_force import file_of, pointer, read
from tests.references.making import HEAD, HOUR, MODEL, NOW, as_csv, training

FILES = "source: {files: {paths: [live.csv]}}\n" + HEAD.split("\n", 1)[1]
REFERENCE = "    reference: {path: reference.parquet}\n"
FLAT = MODEL.replace("features: x, ", "")
FOLDER = Path("state/references")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a reference of ten days, and three days after it in the archive."""
    folder = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        prepare()
    return folder


@pytest.fixture(autouse=True)
def _there(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of it."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


def prepare() -> None:
    Path("inferwatch.yml").write_text(FILES + FLAT + REFERENCE)
    as_csv(training(10_000, days=10), Path("train.csv"))
    call("build", "m", "--data", "train.csv", "--out", "reference.parquet")
    live = training(4_000, days=3, seed=5, start="2026-01-17").sort_values("t")
    as_csv(live.assign(a=live["a"] + 100), Path("live.csv"))
    app = App(load_config(Path("inferwatch.yml")), clock=lambda: NOW / 1e6)
    app.start()
    for _ in range(20):
        app.turn()
    app.stop()


def call(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(main, ["reference", *arguments])
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    return done.output


def accept(*arguments: str, code: int = 0) -> str:
    return call("accept", "m", "--from", "2026-01-17", *arguments, code=code)


def current() -> Any:
    found = read(FOLDER, "m")
    assert found is not None
    return found


def live_panes() -> list[ClosedPane]:
    panes = Archive(Path("state/archive")).panes("m")
    return sorted(panes, key=lambda pane: (pane.start, pane.version))


def test_the_whole_span_takes_the_place_of_the_reference() -> None:
    base = load(Path("reference.parquet"))
    said = accept("--to", "2026-01-20")
    change = current().newest
    made = load(file_of(FOLDER, "m", change.id))
    assert (current().base, change.before, change.why) == (base.id, base.id, "accepted")
    assert made.id == change.id == identify(made.schema, live_panes())
    assert [pane.start for pane in made.panes] == [pane.start for pane in live_panes()]
    assert f"reference {change.id} of model m, 4,000 rows in 72 panes" in said
    assert "provisional: 72 panes of 20 rows or more can be judged" in said
    assert f"it is in force from now on, after {base.id}" in said
    assert f"reference {change.id} of model m\n" in call("show", "m")
    names = sorted(path.name for path in FOLDER.iterdir())
    assert names == [f"m-{change.id}.parquet", "m.current.json", "m.current.lock"]


def test_the_same_span_is_the_same_reference_and_each_accept_is_remembered() -> None:
    accept("--to", "2026-01-20")
    first = current()
    accept("--to", "2026-01-20")
    assert current().newest.id == first.newest.id
    assert [one.before for one in current().changes] == [first.base, first.newest.id]


def test_one_feature_is_of_the_span_and_the_rest_stays() -> None:
    base = load(Path("reference.parquet"))
    said = accept("--to", "2026-01-20", "--feature", "a")
    change = current().newest
    made = load(file_of(FOLDER, "m", change.id))
    assert change.features == ("a",)
    assert "a of it is in force from now on" in said
    assert "provisional: 72 panes of 20 rows or more can be judged of feature 'a'" in said
    old, new, both = gather(base), gather(made), gather(load_span())
    assert new.columns["a"].mean() == pytest.approx(both.columns["a"].mean(), rel=1e-12)  # type: ignore[union-attr]
    assert new.columns["a"].rows == 4_000
    for name in ("b", "c"):
        assert new.columns[name].rows == old.columns[name].rows == 10_000
    assert new.answers is not None
    assert new.answers.rows == 10_000
    assert (new.rows, new.starts, new.versions) == (old.rows, old.starts, old.versions)
    # The id is of what is in it, and the file says how it came about.
    assert made.id == identify(made.schema, made.panes)
    assert made.made_from.startswith(f"reference {base.id}, with a of archive state/archive")
    frame = pd.read_parquet(file_of(FOLDER, "m", change.id))
    frame = frame[frame["name"] == "input.mean"]
    about_a = frame[frame["labels"].map(lambda text: json.loads(text)["feature"] == "a")]
    assert (about_a["start"] >= pd.Timestamp("2026-01-17", tz="UTC")).all()
    shown = call("show", "m")
    assert f"reference {change.id} of model m" in shown
    assert "provisional: 72 panes of 20 rows or more can be judged of feature 'a'" in shown
    # And again: what was accepted before stays beside it.
    accept("--to", "2026-01-20", "--output", "--feature", "b")
    again = gather(load(file_of(FOLDER, "m", current().newest.id)))
    assert [again.columns[name].rows for name in "abc"] == [4_000, 4_000, 10_000]
    assert again.answers is not None
    assert again.answers.rows == 4_000


def load_span() -> Any:
    call("build", "m", "--from", "2026-01-17", "--to", "2026-01-20", "--out", "span.parquet")
    return load(Path("span.parquet"))


def test_of_a_span_inside_the_reference_it_is_one_pane_a_place() -> None:
    call("build", "m", "--from", "2026-01-17", "--to", "2026-01-20", "--out", "reference.parquet")
    base = load(Path("reference.parquet"))
    call("accept", "m", "--from", "2026-01-18T12:00", "--to", "2026-01-20", "--feature", "a")
    made = load(file_of(FOLDER, "m", current().newest.id))
    places = [(pane.start, pane.version) for pane in made.panes]
    assert places == [(pane.start, pane.version) for pane in base.panes]
    begin = pd.Timestamp("2026-01-18T12:00", tz="UTC").value // 1_000
    for pane, own in zip(made.panes, base.panes, strict=True):
        assert is_whole(pane)
        assert ("a" in carried(pane).features) == (pane.start >= begin)
        assert pane.rows == own.rows


def test_a_pane_taken_apart_and_put_together_is_itself() -> None:
    (pane, *_) = live_panes()
    for some in (Columns(frozenset("a")), Columns(output=True), Columns(frozenset("bc"), True)):
        rest, own = without(pane, some), only(pane, some)
        assert carried(own) == some
        assert carried(rest) == carried(pane) - some
        assert (own.rows, is_whole(own), rest.rows) == (0, False, pane.rows)
        for order in ([own], [rest]), ([rest], [own]):
            (again,) = united(*order)
            assert identify(load(Path("reference.parquet")).schema, [again]) != ""
            # Of all features together there is no sample, once they are of two.
            lost = {"multivariate"} if some.features else set()
            assert set(again.state) == set(pane.state) - lost
            assert set(again.state["inputs"]["columns"]) == set("abc")
            assert again.rows == pane.rows
            assert sorted(map(str, again.statistics)) == sorted(map(str, pane.statistics))
        sample = rest.state["samples"]
        gone = {f"features.{name}" for name in some.features}
        assert not gone & set(sample["columns"])
        assert {len(row) for row in sample["kept"]} == {len(sample["columns"])}


def test_without_an_end_it_is_up_to_now() -> None:
    accept()
    change = current().newest
    assert abs(change.end - change.at) == 0
    assert change.start == pd.Timestamp("2026-01-17", tz="UTC").value // 1_000


WRONG: list[tuple[list[str], int, str]] = [
    (["--to", "2026-01-16"], 2, "--from 2026-01-17 does not lie before --to 2026-01-16"),
    (["--to", "2026-01-17T23:00"], 1, "the span has 23 panes of 20 rows or more, and 24 are"),
    (["--to", "2026-01-17T23:00"], 1, "mute: {dep_delay: 2026-12-24}"),
    (["--to", "2026-01-17T23:00", "--feature", "b"], 1, "mute: {b: 2026-12-24}"),
    (["--feature", "d"], 1, "model m has no feature 'd'; there are a, b, c; the answer is"),
    (["--config", "none.yml"], 2, "none.yml: no such file"),
]


@pytest.mark.parametrize(("arguments", "code", "message"), WRONG, ids=str)
def test_what_is_refused_is_said_and_changes_nothing(
    arguments: Sequence[str], code: int, message: str
) -> None:
    assert message in accept(*arguments, code=code)
    assert read(FOLDER, "m") is None
    assert not list(FOLDER.glob("*.parquet"))
    assert not list(FOLDER.glob("*.span"))


def test_days_to_come_are_refused() -> None:
    said = call("accept", "m", "--from", "2100-01-01", code=2)
    assert "--from 2100-01-01 is not over yet; give an earlier day" in said


def test_a_model_without_a_reference_has_nothing_to_succeed() -> None:
    Path("inferwatch.yml").write_text(FILES + FLAT)
    assert "model m has no reference in the config that another one could" in accept(code=1)
    Path("inferwatch.yml").write_text(f"{FILES}{FLAT}    reference: {{first: 48}}\n")
    assert "the first 48 panes of model m are not there yet" in accept(code=1)


def test_a_feature_cannot_be_put_into_a_reference_without_times() -> None:
    as_csv(training(500).drop(columns="t"), Path("train.csv"))
    call("build", "m", "--data", "train.csv", "--out", "reference.parquet")
    assert "have no times, so that no part of it can be replaced" in accept(
        "--feature", "a", code=1
    )
    accept("--to", "2026-01-20")
    assert len({pane.start for pane in load(file_of(FOLDER, "m", current().newest.id)).panes}) == 72


def test_a_damaged_word_is_put_right_by_a_whole_span_and_by_nothing_less() -> None:
    accept("--to", "2026-01-20")
    pointer(FOLDER, "m").write_text("{")
    said = accept("--to", "2026-01-20", "--feature", "a", code=1)
    assert "m.current.json: damaged" in said
    assert "inferwatch reference accept m" in said
    assert "damaged" in call("show", "m", code=1)
    accept("--to", "2026-01-20")
    assert len(current().changes) == 1


def test_a_feature_that_is_of_few_panes_says_how_far_alarms_can_rest_on_it() -> None:
    accept("--to", "2026-01-18T12:00", "--feature", "a")
    made = load(file_of(FOLDER, "m", current().newest.id))
    facts = gather(made)
    assert facts.judged(20) == 240
    assert facts.apart(20) == {"a": 36}
    state, why = calibration(made, facts, 20)
    assert state == "provisional"
    assert why == "36 panes of 20 rows or more can be judged of feature 'a', 168 make it whole"
    assert np.diff([pane.start for pane in made.panes]).min() >= 0
    assert made.pane == HOUR
