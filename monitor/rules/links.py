"""Addresses that stand in the links of alerts.

They end up in templates that Prometheus carries out, in YAML, and in messages to people. So only
plain characters are allowed in them: nothing in an address can begin a template or end a line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

GRAFANA = "http://127.0.0.1:3000"
RUNBOOKS = "rules/runbooks"
PAGE = "http://127.0.0.1:10464"
"""Those of the shipped files, which are of one machine."""

_PLAIN = re.compile(r"(?:[A-Za-z0-9._~:/+,;=!\[\]-]|%[0-9A-Fa-f]{2})*")


@dataclass(frozen=True, slots=True)
class Links:
    """Where the links of alerts lead, each without a slash at its end.

    Attributes:
        grafana: its address, with its path where it has one.
        runbooks: what holds a file `NAME.md` for each alert.
        page: the address of inferwatch's own page.
    """

    grafana: str = GRAFANA
    runbooks: str = RUNBOOKS
    page: str = PAGE


def parse(text: str) -> str:
    """The address that people write, such as `https://grafana.example.com/monitoring/`.

    Raises:
        ValueError: it is none.
    """
    example = "write for example https://grafana.example.com/monitoring"
    # What follows would quote a password that stands inside.
    if "@" in text:
        raise ValueError(f"has a login inside, which would be in every message; {example}")
    if "?" in text or "#" in text:
        raise ValueError(f"{text!r} is more than an address and a path; {example}")
    if not _PLAIN.fullmatch(text):
        raise ValueError(f"{text!r} has characters that no link may have; {example}")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"{text!r} is not a URL; {example}") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError(f"{text!r} is not a URL of http or https; {example}")
    return text.rstrip("/")
