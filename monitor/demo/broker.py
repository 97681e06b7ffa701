"""Kafka for the demo: a broker inside this process, and the topic on it or on a real one."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

API_VERSION = (2, 3)
"""What a reader has to take the embedded broker for: it does not answer when asked."""

PARTITIONS = 4
"""Of a topic that the demo makes. The embedded broker gives every topic four, and cannot be told
otherwise."""

_QUIET = {"log_level": 0, "log.connection.close": False}


def client_settings(bootstrap_servers: str) -> dict[str, Any]:
    """Settings of every client of confluent-kafka here: where, and without chatter on stderr."""
    return {"bootstrap.servers": bootstrap_servers, **_QUIET}


class EmbeddedBroker:
    """One Kafka broker on a free port of this machine, while the context lasts.

    It is librdkafka's own mock cluster: its threads run in this process, and it keeps about 5 MiB a
    partition in memory and drops the oldest beyond that. kafka-python reads it with `API_VERSION`.

    Attributes:
        bootstrap_servers: its address, set inside the context.
    """

    def __init__(self) -> None:
        self.bootstrap_servers = ""
        self._cluster: Any = None

    def __enter__(self) -> Self:
        """Start it.

        Raises:
            ImportError: confluent-kafka is not installed.
            OSError: it did not start.
        """
        confluent = _confluent()
        settings = {**client_settings("ignored"), "test.mock.num.brokers": 1}
        try:
            self._cluster = confluent.Producer(settings)
            brokers = self._cluster.list_topics(timeout=10).brokers
        except confluent.KafkaException as error:
            raise OSError(f"the embedded broker did not start: {error}") from error
        broker = next(iter(brokers.values()))
        self.bootstrap_servers = f"{broker.host}:{broker.port}"
        return self

    def make_topic(self, topic: str) -> int:
        """Make `topic` unless it is there; how many partitions it has, which is `PARTITIONS`.

        Asking for a topic makes it here; the broker knows no other way.
        """
        return count_partitions(self._cluster, topic)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cluster = None  # the cluster goes with the last reference to its client


def create_topic(bootstrap_servers: str, topic: str, timeout: float = 15.0) -> int:
    """Create `topic` on a real broker unless it is there; how many partitions it has.

    A new one gets `PARTITIONS` and the broker's own replication factor.

    Raises:
        ImportError: confluent-kafka is not installed.
        OSError: no broker answered within `timeout` seconds, or the topic was refused.
    """
    confluent = _confluent()
    from confluent_kafka.admin import AdminClient, NewTopic

    client = AdminClient(client_settings(bootstrap_servers))
    try:
        # Asked for by its name, a topic that is not there may be made with another layout.
        there = client.list_topics(timeout=timeout).topics.get(topic)
        if there is not None:
            return len(there.partitions)
        wanted = NewTopic(topic, num_partitions=PARTITIONS, replication_factor=-1)
        client.create_topics([wanted], operation_timeout=timeout)[topic].result(timeout)
    except confluent.KafkaException as error:
        raise OSError(f"topic {topic} at {bootstrap_servers}: {error.args[0].str()}") from error
    return PARTITIONS


def count_partitions(client: Any, topic: str, timeout: float = 5.0) -> int:
    """How many partitions `topic` has, by a producer of confluent-kafka.

    Raises:
        OSError: no broker answered within `timeout` seconds, or there is no such topic.
    """
    confluent = _confluent()
    try:
        partitions = client.list_topics(topic, timeout=timeout).topics[topic].partitions
    except confluent.KafkaException as error:
        raise OSError(f"topic {topic}: {error.args[0].str()}") from error
    if not partitions:
        raise OSError(f"topic {topic} is not there; create it first")
    return len(partitions)


def count_records(
    bootstrap_servers: str, topic: str, partitions: int, timeout: float = 15.0
) -> list[int]:
    """How many records each partition has ever got.

    Raises:
        OSError: no broker answered within `timeout` seconds.
    """
    confluent = _confluent()
    settings = {**client_settings(bootstrap_servers), "group.id": topic}
    client = confluent.Consumer(settings)
    try:
        places = [confluent.TopicPartition(topic, number) for number in range(partitions)]
        return [client.get_watermark_offsets(place, timeout)[1] for place in places]
    except confluent.KafkaException as error:
        raise OSError(f"topic {topic} at {bootstrap_servers}: {error.args[0].str()}") from error
    finally:
        client.close()


def _confluent() -> Any:
    try:
        import confluent_kafka
    except ImportError as error:
        raise ImportError(
            "the package confluent-kafka is missing; install inferwatch[demo]"
        ) from error
    return confluent_kafka
