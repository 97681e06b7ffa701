"""What Prometheus scrapes: the board, rendered into a snapshot, and served over HTTP."""

from __future__ import annotations

import asyncio
import gzip
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import exposition
from prometheus_client.openmetrics import exposition as openmetrics
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from monitor import __version__
from monitor.board import Board
from monitor.web.access import OPEN, Access
from monitor.web.guard import Guard
from monitor.web.index import Link, page
from monitor.web.lines import Format, Lines
from monitor.web.pages.routes import Pages
from monitor.web.reports import ReportPages

INTERVAL = 1.0
"""Seconds for which a rendering is served, even if something has changed since."""

AHEAD_FOR = 300.0
"""Seconds after a scrape in which renderings for the next one are made ahead."""

AHEAD_SHARE = 0.05
"""Share of one core that may go into them."""

AHEAD_MISSES = 3
"""How many of them may be missed before a scrape makes its own."""

PART = 64 * 1024
"""Bytes of a body that are handed over at once."""

MAX_ACCEPT = 2048
"""Characters of an Accept header that are looked at."""

LINKS = (
    Link("/metrics", "every metric, for Prometheus"),
    Link("/-/healthy", "answers while the process lives"),
    Link("/-/ready", "answers once the first partitions are assigned"),
)

_CONTENT_TYPES: dict[Format, str] = {
    "text": exposition.CONTENT_TYPE_PLAIN_0_0_4,
    "openmetrics": openmetrics.CONTENT_TYPE_LATEST,
}

Reload = Callable[[], str | None]
"""Reads the config again; None when that went well, else the sentence of why not."""


def negotiate(accept: str) -> Format:
    """The format for an Accept header: OpenMetrics where it is asked for, else text 0.0.4."""
    try:
        _, content_type = exposition.choose_encoder(accept[:MAX_ACCEPT])
    except (ValueError, TypeError):  # a version that is no number
        return "text"
    return "openmetrics" if content_type.startswith("application/openmetrics-text") else "text"


@dataclass(frozen=True, slots=True)
class Rendering:
    """One format of the board as of a generation: plain bytes, and the same compressed."""

    body: bytes
    gzipped: bytes
    content_type: str
    generation: int
    at: float


class Snapshot:
    """The newest rendering of each format: made at most once a second, and only after a change.

    Any number of threads may ask; one renders, and the others get what was there before. Where
    `keep_ahead` runs, scrapes wait for no rendering at all.
    """

    def __init__(self, board: Board, interval: float = INTERVAL) -> None:
        self._board = board
        self._interval = interval
        # How old a rendering may be and still be served.
        self._served_for = interval
        self._newest: dict[Format, Rendering] = {}
        self._asked_at: dict[Format, float] = {}
        self._lines: dict[Format, Lines] = {name: Lines(name) for name in _CONTENT_TYPES}
        self._turns = {name: threading.Lock() for name in _CONTENT_TYPES}

    def ready(self, now: float, format: Format) -> Rendering | None:
        """The newest rendering if it may be served as it is. `now` in seconds."""
        self._asked_at[format] = now
        newest = self._newest.get(format)
        return newest if newest is not None and self._is_young(newest, now) else None

    def get(self, now: float, accept: str = "") -> Rendering:
        """The rendering to serve, made now if there is need; waits only for the very first one."""
        format = negotiate(accept)
        if rendering := self.ready(now, format):
            return rendering
        turn = self._turns[format]
        stale = self._newest.get(format)
        if not turn.acquire(blocking=stale is None):
            assert stale is not None  # noqa: S101
            return stale
        try:
            rendering = self.ready(now, format) or self._render(now, format)
        finally:
            turn.release()
        return rendering

    def keep_ahead(self, stop: threading.Event, clock: Callable[[], float]) -> None:
        """Render what was asked for lately, once a second, until `stop` is set.

        The thread that reads records has the interpreter most of the time; a scrape that had to
        render would wait for its turn again and again. The larger the text, the rarer it is made:
        this takes a twentieth of one core at most.
        """
        pace = self._interval
        while not stop.wait(pace):
            began = time.thread_time()
            self.refresh(clock())
            pace = max(self._interval, (time.thread_time() - began) / AHEAD_SHARE)
            self._served_for = AHEAD_MISSES * pace

    def refresh(self, now: float) -> None:
        """Render every format that was asked for lately and is not as the board is."""
        for format, asked_at in list(self._asked_at.items()):
            newest = self._newest.get(format)
            if not 0 <= now - asked_at < AHEAD_FOR or newest is None:
                continue
            if newest.generation != self._board.generation and self._turns[format].acquire(False):
                try:
                    self._render(now, format)
                finally:
                    self._turns[format].release()

    def _is_young(self, newest: Rendering, now: float) -> bool:
        # A clock that was set back must not freeze the numbers.
        young = 0 <= now - newest.at < self._served_for
        return young or newest.generation == self._board.generation

    def _render(self, now: float, format: Format) -> Rendering:
        generation, series = self._board.series()
        body = self._lines[format].encode(series)
        gzipped = gzip.compress(body, compresslevel=4, mtime=0)
        rendering = Rendering(body, gzipped, _CONTENT_TYPES[format], generation, now)
        self._newest[format] = rendering
        return rendering


