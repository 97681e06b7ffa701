"""Memory does not grow with traffic; `make bench` shows the full figure."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_memory_at_the_end_is_within_a_tenth_of_that_at_one_tenth() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", "--records", "2000000"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    found = re.search(r"(\d+) MiB at one tenth, (\d+) MiB at the end", done.stdout)
    assert found is not None, done.stdout
    early, late = int(found[1]), int(found[2])
    assert late <= 1.1 * early, done.stdout
