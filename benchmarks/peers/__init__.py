"""The tools that we are measured beside, in an environment of their own: `make peers` makes it."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[2] / ".venv-peers"
"""Their environment. They need other versions than we do, and we never import them."""

PYTHON = FOLDER / "bin" / "python"
