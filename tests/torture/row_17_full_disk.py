"""A disk that is full: reading goes on, nothing is lost, and it recovers by itself."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from monitor.app import App
from monitor.config import load
from tests.support.archives import differences, read
from tests.support.faults import FailingOs
from tests.support.scripted import Logs, ScriptedSource
from tests.torture import Outcome, Stage
from tests.torture.row_10_interleavings import CONFIG, NOW, make_logs

NUMBER = 17
FAULT = "disk full: ENOSPC at each write and fsync, and a full small file system"
BAR = "no exit, 0 lost"


def live(folder: Path, logs: Logs, fake: Any = None, fill: Path | None = None) -> int:
    """One life over all of the logs; the panes that waited for the disk at the worst moment."""
    (folder / "inferwatch.yml").write_text(CONFIG)
    source, ticks = ScriptedSource(logs, seed=7, most=40), itertools.count()
    with pytest.MonkeyPatch.context() as patch:
        app = App(
            load(folder / "inferwatch.yml"),
            clock=lambda: NOW + next(ticks) * 0.7,
            sources=lambda _config: source,
        )
        app.start()
        if fake is not None:
            patch.setattr("monitor.disk.os", fake)
        worst = 0
        while sum(app.pipeline.positions.values()) < logs.total:
            app.turn()
            worst = max(worst, app.keeper.unsaved)
            if fill is not None and fill.exists() and app.pipeline.positions and worst > 20:
                fill.unlink()
        app.pipeline.finish(NOW)
        for _ in range(50):
            if app.save():
                break
        app.stop()
    return worst


def _mounted(folder: Path, logs: Logs, wanted: Any) -> tuple[str, int]:
    """The same on a file system of 6 MiB that is full from the start until 20 panes wait."""
    state = folder / "state"
    state.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "none", str(state)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        return "; no small file system may be mounted here", 0
    try:
        fill = state / "fill"
        with contextlib.suppress(OSError), fill.open("wb") as file:
            for _ in range(6 * 256 - 40):  # some pages stay, for the lock and its like
                file.write(bytes(4096))
        worst = live(folder, logs, fill=fill)
        found = differences(wanted, read(state))
        said = f"; on a full file system of 6 MiB {worst} panes waited, {len(found)} values differ"
        return said, len(found)
    finally:
        subprocess.run(["umount", str(state)], check=True)


def run(stage: Stage) -> Outcome:
    """See the module."""
    logs = make_logs(stage.seed)
    first = stage.folder / "first"
    first.mkdir()
    counting = FailingOs(first=-1, times=0)
    live(first, logs, counting)
    wanted = read(first / "state")
    calls = counting.calls
    step = stage.pick(max(calls * stage.share // 120, 1), max(calls // 3, 1))
    tried = wrong = failed = 0
    example = ""
    for times in (1, 40) if stage.full else (40,):
        for at in range(1, calls, step):
            folder = stage.folder / f"at-{at}-{times}"
            shutil.copytree(first / "state" / "models", folder / "state" / "models")
            fake = FailingOs(at, times)
            live(folder, logs, fake)
            tried, failed = tried + 1, failed + fake.failed
            found = differences(wanted, read(folder / "state"))
            wrong += bool(found)
            example = example or (f"; {found[0]}" if found else "")
            shutil.rmtree(folder)
    mounted, differing = _mounted(stage.folder / "mounted", logs, wanted)
    return Outcome(
        exact=wrong == 0 and failed > 0 and differing == 0,
        within=stage.share == 1,
        ran=f"{tried} lives of {logs.total:,} records, each with 1 or 40 failures in a row from "
        f"another one of {calls} writes, fsyncs, renames and new folders on",
        printed=f"{failed} calls failed, {tried - wrong} of {tried} archives equal{example}"
        f"{mounted}",
    )
