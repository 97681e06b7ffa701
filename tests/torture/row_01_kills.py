"""kill -9 at random instants: nothing is lost, nothing counts twice."""

from __future__ import annotations

import threading

import numpy as np

from tests.oracle import compare
from tests.support.daemon import Daemon
from tests.support.kafka import unique
from tests.support.traffic import HOUR, MODEL, Sender, begin, make
from tests.torture import Outcome, Stage

NUMBER = 1
FAULT = "kill -9 at random instants, real Kafka, three partitions"
BAR = (
    "0 lost, 0 doubled: every exported window statistic equals the oracle's, integers and cells "
    "bit for bit, floats within 1e-9 of the scale (standard deviations 2e-7)"
)

HOURS = 200
HEAD = """\
source:
  kafka: {bootstrap_servers: ["ADDRESS"], topics: [TOPIC], start: earliest}
state: {dir: state, checkpoint_interval: 300ms}
web: {listen: "LISTEN"}
models:
"""


def config(address: str, topic: str, head: str = HEAD) -> str:
    """The YAML of a daemon that reads this topic."""
    return (head + MODEL).replace("ADDRESS", address).replace("TOPIC", topic)


def run(stage: Stage) -> Outcome:
    """See the module."""
    broker, topic = stage.broker(), unique("kills")
    broker.create(topic, partitions=3, max_message_bytes="1048576")
    records, kills = stage.pick(2_000_000, 30_000), stage.pick(200, 10)
    hours = stage.pick(HOURS, 24)
    sender = Sender(broker.address, topic)
    start = begin(hours)
    traffic = make(records, hours, start, stage.seed)
    daemon = Daemon(stage.folder, config(broker.address, topic))
    rng, pause = np.random.default_rng(stage.seed), threading.Event()
    for _ in range(kills):
        daemon.start()
        # While it starts, while it reads, and while it stands at the end.
        sender.send(traffic, most=records // kills)
        pause.wait(float(rng.uniform(0.1, 2.2)))
        daemon.kill()
    sender.send(traffic)
    sender.flush()
    daemon.start()
    found = daemon.until_closed(start + hours * HOUR, 300)
    seconds = daemon.stop()
    result = compare.archive(broker.address, topic, stage.folder / "state")
    lengths = {"1h": 3_600, "6h": 6 * 3_600}
    result.problems += compare.scrape(found, broker.address, topic, lengths)
    return Outcome(
        exact=not result.problems and result.panes > 0,
        within=True,
        ran=f"{kills} kills, {records:,} records over {hours} hours of event time, "
        f"seed {stage.seed}",
        printed=f"{result.said()}; the last stop took {seconds:.1f} s",
    )
