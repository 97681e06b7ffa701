"""What must never be written, counted or taken over: states that are half taken, panes unread."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from collectors.sources import Partition
from monitor.app import App
from monitor.config import load
from tests.support.archives import read
from tests.support.faults import FailingOs
from tests.support.harness import HEAD, NOW
from tests.support.lives import AGO, HOUR, MODEL, begun, row
from tests.support.scripted import Logs, ScriptedSource


def test_a_run_that_breaks_off_leaves_the_checkpoint_that_was(tmp_path: Path) -> None:
    one = begun(tmp_path)
    one.feed([row()] * 3)
    one.settle()
    assert one.app.save()
    with pytest.MonkeyPatch.context() as patch:
        windows = one.app.pipeline.models["m"].windows
        observe = type(windows).observe

        def interrupted(*arguments: Any) -> None:
            observe(*arguments)
            raise KeyboardInterrupt

        patch.setattr(type(windows), "observe", interrupted)
        with pytest.raises(KeyboardInterrupt):
            one.feed([row()] * 2)
    one.app.die()
    other = begun(tmp_path)
    assert other.app.pipeline.positions == {Partition("inferences", 0): 3}
    other.feed([row()] * 2)
    other.finish()
    other.app.stop()
    assert [pane["rows"] for pane in read(tmp_path / "state").values()] == [5]


def test_another_length_of_panes_is_refused_also_beside_a_new_feature(tmp_path: Path) -> None:
    one = begun(tmp_path)
    one.feed([row()])
    one.settle()
    changed = MODEL.replace("a: {kind: number}", "a: {kind: number}, b: {kind: number}")
    (tmp_path / "inferwatch.yml").write_text(
        (tmp_path / "inferwatch.yml").read_text().replace(MODEL, changed.replace("[1h,", "[2h,"))
    )
    refusal = one.app.reload()
    assert refusal is not None
    assert "panes are 3600 s long" in refusal
    one.feed([row()])
    one.finish()
    one.app.stop()
    assert [pane["rows"] for pane in read(tmp_path / "state").values()] == [2]


def test_a_kind_that_the_config_leaves_open_stays_what_it_was(tmp_path: Path) -> None:
    known = MODEL.replace("a: {kind: number}", "a: {kind: category}")
    one = begun(tmp_path, known)
    one.feed([row(x={"a": "1"}), row(x={"a": "2"})])
    one.settle()
    one.app.stop()
    other = begun(tmp_path, MODEL.replace("a: {kind: number}", "a: {}"))
    other.feed([row(x={"a": float(i)}) for i in range(40)])
    other.settle()
    assert other.app.pipeline.models["m"].settled.schema.columns["a"].known[:2] == ("1", "2")  # type: ignore[union-attr]
    other.app.stop()


def test_a_pane_that_cannot_be_read_just_now_is_never_counted_without(tmp_path: Path) -> None:
    one = begun(tmp_path)
    one.feed([row()] * 4 + [row(AGO + 2 * HOUR)])
    one.settle()
    one.app.stop()
    other = begun(tmp_path)
    with pytest.MonkeyPatch.context() as patch:

        def busy(_path: Path) -> bytes:
            raise OSError(24, "Too many open files")

        patch.setattr(Path, "read_bytes", busy)
        assert not other.app.pipeline.warm()
        with pytest.raises(OSError, match="Too many open files"):
            other.feed([row()])
    other.app.die()
    last = begun(tmp_path)
    last.feed([row()])
    last.finish()
    last.app.stop()
    assert sorted(pane["rows"] for pane in read(tmp_path / "state").values()) == [1, 5]


def test_a_damaged_pane_is_said_and_its_revisions_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = begun(tmp_path)
    one.feed([row()] * 4 + [row(AGO + 2 * HOUR)])
    one.settle()
    one.app.stop()
    path = min((tmp_path / "state" / "archive" / "panes").rglob("*.parquet"))
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 16
    path.write_bytes(data)
    path.with_name(path.name.replace("-r0", "-r1 (copy)")).write_bytes(b"")
    other = begun(tmp_path)
    other.feed([row()])
    other.finish()
    other.app.stop()
    assert "a closed pane is damaged" in caplog.text
    assert path.with_name(path.name.replace("-r0", "-r1")).exists()


def test_nothing_is_read_before_a_restart_would_find_where_it_began(tmp_path: Path) -> None:
    path = tmp_path / "inferwatch.yml"
    path.write_text(HEAD + MODEL)
    logs = Logs([[row()] * 5])
    source = ScriptedSource(logs, seed=0)
    app = App(load(path), clock=lambda: NOW, sources=lambda _config: source)
    app.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("monitor.disk.os", FailingOs(1, 10**9))
        for _ in range(4):
            app.turn()
        assert sum(app.pipeline.positions.values()) == 0
    app.keeper.set_back(NOW)
    for _ in range(9):
        app.turn()
    assert sum(app.pipeline.positions.values()) == 5
    app.stop()
