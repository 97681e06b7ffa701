"""Run as `python -m benchmarks.realdata [flights|second|selfdrawn|injection|power|all]`.

`all` writes docs/realdata.md, its pictures, and what the demo tells of other tools. NannyML and
Evidently are not asked again where their verdicts on the same windows are stored.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from benchmarks.realdata import data, page, parts

PAGE = Path(__file__).parents[2] / "docs" / "realdata.md"
PROCESSES = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, print, and write the page where all was played."""
    parser = argparse.ArgumentParser(prog="make realdata", description=__doc__)
    parser.add_argument("part", nargs="?", choices=(*parts.PARTS, "all"), default="all")
    parser.add_argument(
        "--again", action="store_true", help="ask NannyML and Evidently anew: half an hour"
    )
    options = parser.parse_args(arguments)
    whole = options.part == "all"
    began = time.monotonic()
    jobs = [
        (part, partial(play, options.again, whole))
        for part, plays in parts.PARTS.items()
        if whole or part == options.part
        for play in plays
    ]
    texts: dict[str, list[str]] = {part: [] for part, _ in jobs}
    try:
        with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
            waiting = [(part, pool.submit(job)) for part, job in jobs]
            for part, one in waiting:
                texts[part].append(one.result())
                print(f"{texts[part][-1]}\n[{time.monotonic() - began:.0f} s]\n", flush=True)
    except data.NoData as error:
        print(error, file=sys.stderr)
        return 1
    if whole:
        minutes = (time.monotonic() - began) / 60.0
        PAGE.write_text(page.render(texts, datetime.now(UTC).date(), minutes))
        print(f"{PAGE} is written, {minutes:.0f} minutes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
