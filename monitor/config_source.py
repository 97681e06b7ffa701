"""The sections `source`, `state` and `log`: where records come from, what is kept."""

from __future__ import annotations

import os
import re
import ssl
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from monitor.config_types import (
    File,
    FromEnvironment,
    Misplaced,
    Section,
    Size,
    SomeDuration,
    Text,
    Truth,
    Whole,
    Written,
    folder,
    from_environment,
    is_reference,
    show,
)
from monitor.durations import format_duration

DAY = 86_400.0
LEAST_KEPT = 35 * DAY
"""Seconds for which the archive is kept at least: a reference grows week by week to 28 days."""

_TOPIC = re.compile(r"(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}")
_SASL = ("SASL_PLAINTEXT", "SASL_SSL")
_LOGIN = ("mechanism", "username", "password", "password_file")


def _address(value: str) -> str:
    split_address(value)
    return value


def split_address(text: str) -> tuple[str, int]:
    """Host and port of `host:port` or `[::1]:port`.

    Raises:
        ValueError: it is none.
    """
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    fits = port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65_535
    if not bare or not fits or (bare == host and ":" in host) or re.search(r"[\s/@,]", bare):
        # What stands before an @ may be a password, which no message repeats.
        raise ValueError(f"{show(text.rpartition('@')[2])} is not an address; write host:port")
    return bare, int(port)


def _topic(value: str) -> str:
    if not _TOPIC.fullmatch(value):
        allowed = "letters, digits, dots, underscores and hyphens"
        raise ValueError(f"{show(value)} is not a topic's name; use at most 249 {allowed}")
    return value


def _unique(values: tuple[Any, ...]) -> tuple[Any, ...]:
    for place, value in enumerate(values):
        if value in values[:place]:
            raise Misplaced(f"{show(value)} is given twice; keep one of them", place)
    return values


def _secret(value: Any) -> Any:
    if not is_reference(value):
        raise ValueError(
            "a password must not stand in the file; write ${NAME} of an environment variable, or "
            "use password_file"
        )
    return value


Address = Annotated[Text, AfterValidator(_address), Written("host:port")]
Topic = Annotated[Text, AfterValidator(_topic), Written("topic")]
Password = Annotated[
    SecretStr, BeforeValidator(from_environment), BeforeValidator(_secret), Written("${NAME}")
]


