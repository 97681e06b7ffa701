"""Durations, sizes and paths as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.durations import format_duration, format_size, parse_duration, parse_size
from monitor.paths import format_path, parse_path


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("1h", 3_600), ("1d12h", 129_600), ("250ms", 0.25), ("0s", 0)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "5 m", "m", "1h1d", "1h1h", "-1h", "1.5h", "1w", "٣h"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration; write"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["9999999d", "9" * 38 + "d"])
def test_a_duration_of_more_than_ten_years(text: str) -> None:
    with pytest.raises(ValueError, match="longer than ten years"):
        parse_duration(text)


@given(st.integers(0, 3_660 * 86_400_000))
def test_durations_there_and_back(milliseconds: int) -> None:
    text = format_duration(milliseconds / 1000)
    assert round(parse_duration(text) * 1000) == milliseconds


@pytest.mark.parametrize(
    ("text", "size"), [("512B", 512), ("10KiB", 10_240), ("2 MB", 2_000_000), ("1GiB", 2**30)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "10", "10mib", "-1B", "1.5MiB", "MiB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size; write"):
        parse_size(text)


@given(st.integers(0, 2**40))
def test_sizes_there_and_back(size: int) -> None:
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a", ("a",)),
        ("a.b", ("a", "b")),
        ("a.0.b", ("a", 0, "b")),
        ("a[0].b", ("a", 0, "b")),
        ("[1][2]", (1, 2)),
        ('a["b.c"]', ("a", "b.c")),
        ('["0"].x', ("0", "x")),
        ("with space.ü", ("with space", "ü")),
    ],
)
def test_paths(text: str, path: tuple[str | int, ...]) -> None:
    assert parse_path(text) == path


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".a", "a..b", "a[", "a[x]", "a]b", 'a["b]', "a[0]b"]
)
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(ValueError, match="is not a path; write"):
        parse_path(text)


def test_an_endless_path_is_refused() -> None:
    with pytest.raises(ValueError, match="100 steps; 32 at most"):
        parse_path(".".join("a" * 100))


KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(st.lists(KEYS | st.integers(0, 999_999), min_size=1, max_size=6))
def test_paths_there_and_back(steps: list[str | int]) -> None:
    assert parse_path(format_path(tuple(steps))) == tuple(steps)
