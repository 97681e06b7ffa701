"""A model with a reference, whose days are read by a daemon and looked back on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.history.looking_back import Days, lived
from tests.judging.living import prepare


@pytest.fixture(scope="session")
def days(tmp_path_factory: pytest.TempPathFactory) -> Days:
    """Some days with an alarm, a new version, and hours without rows; nothing may change them."""
    return lived(prepare(tmp_path_factory.mktemp("days")))


@pytest.fixture
def folder(days: Days, tmp_path: Path) -> Path:
    """A copy of their folder."""
    shutil.copytree(days.folder, tmp_path, dirs_exist_ok=True)
    return tmp_path
