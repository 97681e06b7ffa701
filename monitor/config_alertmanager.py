"""The section `alertmanager`: where Alertmanager is, for the commands that ask it."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field

from monitor.config_types import Section, Written, show

DEFAULT_URL = "http://127.0.0.1:9093"


def alertmanager_url(value: Any) -> str:
    """An address of HTTP, without what stands behind a question mark, and without a password.

    Raises:
        ValueError: it is none; the message says what to write.
    """
    example = f"write for example {DEFAULT_URL}"
    if not isinstance(value, str):
        raise ValueError(f"{show(value)} is not a URL; {example}")  # noqa: TRY004 - for pydantic
    if "@" in value:  # and is not shown, for there may be a password in it
        raise ValueError(f"has a login inside, which is not supported; {example}")
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"{show(value)} is not a URL; {example}") from None
    if parts.scheme not in {"http", "https"} or not host or not value.isprintable():
        raise ValueError(f"{show(value)} is not a URL of http or https; {example}")
    if parts.query or parts.fragment or " " in value:
        raise ValueError(f"{show(value)} is more than an address and a path; {example}")
    return value.rstrip("/")


Url = Annotated[str, BeforeValidator(alertmanager_url), Written("URL")]


class AlertmanagerConfig(Section):
    """Where Alertmanager is, for `inferwatch alert test`: alerts reach it from Prometheus."""

    url: Url = Field(
        default=DEFAULT_URL,
        description="Its address, with its path where it has one.",
        examples=[DEFAULT_URL],
    )
