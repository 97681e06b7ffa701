"""What the demo tells of other tools, from this run: `monitor/demo/peers.json`."""

from __future__ import annotations

from datetime import date

import msgspec

from benchmarks.realdata.data import days
from benchmarks.realdata.peers import kept
from benchmarks.realdata.rules import EVIDENTLY_SHARE, LENGTHS, NANNYML, Played
from collectors.drift.calibration.seasons import Calendar
from monitor.demo.peers import PATH, Peer, Peers

RULES = {
    NANNYML: ("nannyml", "univariate drift of any column"),
    EVIDENTLY_SHARE: ("evidently", "drift of half of the columns"),
}
"""The rules that are told of: their package, and what they are for people."""


def write(played: Played) -> None:
    """Write it down; the flights are those with the demo's own reference."""
    calendar = Calendar(played.data.zone)
    live = [window for window in days(played.data) if window.start >= played.begin]
    first, last = live[0].day(calendar), live[-1].day(calendar)
    found = []
    for method, (package, what) in RULES.items():
        rings = {}
        for one in played.rung:
            if one.method == method and one.whole:
                rang = one.rang(calendar)
                every = (
                    date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1)
                )
                rings[LENGTHS[one.length]] = "".join("01"[day in rang] for day in every)
        said = next(iter(kept().values()))
        name = method.partition(",")[0]
        found.append(Peer(f"{name} {said.versions[package]}", what, rings))
    measured = date.fromisoformat(max(one.date for one in kept().values()))
    text = msgspec.json.encode(Peers(measured, first, found))
    PATH.write_bytes(msgspec.json.format(text, indent=1) + b"\n")
