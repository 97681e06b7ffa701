"""`python -m benchmarks.history [--days N] [--rules DIR] [--out FILE]`: what fired when.

Without rules the past is only made ready. The page is written from the whole year.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path

from benchmarks.history.blocks import blocks
from benchmarks.history.looking import look
from benchmarks.history.replay import ROOT


def main() -> None:
    """Make what is not there yet, and say how long each step took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--rules", type=Path, default=ROOT / "rules")
    parser.add_argument("--out", type=Path, help="file to write the page to")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    began = time.monotonic()

    def say(text: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:6.0f} s  {text}\n")
        sys.stdout.flush()

    data = blocks(asked.days, say)
    say(f"blocks of {asked.days} days: {data}")
    if (asked.rules / "alerts.yml").exists():
        text = look(data, asked.rules, asked.days, say).page()
        if asked.out is None:
            sys.stdout.write(text)
        else:
            asked.out.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
