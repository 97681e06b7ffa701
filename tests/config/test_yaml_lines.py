"""YAML to values with lines: what is read, what is refused, and where."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.yaml_lines import MAX_CHARS, MAX_DEPTH, NotYaml, parse, scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-0x1F", "-0x1F"),
        ("0x1F", 31),
        ("0o17", 15),
        ("1:30", "1:30"),
        ("2013-01-01", "2013-01-01"),
        ("1e5", 1e5),
        (".5", 0.5),
        ("1_000", "1_000"),
        ("-.inf", -math.inf),
        ("1.2.3", "1.2.3"),
    ],
)
def test_plain_words(text: str, value: Any) -> None:
    found = scalar(text)
    assert (type(found), found) == (type(value), value)


def test_not_a_number() -> None:
    assert math.isnan(scalar(".nan"))


def test_quoted_words_are_texts() -> None:
    assert parse("""{a: "12", b: 'true', c: 12}""").value == {"a": "12", "b": "true", "c": 12}


def test_every_key_and_item_has_its_line() -> None:
    document = parse("a:\n  b:\n    - 1\n    - c: 2\n")
    assert document.lines[("a",)] == 1
    assert document.lines[("a", "b")] == 2
    assert document.lines[("a", "b", 0)] == 3
    assert document.lines[("a", "b", 1, "c")] == 4
    assert document.line(("a", "b", 1, "missing", "deeper")) == 4
    assert document.line(("nowhere",)) == 1


def test_duplicate_keys_are_named_with_both_lines_and_the_first_counts() -> None:
    document = parse("a: 1\nb: 2\na: {c: 3}\n")
    assert document.value == {"a": 1, "b": 2}
    (mistake,) = document.mistakes
    assert (mistake.line, mistake.path) == (3, ("a",))
    assert "first in line 1" in mistake.text


def test_aliases_stand_for_their_anchors() -> None:
    assert parse("a: &x [1, 2]\nb: *x\n").value == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize(
    "text", ["a: !!python/object/apply:os.system [ls]", "a: !secret x", "a: !!int '5'"]
)
def test_tags_are_refused(text: str) -> None:
    (mistake,) = parse(text).mistakes
    assert "is not supported; remove it" in mistake.text


def test_merge_keys_are_refused() -> None:
    (mistake,) = parse("a: &x {b: 1}\nc:\n  <<: *x\n").mistakes
    assert mistake.line == 3
    assert "merge keys" in mistake.text


def test_an_alias_bomb_is_refused_before_it_unfolds() -> None:
    tens = (f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12))
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]", *tens]
    with pytest.raises(NotYaml, match="aliases unfolded"):
        parse("\n".join(lines))


@pytest.mark.parametrize(
    ("text", "line", "match"),
    [
        ("a: [1\nb: 2", 2, "not YAML"),
        ("a: 1\n\tb: 2", 2, "not YAML"),
        ("a: 1\n---\nb: 2", 2, "second document"),
        ("x: 1\na: \x01", 2, r"U\+0001"),
        ("a: &x [*x]", 1, "inside what it names"),
        ("a: *x", 1, "no anchor"),
        ("? [a]\n: 1", 1, "a key is a list"),
        ("[" * (MAX_DEPTH + 2), 1, "nested deeper"),
        ("[" * 200_000, 1, "nest"),
        ("#" * (MAX_CHARS + 1), 1, "larger than"),
    ],
    ids=range(10),
)
def test_what_cannot_be_read(text: str, line: int, match: str) -> None:
    with pytest.raises(NotYaml, match=match) as caught:
        parse(text)
    assert caught.value.mistake.line == line
    assert "; " in str(caught.value)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_no_text_raises_anything_else(text: str) -> None:
    with contextlib.suppress(NotYaml):
        parse(text)
