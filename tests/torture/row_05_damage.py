"""Batches that cannot be read, on the broker's disk: passed exactly and at once."""

from __future__ import annotations

import random
import struct
import time
from pathlib import Path

from collectors.sources import CaughtUp, Gap, Records
from tests.support.kafka import Broker, unique
from tests.support.kafka_reading import reading
from tests.support.raw_batches import (
    ATTRIBUTES_AT,
    HEADER,
    Place,
    flip,
    mend,
    overwrite,
    places,
    segment,
)
from tests.torture import Outcome, Stage

NUMBER = 5
FAULT = "a batch with a bad CRC, a raising codec"
BAR = "within 1 s past it, counted; the rest exact"

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
WITHIN = 120.0


def run(stage: Stage) -> Outcome:
    """For each codec a topic of many batches, a tenth of them hurt, some side by side."""
    batches, rows = stage.pick(300, 20), stage.pick(40, 10)
    randomness = random.Random(stage.seed)  # noqa: S311  # damage, no secret
    exact, slowest, hurt, busy = True, 0.0, 0, 0.0
    began = time.process_time()
    for codec in CODECS:
        topic, bad = _damaged(stage.broker(), codec, batches, rows, randomness)
        hurt += len(bad)
        before = time.process_time()
        right, wait = _read(stage.broker(), topic, bad)
        busy = max(busy, time.process_time() - before)
        exact &= right
        slowest = max(slowest, wait)
    ran = (
        f"{len(CODECS)} codecs x {batches} batches x {rows} records on the disk of a real broker, "
        f"{hurt} batches hurt (flipped bit, codec that raises, codec that is none), "
        f"seed {stage.seed}"
    )
    printed = (
        f"every gap its batch, every other record there: {'yes' if exact else 'no'}; longest wait "
        f"between two values {slowest:.2f} s; at most {busy:.1f} s of CPU a topic "
        f"({time.process_time() - began:.1f} s in all)"
    )
    return Outcome(exact, slowest <= 1.0, ran, printed)


def _damaged(
    broker: Broker, codec: str, batches: int, rows: int, randomness: random.Random
) -> tuple[str, list[tuple[int, int]]]:
    """A topic, and the offsets [begin, end) of the batches that were hurt."""
    topic = unique("hurt")
    broker.create(topic)
    settings = {"compression.type": codec, "batch.num.messages": rows, "linger.ms": 1_000}
    values = [b'{"i": %d}' % i + b" " * 100 for i in range(batches * rows)]
    broker.produce(topic, values, settings=settings)
    file = segment(broker, topic)
    there = places(file)
    chosen = set(randomness.sample(range(len(there)), len(there) // 10))
    # Neighbours, a good one between two bad ones, the first and the last.
    chosen |= {0, len(there) - 1} | {n + step for n in list(chosen)[:2] for step in (1, 3)}
    bad = [there[number] for number in sorted(chosen) if number < len(there)]
    for place in bad:
        _hurt(file, place, codec, randomness)
    return topic, [(place.base, place.end) for place in bad]


def _hurt(file: Path, place: Place, codec: str, randomness: random.Random) -> None:
    way = randomness.choice(("flip", "none", "flip" if codec == "none" else "raise"))
    if way == "flip":
        flip(file, place, back=randomness.randrange(1, place.size - HEADER))
        return
    if way == "none":
        overwrite(file, place.at + ATTRIBUTES_AT, struct.pack(">h", 7))
    else:
        overwrite(file, place.at + HEADER + 2, b"\xff" * 10)
    mend(file, place)


def _read(broker: Broker, topic: str, bad: list[tuple[int, int]]) -> tuple[bool, float]:
    """Whether everything came as it should, and the longest wait between two values."""
    end = places(segment(broker, topic))[-1].end
    lost = {offset for gap in bad for offset in range(*gap)}
    offsets: list[int] = []
    gaps: list[Gap] = []
    slowest, last, deadline = 0.0, None, time.monotonic() + WITHIN
    done = False
    with reading(broker, topic) as source:
        while not done and time.monotonic() < deadline:
            for value in source.poll(0.2, time.time()):
                if isinstance(value, Records):
                    offsets += value.offsets.tolist()
                elif isinstance(value, Gap):
                    gaps.append(value)
                if isinstance(value, Records | Gap):
                    now = time.monotonic()
                    slowest, last = max(slowest, now - (last or now)), now
                done |= isinstance(value, CaughtUp)
    found = [(gap.start, gap.end) for gap in gaps]
    right = offsets == [o for o in range(end) if o not in lost] and found == bad
    return right and {gap.reason for gap in gaps} == {"undecodable"}, slowest
