"""Paths into a record as people write them: `a.b`, `a.0.b`, `a[0].b`, `a["key.with.dots"]`."""

from __future__ import annotations

import json
import re

from collectors.layout import Path

_STEP = re.compile(
    r'\[(?P<place>[0-9]{1,6})\]|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]|(?P<plain>[^.\[\]"]+)'
)
_PLAIN = re.compile(r'(?=.*[^0-9])[^.\[\]"\s](?:[^.\[\]"]*[^.\[\]"\s])?')

MAX_STEPS = 32


def parse_path(text: str) -> Path:
    """Keys and list places of a dotted path; a step of digits is a place, if it is not quoted.

    Raises:
        ValueError: it is not one.
    """
    wrong = ValueError(f'{text!r} is not a path; write for example features.age or a[0]["b.c"]')
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        if text[at] == "." and steps:
            at += 1
            if text[at : at + 1] in ("", ".", "["):
                raise wrong
        elif steps and text[at] != "[":
            raise wrong
        match = _STEP.match(text, at)
        if match is None:
            raise wrong
        steps.append(_step(match, wrong))
        at = match.end()
    if not steps:
        raise wrong
    if len(steps) > MAX_STEPS:
        raise ValueError(f"a path of {len(steps)} steps; {MAX_STEPS} at most")
    return tuple(steps)


def format_path(path: Path) -> str:
    """The text that `parse_path` reads as `path`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step, ensure_ascii=False)}]"
    return text


def _step(match: re.Match[str], wrong: ValueError) -> str | int:
    if match["place"] is not None:
        return int(match["place"])
    if match["quoted"] is not None:
        try:
            return str(json.loads(match["quoted"], strict=False))
        except ValueError:
            raise wrong from None
    plain = match["plain"]
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) <= 6 else plain
