"""The replayed flights as blocks that a Prometheus reads: exported, imported, and kept."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.history.replay import CACHE, ROOT, Replay, Say, digest, made_once, replay, sources

DATA = "data"
"""The folder of the blocks."""

BLOCK = "512h"
"""Of blocks of two hours, as is usual, a year has four thousand, and each reads the whole text."""


def blocks(days: int, say: Say = lambda _: None) -> Path:
    """The blocks of the first so many days, made now or before."""
    made = replay(days, say)
    own = (*(ROOT / "monitor/history").glob("*.py"), ROOT / "monitor/web/lines.py", Path(__file__))
    name = f"blocks-{days}-{digest((*sources(), *own))}"
    with made_once(name, say) as folder:
        if folder is not None:
            _make(made, folder, say)
    return CACHE / name / DATA


def _make(made: Replay, folder: Path, say: Say) -> None:
    text = folder / "history.om"
    began = time.monotonic()
    command = "from monitor.cli import main; main()"
    _call(
        sys.executable, "-c", command, "archive", "openmetrics", "--config", made.config,
        "--out", text,
    )  # fmt: skip
    say(f"archive openmetrics: {text.stat().st_size:,} bytes in {time.monotonic() - began:.0f} s")
    began = time.monotonic()
    _call(
        "promtool", "tsdb", "create-blocks-from", "openmetrics",
        f"--max-block-duration={BLOCK}", text, folder / DATA,
    )  # fmt: skip
    text.unlink()
    size = sum(path.stat().st_size for path in (folder / DATA).rglob("*"))
    say(f"promtool's import: {size:,} bytes of blocks in {time.monotonic() - began:.0f} s")


def _call(*command: str | Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[:4]} failed: {(done.stdout + done.stderr)[-2000:]}")
