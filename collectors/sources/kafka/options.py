"""How to read Kafka, and the few fixed numbers that the source lives by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

RETRY = 1.0
"""Seconds between tries to reach a broker, and between looks at the ends of partitions."""

LOOK = 5.0
"""Seconds between looks at the topics: for partitions that were added, for another topic's id."""

REST = 0.2
"""Seconds for which a partition that was answered with an error is not asked for again."""

REMINDER = 30.0
"""Seconds between log lines that say what is still waited for."""

ANSWER = 2_000
"""Milliseconds that a broker is given for one answer."""

HEAD = 1024
"""Bytes handed over of a record that passes the limit."""

FETCH_BYTES = 2 * 1024 * 1024
"""Most bytes of one fetch, all partitions of a broker together; one batch may be more, up to what
the broker lets in. kafka-python holds an answer up to four times while it takes it in and apart,
so this bounds what reading costs: four fetches, and what one batch unfolds to."""

PARTITION_BYTES = 512 * 1024
"""Most bytes of one fetch from one partition; one batch may be more."""

RESPONSE_BYTES = 512 * 1024 * 1024
"""Most bytes of one answer: no batch may be larger, for it could not be read at all."""


@dataclass(frozen=True, slots=True)
class KafkaOptions:
    """How to read.

    Attributes:
        start: where to begin in a topic that was never read before.
        max_record_bytes: larger records are counted and cut, not handed over.
        max_batch_bytes: compressed batches that unfold to more are passed over, as a `Gap`.
        max_poll_records: most records handed over at once.
        client: further settings of kafka-python's consumer (security, api_version).

    Raises:
        ValueError: a batch may be smaller than a record.
    """

    bootstrap_servers: tuple[str, ...]
    topics: tuple[str, ...]
    group_id: str = "inferwatch"
    start: Literal["earliest", "latest"] = "latest"
    isolation_level: Literal["read_uncommitted", "read_committed"] = "read_uncommitted"
    max_record_bytes: int = 1024 * 1024
    max_batch_bytes: int = 64 * 1024 * 1024
    max_poll_records: int = 5_000
    client: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.max_batch_bytes < self.max_record_bytes:
            raise ValueError("max_batch_bytes is less than max_record_bytes; raise it")

    def settings(self) -> dict[str, Any]:
        """The settings of kafka-python's consumer."""
        return {
            "bootstrap_servers": list(self.bootstrap_servers),
            "group_id": self.group_id,
            "client_id": "inferwatch",
            "enable_auto_commit": False,
            "auto_offset_reset": "none",
            "isolation_level": self.isolation_level,
            "max_poll_records": 1,  # of runs: see kafka.fetching
            "allow_auto_create_topics": False,
            "metadata_max_age_ms": 30_000,
            "bootstrap_timeout_ms": ANSWER,
            "reconnect_backoff_ms": 250,  # a wrong password must not be tried again at once
            "reconnect_backoff_max_ms": round(RETRY * 1000),
            "fetch_max_bytes": FETCH_BYTES,
            "max_partition_fetch_bytes": PARTITION_BYTES,
            "receive_message_max_bytes": RESPONSE_BYTES,
            "metrics_enabled": False,
            **self.client,
        }
