"""A broker that dies or stands still, a daemon that stands still: back at once, nothing lost."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tests.oracle import compare, windows
from tests.support.daemon import Daemon, counted
from tests.support.kafka import Broker, unique
from tests.support.traffic import Pump, Sender, begin, make
from tests.torture import Outcome, Stage
from tests.torture.row_01_kills import config

NUMBER = 8
FAULT = "broker killed again and again; SIGSTOP of broker and of daemon, under traffic"
BAR = "back within 10 s at p99; 0 lost"

HOURS = 72
RATE = 1_500
SESSION = "broker.session.timeout.ms=3000\nbroker.heartbeat.interval.ms=500\n"
"""A broker that was killed is let in again only once its old session has ended."""

BACK_WITHIN = 10.0


@dataclass
class Scene:
    """A broker, a daemon that reads it, and how long each fault was felt, in seconds."""

    broker: Broker
    daemon: Daemon
    rng: np.random.Generator
    pause: threading.Event = field(default_factory=threading.Event)
    back: dict[str, list[float]] = field(default_factory=dict)

    def waits(self, least: float, most: float) -> None:
        """Let so much time pass."""
        self.pause.wait(float(self.rng.uniform(least, most)))

    def returns(self, fault: str, before: float) -> None:
        """Note how long it is from now to the first new record counted."""
        seconds = self.daemon.until(lambda found: counted(found) > before)
        self.back.setdefault(fault, []).append(seconds)

    def stood(self) -> float:
        """The records counted once all that the daemon had at hand is counted."""
        last, since = -1.0, time.monotonic()
        while time.monotonic() - since < 1.5:
            now = counted(self.daemon.metrics())
            if now != last:
                last, since = now, time.monotonic()
            self.pause.wait(0.1)
        return last

    def kill_broker(self) -> None:
        """Kill it, and start it again after a while."""
        self.broker.kill()
        before = self.stood()
        self.waits(0, 4)
        self.broker.start()
        self.returns("broker killed", before)

    def freeze(self, fault: str, send: Callable[[int], None], seconds: float) -> None:
        """Stop a process where it stands, for so long."""
        # A scrape may be a second old; what is counted beyond two was sent while it stood.
        before = counted(self.daemon.metrics()) + 2 * RATE
        send(signal.SIGSTOP)
        try:
            self.pause.wait(seconds)
            if fault.startswith("broker"):
                before = counted(self.daemon.metrics())
        finally:
            send(signal.SIGCONT)
        self.returns(fault, before)


def run(stage: Stage) -> Outcome:
    """See the module."""
    place = stage.folder / "kafka"
    place.mkdir()
    broker, topic = Broker(place, more=SESSION), unique("dies")
    broker.start()
    folder = stage.folder / "daemon"
    folder.mkdir()
    try:
        with Daemon(folder, config(broker.address, topic)) as daemon:
            return _play(stage, broker, topic, daemon)
    finally:
        broker.stop()


def _play(stage: Stage, broker: Broker, topic: str, daemon: Daemon) -> Outcome:
    broker.create(topic, partitions=3)
    kills, frozen = stage.pick(20, 2), stage.pick(60, 5)
    sender = Sender(broker.address, topic)
    # More than is ever sent: as many as the time allows.
    traffic = make(stage.pick(3_000_000, 600_000), HOURS, begin(HOURS), stage.seed)
    scene = Scene(broker, daemon, np.random.default_rng(stage.seed))
    daemon.start()
    pump = Pump(sender, traffic, RATE)
    pump.start()
    daemon.until(lambda found: counted(found) > RATE)
    for _ in range(kills):
        scene.kill_broker()
        scene.waits(0.2, stage.pick(3, 1))
    scene.freeze("broker stopped", broker.signal, frozen)
    scene.waits(0.2, 3)
    scene.freeze("daemon stopped", daemon.signal, frozen)
    pump.stop()
    sender.flush()
    daemon.until(lambda found: counted(found) >= sender.sent, 300)
    found = daemon.metrics()
    accepted = found[f"inferwatch_records_total{{outcome=ok,topic={topic}}}"]
    # All partitions are idle in the end, and everything closes.
    daemon.until(lambda _: windows.archived_rows(daemon.folder / "state") >= accepted)
    found = daemon.metrics()
    daemon.stop()
    result = compare.archive(broker.address, topic, daemon.folder / "state")
    if counted(found) != sender.sent:
        result.problems.append(f"{counted(found):,.0f} records counted of {sender.sent:,}")
    times = [seconds for some in scene.back.values() for seconds in some]
    said = "; ".join(f"{fault}: {_said(some)}" for fault, some in scene.back.items())
    return Outcome(
        exact=not result.problems and result.panes > 0,
        within=float(np.percentile(times, 99)) <= BACK_WITHIN,
        ran=f"{kills} kills, each process stopped for {frozen} s, {RATE:,} records/s, "
        f"{sender.sent:,} in all, seed {stage.seed}",
        printed=f"first new record after {said}; {sender.sent - counted(found):,.0f} lost; "
        f"{result.said()}",
    )


def _said(times: list[float]) -> str:
    if len(times) == 1:
        return f"{times[0]:.1f} s"
    p99 = np.percentile(times, 99)
    return f"{np.median(times):.1f} s (median), {p99:.1f} s (p99), {max(times):.1f} s (most)"
