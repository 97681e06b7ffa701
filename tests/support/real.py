"""Real programs that tests need: there, or a visible skip, or in CI a failure."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest

REQUIRED = os.environ.get("INFERWATCH_REQUIRE_REAL") == "1"


def absent(what: str) -> NoReturn:
    """Skip the test; fail it where every real part is required."""
    if REQUIRED:
        pytest.fail(f"{what} is not there, and is required here")
    pytest.skip(f"{what} is not there")


def require(binary: str, optional: bool = False) -> str:
    """The path of a program; an `optional` one is not required in CI either."""
    found = shutil.which(binary)
    if found is None and optional:
        pytest.skip(f"{binary} is not there")
    return found or absent(binary)
