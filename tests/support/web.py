"""The web server as clients meet it: certificates made for the test, and hand-made connections."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bcrypt
import httpx
import trustme

from collectors.family import Statistic
from monitor.board import Board
from monitor.config_web import Web
from monitor.server import Exporter


@dataclass(frozen=True, slots=True)
class Certificates:
    """A certificate of 127.0.0.1 in files, and those who signed it."""

    authority: trustme.CA
    cert: Path
    key: Path

    @property
    def settings(self) -> dict[str, Any]:
        """The two files, as `tls_server_config` has them."""
        return {"cert_file": str(self.cert), "key_file": str(self.key)}

    def client(self, certificate: trustme.LeafCert | None = None) -> ssl.SSLContext:
        """A client's context that trusts nobody else."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        if certificate is not None:
            certificate.configure_cert(context)
        return context


def make_certificates(folder: Path, name: str = "server") -> Certificates:
    """New ones, signed by an authority of their own."""
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1", "localhost")
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    cert.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    key.write_bytes(leaf.private_key_pem.bytes())
    return Certificates(authority, cert, key)


def hashed(password: str) -> str:
    """A bcrypt hash that costs little."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def web(**settings: Any) -> Web:
    """The section, on a free port of loopback."""
    return Web.model_validate({"listen": "127.0.0.1:0", **settings})


@contextmanager
def serving(settings: Web, board: Board | None = None, **more: Any) -> Iterator[Exporter]:
    """A server for a while."""
    exporter = Exporter(
        board or Board(), settings.address, lambda: True, lambda: 0.0, web=settings, **more
    )
    exporter.start()
    try:
        yield exporter
    finally:
        exporter.stop()


def large_board(series: int) -> Board:
    """A board of one window with so many series; 10,000 are about 1 MB of text."""
    board = Board()
    means = [Statistic("input.mean", n / 7, {"feature": f"feature_{n}"}) for n in range(series)]
    board.set_window("delay", "v1", "1h", means)
    return board


def port_of(exporter: Exporter) -> int:
    """Its real port."""
    port = httpx.URL(exporter.url).port
    assert port is not None
    return port


def connect(exporter: Exporter, receive_buffer: int | None = None) -> socket.socket:
    """A connection to it, plain TCP; the system holds at most `receive_buffer` bytes unread."""
    connection = socket.socket()
    connection.settimeout(30)
    if receive_buffer is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.connect(("127.0.0.1", port_of(exporter)))
    return connection


def is_ended(connection: socket.socket) -> bool:
    """Whether the server ends the connection, before the socket's own time is over."""
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:  # reset
        return True
    return True
