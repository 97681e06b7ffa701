"""Calibrates one reference: `python -m monitor.judging.child REFERENCE OUT`, the rules on stdin.

A process of its own, so that the daemon neither waits for SciPy nor holds its memory.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from collectors.drift.calibrate import calibrate
from collectors.drift.calibrated import Rules
from collectors.drift.comparisons import Summaries, merge
from collectors.summaries.state import Stored
from monitor.archive_table import ClosedPane
from monitor.disk import write_whole
from monitor.judging.families import empty
from monitor.judging.stored import Calibrated, pack
from monitor.references.file import Reference, load


def panes_of(reference: Reference, ignore: frozenset[str] = frozenset()) -> dict[int, Summaries]:
    """The summaries of each pane of a reference, all versions together, by start (us)."""
    found: dict[int, Summaries] = {}
    for pane in reference.panes:
        summaries = empty(reference.schema, ignore)
        state = Stored(pane.state, reference.model)
        for name, summary in summaries.items():
            if name in state:
                summary.restore(state.part(name))
        known = found.get(pane.start)
        found[pane.start] = summaries if known is None else merge((known, summaries))
    return found


def mixed_versions(panes: Iterable[ClosedPane]) -> bool:
    """Whether software or answers are of several versions; features are compared over all."""
    versions: dict[str, set[str]] = {"software": set(), "outputs": set()}
    for pane in panes:
        for family, some in versions.items():
            if family in pane.state:
                some.add(pane.version)
    return any(len(some) > 1 for some in versions.values())


def main() -> None:
    """See the module."""
    path, out = map(Path, sys.argv[1:])
    rules = msgspec.json.decode(sys.stdin.buffer.read(), type=Rules)
    reference = load(path)
    panes = panes_of(reference, rules.ignore)
    calibration, found = calibrate(
        reference.id,
        panes,
        reference.pane,
        rules,
        mixed_versions(reference.panes),
        reference.left_out,
    )
    made = Calibrated(calibration, found, merge(panes.values()))
    write_whole(out, pack(made))


if __name__ == "__main__":
    main()
