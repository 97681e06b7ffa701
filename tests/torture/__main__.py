"""`make torture`: every fault at full size, as a table; `--rows 1,5` plays only some.

The table of the last whole run stands in `docs/reliability.md`, between its two marks; a run of
some rows replaces only theirs.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.support.kafka import Broker
from tests.torture import Outcome, Row, Stage, rows

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- torture: begin -->", "<!-- torture: end -->"
HEAD = "| # | fault | bar | held | what was run | what it printed |\n|---|---|---|---|---|---|"


def line(row: Row, outcome: Outcome, seconds: float) -> str:
    """One line of the table."""
    held = "yes" if outcome.exact and outcome.within else "in part" if outcome.exact else "**no**"
    cells = (str(row.NUMBER), row.FAULT, row.BAR, held)
    return "| " + " | ".join((*cells, f"{outcome.ran} ({seconds:.0f} s)", outcome.printed)) + " |"


def keep(lines: dict[int, str]) -> None:
    """Put these lines into the page, in the place of older ones."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    old, _, after = rest.partition(END)
    known = {int(m[1]): m[0] for m in re.finditer(r"^\| (\d+) \|.*$", old, re.MULTILINE)} | lines
    table = "\n".join([HEAD, *(known[number] for number in sorted(known))])
    PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


def main() -> int:
    """Play, print, and write the page; 1 where a number was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", help="only these, as in 1,5,12")
    parser.add_argument("--short", action="store_true", help="the size of make test; not kept")
    parser.add_argument("--share", type=int, default=1, help="a long row plays 1/SHARE of itself")
    options = parser.parse_args()
    wanted = {int(n) for n in options.rows.split(",")} if options.rows else None
    folder = Path(tempfile.mkdtemp(prefix="inferwatch-torture-"))
    brokers: list[Broker] = []

    def broker() -> Broker:
        if not brokers:
            (folder / "kafka").mkdir()
            brokers.append(Broker(folder / "kafka"))
            brokers[0].start()
        return brokers[0]

    wrong = 0
    sys.stdout.write(HEAD + "\n")
    try:
        for row in rows():
            if wanted is not None and row.NUMBER not in wanted:
                continue
            place = folder / f"row-{row.NUMBER}"
            place.mkdir()
            began = time.monotonic()
            outcome = row.run(Stage(place, broker, full=not options.short, share=options.share))
            said = line(row, outcome, time.monotonic() - began)
            sys.stdout.write(said + "\n")
            sys.stdout.flush()
            wrong += not outcome.exact
            if not options.short:
                keep({row.NUMBER: said})
            shutil.rmtree(place, ignore_errors=True)
    finally:
        for running in brokers:
            running.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
