"""Reloads of bad files: the running config stays, and each is said. Then a good one."""

from __future__ import annotations

import signal

from tests.oracle import compare
from tests.support.daemon import Daemon, summed
from tests.support.kafka import unique
from tests.support.traffic import HOUR, Sender, begin, make
from tests.torture import Outcome, Stage
from tests.torture.row_01_kills import config

NUMBER = 18
FAULT = "50 bad reloads"
BAR = "the old config stays, each said"

SUCCESS = "inferwatch_config_last_reload_successful"
SAID = "config is not taken over"
BROKEN = (
    lambda text: text.replace("windows: [1h, 6h]", "windows: [6h, 1h]"),
    lambda text: text.replace("lateness: 5m", "latenes: 5m"),
    lambda text: text.replace("windows: [1h, 6h]", "windows: [2h, 6h]"),  # not of the state's panes
    lambda text: text.replace("a: {kind: number", "a: {kind: text"),  # not of the schema
    lambda text: text.replace("dir: state", "dir: elsewhere"),
    lambda text: text.replace("listen: ", "listen: nowhere"),
    lambda text: text[: len(text) // 2] + " [",
    lambda text: "\0",
    lambda text: text + "\n  - name: m\n",
    lambda text: text + "models: []\n",
)


def run(stage: Stage) -> Outcome:
    """See the module."""
    broker, topic = stage.broker(), unique("reloads")
    broker.create(topic, partitions=3)
    other = unique("other")
    broker.create(other, partitions=1)
    records, hours, reloads = stage.pick(200_000, 20_000), 24, stage.pick(50, 10)
    sender, rest = Sender(broker.address, topic), Sender(broker.address, other)
    start = begin(hours)
    traffic = make(records, hours, start, stage.seed)
    good = config(broker.address, topic)
    daemon = Daemon(stage.folder, good)
    daemon.start()
    sender.send(traffic, most=2_500)
    daemon.until(lambda found: summed(found, "inferwatch_inferences_total") > 0)
    unsaid = 0
    for number in range(reloads):
        sender.send(traffic, most=records // (reloads + 3))
        daemon.write(BROKEN[number % len(BROKEN)](good))
        before = daemon.log.count(SAID)
        daemon.signal(signal.SIGHUP)
        daemon.until(lambda found, n=before: found.get(SUCCESS) == 0 and daemon.log.count(SAID) > n)  # type: ignore[misc]
        unsaid += daemon.log.count(SAID) != before + 1
    counted = summed(daemon.metrics(), "inferwatch_inferences_total")
    # A model more, and a feature more: nothing of the others begins anew.
    more = good.replace(
        "      c: {kind: category}\n", "      c: {kind: category}\n      d: {kind: number}\n"
    )
    more = more.replace(f"topics: [{topic}]", f"topics: [{topic}, {other}]")
    model = more[more.index("  - name: m") :]
    more += model.replace("- name: m", "- name: n").replace(f"topic: {topic}", f"topic: {other}")
    daemon.write(more)
    daemon.signal(signal.SIGHUP)
    daemon.until(lambda found: found.get(SUCCESS) == 1)
    kept = summed(daemon.metrics(), "inferwatch_inferences_total") >= counted > 0
    sender.send(traffic)
    sender.flush()
    rest.send(make(2_000, hours, start, stage.seed, partitions=1))
    rest.flush()
    daemon.until(
        lambda found: (
            summed(found, "inferwatch_consumer_lag_records") == 0
            and summed(found, "inferwatch_inferences_total{model=n") > 0
            and any("feature=d,model=m," in name for name in found)
        )
    )
    daemon.until_closed(start + hours * HOUR)
    daemon.stop()
    # The new feature is absent from every record, and part of what tells inputs apart.
    result = compare.archive(
        broker.address,
        topic,
        stage.folder / "state",
        without=("input.rows_with_missing_ratio", "output.rerun"),
    )
    return Outcome(
        exact=unsaid == 0 and kept and not result.problems,
        within=True,
        ran=f"{reloads} bad files of {len(BROKEN)} kinds while {records:,} records come, then one "
        f"with a model and a feature more, seed {stage.seed}",
        printed=f"{reloads - unsaid} said once in the log and in the metric; {result.said()}",
    )