class Security(Section):
    """How to log in to Kafka. Secrets come from files or the environment, and print as `***`."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="Kafka's security protocol.", examples=["SASL_SSL"]
    )
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        default=None, description="SASL mechanism.", examples=["SCRAM-SHA-512"]
    )
    username: FromEnvironment | None = Field(
        default=None, description="SASL user.", examples=["monitor"]
    )
    password: Password | None = Field(
        default=None,
        description="SASL password, as the name of an environment variable.",
        examples=["${KAFKA_PASSWORD}"],
    )
    password_file: File | None = Field(
        default=None,
        description="File that holds the SASL password; outer white space is not part of it.",
        examples=["/run/secrets/kafka"],
    )
    ca_file: File | None = Field(
        default=None,
        description="Certificates to trust (PEM); without it, those of the system.",
        examples=["/etc/ssl/kafka-ca.pem"],
    )
    cert_file: File | None = Field(
        default=None, description="The client's own certificate (PEM).", examples=["client.pem"]
    )
    key_file: File | None = Field(
        default=None, description="The key of `cert_file` (PEM).", examples=["client.key"]
    )

    @field_validator("password_file", "ca_file", "cert_file", "key_file")
    @classmethod
    def _readable(cls, value: Any) -> Any:
        if value is None:
            return value
        if not value.is_file():
            raise ValueError(f"there is no file {value}; create it, or correct the path")
        if not os.access(value, os.R_OK):
            raise ValueError(f"{value} may not be read; let the user of this process read it")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Security:
        if self.password is not None and self.password_file is not None:
            raise Misplaced("given beside password; keep one of them", "password_file")
        self._login_complete()
        if (self.cert_file is None) != (self.key_file is None):
            absent = "key_file" if self.key_file is None else "cert_file"
            raise Misplaced("is missing; cert_file and key_file go together", absent)
        for key in ("ca_file", "cert_file"):
            if getattr(self, key) is not None and not self.protocol.endswith("SSL"):
                what = f"has no use with protocol {self.protocol}"
                raise Misplaced(f"{what}; set protocol: SSL or SASL_SSL, or remove the key", key)
        self._secrets_usable()
        return self

    def _secrets_usable(self) -> None:
        """What would fail at the first login is found when the config is read."""
        try:
            password = self.read_password()
        except (OSError, UnicodeDecodeError):
            # The error itself would hold what the file says.
            raise Misplaced("cannot be read as text; write it in UTF-8", "password_file") from None
        if password == "":
            raise Misplaced("is an empty file; write the password into it", "password_file")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.ca_file is not None:
            try:
                context.load_verify_locations(self.ca_file)
            except (ssl.SSLError, OSError):
                what = "holds no certificate in PEM; give the authority's own"
                raise Misplaced(what, "ca_file") from None
        if self.cert_file is not None and self.key_file is not None:
            try:
                # Without a word for it, OpenSSL would ask at the terminal for that of a locked key.
                context.load_cert_chain(self.cert_file, self.key_file, password="")
            except (ssl.SSLError, OSError, ValueError):
                what = "is not the key of cert_file in PEM, without a pass phrase; give a pair"
                raise Misplaced(f"{what} that belongs together", "key_file") from None

    def _login_complete(self) -> None:
        given = [key for key in _LOGIN if getattr(self, key) is not None]
        if self.protocol not in _SASL:
            for key in given:
                what = f"has no use with protocol {self.protocol}"
                raise Misplaced(f"{what}; set protocol: SASL_SSL, or remove the key", key)
            return
        for key in ("mechanism", "username"):
            if key not in given:
                raise Misplaced(f"is missing; {self.protocol} needs it", key)
        if len(given) < 3:
            what = f"is missing; {self.protocol} needs it"
            raise Misplaced(f"{what}, or password: ${{NAME}}", "password_file")

    def read_password(self) -> str | None:
        """The password, from the environment or its file as it is now.

        Raises:
            OSError, UnicodeDecodeError: the file cannot be read.
        """
        if self.password_file is not None:
            return self.password_file.read_text(encoding="utf-8").strip()
        return None if self.password is None else self.password.get_secret_value()


class KafkaSource(Section):
    """Inference logs in Kafka topics."""

    planned: ClassVar[frozenset[str]] = frozenset({"client"})

    bootstrap_servers: tuple[Address, ...] = Field(
        min_length=1, description="Brokers to begin with.", examples=[["127.0.0.1:9092"]]
    )
    topics: Annotated[tuple[Topic, ...], AfterValidator(_unique)] = Field(
        min_length=1,
        description="Topics to read; all of their partitions are read by this one process.",
        examples=[["inferences"]],
    )
    group_id: Text = Field(
        default="inferwatch",
        description="Group under which offsets are committed, for lag displays alone.",
        examples=["inferwatch"],
    )
    start: Literal["latest", "earliest"] = Field(
        default="latest",
        description="Where to begin on the very first run.",
        examples=["earliest"],
    )
    isolation_level: Literal["read_uncommitted", "read_committed"] = Field(
        default="read_uncommitted",
        description="Whether records of open and aborted transactions are read.",
        examples=["read_committed"],
    )
    api_version: Annotated[tuple[Whole, ...], Field(min_length=2, max_length=3)] | None = Field(
        default=None,
        description="The broker's version, where it cannot be asked for it.",
        examples=[[2, 3]],
    )
    max_record_bytes: Size = Field(
        default=1024 * 1024,
        description="Larger records are counted as `too_large` and not decoded.",
        examples=["4MiB"],
    )
    max_batch_bytes: Size = Field(
        default=64 * 1024 * 1024,
        description="Compressed batches that unfold to more are passed over, counted as "
        "`too_large`; not less than `max_record_bytes`.",
        examples=["16MiB"],
    )
    security: Security = Field(
        default_factory=Security,
        description="How to log in; without it, plain text and no login.",
    )

    @model_validator(mode="after")
    def _batch_holds_a_record(self) -> KafkaSource:
        if self.max_batch_bytes < self.max_record_bytes:
            what = f"is less than max_record_bytes ({self.max_record_bytes} bytes); raise it"
            raise Misplaced(what, "max_batch_bytes")
        return self


class FilesSource(Section):
    """Inference logs in files: JSON Lines, CSV or Parquet, plain or gzip."""

    paths: tuple[Text, ...] = Field(
        min_length=1,
        description="Files, or patterns with `*`, `?` and `**`.",
        examples=[["logs/*.jsonl"]],
    )
    format: Literal["auto", "jsonl", "csv", "parquet"] = Field(
        default="auto",
        description="What the files hold; `auto` goes by their names.",
        examples=["jsonl"],
    )
    follow: Truth = Field(
        default=False,
        description="Wait for more at the end of each file, and for new files.",
        examples=[True],
    )
    max_record_bytes: Size = Field(
        default=1024 * 1024,
        description="Larger records are counted as `too_large` and not decoded.",
        examples=["4MiB"],
    )

    @field_validator("paths")
    @classmethod
    def _beside_the_config(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        return tuple(str(folder(info) / path) for path in value)

    @model_validator(mode="after")
    def _followable(self) -> FilesSource:
        if self.follow and self.format == "parquet":
            raise Misplaced("Parquet files cannot be followed; remove follow", "follow")
        return self


class Source(Section):
    """Where records come from: exactly one of the two."""

    kafka: KafkaSource | None = Field(default=None, description="Kafka topics.")
    files: FilesSource | None = Field(default=None, description="Files.")

    @model_validator(mode="after")
    def _one(self) -> Source:
        if (self.kafka is None) == (self.files is None):
            raise ValueError("exactly one of kafka and files is wanted; give one of them")
        return self

    @property
    def max_record_bytes(self) -> int:
        """The limit of whichever source is set."""
        part = self.kafka or self.files
        if part is None:
            raise RuntimeError("a source has one of its parts")
        return part.max_record_bytes


class DeadLetters(Section):
    """Records that could not be used, kept as they came."""

    max_bytes: Size = Field(
        default=100 * 1024 * 1024,
        description="Room for them in `state.dir`; the oldest go first.",
        examples=["100MiB"],
    )
    topic: Topic | None = Field(
        default=None,
        description="Topic of `source.kafka` to write them to, instead of files; it must exist, "
        "and not be one that is read.",
        examples=["inference-dead-letters"],
    )


def _long_enough(value: float) -> float:
    if value < LEAST_KEPT:
        what = f"{format_duration(value)} is shorter than what a reference needs to grow"
        least = format_duration(LEAST_KEPT)
        raise ValueError(f"{what}: 28 days and a week; write {least} or more, for example 400d")
    return value


class ArchiveConfig(Section):
    """Closed windows and events, as Parquet."""

    keep: Annotated[SomeDuration, AfterValidator(_long_enough)] = Field(
        default=400 * DAY,
        description="Days of it that are older, and were written longer ago, are removed; at least "
        "35d, and more than the longest window and what references read, with what comes late.",
        examples=["400d"],
    )


class State(Section):
    """What the daemon keeps on disk."""

    dir: File = Field(
        default="state",
        validate_default=True,
        description="Folder for it; created if it is not there.",
        examples=["/var/lib/inferwatch"],
    )
    checkpoint_interval: SomeDuration = Field(
        default=10.0,
        description="How long a checkpoint serves before the next one, at most; one is written at "
        "each window's close too.",
        examples=["10s"],
    )
    dead_letters: DeadLetters = Field(
        default_factory=DeadLetters, description="Records that could not be used."
    )
    archive: ArchiveConfig = Field(
        default_factory=ArchiveConfig, description="Closed windows and events."
    )


class Log(Section):
    """The daemon's own log, on standard error."""

    format: Literal["logfmt", "json"] = Field(
        default="logfmt", description="How a line is written.", examples=["json"]
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least that is written.", examples=["warning"]
    )
