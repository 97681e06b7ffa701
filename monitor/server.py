"""The web server: uvicorn in a thread of its own, beside the pipeline."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from monitor.board import Board
from monitor.exporter import Snapshot, make_app

MAX_CONNECTIONS = 512
"""Open connections beyond which a request is answered with 503."""

KEEP_ALIVE = 5
"""Seconds that an idle connection is kept, before its first request and between two."""

GRACE = 2
"""Seconds that answers under way get to end, when the exporter stops."""

BEGIN_WITHIN = 10.0
"""Seconds in which the server has to answer after its start."""


class _Impatient(H11Protocol):
    """HTTP/1.1 that also gives up on a connection whose first request does not come."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.loop.call_later(KEEP_ALIVE, self._give_up)

    def _give_up(self) -> None:
        if self.cycle is None:  # declared as always there, and None until the first request
            self.transport.close()  # type: ignore[unreachable]


class Exporter:
    """Serves the board on `address` (host, port; port 0 takes a free one)."""

    def __init__(
        self,
        board: Board,
        address: tuple[str, int],
        ready: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self._address = address
        config = uvicorn.Config(
            make_app(Snapshot(board), ready, clock),
            http=_Impatient,
            ws="none",
            access_log=False,
            log_config=None,
            # A line for every broken request would let anyone fill the log.
            log_level="error",
            lifespan="off",
            limit_concurrency=MAX_CONNECTIONS,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=GRACE,
            server_header=False,
        )
        self._server = uvicorn.Server(config)
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it is reached, with the real port; without a slash at the end."""
        host, port = self._address
        if self._socket is not None:
            port = self._socket.getsockname()[1]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> None:
        """Listen, and answer from a thread.

        Raises:
            OSError: the address cannot be listened on.
        """
        host, port = self._address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = socket.create_server((host, port), family=family, backlog=512)
        except OSError as error:
            raise OSError(f"web.listen: {host}:{port} cannot be listened on: {error}") from error
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True, name="web"
        )
        self._thread.start()

    def stop(self) -> None:
        """Let answers under way end, and give back the socket."""
        if self._thread is not None:
            self._server.should_exit = True
            self._thread.join(GRACE + BEGIN_WITHIN)
            self._thread = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
