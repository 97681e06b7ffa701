"""Who comes in: a bounded number of connections, each with a deadline for every step.

Nobody is turned away. When there is no room, the connection that has been idle longest goes.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

AT_ONCE = 64
"""Connections that are let in before anything else gets a turn."""

PAUSE = 0.1
"""Seconds until the next try, when no file was left for a connection."""

KERNEL_BUFFER = 256 * 1024
"""Bytes of an answer that the system may hold for a slow reader."""

OWN_BUFFER = 64 * 1024
"""Bytes of an answer beyond which the rest is made only when the reader has read."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of connections; times in seconds.

    Attributes:
        connections: open at once, those in a TLS handshake included.
        handshake: from a connection to the end of its TLS handshake.
        request: in which a request must be there, from its connection or the last answer on.
        answer: from a request to the last byte of its answer.
    """

    connections: int = 256
    handshake: float = 5.0
    request: float = 5.0
    answer: float = 75.0


class Visitor(H11Protocol):
    """One connection: HTTP/1.1, with a deadline for the request and one for the answer."""

    def __init__(self, config: Config, state: ServerState, door: Door) -> None:
        super().__init__(config, state, {})
        self._door = door
        self._deadline: asyncio.TimerHandle | None = None
        self._asked_at: float | None = None
        self.greeted = False
        self.came_in = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.came_in = True
        transport.set_write_buffer_limits(high=OWN_BUFFER)
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._door.left(self)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._asked_at = self.loop.time()
            self._door.is_busy(self)
            self._end_in(self._door.limits.answer)

    def on_response_complete(self) -> None:
        # First: a request that came behind this one begins in the call below.
        self._await_request()
        super().on_response_complete()

    def expel(self) -> None:
        """End the connection now, whatever is still to be read or written."""
        # Not `close`: it would wait for the reader of what is already written.
        self.transport.abort()

    def _await_request(self) -> None:
        self._door.is_idle(self)
        self._end_in(self._door.limits.request)

    def _end_in(self, seconds: float) -> None:
        # Bytes that trickle in do not move it.
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(seconds, self._too_late)

    def _too_late(self) -> None:
        limits = self._door.limits
        if self._asked_at is not None and self.transport.get_write_buffer_size():
            left = self._asked_at + limits.answer - self.loop.time()
            if left > 0:
                self._end_in(left)
                return
        self.expel()


class Door:
    """Lets connections in from a listening socket, into protocols that `visitor` makes.

    Args:
        context: TLS of the next connection, None for plain HTTP.
    """

    def __init__(
        self,
        listener: socket.socket,
        visitor: Callable[[Door], Visitor],
        context: Callable[[], ssl.SSLContext | None],
        limits: Limits,
    ) -> None:
        self.limits = limits
        self._listener = listener
        self._make_visitor = visitor
        self._context = context
        # Both in order of time, the longest first.
        self._idle: dict[Visitor, None] = {}
        self._busy: dict[Visitor, None] = {}
        self._greetings: dict[Visitor, asyncio.Task[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> None:
        """Begin to let connections in, on the running loop."""
        self._listener.setblocking(False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._listener, self._let_in)

    def close(self) -> None:
        """Let nobody in any more; those in a handshake go."""
        if self._loop is not None:
            self._loop.remove_reader(self._listener)
            self._loop = None
        for task in self._greetings.values():
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until nobody is let in any more: `close` sees to that at once."""

    def is_idle(self, visitor: Visitor) -> None:
        """The visitor's request is waited for."""
        self.left(visitor)
        self._idle[visitor] = None

    def is_busy(self, visitor: Visitor) -> None:
        """The visitor's request is there, and being answered."""
        self.left(visitor)
        self._busy[visitor] = None

    def left(self, visitor: Visitor) -> None:
        """The visitor is gone."""
        self._idle.pop(visitor, None)
        self._busy.pop(visitor, None)

    def _let_in(self) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, _address = self._listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError:  # no file is left
                self._make_room()
                if self._loop is not None:
                    self._loop.remove_reader(self._listener)
                    self._loop.call_later(PAUSE, self._go_on)
                return
            self._welcome(connection)

    def _go_on(self) -> None:
        if self._loop is not None:
            self._loop.add_reader(self._listener, self._let_in)

    def _welcome(self, connection: socket.socket) -> None:
        if len(self._idle) + len(self._busy) >= self.limits.connections:
            self._make_room()
        with suppress(OSError):  # it is gone again
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER)
        visitor = self._make_visitor(self)
        self.is_idle(visitor)
        task = asyncio.get_running_loop().create_task(self._greet(connection, visitor))
        self._greetings[visitor] = task

        def greeted(_: asyncio.Task[None]) -> None:
            del self._greetings[visitor]
            if not visitor.greeted:  # sent away before its first step
                connection.close()
            if not visitor.came_in:
                self.left(visitor)

        task.add_done_callback(greeted)

    async def _greet(self, connection: socket.socket, visitor: Visitor) -> None:
        visitor.greeted = True  # from here on asyncio closes the socket, whatever happens
        context = self._context()
        with suppress(OSError):  # no TLS, a broken one, or not in time
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: visitor,
                connection,
                ssl=context,
                ssl_handshake_timeout=self.limits.handshake if context else None,
                # Longer than that nobody is waited for to say goodbye.
                ssl_shutdown_timeout=1.0 if context else None,
            )

    def _make_room(self) -> None:
        """The one that has been idle longest goes; if none is, the one answered longest."""
        for visitor in (*self._idle, *self._busy)[:1]:
            self.left(visitor)
            visitor.expel() if visitor.came_in else self._greetings[visitor].cancel()

    def expel_all(self) -> None:
        """Everybody goes, whatever is still to be read or written."""
        for visitor in (*self._idle, *self._busy):
            if visitor.came_in:
                visitor.expel()
