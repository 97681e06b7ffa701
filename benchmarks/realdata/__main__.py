"""Run as `python -m benchmarks.realdata [flights|second|selfdrawn|injection|all]`.

`all` writes docs/realdata.md, its pictures, and what the demo tells of other tools.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.realdata import data, injection, page, pictures, rules, selfdrawn, told
from monitor.demo.outside import read_days

PAGE = Path(__file__).parents[2] / "docs" / "realdata.md"
PARTS = ("flights", "second", "selfdrawn", "injection", "all")
WEEKS = (4, 8)


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, print, and write the page where all was played."""
    parser = argparse.ArgumentParser(prog="make realdata", description=__doc__)
    parser.add_argument("part", nargs="?", choices=PARTS, default="all")
    parser.add_argument(
        "--again", action="store_true", help="ask NannyML and Evidently anew: half an hour"
    )
    options = parser.parse_args(arguments)
    try:
        _play(options.part, options.again)
    except data.NoData as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _play(part: str, again: bool) -> None:
    began = time.monotonic()
    wanted = set(PARTS) if part == "all" else {part}
    flights, known = data.flights(), read_days()
    found = page.Results([], known, [], [], [])
    if "flights" in wanted:
        for weeks in WEEKS:
            found.flights.append(rules.play(flights, weeks, again))
            _print(page.flights(found.flights[-1], known), began)
    if "second" in wanted:
        ratings = data.ratings()
        for weeks in WEEKS:
            found.second.append(rules.play(ratings, weeks, again, ignore="zip_code"))
            _print(page.second(found.second[-1]), began)
    if "selfdrawn" in wanted:
        found.drawn.append(selfdrawn.play(flights, again))
        _print(page.drawn(found.drawn), began)
    if "injection" in wanted:
        found.seen.extend(injection.play(flights, known))
        _print(page.seen(found.seen), began)
    if part == "all":
        told.write(found.flights[0])
        pictures.draw_all(found.flights[-1], known)
        minutes = (time.monotonic() - began) / 60.0
        PAGE.write_text(page.render(found, datetime.now(UTC).date(), minutes))
        _print(f"{PAGE} and its pictures are written.", began)


def _print(text: str, began: float) -> None:
    print(f"{text}\n[{time.monotonic() - began:.0f} s]\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
