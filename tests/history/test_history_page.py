"""The commands of docs/history.md, as they stand there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.history.prometheus import Prometheus, free_port
from tests.history.looking_back import MAIN, ROOT
from tests.support.real import require

PAGE = (ROOT / "docs" / "history.md").read_text()
NOON = 1_772_470_800.0
"""2 March 2026, 12:00 in New York, where an hour with all its rows ends."""


def commands(first: str) -> list[list[str]]:
    """The commands of a block of the page, which begins with these words."""
    (block,) = [one for one in re.findall(r"```sh\n(.*?)```", PAGE, re.S) if one.startswith(first)]
    return [shlex.split(line) for line in block.replace("\\\n", " ").splitlines()]


@pytest.mark.promtool
@pytest.mark.slow
def test_the_past_goes_into_prometheus_as_the_page_says(folder: Path) -> None:
    export, take_in, serve = commands("inferwatch archive openmetrics")
    assert export[0] == "inferwatch"
    for command in ([sys.executable, "-c", MAIN, *export[1:]], take_in):
        subprocess.run(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    (folder / "prometheus.yml").write_text("{}")
    address = f"127.0.0.1:{free_port()}"
    require(serve[0])
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*serve, f"--web.listen-address={address}"], cwd=folder, stdout=log, stderr=log
        )
    prometheus = Prometheus(f"http://{address}", folder / "data")
    try:
        prometheus.wait(process, folder / "log")
        found = prometheus.query('sum by (model) (inferwatch_window_rows{window="1h"})', NOON)
        assert found == [({"model": "m"}, 40.0)]
        (rules,) = commands("promtool tsdb create-blocks-from rules")
        span = ["--start=1772460000", "--end=1772470800", f"--url=http://{address}"]
        given = [one for one in rules if not one.startswith(("--start", "--end", "--url"))]
        given[-1:] = [*span, str(ROOT / "rules" / "recording.yml")]
        given = [one.replace("dir=data", "dir=recorded") for one in given]
        subprocess.run(given, cwd=folder, capture_output=True, check=True)
        assert list((folder / "recorded").glob("*/meta.json"))
    finally:
        prometheus.close()
        process.terminate()
        process.wait(30)