class _Body(Response):
    """A large body, written in parts: a slow reader holds one part of it, and no copy."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        view = memoryview(self.body) if scope["method"] != "HEAD" else memoryview(b"")
        for begin in range(0, len(view), PART):
            part = view[begin : begin + PART]
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def make_app(
    snapshot: Snapshot,
    ready: Callable[[], bool],
    clock: Callable[[], float],
    access: Callable[[], Access] = lambda: OPEN,
    reload: Reload | None = None,
    reports: ReportPages | None = None,
    pages: Pages | None = None,
) -> ASGIApp:
    """The web application: GET and HEAD alone, but for the reload."""
    one_reload = asyncio.Lock()

    async def metrics(request: Request) -> Response:
        accept, now = request.headers.get("accept", ""), clock()
        rendering = snapshot.ready(now, negotiate(accept))
        if rendering is None:
            rendering = await run_in_threadpool(snapshot.get, now, accept)
        headers = {"Content-Type": rendering.content_type, "Vary": "Accept, Accept-Encoding"}
        if exposition.gzip_accepted(request.headers.get("accept-encoding", "")):
            return _Body(rendering.gzipped, headers=headers | {"Content-Encoding": "gzip"})
        return _Body(rendering.body, headers=headers)

    async def healthy(_request: Request) -> Response:
        return PlainTextResponse("Healthy.\n")

    async def is_ready(_request: Request) -> Response:
        if ready():
            return PlainTextResponse("Ready.\n")
        sentence = "Not ready: the first partitions are not assigned yet.\n"
        return PlainTextResponse(sentence, status_code=503)

    async def index(_request: Request) -> Response:
        found = [] if reports is None else await run_in_threadpool(reports.links)
        return HTMLResponse(page(f"inferwatch {__version__}", (*LINKS, *found)))

    async def read_again(request: Request) -> Response:
        if reload is None or not access().lifecycle:
            return PlainTextResponse("Lifecycle API is not enabled.\n", status_code=403)
        if "origin" in request.headers:
            # A browser sends it: some page asks with its reader's rights.
            sentence = "A reload is for programs; a page in a browser cannot ask for it.\n"
            return PlainTextResponse(sentence, status_code=403)
        async with one_reload:
            why_not = await run_in_threadpool(reload)
        if why_not is not None:
            return PlainTextResponse(f"{why_not}\n", status_code=500)
        return PlainTextResponse("Reloaded.\n")

    routes = [
        Route("/metrics", metrics),
        Route("/-/healthy", healthy),
        Route("/-/ready", is_ready),
        Route("/-/reload", read_again, methods=["POST", "PUT"]),
        *((Route("/", index),) if pages is None else pages.routes()),
    ]
    if reports is not None:
        routes.append(Route("/reports/{model}/{file}", reports.answer))
    app = Starlette(routes=routes)
    # A redirect would be built from the client's own Host header.
    app.router.redirect_slashes = False
    return Guard(app, lambda: access().logins)
