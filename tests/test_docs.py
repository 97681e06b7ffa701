"""Docs that are made from the code are what the code makes; links in docs lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from monitor.config_docs import render
from monitor.metrics import METRICS

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def test_the_configuration_page_is_made_from_the_model() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text() == render(), "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_metric_that_is_named_is_exported(page: Path) -> None:
    names = {metric.name for metric in METRICS}
    for name in re.findall(r"\binferwatch_[a-z_0-9]+[a-z0-9]\b", page.read_text()):
        # A histogram's series have endings of their own.
        assert name in names or re.sub(r"_(bucket|sum|count)$", "", name) in names, name
