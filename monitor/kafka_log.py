"""What kafka-python's own log has to say to a person: why a login is refused, in a sentence.

kafka-python tells its caller only that no broker could be reached; the reason stands in its log,
among a line for every try. Below WARNING that log is never even made: it holds SASL passwords.
"""

from __future__ import annotations

import logging
import re
from typing import NamedTuple

log = logging.getLogger(__name__)

REMINDER = 30.0
"""Seconds before the same is said again."""


class _Reason(NamedTuple):
    """What kafka-python's words mean, and what to do."""

    words: re.Pattern[str]
    meaning: str


def _reason(words: str, meaning: str) -> _Reason:
    return _Reason(re.compile(words, re.IGNORECASE), meaning)


_REASONS = (
    _reason(
        r"SaslAuthenticationFailed|invalid credentials",
        "Kafka refuses the login; correct username and password (or password_file) in "
        "source.kafka.security",
    ),
    _reason(
        r"UnsupportedSaslMechanism",
        "Kafka does not offer this SASL mechanism; set source.kafka.security.mechanism to one that "
        "it offers",
    ),
    _reason(
        r"(hostname|IP address) mismatch",
        "the broker's certificate is made for another host; write the host that it names in "
        "bootstrap_servers, and have the broker advertise it",
    ),
    _reason(
        r"certificate has expired|not yet valid",
        "the broker's certificate is not valid now; renew it, or correct this machine's clock",
    ),
    _reason(
        r"certificate verify failed",
        "the broker's certificate is signed by nobody who is trusted here; give its authority's "
        "certificate as source.kafka.security.ca_file",
    ),
    _reason(
        r"alert.(bad.certificate|certificate|unknown.ca|no.certificate|handshake.failure)",
        "Kafka does not accept the client's certificate, or misses one; set cert_file and key_file "
        "in source.kafka.security to a pair that its authority signed",
    ),
    _reason(
        r"wrong.version.number|record.layer.failure|unexpected.eof",
        "the port does not answer in TLS; correct the port in bootstrap_servers, or "
        "source.kafka.security.protocol",
    ),
    _reason(
        r"unsupported.protocol|alert.protocol.version",
        "the broker offers no TLS version that is safe; have it offer TLS 1.2 or 1.3",
    ),
)


class KafkaEars(logging.Handler):
    """Hears kafka-python's warnings and errors; says those that a person can do something about."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._silent_until: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Say what the record means, unless it means nothing, or was said a moment ago."""
        text = record.getMessage()
        meaning = next((r.meaning for r in _REASONS if r.words.search(text)), None)
        if meaning is None or record.created < self._silent_until.get(meaning, 0.0):
            return
        self._silent_until[meaning] = record.created + REMINDER
        log.warning(meaning, extra={"why": text})


def listen() -> None:
    """Let kafka-python's loggers speak to these ears alone, and never below WARNING."""
    kafka = logging.getLogger("kafka")
    kafka.setLevel(logging.WARNING)
    kafka.propagate = False
    kafka.handlers = [KafkaEars()]
