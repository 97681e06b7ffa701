"""A mail server on loopback: STARTTLS, a password, slow if told so; it reads what it is sent."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
import time
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.support.kafka import free_port

USER = "inferwatch"
PASSWORD = "geheim & <sehr>"


@dataclass
class Mail:
    """One mail as it came: to whom, its bytes, when, and what they mean."""

    to: list[str]
    raw: bytes
    arrived: float
    message: EmailMessage = field(init=False)

    def __post_init__(self) -> None:
        parsed = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        self.message = parsed

    @property
    def subject(self) -> str:
        """As people read it."""
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        """The part for those who read no HTML."""
        return self._part("text/plain")

    @property
    def html(self) -> str:
        """The other part."""
        return self._part("text/html")

    def _part(self, kind: str) -> str:
        parts = [part for part in self.message.walk() if part.get_content_type() == kind]
        assert len(parts) == 1, [part.get_content_type() for part in self.message.walk()]
        return str(parts[0].get_content())


class Smtp:
    """The server; each mail takes `delay` seconds of it."""

    def __init__(self, folder: Path, delay: float = 0.0) -> None:
        self.mails: list[Mail] = []
        self.delay = delay
        self.ca = folder / "smtp_ca.pem"
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca))
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1").configure_cert(self._context)
        self._port = free_port()
        self.address = f"127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self._port,
            authenticator=self._login,
            auth_required=True,
            auth_exclude_mechanism=["LOGIN"],  # Go waits for other prompts
            tls_context=self._context,
            require_starttls=True,
        )
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Take a mail."""
        await asyncio.sleep(self.delay)
        self.mails.append(Mail(list(envelope.rcpt_tos), bytes(envelope.content), time.time()))
        return "250 Taken"

    def _login(self, *given: Any) -> AuthResult:
        login = given[-1]
        right = isinstance(login, LoginPassword) and login == LoginPassword(
            USER.encode(), PASSWORD.encode()
        )
        return AuthResult(success=right, handled=right)  # a refusal is for aiosmtpd to say
