"""The source that a config asks for. Kafka's client and Parquet's reader load only where used."""

from __future__ import annotations

from typing import Any

from collectors.sources import Source
from monitor.config import Config
from monitor.config_source import KafkaSource as KafkaSection
from monitor.config_source import Security


class Unshown(str):
    """A password as kafka-python wants it, which shows itself in no dump of its settings."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


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
    return KafkaSource(
        KafkaOptions(
            bootstrap_servers=kafka.bootstrap_servers,
            topics=kafka.topics,
            group_id=kafka.group_id,
            start=kafka.start,
            isolation_level=kafka.isolation_level,
            max_record_bytes=kafka.max_record_bytes,
            max_batch_bytes=kafka.max_batch_bytes,
            client=client_settings(kafka),
        )
    )


def client_settings(kafka: KafkaSection) -> dict[str, Any]:
    """What kafka-python needs to know of a Kafka beside its address, reading or writing.

    Raises:
        OSError, UnicodeDecodeError: the file of the password cannot be read any more.
    """
    settings = _security(kafka.security)
    if kafka.api_version is not None:
        settings["api_version"] = tuple(kafka.api_version)
    return settings


def _security(security: Security) -> dict[str, Any]:
    """The settings of kafka-python for it; host names are always checked."""
    password = security.read_password()
    settings: dict[str, Any] = {
        "security_protocol": security.protocol,
        "ssl_check_hostname": True,
        "sasl_mechanism": security.mechanism,
        "sasl_plain_username": security.username,
        "sasl_plain_password": None if password is None else Unshown(password),
        "ssl_cafile": security.ca_file,
        "ssl_certfile": security.cert_file,
        "ssl_keyfile": security.key_file,
    }
    return {name: value for name, value in settings.items() if value is not None}
