"""What the section `web` allows, as the running server needs it: replaced as one value."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from monitor.config_web import Web
from monitor.web.logins import Logins


@dataclass(frozen=True, slots=True)
class Access:
    """How connections are made, and who may do what.

    Attributes:
        tls: None for plain HTTP.
        logins: None where nobody has to log in.
        lifecycle: whether a reload may be asked for.
    """

    tls: ssl.SSLContext | None = None
    logins: Logins | None = None
    lifecycle: bool = False


OPEN = Access()
"""Plain HTTP for everybody, and nothing that changes anything."""


def make_access(web: Web) -> Access:
    """What a section allows, with its files as they are now.

    Raises:
        BadFile: a certificate or key cannot be used any more.
    """
    tls, users = web.tls_server_config, web.basic_auth_users
    hashes = {name: one.get_secret_value().encode() for name, one in (users or {}).items()}
    return Access(
        tls.context() if tls is not None else None,
        Logins(hashes) if hashes else None,
        web.enable_lifecycle,
    )
