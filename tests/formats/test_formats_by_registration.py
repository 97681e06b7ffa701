"""What holds for every format in the registry."""

from __future__ import annotations

import subprocess
import sys

import pytest

from collectors.formats import FORMATS, make_format
from collectors.layout import Output
from tests.support.reading import layout, stamped


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_accounts_for_every_record(name: str) -> None:
    made = make_format(name, layout({"x": "number"}, output=Output("number")))
    decoded = made.decode(stamped([None, b"", b"\xff" * 50, b"\x00" * 50, b"{" * 50]))
    assert len(decoded.events) + len(decoded.rejected) == 5
    assert len(made.decode(stamped([])).events) == 0


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_wants_the_output_settled(name: str) -> None:
    with pytest.raises(ValueError, match="kind of the output"):
        make_format(name, layout(output=Output()))


def test_an_unknown_format_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no format 'xml'; known are: json"):
        make_format("xml", layout())


def test_formats_are_imported_when_they_are_used() -> None:
    script = (
        "import sys, collectors.formats as f; assert f.FORMATS; print('msgspec' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"
