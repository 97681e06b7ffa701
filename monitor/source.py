"""The source that a config asks for. Kafka's client and Parquet's reader load only where used."""

from __future__ import annotations

from typing import Any

from collectors.sources import Source
from monitor.config import Config


def make_source(config: Config) -> Source:
    """The source, not connected yet.

    Raises:
        ValueError, OSError, ImportError: it cannot be read; the message says what to do.
    """
    if config.source.files is not None:
        from collectors.sources.files import FilesOptions, FilesSource

        files = config.source.files
        return FilesSource(
            FilesOptions(files.paths, files.format, files.follow, files.max_record_bytes)
        )
    if config.source.kafka is None:
        raise ValueError("source: neither kafka nor files")
    from collectors.sources.kafka import KafkaOptions, KafkaSource

    kafka = config.source.kafka
    client: dict[str, Any] = dict(kafka.security.client_settings())
    if kafka.api_version is not None:
        client["api_version"] = tuple(kafka.api_version)
    return KafkaSource(
        KafkaOptions(
            bootstrap_servers=kafka.bootstrap_servers,
            topics=kafka.topics,
            group_id=kafka.group_id,
            start=kafka.start,
            isolation_level=kafka.isolation_level,
            max_record_bytes=kafka.max_record_bytes,
            client=client,
        )
    )
