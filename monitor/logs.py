"""Log lines: one an event, logfmt or JSON, never one a record."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Literal

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_PLAIN = re.compile(r"[\w.:/@%+\-]+")


def set_up(style: Literal["logfmt", "json"], level: str) -> None:
    """Send every log line of this process to standard error, in one style."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line(style))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    # kafka-python says every try to connect, and at DEBUG SASL passwords; the source says what a
    # person has to know of it.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)


class _Line(logging.Formatter):
    """ts, level, logger and msg, then the `extra` of the call, in its order."""

    def __init__(self, style: Literal["logfmt", "json"]) -> None:
        super().__init__()
        self._as_json = style == "json"

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC)
        fields: dict[str, object] = {
            "ts": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": record.getMessage(),
        }
        fields |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)
        if self._as_json:
            return json.dumps(fields, default=str)
        return " ".join(f"{key}={_quoted(str(value))}" for key, value in fields.items())


def _quoted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
