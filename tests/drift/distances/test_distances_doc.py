"""The page of distances is what the code makes, and its examples are true."""

from __future__ import annotations

import doctest
import pkgutil
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from collectors.drift import distances
from collectors.drift.distances import REGISTRY
from collectors.drift.distances.docs import EVIDENTLY, render

ROOT = Path(__file__).parents[3]
MODULES = [distances.__name__] + [
    f"{distances.__name__}.{module.name}"
    for module in pkgutil.iter_modules(distances.__path__)
    if module.name != "__main__"
]


def test_the_page_is_made_from_the_registry() -> None:
    page = (ROOT / "docs" / "distances.md").read_text("utf-8")
    assert page == render(), "write it again: python -m collectors.drift.distances"
    for name in REGISTRY:
        assert f"\n| `{name}` | " in page


def test_the_command_prints_the_page() -> None:
    command = [sys.executable, "-m", "collectors.drift.distances"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    assert done.stdout.decode("utf-8") == render()


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    width = 0
    for line in render().splitlines():
        if re.fullmatch(r"(\|-+)+\|", line):
            width = line.count("|")
        elif line.startswith("|") and width:
            assert line.count("|") == width, line
        elif not line:
            width = 0


def test_evidentlys_methods_are_all_there_and_lead_somewhere() -> None:
    assert len({method for method, *_ in EVIDENTLY}) == len(EVIDENTLY) == 20
    assert {here for *_, here, _ in EVIDENTLY} <= {*REGISTRY, ""}


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name: str) -> None:
    found = doctest.testmod(import_module(name))
    assert found.failed == 0


def test_every_distance_has_an_example() -> None:
    for distance in REGISTRY.values():
        for function in (distance.numbers, distance.categories):
            shown = "" if function is None else function.__doc__ or ""
            assert function is None or f"{distance.name.upper()}.measure(" in shown
