"""Inference traffic for real topics: out of order, late, of two versions, damaged, missing."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from confluent_kafka import Producer

HOUR = 3_600
FEATURES = "      a: {kind: number, range: [-50, 150]}\n      c: {kind: category}\n"
MODEL = f"""\
  - name: m
    match: {{topic: TOPIC}}
    fields:
      time: t
      version: v
      latency: {{path: l, unit: s}}
      error: e
      features: x
      prediction: y
    features:
{FEATURES}    output: {{kind: number}}
    windows: [1h, 6h]
    lateness: 5m
    keep_late: 3h
    idle_timeout: 3s
"""


def begin(hours: int) -> int:
    """So many whole hours ago that the last one has just ended, and its panes may be closed."""
    return ((int(time.time()) - 600) // HOUR - hours) * HOUR


def make(rows: int, hours: int, start: int, seed: int, partitions: int = 3) -> Iterator[Any]:
    """(partition, value) of so many records over so many hours, in the order they are sent.

    Of 100: about one is no JSON, two are late by up to eight hours, three have NaN for `a`, four
    null, one a wrong type, two an error, five no answer; some lie hours in the future, and some out
    of their order by minutes.
    """
    rng = np.random.default_rng(seed)
    for first in range(0, rows, 20_000):
        n = min(20_000, rows - first)
        t = start + (first + np.arange(n)) / rows * hours * HOUR - rng.exponential(60, n)
        t = np.where(rng.random(n) < 0.02, t - rng.uniform(0, 8 * HOUR, n), t)
        t = np.where(rng.random(n) < 0.001, time.time() + 30 * 86_400, t).round(3)
        a = (rng.normal(40, 30, n).round() + 0.0).tolist()
        kind = rng.random(n)
        c = rng.zipf(1.6, n) % 12
        # Two versions, of which the newer takes over bit by bit.
        newer = rng.random(n) < (first + np.arange(n)) / rows
        failed = rng.random(n) < 0.02
        lost = rng.random(n) < 0.05
        noise = rng.random(n) < 0.1
        latency = rng.lognormal(-4, 0.7, n)
        partition = rng.integers(0, partitions, n).tolist()
        for i in range(n):
            value: Any = a[i]
            if kind[i] < 0.03:
                value = float("nan")
            elif kind[i] < 0.07:
                value = None
            elif kind[i] < 0.08:
                value = {"no": "number"}
            record = {
                "t": float(t[i]),
                "v": "2" if newer[i] else "1",
                "l": float(latency[i]),
                "e": "timeout" if failed[i] else None,
                "x": {"a": value, "c": None if kind[i] > 0.98 else f"c{c[i]}"},
                "y": None if lost[i] else round(a[i] * 0.5 + (1.0 if noise[i] else 0.0), 3),
            }
            data = json.dumps(record).encode()
            yield partition[i], data if kind[i] < 0.97 or kind[i] > 0.98 else data[: len(data) // 2]


class Sender:
    """Sends traffic to a topic, as fast as it goes or a slice at a time."""

    def __init__(self, address: str, topic: str) -> None:
        self.sent = 0
        self._topic = topic
        self._producer = Producer(
            {
                "bootstrap.servers": address,
                "linger.ms": 20,
                "enable.idempotence": True,
                "queue.buffering.max.messages": 500_000,
                # So that after a broker's death it is not the producer that is waited for.
                "reconnect.backoff.max.ms": 500,
                "log_level": 2,
            }
        )

    def send(self, records: Iterator[Any], most: int | None = None) -> int:
        """Send the next `most` records, or all; how many that were."""
        many = 0
        for partition, value in records:
            while True:
                try:
                    self._producer.produce(self._topic, value, partition=partition)
                    break
                except BufferError:
                    self._producer.poll(0.1)
            many += 1
            if many == most:
                break
        self._producer.poll(0)
        self.sent += many
        return many

    def flush(self) -> None:
        """Wait until all is there."""
        assert self._producer.flush(120) == 0


class Pump:
    """Sends traffic at a steady rate in a thread, between `start` and `stop`."""

    def __init__(self, sender: Sender, records: Iterator[Any], rate: int) -> None:
        self._sender, self._records, self._rate = sender, records, rate
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pump", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Send no more; what is left of the records may be sent by somebody else."""
        self._stop.set()
        self._thread.join(120)
        assert not self._thread.is_alive(), "the producer does not come to an end"

    def _run(self) -> None:
        began, sent = time.monotonic(), 0
        while not self._stop.wait(0.05):
            due = int((time.monotonic() - began) * self._rate) - sent
            if due > 0:
                # No more than two seconds' worth at once, should the machine have stood still.
                due = min(due, 2 * self._rate)
                if self._sender.send(self._records, most=due) < due:
                    return
                sent = int((time.monotonic() - began) * self._rate)
