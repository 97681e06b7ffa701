"""The web server: uvicorn in a thread of its own, beside the pipeline."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast

import uvicorn

from monitor.board import Board
from monitor.config_web import Web
from monitor.exporter import Reload, Snapshot, make_app
from monitor.web.access import OPEN, Access, make_access
from monitor.web.door import Door, Limits, Visitor
from monitor.web.pages.routes import Pages
from monitor.web.reports import ReportPages

MAX_HEAD = 16 * 1024
"""Bytes of a request's line and headers."""

SWITCH = 0.0005
"""Seconds after which a busy thread lets another have the interpreter; Python's own are 0.005.

An answer takes several turns of the server's thread, and the one that reads records is always
busy: with 5 ms a turn, scrapes of a busy monitor took twice as long.
"""

COLLECT = (10_000, 20, 50)
"""Python's garbage collector looks at everything after so many containers more (young, middle,
old); its own numbers are (700, 10, 10).

It stops every thread while it looks: for 70 ms with the series of 10,000 on the board, and by
Python's own numbers every other second, since each batch makes thousands of short-lived rows.
"""

GRACE = 2
"""Seconds that answers under way get to end, when the exporter stops."""

BEGIN_WITHIN = 10.0
"""Seconds in which the server has to answer after its start."""


class _Server(uvicorn.Server):
    """uvicorn, with a door of our own instead of its listening server."""

    def __init__(
        self, config: uvicorn.Config, access: Callable[[], Access], limits: Limits
    ) -> None:
        super().__init__(config)
        self._access = access
        self._limits = limits
        self._door: Door | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        assert sockets  # noqa: S101
        door = Door(
            sockets[0],
            lambda door: Visitor(self.config, self.server_state, door),
            lambda: self._access().tls,
            self._limits,
        )
        door.open()
        self._door = door
        # All that uvicorn asks of a server is to close and to wait for it.
        self.servers = [cast("asyncio.base_events.Server", door)]
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self._door is not None:
            self._door.expel_all()
            await asyncio.sleep(0)


class Exporter:
    """Serves the board on `address` (host, port; port 0 takes a free one).

    Args:
        web: TLS, users, and whether a reload may be asked for; without it, none of them.
        reload: reads the config again; None when that went well, else the sentence of why not. It
            may block. Called from a thread of the server, one call at a time.
        limits: bounds of connections.
        state: the folder whose reports are served; without it, none are.
        pages: what is served for people; without it, a plain list of links.

    Raises:
        BadFile: a certificate or key of `web` cannot be used.
    """

    def __init__(
        self,
        board: Board,
        address: tuple[str, int],
        ready: Callable[[], bool],
        clock: Callable[[], float],
        *,
        web: Web | None = None,
        reload: Reload | None = None,
        limits: Limits = Limits(),  # noqa: B008
        state: Path | None = None,
        pages: Pages | None = None,
    ) -> None:
        self._address = address
        self._access = OPEN if web is None else make_access(web)
        self._snapshot = Snapshot(board)
        self._clock = clock
        config = uvicorn.Config(
            make_app(
                self._snapshot,
                ready,
                clock,
                lambda: self._access,
                reload,
                None if state is None else ReportPages(state),
                pages,
            ),
            loop="asyncio",
            ws="none",
            access_log=False,
            log_config=None,
            # A line for every broken request would let anyone fill the log.
            log_level="error",
            lifespan="off",
            # What those left behind who are gone, and answers still under way, together.
            limit_concurrency=2 * limits.connections,
            timeout_keep_alive=max(1, round(limits.request)),
            timeout_graceful_shutdown=GRACE,
            h11_max_incomplete_event_size=MAX_HEAD,
            proxy_headers=False,
            server_header=False,
        )
        self._server = _Server(config, lambda: self._access, limits)
        self._socket: socket.socket | None = None
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        """Where it is reached, with the real port; without a slash at the end."""
        host, port = self._address
        if self._socket is not None:
            port = self._socket.getsockname()[1]
        scheme = "http" if self._access.tls is None else "https"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    def renew(self, web: Web) -> None:
        """Take over users, certificates and the rest of `web` for everything asked from now on.

        Certificates and keys are read again, even where the section is the same. Connections that
        are open stay what they are.

        Raises:
            BadFile: one of the files cannot be used; everything stays as it was.
            ValueError: the address is another one, or TLS is turned on or off.
        """
        access = make_access(web)
        if web.address != self._address:
            raise ValueError("web.listen cannot change while it is served; restart inferwatch")
        if (access.tls is None) != (self._access.tls is None):
            what = "web.tls_server_config cannot come or go while it is served"
            raise ValueError(f"{what}; restart inferwatch")
        self._access = access

    def start(self) -> None:
        """Listen, and answer from a thread; this tunes the process by SWITCH and COLLECT.

        Raises:
            OSError: the address cannot be listened on.
        """
        host, port = self._address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = socket.create_server((host, port), family=family, backlog=512)
        except OSError as error:
            raise OSError(f"web.listen: {host}:{port} cannot be listened on: {error}") from error
        sys.setswitchinterval(min(SWITCH, sys.getswitchinterval()))
        gc.set_threshold(*map(max, COLLECT, gc.get_threshold()))
        self._stop.clear()
        self._threads = [
            threading.Thread(
                target=self._server.run, args=([self._socket],), daemon=True, name="web"
            ),
            threading.Thread(
                target=self._snapshot.keep_ahead,
                args=(self._stop, self._clock),
                daemon=True,
                name="renderings",
            ),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let answers under way end, and give back the socket."""
        self._stop.set()
        self._server.should_exit = True
        for thread in self._threads:
            thread.join(GRACE + BEGIN_WITHIN)
        self._threads = []
        if self._socket is not None:
            self._socket.close()
            self._socket = None
