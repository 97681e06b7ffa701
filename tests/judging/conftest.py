from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.judging.living import prepare


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a reference and its calibration; nothing may change it."""
    return prepare(tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def folder(prepared: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    return tmp_path
