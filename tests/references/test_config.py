"""The section `reference` of a model, and what is said of one that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.config import ConfigError, read
from monitor.config_reference import ReferenceConfig
from tests.references.making import HEAD

WHERE = Path("/etc/inferwatch/inferwatch.yml")


def section(text: str) -> ReferenceConfig | None:
    return read(f"{HEAD}  - name: m\n    reference: {text}\n", WHERE, {}).models[0].reference


def test_a_path_begins_beside_the_config() -> None:
    found = section("{path: reference.parquet}")
    assert found is not None
    assert (found.path, found.first) == (Path("/etc/inferwatch/reference.parquet"), None)


def test_the_first_panes() -> None:
    found = section("{first: 24}")
    assert found is not None
    assert (found.path, found.first) == (None, 24)
    assert read(f"{HEAD}  - name: m\n", WHERE, {}).models[0].reference is None


@pytest.mark.parametrize(
    ("text", "fixed"),
    [("{beside: [previous]}", False), ("{path: a, beside: [seasonal, previous]}", True)],
)
def test_what_is_shown_beside_stands_with_a_fixed_one_or_alone(text: str, fixed: bool) -> None:
    found = section(text)
    assert found is not None
    assert found.fixed is fixed
    assert set(found.beside) <= {"previous", "seasonal"}
    assert found.beside


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "reference: exactly one of path and first is wanted; give one of them"),
        ("{path: a, first: 30}", "reference: exactly one of path and first is wanted; give one"),
        (
            "{first: 23}",
            "reference.first: 23 panes are too few to calibrate anything; write 24 or more, for "
            "example 168",
        ),
        ("{beside: []}", "reference: exactly one of path and first is wanted"),
        ("{path: a, beside: previous}", "reference.beside: 'previous' is not a list"),
        (
            "{path: a, beside: [last]}",
            "reference.beside[0]: 'last' is not one of 'previous' or 'sea",
        ),
        ("{first: 1d}", "reference.first: '1d' is not a whole number; write for example 20"),
        ("{first: true}", "reference.first: true is not a whole number"),
        ("{path: 7}", "reference.path: 7 is not a text"),
        ("{pth: a}", "reference.pth: is not known; did you mean path?"),
        ("a.parquet", "reference: 'a.parquet' is not a mapping; write keys below it"),
    ],
)
def test_the_message_says_what_where_and_what_to_do(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        section(text)
    assert f"inferwatch.yml:6: models[0].{message}" in str(caught.value)
