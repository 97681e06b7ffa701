"""Docs that are made from the code are what the code makes; links in docs lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from monitor.cli import main
from monitor.config_docs import render
from monitor.metrics import METRICS

ROOT = Path(__file__).parents[1]
FOLDERS = ("docs", "deploy", "rules")
PAGES = [*ROOT.glob("*.md"), *(page for name in FOLDERS for page in (ROOT / name).rglob("*.md"))]


def test_the_configuration_page_is_made_from_the_model() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text() == render(), "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_metric_that_is_named_is_exported(page: Path) -> None:
    names, text = {metric.name for metric in METRICS}, page.read_text()
    rules = yaml.safe_load((ROOT / "rules" / "recording.yml").read_text())["groups"]
    recorded = {rule["record"] for group in rules for rule in group["rules"]}
    for name in re.findall(r"\b\w+:inferwatch_\w+:\w+", text):
        assert name in recorded, name
    for name in re.findall(r"(?<![\w:])inferwatch_[a-z_0-9]+[a-z0-9]\b", text):
        # A histogram's series have endings of their own.
        assert name in names or re.sub(r"_(bucket|sum|count)$", "", name) in names, name


def commands(text: str) -> list[list[str]]:
    """Every call of inferwatch in blocks of code and within lines, as its words."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    shell = [code for language, code in blocks if language in {"", "sh"}]
    lines = "\n".join(shell).replace("\\\n", " ").splitlines()
    lines += re.findall(r"^    (inferwatch .*)", text, re.MULTILINE)
    within = re.findall(r"(?<!`)`(inferwatch [a-z][^`]*)`(?!`)", text)
    lines += [" ".join(one.split()) for one in within]
    words = [shlex.split(line, comments=True) for line in lines if "inferwatch " in line]
    return [
        one[1 : one.index(">")] if ">" in one else one[1:]
        for one in words
        if one[0] == "inferwatch"
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_is_one_with_options_that_there_are(page: Path) -> None:
    for words in commands(page.read_text()):
        command: click.Command = main
        context = click.Context(main, info_name="inferwatch")
        while isinstance(command, click.Group):
            name, found, words = command.resolve_command(context, words)  # noqa: PLW2901
            assert found is not None, name
            command, context = found, click.Context(found, info_name=name, parent=context)
        command.make_parser(context).parse_args(list(words))
