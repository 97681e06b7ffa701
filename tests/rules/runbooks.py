"""Runbooks as tests read them: their headings, and what they tell to look at."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
RULES = ROOT / "rules"
PAGES = sorted((RULES / "runbooks").glob("*.md"))

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A block of code: in what, and the code."""

    language: str
    code: str


def alerts() -> dict[str, list[dict[str, Any]]]:
    """Every alert's rules, by its name; some have one as a page and one as a ticket."""
    found: dict[str, list[dict[str, Any]]] = {}
    for rule in _rules("alerts"):
        found.setdefault(rule["alert"], []).append(rule)
    return found


def recorded() -> set[str]:
    """The names that recording rules give."""
    return {rule["record"] for rule in _rules("recording")}


def _rules(name: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load((RULES / f"{name}.yml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def blocks(text: str) -> list[Block]:
    """Every block of code of a page."""
    return [Block(language, code) for language, code in _FENCE.findall(text)]


def prose(text: str) -> str:
    """What is not in blocks of code."""
    return _FENCE.sub("", text)


def sections(text: str) -> dict[str, str]:
    """What stands below each heading of the second level, in order."""
    _, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}


def looks(text: str) -> list[str]:
    """The looks of a page, each with its heading."""
    _, *parts = re.split(r"^### ", sections(text)["First three looks"], flags=re.MULTILINE)
    return parts


def queries() -> list[tuple[str, str]]:
    """Every query: the alert, and PromQL."""
    return [
        (page.stem, block.code.strip())
        for page in PAGES
        for block in blocks(page.read_text("utf-8"))
        if block.language == "promql"
    ]
