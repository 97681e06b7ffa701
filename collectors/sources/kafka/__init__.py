"""Kafka as a source: every partition of some topics, read by one consumer that assigns itself.

There is no consumer group at work: committed offsets are for lag displays, and for going on where
an earlier run without a checkpoint stopped.
"""

from __future__ import annotations

from collectors.sources.kafka.options import HEAD, KafkaOptions
from collectors.sources.kafka.source import KafkaSource

__all__ = ["HEAD", "KafkaOptions", "KafkaSource"]
