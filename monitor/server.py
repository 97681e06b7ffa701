"""The web server: uvicorn in a thread of its own, beside the pipeline."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable

import uvicorn

from monitor.board import Board
from monitor.exporter import GRACE, KEEP_ALIVE, MAX_CONNECTIONS, Snapshot, make_app

log = logging.getLogger(__name__)

BEGIN_WITHIN = 10.0
"""Seconds in which the server has to answer after its start."""


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
            access_log=False,
            log_config=None,
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
