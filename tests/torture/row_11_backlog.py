"""An hour's backlog at a restart: eaten at full speed, in the memory of live traffic."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from tests.oracle import compare, windows
from tests.support.daemon import Daemon, Gauge, counted
from tests.support.kafka import unique
from tests.support.traffic import HOUR, Pump, Sender, begin, make
from tests.torture import Outcome, Stage
from tests.torture.row_01_kills import config

NUMBER = 11
FAULT = "one hour of backlog at restart"
BAR = "RSS as in live traffic (within 10%), windows equal"

MOST_MORE = 0.10
MIB = 1 << 20
LIVE_HOURS = 2


@dataclass(frozen=True, slots=True)
class Life:
    """What one process of the daemon took in, and what it held."""

    taken: float
    accepted: float
    peak: int
    usual: int

    def said(self) -> str:
        """In a few words."""
        return f"peak {self.peak / MIB:.0f} MiB, median {self.usual / MIB:.0f} MiB"


def run(stage: Stage) -> Outcome:
    """See the module."""
    broker, topic = stage.broker(), unique("backlog")
    broker.create(topic, partitions=3)
    start = begin(LIVE_HOURS + 1)
    rate, seconds = stage.pick(5_000, 6_000), stage.pick(240, 5)
    missed = stage.pick(3_600_000, 60_000)
    live = make(rate * seconds, LIVE_HOURS, start, stage.seed)
    backlog = make(missed, 1, start + LIVE_HOURS * HOUR, stage.seed + 1)
    sender = Sender(broker.address, topic)
    with Daemon(stage.folder, config(broker.address, topic)) as daemon:
        daemon.start()
        daemon.until(lambda found: "inferwatch_build_info" in " ".join(found))
        pump = Pump(sender, live, rate)
        gauge = Gauge(daemon.pid)
        pump.start()
        gauge.start()
        threading.Event().wait(seconds)
        pump.stop()
        sender.flush()
        before = _life(daemon, gauge, topic, sender.sent)
        daemon.stop()
        sender.send(backlog)
        sender.flush()
        daemon.start()
        gauge = Gauge(daemon.pid)
        gauge.start()
        took = daemon.until(lambda found: counted(found) >= missed, 600)
        after = _life(daemon, gauge, topic, missed)
        accepted = before.accepted + after.accepted
        # All partitions are idle in the end, and everything closes.
        state = daemon.folder / "state"
        daemon.until(lambda _: windows.archived_rows(state) >= accepted)
        daemon.stop()
    result = compare.archive(broker.address, topic, state)
    if (before.taken, after.taken) != (sender.sent - missed, missed):
        result.problems.append(f"{before.taken:,.0f} and {after.taken:,.0f} records counted")
    more = after.peak / before.peak - 1
    return Outcome(
        exact=not result.problems and result.panes > 0,
        within=more <= MOST_MORE,
        ran=f"{before.taken:,.0f} records live at {rate:,} a second, then {missed:,} of an hour at "
        f"a restart, seed {stage.seed}",
        printed=f"RSS live: {before.said()}; with the backlog: {after.said()} ({more:+.0%}), eaten "
        f"in {took:.1f} s; {result.said()}",
    )


def _life(daemon: Daemon, gauge: Gauge, topic: str, sent: int) -> Life:
    """Wait until so many records are counted, and see what that cost."""
    daemon.until(lambda found: counted(found) >= sent, 300)
    gauge.stop()
    found = daemon.metrics()
    accepted = found[f"inferwatch_records_total{{outcome=ok,topic={topic}}}"]
    usual = sorted(gauge.rss[len(gauge.rss) // 2 :])
    return Life(counted(found), accepted, daemon.peak(), usual[len(usual) // 2])
