"""The parts of the benchmark: each is played in a process of its own, and gives its text.

Each is told whether other tools are asked again, and whether it is to write what it shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from benchmarks.realdata import data, injection, page, pictures, rules, selfdrawn, told
from monitor.demo.outside import read_days

SHORT, LONG = 4, 8
"""Weeks of the references; the shorter is the demo's own."""

Play = Callable[[bool, bool], str]


def flights(weeks: int, again: bool, write: bool) -> str:
    """The flights against a reference of so many weeks."""
    known = read_days()
    played = rules.play(data.flights(), weeks, again)
    if write and weeks == SHORT:
        told.write(played)
    if write and weeks == LONG:
        pictures.draw_flights(played, known)
    return page.flights(played, known)


def second(weeks: int, again: bool, _: bool) -> str:
    """The other data set."""
    return page.second(rules.play(data.ratings(), weeks, again, ignore="zip_code"))


def self_drawn(again: bool, _: bool) -> str:
    """Windows that are drawn from the reference."""
    return page.drawn(selfdrawn.play(data.flights(), again))


def injected(_: bool, __: bool) -> str:
    """Faults that are put in."""
    return page.seen(injection.play(data.flights(), read_days()))


def power(_: bool, write: bool) -> str:
    """Power by size of shift."""
    found = pictures.powers()
    if write:
        pictures.draw_power(found)
    return page.power(found)


PARTS: Mapping[str, Sequence[Play]] = {
    "flights": (partial(flights, LONG), partial(flights, SHORT)),
    "second": (partial(second, SHORT), partial(second, LONG)),
    "selfdrawn": (self_drawn,),
    "injection": (injected,),
    "power": (power,),
}
