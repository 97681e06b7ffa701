"""The model server of the demo: scores each flight as it leaves, and logs that to Kafka.

A process of its own, so that its memory and time are its own. It stays at most `AHEAD` records
before what its parent says was read (lines `consumed N` on standard input): an embedded broker
keeps little. The end of standard input ends it. Its progress stands on standard output.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from typing import Any

import msgspec
import psutil
from confluent_kafka import Producer

from monitor.demo.delay_model import fit_on_first_weeks
from monitor.demo.flights import FEATURES, read_flights

AHEAD = 20_000
SAY_EVERY = 2_000
VERSION = "ridge-4w"


class Pace:
    """How far the reader is, as the parent says."""

    def __init__(self) -> None:
        self._consumed = 0
        self._ended = False
        self._changed = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def wait_for(self, produced: int) -> bool:
        """Wait until `produced` is near enough to what was read; False once nobody reads."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or produced - self._consumed < AHEAD)
            return not self._ended

    def _listen(self) -> None:
        for line in sys.stdin:
            word, _, number = line.partition(" ")
            if word == "consumed":
                with self._changed:
                    self._consumed = int(number)
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


def main() -> None:
    """Fit, score, and produce."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap-servers", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument("--days", type=int, default=365)
    options = parser.parse_args()
    pace = Pace()
    flights = read_flights()
    model = fit_on_first_weeks(flights)
    days = (flights["time"] - flights["time"].iloc[0]).dt.days
    flights = flights[days < options.days]
    total = len(flights)
    _say(f"total {total}")
    producer = Producer(
        {
            "bootstrap.servers": options.bootstrap_servers,
            "linger.ms": 20,
            "compression.type": "lz4",
            "queue.buffering.max.messages": 200_000,
            "log_level": 0,
        }
    )
    process, memory = psutil.Process(), 0
    encode = msgspec.json.Encoder().encode
    for number, (key, stamp, features) in enumerate(_rows(flights)):
        if number % SAY_EVERY == 0:
            memory = process.memory_info().rss
            producer.poll(0)
            _say(f"produced {number}")
            if not pace.wait_for(number):
                return
        record = _score(model, key, stamp, features, memory)
        producer.produce(options.topic, encode(record), partition=number % options.partitions)
    producer.flush()
    _say(f"done {total}")
    pace.wait_for(sys.maxsize)


def _score(
    model: Any, key: str, stamp: str, features: dict[str, Any], memory: int
) -> dict[str, Any]:
    cpu, began = time.thread_time_ns(), time.perf_counter_ns()
    prediction = model.predict(features)
    took, used = time.perf_counter_ns() - began, time.thread_time_ns() - cpu
    return {
        "request_id": key,
        "timestamp": stamp,
        "model_version": VERSION,
        "latency_us": took / 1000,
        "cpu_seconds": used / 1e9,
        "memory_bytes": memory,
        "features": features,
        "prediction": prediction,
    }


def _rows(flights: Any) -> Any:
    """Request id, event time and features of each flight; what is missing is None."""
    stamps = flights["time"].dt.strftime("%Y-%m-%dT%H:%M:%SZ").tolist()
    plain = flights[list(FEATURES)].astype(object)
    columns = [plain[name].where(plain[name].notna(), None).tolist() for name in FEATURES]
    for number, (stamp, *values) in enumerate(zip(stamps, *columns, strict=True)):
        yield f"flight-{number}", stamp, dict(zip(FEATURES, values, strict=True))


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # the parent reads it


if __name__ == "__main__":
    main()
    os._exit(0)  # the listening thread may still wait for a line
