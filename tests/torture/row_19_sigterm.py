"""SIGTERM in the middle of the traffic: out in time, and nothing is read twice."""

from __future__ import annotations

import threading

from monitor.checkpoint import Checkpoints
from tests.oracle import compare
from tests.support.daemon import Daemon, summed
from tests.support.kafka import unique
from tests.support.traffic import HOUR, Sender, begin, make
from tests.torture import Outcome, Stage
from tests.torture.row_01_kills import config

NUMBER = 19
FAULT = "SIGTERM under load"
BAR = "out within 5 s, 0 replayed"


def run(stage: Stage) -> Outcome:
    """See the module."""
    broker, topic = stage.broker(), unique("stops")
    broker.create(topic, partitions=3)
    records, hours, stops = stage.pick(1_000_000, 30_000), 48, stage.pick(20, 3)
    sender = Sender(broker.address, topic)
    start = begin(hours)
    traffic = make(records, hours, start, stage.seed)
    daemon = Daemon(stage.folder, config(broker.address, topic))
    took: list[float] = []
    counted = 0.0
    for _ in range(stops):
        daemon.start()
        daemon.until(lambda found: found.get("inferwatch_config_last_reload_successful") == 1)
        sending = threading.Thread(target=sender.send, args=(traffic, records // stops))
        sending.start()
        daemon.until(lambda found: summed(found, "inferwatch_records_total") > 0)
        took.append(daemon.stop())
        sending.join()
    sender.send(traffic)
    sender.flush()
    newest = Checkpoints(stage.folder / "state" / "checkpoints").newest()
    assert newest is not None
    taken = sum(offset for _, _, offset in newest.state["pipeline"]["positions"])
    daemon.start()
    daemon.until(lambda found: found and summed(found, "inferwatch_consumer_lag_records") == 0, 120)
    daemon.until(lambda found: summed(found, "inferwatch_records_total") >= sender.sent - taken)
    counted = summed(daemon.metrics(), "inferwatch_records_total")
    daemon.until_closed(start + hours * HOUR)
    daemon.stop()
    twice = counted - (sender.sent - taken)
    result = compare.archive(broker.address, topic, stage.folder / "state")
    return Outcome(
        exact=not result.problems and twice == 0,
        within=max(took) <= 5,
        ran=f"{stops} stops while {records:,} records come, seed {stage.seed}",
        printed=f"out in {max(took):.2f} s at most; {twice:.0f} records read again; "
        f"{result.said()}",
    )
