"""The log under a checkpoint is not what it was: shorter at the front, another one, or wider."""

from __future__ import annotations

from collections.abc import Callable

from collectors.sources import Assigned, Gap, Partition, Revoked, StreamValue
from collectors.sources.kafka import KafkaSource
from tests.support.kafka import Broker, unique
from tests.support.kafka_reading import (
    at_end,
    gather,
    numbered,
    offsets_of,
    reading,
    records,
    told,
    topic_id,
    values_of,
)
from tests.torture import Outcome, Stage

NUMBER = 12
FAULT = "retention overtakes the checkpoint; topic made again; partitions added"
BAR = "the gap's size exact; said; goes on"


def run(stage: Stage) -> Outcome:
    """Each while nobody reads, and while somebody does; a checkpoint is an offset and an id."""
    broker, count = stage.broker(), stage.pick(100_000, 1_000)
    played: list[tuple[str, Callable[[Broker, int], bool]]] = [
        ("retention while away", _retention),
        ("retention of all of it", _emptied),
        ("made again, shorter", lambda b, n: _again(b, n, n // 4)),
        ("made again, longer", lambda b, n: _again(b, n, n * 2)),
        ("made again while reading", _again_while_reading),
        ("partitions added while away", _added),
        ("partitions added while reading", _added_while_reading),
    ]
    results = {name: play(broker, count) for name, play in played}
    ran = f"{len(played)} ways, {count} records each, real broker: {', '.join(results)}"
    wrong = [name for name, right in results.items() if not right]
    printed = f"wrong: {', '.join(wrong)}" if wrong else "every gap exact, every change said"
    return Outcome(not wrong, not wrong, ran, printed)


def _checkpointed(broker: Broker, count: int) -> tuple[str, str, int]:
    """A topic of which a part was read: its name, its id, and the next offset."""
    topic = unique("log")
    broker.create(topic)
    broker.produce(topic, numbered(count, b"old-"))
    with reading(broker, topic, max_poll_records=count // 10) as source:
        seen = gather(source, lambda seen: bool(values_of(seen)))
    return topic, topic_id(seen, topic), len(values_of(seen))


def _resumed(source: KafkaSource, topic: str, known: str, offset: int) -> KafkaSource:
    source.remember(topic, known)
    source.seek(Partition(topic, 0), offset)
    return source


def _retention(broker: Broker, count: int, left: int | None = None) -> bool:
    topic, known, offset = _checkpointed(broker, count)
    first = count - (count // 4 if left is None else left)
    broker.cut(topic, first)
    partition = Partition(topic, 0)
    with reading(broker, topic) as source:
        seen = gather(_resumed(source, topic, known, offset), at_end(partition))
        broker.produce(topic, [b"more"])
        seen += gather(source, records(1))
    wanted = [
        Assigned({partition: offset}, {topic: known}),
        Gap(partition, offset, first, "lost"),
    ]
    return told(seen) == wanted and offsets_of(seen, partition) == list(range(first, count + 1))


def _emptied(broker: Broker, count: int) -> bool:
    return _retention(broker, count, left=0)


def _make_again(broker: Broker, topic: str, count: int) -> None:
    broker.make_again(topic)
    broker.produce(topic, numbered(count, b"new-"))


def _anew(seen: list[StreamValue], topic: str, old_id: str, gap: list[Gap]) -> bool:
    """Whether it was said, in order: what is lost, that the old log is left, the new one begun."""
    *before, begun = told(seen)
    partition = Partition(topic, 0)
    if not isinstance(begun, Assigned) or begun.topic_ids[topic] == old_id:
        return False
    return before == [*gap, Revoked(frozenset([partition]))] and begun.offsets == {partition: 0}


def _again(broker: Broker, count: int, new: int) -> bool:
    topic, known, offset = _checkpointed(broker, count)
    _make_again(broker, topic, new)
    with reading(broker, topic) as source:
        seen = gather(_resumed(source, topic, known, offset), records(new))
    return _anew(seen, topic, known, []) and values_of(seen) == numbered(new, b"new-")


def _again_while_reading(broker: Broker, count: int) -> bool:
    """Nobody looks while it happens, and the new log is longer than the old position."""
    topic = unique("log")
    broker.create(topic)
    count = min(count, 5_000)
    fat = b" " * 4_000  # more than one fetch holds, so that some of it is lost
    all_old = [value + fat for value in numbered(count, b"old-")]
    broker.produce(topic, all_old)
    partition = Partition(topic, 0)
    with reading(broker, topic, max_poll_records=count // 10) as source:
        seen = gather(source, lambda seen: bool(values_of(seen)))
        known = topic_id(seen, topic)
        read = len(values_of(seen))
        _make_again(broker, topic, count * 2)
        seen = gather(source, lambda seen: values_of(seen)[-1:] == [b"new-%d" % (count * 2 - 1)])
    values = values_of(seen)
    more = len(values) - count * 2  # of the old log, fetched before it went
    gaps = [value for value in told(seen) if isinstance(value, Gap)]
    return (
        values == all_old[read : read + more] + numbered(count * 2, b"new-")
        and gaps == [Gap(partition, read + more, count, "lost")]
        and _anew(seen, topic, known, gaps)
    )


def _added(broker: Broker, count: int) -> bool:
    topic, known, offset = _checkpointed(broker, count)
    broker.widen(topic, 2)
    broker.produce(topic, numbered(count, b"second-"), partition=1)
    with reading(broker, topic, start="latest") as source:
        wanted = records(2 * count - offset)
        seen = gather(_resumed(source, topic, known, offset), wanted)
    starts = {p: at for v in told(seen) if isinstance(v, Assigned) for p, at in v.offsets.items()}
    return (
        starts == {Partition(topic, 0): offset, Partition(topic, 1): 0}
        and offsets_of(seen, Partition(topic, 0)) == list(range(offset, count))
        and offsets_of(seen, Partition(topic, 1)) == list(range(count))
    )


def _added_while_reading(broker: Broker, count: int) -> bool:
    topic = unique("log")
    broker.create(topic)
    with reading(broker, topic, start="latest") as source:
        gather(source, at_end(Partition(topic, 0)))
        broker.widen(topic, 2)
        broker.produce(topic, numbered(count, b"second-"), partition=1)
        seen = gather(source, records(count))
    said = [value.offsets for value in told(seen) if isinstance(value, Assigned)]
    return said == [{Partition(topic, 1): 0}] and values_of(seen) == numbered(count, b"second-")
