"""What unfolds or is too large: measured and counted, in memory with a stated cap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.kafka import Broker, unique
from tests.support.raw_batches import batch, fold, giant, places, segment, send
from tests.torture import Outcome, Stage
from tests.torture.reading_child import outcome

NUMBER = 6
FAULT = (
    "compression bomb 32 KiB to 1 GiB; one 100 MiB record from Kafka, one of 512 MiB from a file"
)
BAR = "RSS under its stated cap + 10%; counted; goes on"

MIB = 1 << 20
LIMIT = 64 * MIB
"""What a batch may unfold to: the default of `max_batch_bytes`."""

ORDINARY = 48 * MIB
"""What reading costs beyond an idle process: one fetch, its records, buffers of the allocator."""

BOMB_CAP = ORDINARY + 2 * LIMIT
"""Pieces up to the limit, and once more where they are joined."""

FILE_CAP = ORDINARY


def record_cap(size: int) -> int:
    """kafka-python holds an answer up to four times while it takes it in and apart."""
    return ORDINARY + 4 * size


def run(stage: Stage) -> Outcome:
    """Each in a topic, or file, between two good records, each in a process of its own."""
    codecs = ("gzip", "lz4", "zstd") if stage.full else ("zstd",)
    parts = [_bomb(stage.broker(), codec, stage.pick(1024, 96) * MIB) for codec in codecs]
    parts.append(_giant_record(stage.broker(), stage.pick(100, 24) * MIB))
    parts.append(_giant_line(stage.folder / "giant.jsonl", stage.pick(512, 64) * MIB))
    return Outcome(
        exact=all(part.exact for part in parts),
        within=all(part.within for part in parts),
        ran="each between two good records, in a process of its own; growth of its peak RSS",
        printed="; ".join(f"{part.ran}: {part.printed}" for part in parts),
    )


def _bomb(broker: Broker, codec: str, size: int) -> Outcome:
    folded = fold(codec, giant(size))
    topic = unique("bomb")
    broker.create(topic, max_message_bytes=str(128 * MIB))
    broker.produce(topic, [b"before"])
    send(broker.address, topic, batch(codec, folded))
    broker.produce(topic, [b"after"])
    seen = outcome(address=broker.address, topic=topic)
    wanted = {"offsets": [0, 2], "gaps": [[1, 2, "too_large"]], "oversized": []}
    what = f"{codec} of {len(folded) // 1024} KiB that unfolds to {size // MIB} MiB"
    return _judged(what, seen, wanted, BOMB_CAP)


def _giant_record(broker: Broker, size: int) -> Outcome:
    topic = unique("giant")
    broker.create(topic, max_message_bytes=str(128 * MIB))
    broker.produce(topic, [b"before"])
    while places(segment(broker, topic))[-1].end < 2:  # its small heap refuses it now and then
        broker.produce(topic, [bytes(size)])
    broker.produce(topic, [b"after"])
    seen = outcome(address=broker.address, topic=topic)
    wanted = {"offsets": [0, 1, 2], "gaps": [], "oversized": [[1, size]]}
    return _judged(f"record of {size // MIB} MiB", seen, wanted, record_cap(size))


def _giant_line(path: Path, size: int) -> Outcome:
    seen = outcome(file=str(_one_line(path, size)))
    wanted = {"offsets": [0, 1, 2], "gaps": [], "oversized": [[1, size]]}
    return _judged(f"line of {size // MIB} MiB", seen, wanted, FILE_CAP)


def _judged(what: str, seen: dict[str, Any], wanted: dict[str, Any], cap: int) -> Outcome:
    found = {key: seen[key] for key in wanted}
    grown = seen["peak"] - seen["before"]
    printed = f"+{grown // MIB} MiB (cap {cap // MIB})"
    if found != wanted:
        printed += f", but {found} where {wanted} is right"
    return Outcome(found == wanted, grown <= cap * 1.1, what, printed)


def _one_line(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.write(b'{"i": 0}\n')
        for _ in range(size // MIB):
            file.write(b"x" * MIB)
        file.write(b'\n{"i": 2}\n')
    return path
