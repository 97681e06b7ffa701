"""One test alert, down the whole way: posted, watched by Alertmanager's counters, and resolved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from monitor.alerting.alertmanager import Alertmanager, Counts, NoAlertmanager

NAME = "InferwatchTest"
EVERY = 0.5
"""Seconds between two looks."""

SUMMARY = "This is a test of inferwatch's alerts, and nothing is wrong"
DESCRIPTION = (
    "Someone ran `inferwatch alert test`. If you can read this, alerts with these labels reach "
    "you. Nothing is to be done."
)


@dataclass(frozen=True, slots=True)
class Clock:
    """The time: `wall` in UTC, `seconds` that only grow, and how one waits."""

    wall: Callable[[], datetime]
    seconds: Callable[[], float]
    wait: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is tested: the labels that routes go by, and how long one waits for the answer."""

    severity: str
    model: str | None
    timeout: float


class Trial:
    """A test alert. `run` says line by line what became of it; `well` is whether it arrived."""

    def __init__(self, alertmanager: Alertmanager, wanted: Wanted, clock: Clock) -> None:
        self.well = False
        self._to, self._wanted, self._clock = alertmanager, wanted, clock
        self._began = clock.wall()
        run = self._began.strftime("%Y%m%dT%H%M%S.%fZ")
        # Each test is a group of its own, where the route groups by it: it waits for no other.
        self._labels = {"alertname": NAME, "severity": wanted.severity}
        self._labels |= {"test": "true", "test_run": run}
        if wanted.model is not None:
            self._labels["model"] = wanted.model

    def run(self) -> Iterator[str]:
        """Post it, watch, and resolve it.

        Raises:
            NoAlertmanager: there is none, or what answers is none.
        """
        known, before = self._to.receivers(), self._to.counts()
        # It ends by itself too, should nobody be there any more to end it.
        self._post(self._began + timedelta(seconds=self._wanted.timeout + 300))
        labels = ", ".join(f"{name}={value!r}" for name, value in self._labels.items())
        yield f"Posted to {self._to.url}: {labels}"
        try:
            yield from self._watch(known, before)
        finally:
            self._post(self._clock.wall())
        yield "Resolved; receivers with send_resolved are told at the end of the group_interval."

    def _watch(self, known: dict[str, Counter[str]], before: dict[str, Counts]) -> Iterator[str]:
        deadline = self._clock.seconds() + self._wanted.timeout
        expected: Counter[str] | None = None
        while True:
            held = self._to.held(self._labels, "test_run")
            if held is not None and (held.silenced or held.inhibited):
                by = "a silence" if held.silenced else "an alert that inhibits it"
                yield f"Alertmanager holds it back, by {by}: nobody is told."
                return
            if held is not None and expected is None:
                expected = _expected(known, held.receivers)
                yield f"Goes to {_named(held.receivers)}: {_numbers(expected)}"
                if not expected:
                    yield "No integration is behind that: nobody is told. Give the receiver one."
                    return
            gained = _gained(before, self._to.counts(), expected or ())
            over = self._clock.seconds() >= deadline
            if expected is not None and (over or _settled(expected, gained)):
                self.well = all(gained[name].delivered >= n for name, n in expected.items())
                yield from (self._sentence(name, n, gained[name]) for name, n in expected.items())
                return
            if over:
                yield f"Alertmanager took it, and does not list it within {self._within}."
                return
            self._clock.wait(EVERY)

    def _sentence(self, name: str, wanted: int, gained: Counts) -> str:
        of, tries = _many(wanted, "message", "messages"), _many(gained.refused, "try", "tries")
        if gained.delivered >= wanted:
            return f"{name}: delivered ({of})"
        if gained.failed:
            return f"{name}: refused ({of}, {tries}), and given up; Alertmanager's log says why"
        if gained.refused:
            what = f"{name}: refused so far ({of}, {tries} within {self._within})"
            return f"{what}, and tried again by Alertmanager; its log says why"
        if gained.started:
            return f"{name}: no answer within {self._within}; Alertmanager still waits for it"
        what = f"{name}: not tried within {self._within}"
        return f"{what}; is the route's group_wait longer? Then give a longer --timeout"

    @property
    def _within(self) -> str:
        return f"{self._wanted.timeout:g} s"

    def _post(self, end: datetime) -> None:
        annotations = {"summary": self._summary, "description": DESCRIPTION}
        when = end.astimezone(UTC).isoformat().replace("+00:00", "Z")
        self._to.post(self._labels, annotations, when)

    @property
    def _summary(self) -> str:
        return SUMMARY if self._wanted.model is None else f"{self._wanted.model}: {SUMMARY}"


def _expected(known: dict[str, Counter[str]], receivers: tuple[str, ...]) -> Counter[str]:
    expected: Counter[str] = Counter()
    for receiver in receivers:
        if receiver not in known:
            what = f"Alertmanager sends it to {receiver!r}, which its configuration lacks"
            raise NoAlertmanager(f"{what}; was it reloaded just now? Try again")
        expected += known[receiver]
    return expected


def _gained(
    before: dict[str, Counts], now: dict[str, Counts], of: Iterable[str]
) -> dict[str, Counts]:
    return {name: now.get(name, Counts()) - before.get(name, Counts()) for name in of}


def _settled(expected: Counter[str], gained: dict[str, Counts]) -> bool:
    """Whether nothing more is to come: each message was delivered, or given up."""
    return all(
        gained[name].delivered + gained[name].failed >= number for name, number in expected.items()
    )


def _numbers(expected: Counter[str]) -> str:
    return ", ".join(f"{name}" if n == 1 else f"{name} x{n}" for name, n in expected.items())


def _many(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"


def _named(receivers: tuple[str, ...]) -> str:
    return ", ".join(f"receiver {name!r}" for name in receivers)
