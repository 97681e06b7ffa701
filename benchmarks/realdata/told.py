"""What the demo tells of other tools, from this run: `monitor/demo/peers.json`."""

from __future__ import annotations

from datetime import date

import msgspec
import numpy as np

from benchmarks.realdata.peers import kept
from benchmarks.realdata.rules import EVIDENTLY_ANY, EVIDENTLY_SHARE, LENGTHS, NANNYML, Played
from collectors.drift.calibration.seasons import Calendar
from monitor.demo.peers import PATH, Peer, Peers

RULES = {
    NANNYML: ("nannyml", "univariate drift of any column"),
    EVIDENTLY_SHARE: ("evidently", "drift of half of the columns"),
    EVIDENTLY_ANY: ("evidently", "drift of any column"),
}
"""The rules that are told of: their package, and what they are for people."""


def write(played: Played) -> None:
    """Write it down; the flights are those with the demo's own reference."""
    calendar = Calendar(played.data.zone)
    edges = np.array([played.begin, int(played.data.times[-1])])
    first, last = map(date.fromordinal, calendar.places(edges)[0].tolist())
    found = []
    for method, (package, what) in RULES.items():
        days = {}
        for one in played.rung:
            if one.method == method and len(one.windows) == one.total:
                rang = one.rang(calendar)
                every = (
                    date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1)
                )
                days[LENGTHS[one.length]] = "".join("01"[day in rang] for day in every)
        said = next(iter(kept().values()))
        name = method.partition(",")[0]
        found.append(Peer(f"{name} {said.versions[package]}", what, days))
    measured = date.fromisoformat(max(one.date for one in kept().values()))
    text = msgspec.json.encode(Peers(measured, first, found))
    PATH.write_bytes(msgspec.json.format(text, indent=1) + b"\n")
