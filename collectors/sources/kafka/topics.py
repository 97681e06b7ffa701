"""What is known of the topics: which log each name stands for, and what became of it.

A topic that is deleted and made again is another log under the same name. Brokers since 2.8 give
each log an id (KIP-516), and that decides; older ones give none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from collectors.sources.kafka.questions import TopicState

GONE_AFTER = 3
"""Looks in a row that do not find a topic, before it counts as deleted: a broker that has just
started may not know all of them yet."""


@dataclass(slots=True)
class Topic:
    """One name.

    Attributes:
        topic_id: of the log that was read last; empty where unknown.
        old: whether what is in its partitions came after the first start: then a partition that
            is new is read from its front, wherever others began.
        partitions: those that are there.
        absent: looks in a row that did not find it.
        retired: ids of logs that it stood for; an answer that names one is an old answer.
    """

    name: str
    topic_id: str = ""
    old: bool = False
    partitions: frozenset[int] = frozenset()
    absent: int = 0
    retired: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Changes:
    """What a look at the topics found.

    Attributes:
        replaced: names that stand for another log now.
        gone: names that stand for none any more.
        missing: names that stand for none.
    """

    replaced: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


class Topics:
    """The topics that are to be read, by name."""

    def __init__(self, names: Collection[str]) -> None:
        self._topics = {name: Topic(name) for name in names}

    def __getitem__(self, name: str) -> Topic:
        return self._topics.setdefault(name, Topic(name))

    @property
    def names(self) -> list[str]:
        """All of them."""
        return list(self._topics)

    @property
    def with_ids(self) -> bool:
        """Whether the broker gives ids."""
        return any(topic.topic_id for topic in self._topics.values())

    @property
    def unsettled(self) -> bool:
        """Whether some were not found."""
        return any(topic.absent or not topic.partitions for topic in self._topics.values())

    def seen(self, states: Mapping[str, TopicState]) -> Changes:
        """Take in what a broker says."""
        changes = Changes()
        for name, state in states.items():
            topic = self[name]
            if state.partitions is None:
                self._absent(topic, changes)
                continue
            if state.topic_id in topic.retired:
                continue
            if topic.topic_id and state.topic_id and topic.topic_id != state.topic_id:
                topic.retired.add(topic.topic_id)
                changes.replaced.append(name)
            elif not state.topic_id and not topic.partitions <= state.partitions:
                changes.replaced.append(name)  # partitions are never taken away from a log
            topic.absent = 0
            topic.topic_id = state.topic_id or topic.topic_id
            topic.partitions = state.partitions
        return changes

    def _absent(self, topic: Topic, changes: Changes) -> None:
        topic.absent += 1
        topic.old = True  # whatever it will hold, it did not hold at our start
        changes.missing.append(topic.name)
        if topic.absent == GONE_AFTER:
            changes.gone.append(topic.name)
            topic.partitions = frozenset()
