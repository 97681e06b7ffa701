"""A real Apache Kafka, run from its jars: one node, KRaft, loopback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from tests.support.real import require

ROOT = Path(__file__).parents[2]
JARS = ROOT / ".cache" / "kafka"
READY_WITHIN = 60.0

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners={listeners},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={listeners}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT{protocols}
log.dirs={data}
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
auto.create.topics.enable=false
message.max.bytes=134217728
replica.fetch.max.bytes=134217728
socket.request.max.bytes=268435456
log.cleaner.backoff.ms=200
log.retention.check.interval.ms=500
"""


def jars() -> Path:
    """The folder of Kafka's jars, fetched once with Maven."""
    java, maven = require("java"), require("mvn")
    assert java
    if not list(JARS.glob("kafka_2.13-*.jar")):
        command = [maven, "-q", "-B", "-f", str(ROOT / "tests" / "kafka" / "pom.xml")]
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={JARS}"]
        subprocess.run([*command, *goal], check=True, timeout=600)
    return JARS


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class Listener:
    """One more way in, beside the plain one: its name, its protocol, and its port."""

    name: str
    protocol: str
    port: int = field(default_factory=free_port)

    @property
    def address(self) -> str:
        """As clients write it."""
        return f"127.0.0.1:{self.port}"


class Broker:
    """One Kafka process; `stop`, `kill` and `start` again keep its data.

    `more` is added to its properties, `formatting` to the command that makes its folder.
    """

    def __init__(
        self,
        folder: Path,
        listeners: Sequence[Listener] = (),
        more: str = "",
        formatting: Sequence[str] = (),
    ) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._folder = folder
        self._classpath = f"{jars()}/*"
        self._process: subprocess.Popen[bytes] | None = None
        self._admin: AdminClient | None = None
        ways = [Listener("PLAINTEXT", "PLAINTEXT", self.port), *listeners]
        properties = _PROPERTIES.format(
            controller=free_port(),
            data=folder / "data",
            listeners=",".join(f"{way.name}://{way.address}" for way in ways),
            protocols="".join(f",{way.name}:{way.protocol}" for way in listeners),
        )
        (folder / "server.properties").write_text(properties + more)
        name = ("-t", "MkU3OEVBNTcwNTJENDM2Qk")
        self._java("kafka.tools.StorageTool", "format", *name, *formatting, "-c").wait(60)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = self._java("kafka.Kafka")
        deadline = time.monotonic() + READY_WITHIN
        pause = threading.Event()
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, "Kafka did not answer in time"
            pause.wait(0.1)

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._end(signal.SIGKILL)

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def create(self, topic: str, partitions: int = 1, **config: str) -> None:
        """Make a topic; underscores of `config` keys are dots."""
        settings = {key.replace("_", "."): value for key, value in config.items()}
        new = NewTopic(topic, partitions, 1, config=settings)
        self.admin().create_topics([new])[topic].result(30)

    def delete(self, topic: str) -> None:
        """Delete a topic."""
        self.admin().delete_topics([topic])[topic].result(30)

    def make_again(self, topic: str, partitions: int = 1) -> None:
        """Delete a topic and make it again: another log under the same name."""
        self.delete(topic)
        deadline = time.monotonic() + READY_WITHIN
        while True:
            try:
                return self.create(topic, partitions)
            except Exception:
                assert time.monotonic() < deadline

    def widen(self, topic: str, partitions: int) -> None:
        """Add partitions, so that there are so many."""
        self.admin().create_partitions([NewPartitions(topic, partitions)])[topic].result(30)

    def cut(self, topic: str, first: int) -> None:
        """Delete what is before this offset of the first partition, as retention does."""
        place = TopicPartition(topic, 0, first)
        self.admin().delete_records([place])[place].result(30)

    def admin(self) -> AdminClient:
        """An admin client; one for all calls, for its futures end with it."""
        if self._admin is None:
            self._admin = AdminClient({"bootstrap.servers": self.address, "log_level": 2})
        return self._admin

    def produce(
        self,
        topic: str,
        values: Sequence[bytes | dict[str, Any]],
        partition: int = 0,
        settings: Mapping[str, Any] | None = None,
        timestamp_ms: int = 0,
    ) -> None:
        """Write values in order, and wait until they are there."""
        producer = Producer(
            {"bootstrap.servers": self.address, "message.max.bytes": 128 << 20, "linger.ms": 5}
            | dict(settings or {})
        )
        for value in values:
            data = value if isinstance(value, bytes) else json.dumps(value).encode()
            while True:
                try:
                    producer.produce(topic, data, partition=partition, timestamp=timestamp_ms)
                    break
                except BufferError:
                    producer.poll(0.1)
        assert producer.flush(60) == 0

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 0.2).close()
            return bool(self.admin().list_topics(timeout=2).brokers)
        except Exception:
            return False

    def _java(self, main: str, *arguments: str) -> subprocess.Popen[bytes]:
        properties = str(self._folder / "server.properties")
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [require("java"), "-Xmx768m", "-cp", self._classpath, main, *arguments, properties],
                stdout=log,
                stderr=log,
                env={**os.environ, "LC_ALL": "C"},
            )

    def _end(self, number: int) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.wait(60)


def unique(prefix: str = "t") -> str:
    """A name that no other test uses."""
    return f"{prefix}-{uuid.uuid4().hex[:10]}"
