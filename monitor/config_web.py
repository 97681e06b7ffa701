"""The section `web`: where metrics and the page are served, and who may do what."""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import Mapping
from typing import Annotated, Any

import bcrypt
from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, model_validator

from monitor.config_source import Address, split_address
from monitor.config_types import (
    File,
    Misplaced,
    Section,
    Truth,
    Written,
    from_environment,
    show,
)
from monitor.web.tls import BadFile, ClientAuth, Files, Version, make_context

MAX_COST = 16
"""Largest cost of a bcrypt hash: each login then takes seconds, and beyond it minutes."""

_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$([./A-Za-z0-9]{22})[./A-Za-z0-9]{31}")
_MAKE_ONE = "write what `htpasswd -nBC 10 NAME` prints behind the colon"


def _hash(value: Any, info: ValidationInfo) -> str:
    # No message shows the value: it may be a password that stands here by mistake.
    text = from_environment(value, info) if isinstance(value, str) and value.strip() else ""
    match = _BCRYPT.fullmatch(text)
    if match is None:
        raise ValueError(f"is not a bcrypt hash; {_MAKE_ONE}")
    if not 4 <= int(match[1]) <= MAX_COST:
        what = f"is a bcrypt hash of cost {int(match[1])}, and 4 to {MAX_COST} can be used"
        raise ValueError(f"{what}; {_MAKE_ONE}")
    try:
        bcrypt.hashpw(b"", f"$2b$04${match[2]}".encode())
    except ValueError:
        raise ValueError(f"is a bcrypt hash with a broken salt; {_MAKE_ONE}") from None
    return text


def _users(value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError("is not a mapping; write a line `name: hash` below it for each user")  # noqa: TRY004
    if not value:
        raise ValueError("is empty; write at least one user, or remove the key")
    for name in value:
        if not isinstance(name, str) or not name.isprintable() or not name or ":" in name:
            what = f"{show(name)} is not a user's name"
            raise ValueError(f"{what}; use a text without colons and line breaks")
    return value


Hash = Annotated[SecretStr, BeforeValidator(_hash)]
Users = Annotated[
    Mapping[str, Hash], BeforeValidator(_users), Written("mapping of names to bcrypt hashes")
]


class TlsServerConfig(Section):
    """TLS for the page and metrics, under the names of Prometheus' own web configuration file."""

    cert_file: File = Field(
        description="The server's certificate and those between it and the root (PEM).",
        examples=["server.pem"],
    )
    key_file: File = Field(
        description="The key of `cert_file` (PEM, without a passphrase).", examples=["server.key"]
    )
    client_auth_type: ClientAuth = Field(
        default="NoClientCert",
        description="Whether clients show a certificate of their own.",
        examples=["RequireAndVerifyClientCert"],
    )
    client_ca_file: File | None = Field(
        default=None,
        description="Who signs the clients' certificates (PEM).",
        examples=["clients-ca.pem"],
    )
    min_version: Version = Field(
        default="TLS12", description="The oldest TLS that is spoken.", examples=["TLS13"]
    )
    max_version: Version = Field(
        default="TLS13", description="The newest TLS that is spoken.", examples=["TLS13"]
    )

    @model_validator(mode="after")
    def _usable(self) -> TlsServerConfig:
        if self.min_version > self.max_version:
            raise Misplaced("is newer than max_version; correct one of them", "min_version")
        if self.client_auth_type != "NoClientCert" and self.client_ca_file is None:
            what = f"is missing; client_auth_type {self.client_auth_type} needs it"
            raise Misplaced(what, "client_ca_file")
        if self.client_auth_type == "NoClientCert" and self.client_ca_file is not None:
            what = "has no use while clients show no certificate"
            hint = "set client_auth_type: RequireAndVerifyClientCert, or remove the key"
            raise Misplaced(f"{what}; {hint}", "client_ca_file")
        try:
            self.context()
        except BadFile as error:
            raise Misplaced(str(error), error.key) from error
        return self

    def context(self) -> ssl.SSLContext:
        """What a server needs, with the files as they are now.

        Raises:
            BadFile: one of them cannot be used any more.
        """
        files = Files(self.cert_file, self.key_file, self.client_ca_file)
        return make_context(files, self.client_auth_type, self.min_version, self.max_version)


class Web(Section):
    """Where metrics and the page are served, and who may do what."""

    listen: Address = Field(
        default="127.0.0.1:10464",
        description="Address to listen on; port 0 takes a free one.",
        examples=["0.0.0.0:10464"],
    )
    tls_server_config: TlsServerConfig | None = Field(
        default=None, description="TLS; without it, plain HTTP."
    )
    basic_auth_users: Users | None = Field(
        default=None,
        description="Who may log in, as bcrypt hashes of passwords (of at most 72 bytes); without "
        "it, nobody has to. It covers every path, health included.",
        examples=[{"prometheus": "${SCRAPE_PASSWORD_HASH}"}],
    )
    enable_lifecycle: Truth = Field(
        default=False,
        description="Whether `POST /-/reload` reads this file again. On an address that others can "
        "reach it needs `basic_auth_users` or clients' certificates.",
        examples=[True],
    )

    @model_validator(mode="after")
    def _nothing_changes_for_strangers(self) -> Web:
        tls = self.tls_server_config
        known = tls is not None and tls.client_auth_type == "RequireAndVerifyClientCert"
        if not self.enable_lifecycle or self.basic_auth_users or known:
            return self
        if not _is_loopback(self.address[0]):
            what = f"{self.listen} can be reached by others, and nobody has to log in"
            hint = "add basic_auth_users, require clients' certificates, or listen on 127.0.0.1"
            raise Misplaced(f"{what}; {hint}", "enable_lifecycle")
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return split_address(self.listen)

    @property
    def url(self) -> str:
        """Where it is reached, as the file says it."""
        return f"{'http' if self.tls_server_config is None else 'https'}://{self.listen}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
