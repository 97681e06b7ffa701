"""`python -m benchmarks.history [--days N]`: the flights' year in Prometheus, and what fired."""

from __future__ import annotations

import argparse
import logging
import sys
import time

from benchmarks.history.replay import replay


def main() -> None:
    """Make what is not there yet, and say how long each step took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    began = time.monotonic()

    def say(text: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:6.0f} s  {text}\n")
        sys.stdout.flush()

    say(f"replayed into {replay(asked.days, say).folder}")


if __name__ == "__main__":
    main()
