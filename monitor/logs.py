"""Log lines: one an event, logfmt or JSON, never one a record.

Whatever a value holds (newlines, control characters, lone surrogates), a line stays one line of
ASCII: what a record contains cannot forge a second one, nor colour a terminal.
"""

from __future__ import annotations

import json
import logging
import math
import re
import sys
from datetime import UTC, datetime
from typing import Literal

from monitor import kafka_log

MOST_CHARACTERS = 4_000
"""Characters of one value; what is longer is cut, and its length said."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_PLAIN = re.compile(r"[\w.:/@%+\-]+", re.ASCII)


def set_up(style: Literal["logfmt", "json"], level: str) -> None:
    """Send every log line of this process to standard error, in one style."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line(style))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    kafka_log.listen()


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
            return json.dumps({key: _bounded(value) for key, value in fields.items()})
        return " ".join(f"{key}={_quoted(str(_bounded(v)))}" for key, v in fields.items())


def _bounded(value: object) -> object:
    """The value as JSON can write it, and no longer than a line should be."""
    if value is None or (isinstance(value, int) and value.bit_length() <= 64):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    # Python refuses to write an integer of more than some thousand digits in decimals.
    text = f"{value:#x}" if isinstance(value, int) else str(value)
    if len(text) <= MOST_CHARACTERS:
        return text
    return f"{text[:MOST_CHARACTERS]}... ({len(text)} characters)"


def _quoted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
