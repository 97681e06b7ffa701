"""What other tools would have said of the flights, from a stored run of `make realdata`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path

import msgspec

from monitor.demo.outside import Outside

PATH = Path(__file__).with_name("peers.json")


class Peer(msgspec.Struct, frozen=True):
    """One tool.

    Attributes:
        name: with its version; rule: in words.
        days: whether it would have rung on each day behind the reference, "0" or "1" a day, by
            what it was given: hours or days.
    """

    name: str
    rule: str
    days: dict[str, str]


class Peers(msgspec.Struct, frozen=True):
    """Some tools, when they were asked, and the first day that they were asked of."""

    measured: date
    first: date
    peers: list[Peer]


def read() -> Peers | None:
    """What is stored beside this file; None where nothing is."""
    try:
        return msgspec.json.decode(PATH.read_bytes(), type=Peers)
    except FileNotFoundError:
        return None


def sentences(stored: Peers, told: Mapping[date, Outside]) -> Iterator[str]:
    """A sentence for each tool on the days that were replayed.

    Args:
        told: what is known of each of them.
    """
    for peer in stored.peers:
        parts = []
        for what, days in peer.days.items():
            rang = {stored.first + timedelta(days=n) for n, one in enumerate(days) if one == "1"}
            on = [one for day, one in told.items() if day in rang]
            parts.append(f"on {len(on)} by {what} ({sum(one.expected for one in on)} expected)")
        yield (
            f"{peer.name} ({peer.rule}) would have rung {' and '.join(parts)}, "
            f"of {len(told)} days: asked on {stored.measured}."
        )
