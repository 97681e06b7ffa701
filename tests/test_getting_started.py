"""The page for a first hour, its commands as they stand there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.kafka import free_port
from tests.test_commands import COMMAND, ROOT, running, wait_for

PAGE = (ROOT / "docs" / "getting-started.md").read_text()


def lines() -> list[str]:
    return [
        line
        for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
        for line in block.splitlines()
    ]


def typed(line: str, folder: Path) -> None:
    """As a person types it, with this environment's programs and this checkout."""
    line = line.replace("benchmarks/", f"{ROOT}/benchmarks/").replace(
        "python ", f"{sys.executable} "
    )
    line = re.sub(r"^inferwatch", COMMAND, line)
    subprocess.run(line, shell=True, cwd=folder, check=True, timeout=120)  # noqa: S602


@pytest.mark.slow
def test_its_commands_lead_from_a_log_to_an_alarm_with_its_cause(tmp_path: Path) -> None:
    every = lines()
    assert every[:2] == ["python3 -m venv .venv && . .venv/bin/activate", "pip install ."]
    run = every.index("inferwatch run inferwatch.yml")
    check = every[run - 1]
    for line in every[2 : run - 1]:
        typed(line, tmp_path)
    found = re.search(r"```yaml\n(    reference: .*?)```", PAGE, re.DOTALL)
    assert found is not None
    port, config = free_port(), tmp_path / "inferwatch.yml"
    written = config.read_text().replace("  - name: plans\n", f"  - name: plans\n{found[1]}")
    config.write_text(f'{written}\nweb: {{listen: "127.0.0.1:{port}"}}\n')
    typed(check, tmp_path)
    with running("run", "inferwatch.yml", cwd=tmp_path) as process:
        wanted = 'inferwatch_alarm_cause{change="missing",feature="age"'
        wait_for(f"http://127.0.0.1:{port}/metrics", wanted, process)
