"""The demo's model server: scores each flight as it leaves, and logs every answer to Kafka.

It runs as a child process, `python -m monitor.demo.scorer`, and talks in lines: it says
`produced N of M` and at last `done N` on its standard output, and obeys `consumed N` on its
standard input, never more than `--ahead` records ahead of N. When that input ends, so does it;
until then it stays up, as a server does that has nothing to do. Asked for them, it puts the
records of the first four weeks into a file before it says anything.
"""

from __future__ import annotations

import argparse
import itertools
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from monitor.demo import broker
from monitor.demo.flights import FEATURES, first_days, first_weeks, read_flights
from monitor.demo.model import NAME, VERSION, Model, fit

if TYPE_CHECKING:
    import pandas as pd

AHEAD = 20_000
"""Records that may be unread. The embedded broker keeps 5 MiB a partition: compressed, as many fit
even if all were of one partition."""

MEMORY_EVERY = 1_000
PROGRESS_EVERY = 2_000
CHUNK = 500


class Pace:
    """How many records may be produced by now; shared by two threads.

    Attributes:
        chunk: how many are produced at once.
    """

    def __init__(self, ahead: int) -> None:
        self.chunk = min(CHUNK, ahead)
        self._ahead = ahead
        self._consumed = 0
        self._ended = False
        self._changed = threading.Condition()

    def consumed(self, records: int) -> None:
        """The reader has read so many in all; a smaller number than before changes nothing."""
        with self._changed:
            self._consumed = max(self._consumed, records)
            self._changed.notify_all()

    def end(self) -> None:
        """Nobody reads any more."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait_for(self, records: int) -> bool:
        """Wait until so many records in all may be produced; False if nobody reads any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or records - self._consumed <= self._ahead)
            return not self._ended

    def wait_for_end(self) -> None:
        """Wait until nobody reads any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended)


def obey(lines: Iterable[str], pace: Pace) -> None:
    """Follow `consumed N` lines until they end; other lines are passed over."""
    for line in lines:
        word, _, number = line.strip().partition(" ")
        if word == "consumed" and number.isascii() and number.isdigit():
            pace.consumed(int(number))
    pace.end()


def score(flights: pd.DataFrame, model: Model, memory: Callable[[], int]) -> Iterator[bytes]:
    """One JSON record a flight, in the order given, each with what its prediction really took.

    `memory` is asked for the bytes that this process holds, every `MEMORY_EVERY` flights.
    """
    encode = msgspec.json.Encoder().encode
    values = [
        flights[name].astype(object).where(flights[name].notna(), None).tolist()
        for name in FEATURES
    ]
    times = flights["time"].dt.strftime("%Y-%m-%dT%H:%M:%SZ").tolist()
    resident = 0
    for n, (when, request_id, row) in enumerate(
        zip(times, flights["request_id"].tolist(), zip(*values, strict=True), strict=True)
    ):
        if n % MEMORY_EVERY == 0:
            resident = memory()
        features = dict(zip(FEATURES, row, strict=True))
        cpu, begin = time.thread_time_ns(), time.perf_counter_ns()
        prediction = model.predict(features)
        elapsed, cpu = time.perf_counter_ns() - begin, time.thread_time_ns() - cpu
        yield encode(
            {
                "request_id": request_id,
                "timestamp": when,
                "model": NAME,
                "model_version": VERSION,
                "latency_ms": elapsed / 1e6,
                "cpu_seconds": cpu / 1e9,
                "memory_bytes": resident,
                "features": features,
                "prediction": prediction,
            }
        )


def written_first(records: Iterator[bytes], number: int, path: Path) -> Iterator[bytes]:
    """Write the first `number` records to `path`, a line each; gives all records, those too.

    Raises:
        OSError: they cannot be written.
    """
    first = list(itertools.islice(records, number))
    with path.open("wb") as file:
        file.writelines(record + b"\n" for record in first)
    return itertools.chain(first, records)


class Log:
    """The topic that the answers go to, its partitions taken in turn.

    With `go_on` as many records of each partition are passed over as it holds already: written by
    an earlier one, in the same order.

    Attributes:
        written: records handed over so far, without those passed over.
    """

    def __init__(self, bootstrap_servers: str, topic: str, go_on: bool = False) -> None:
        from confluent_kafka import Producer

        self._topic = topic
        self._producer = Producer(
            {
                **broker.client_settings(bootstrap_servers),
                "compression.type": "lz4",
                "linger.ms": 20,
                # A retry must not turn the order of a partition around.
                "enable.idempotence": True,
                "delivery.report.only.error": True,
            }
        )
        self._failure = ""
        partitions = broker.count_partitions(self._producer, topic)
        self._turn = itertools.cycle(range(partitions))
        self._held = [0] * partitions
        if go_on:
            self._held = broker.count_records(bootstrap_servers, topic, partitions)
        self.written = 0

    def write(self, records: Sequence[bytes]) -> None:
        """Hand over `records`, waiting while the producer's queue is full.

        Raises:
            OSError: the broker refused a record.
        """
        for record in records:
            partition = next(self._turn)
            if self._held[partition]:
                self._held[partition] -= 1
                continue
            self.written += 1
            while True:
                try:
                    self._producer.produce(
                        self._topic, record, partition=partition, on_delivery=self._failed
                    )
                    break
                except BufferError:
                    self._producer.poll(0.1)
        self._producer.poll(0)
        self._check()

    def finish(self, timeout: float = 30.0) -> None:
        """Wait until the broker has everything.

        Raises:
            OSError: it does not, after `timeout` seconds.
        """
        left = self._producer.flush(timeout)
        self._check()
        if left:
            raise OSError(f"topic {self._topic}: {left} records could not be delivered in time")

    def _failed(self, error: Any, _message: Any) -> None:
        self._failure = str(error)

    def _check(self) -> None:
        if self._failure:
            raise OSError(f"topic {self._topic}: {self._failure}")


def replay(records: Iterator[bytes], total: int, log: Log, pace: Pace, out: IO[str]) -> None:
    """Write all `records` at the pace given, and say to `out` how far it is."""
    _say(out, f"produced 0 of {total}")
    produced = 0
    while chunk := list(itertools.islice(records, pace.chunk)):
        if not pace.wait_for(produced + len(chunk)):
            return
        log.write(chunk)
        produced += len(chunk)
        if produced % PROGRESS_EVERY == 0 or produced == total:
            _say(out, f"produced {produced} of {total}")
    log.finish()
    _say(out, f"done {produced}")
    pace.wait_for_end()


def _say(out: IO[str], line: str) -> None:
    out.write(line + "\n")
    out.flush()


def _many(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least one is wanted")
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, score, log; 0 when the parent has had enough, 1 when Kafka would not have it."""
    parser = argparse.ArgumentParser(prog="python -m monitor.demo.scorer", description=__doc__)
    parser.add_argument("--bootstrap-servers", required=True, help="Kafka, HOST:PORT[,HOST:PORT]")
    parser.add_argument("--topic", required=True, help="topic to log to; it must be there")
    parser.add_argument("--days", type=_many, help="score only the first so many days")
    parser.add_argument(
        "--first-weeks", type=Path, metavar="FILE", help="write the records of four weeks there too"
    )
    parser.add_argument("--ahead", type=_many, default=AHEAD, help="records that may be unread")
    options = parser.parse_args(arguments)
    # Ctrl-C in a terminal reaches the whole group; the parent says when it is over.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import psutil

    process = psutil.Process()
    pace = Pace(options.ahead)
    threading.Thread(target=obey, args=(sys.stdin, pace), daemon=True).start()
    try:
        log = Log(options.bootstrap_servers, options.topic)
        flights = read_flights()
        model = fit(first_weeks(flights))
        if options.days is not None:
            flights = first_days(flights, options.days)
        answers = score(flights, model, lambda: int(process.memory_info().rss))
        if options.first_weeks is not None:
            answers = written_first(answers, len(first_weeks(flights)), options.first_weeks)
        replay(answers, len(flights), log, pace, sys.stdout)
    except BrokenPipeError:
        return 0
    except (OSError, ImportError) as error:
        sys.stderr.write(f"model server at {options.bootstrap_servers}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
