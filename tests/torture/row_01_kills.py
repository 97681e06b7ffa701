"""kill -9 at random instants: nothing is lost, nothing counts twice."""

from __future__ import annotations

import threading

import numpy as np

from tests.oracle import compare
from tests.support.daemon import Daemon, summed
from tests.support.kafka import unique
from tests.support.traffic import MODEL, Sender, begin, make
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
    traffic = make(records, hours, begin(hours), stage.seed)
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
    daemon.until(lambda found: summed(found, "inferwatch_consumer_lag_records") == 0 and found, 300)
    # All partitions are idle in the end, and everything closes.
    daemon.until(lambda found: found.get("inferwatch_checkpoint_unsaved_panes") == 0, 60)
    pause.wait(5)
    found = daemon.metrics()
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
