"""What Prometheus scrapes: the board, rendered into a snapshot, and served over HTTP."""

from __future__ import annotations

import gzip
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from prometheus_client import Metric as Family
from prometheus_client import exposition
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from monitor import __version__
from monitor.board import Board, Histogram, Series
from monitor.metrics import METRICS, Metric
from monitor.web.index import Link, page

INTERVAL = 1.0
"""Seconds for which a rendering is served, even if something has changed since."""

MAX_ACCEPT = 2048
"""Characters of an Accept header that are looked at."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

LINKS = (
    Link("/metrics", "every metric, for Prometheus"),
    Link("/-/healthy", "answers while the process lives"),
    Link("/-/ready", "answers once the first partitions are assigned"),
)

Format = Literal["text", "openmetrics"]

# The names are plain ones, so that escaping is nothing but time lost: "allow-utf-8" does none.
_ENCODERS: dict[Format, tuple[Callable[[Collector], bytes], str]] = {
    "text": (
        exposition.choose_encoder("text/plain; version=0.0.4")[0],
        exposition.CONTENT_TYPE_PLAIN_0_0_4,
    ),
    "openmetrics": (
        exposition.choose_encoder(
            "application/openmetrics-text; version=1.0.0; escaping=allow-utf-8"
        )[0],
        openmetrics.CONTENT_TYPE_LATEST,
    ),
}


def negotiate(accept: str) -> Format:
    """The format for an Accept header: OpenMetrics where it is asked for, else text 0.0.4."""
    try:
        _, content_type = exposition.choose_encoder(accept[:MAX_ACCEPT])
    except (ValueError, TypeError):  # a version that is no number
        return "text"
    return "openmetrics" if content_type.startswith("application/openmetrics-text") else "text"


class BoardCollector(Collector):
    """The board as prometheus_client sees it: its metrics in the table's order, series sorted."""

    def __init__(self, series: list[Series]) -> None:
        self._series = series

    def collect(self) -> Iterator[Family]:
        by_statistic: dict[str, list[Series]] = defaultdict(list)
        for series in self._series:
            by_statistic[series.id].append(series)
        for metric in METRICS:
            if found := by_statistic.get(metric.statistic):
                yield _family(metric, found)


def _family(metric: Metric, series: list[Series]) -> Family:
    name = metric.name.removesuffix("_total") if metric.kind == "counter" else metric.name
    family = Family(name, metric.help, metric.kind)
    for _, values, value in sorted(series, key=lambda one: one.labels):
        labels = dict(zip(metric.labels, values, strict=True))
        if isinstance(value, Histogram):
            _add_histogram(family, labels, value)
        else:
            family.add_sample(metric.name, labels, value)
    return family


def _add_histogram(family: Family, labels: dict[str, str], value: Histogram) -> None:
    bounds = [*map(floatToGoString, value.bounds), "+Inf"]
    below = list(accumulate(value.counts))
    for bound, count in zip(bounds, below, strict=True):
        family.add_sample(f"{family.name}_bucket", labels | {"le": bound}, count)
    family.add_sample(f"{family.name}_count", labels, below[-1])
    family.add_sample(f"{family.name}_sum", labels, value.total)


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

    Any number of threads may ask; one renders, and the others get what was there before.
    """

    def __init__(self, board: Board, interval: float = INTERVAL) -> None:
        self._board = board
        self._interval = interval
        self._newest: dict[Format, Rendering] = {}
        self._turns: dict[Format, threading.Lock] = {name: threading.Lock() for name in _ENCODERS}

    def ready(self, now: float, format: Format) -> Rendering | None:
        """The newest rendering if it may be served as it is. `now` in seconds."""
        newest = self._newest.get(format)
        if newest is None:
            return None
        # A clock that was set back must not freeze the numbers.
        young = 0 <= now - newest.at < self._interval
        return newest if young or newest.generation == self._board.generation else None

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
            self._newest[format] = rendering
        finally:
            turn.release()
        return rendering

    def _render(self, now: float, format: Format) -> Rendering:
        generation, series = self._board.series()
        encode, content_type = _ENCODERS[format]
        body = encode(BoardCollector(series))
        gzipped = gzip.compress(body, compresslevel=4, mtime=0)
        return Rendering(body, gzipped, content_type, generation, now)


def make_app(
    snapshot: Snapshot, ready: Callable[[], bool], clock: Callable[[], float]
) -> Starlette:
    """The web application; GET and HEAD alone."""

    async def metrics(request: Request) -> Response:
        accept, now = request.headers.get("accept", ""), clock()
        rendering = snapshot.ready(now, negotiate(accept))
        if rendering is None:
            rendering = await run_in_threadpool(snapshot.get, now, accept)
        headers = HEADERS | {
            "Content-Type": rendering.content_type,
            "Vary": "Accept, Accept-Encoding",
        }
        if exposition.gzip_accepted(request.headers.get("accept-encoding", "")):
            return Response(rendering.gzipped, headers=headers | {"Content-Encoding": "gzip"})
        return Response(rendering.body, headers=headers)

    async def healthy(_request: Request) -> Response:
        return PlainTextResponse("Healthy.\n", headers=HEADERS)

    async def is_ready(_request: Request) -> Response:
        if ready():
            return PlainTextResponse("Ready.\n", headers=HEADERS)
        sentence = "Not ready: the first partitions are not assigned yet.\n"
        return PlainTextResponse(sentence, status_code=503, headers=HEADERS)

    async def index(_request: Request) -> Response:
        return HTMLResponse(page(f"inferwatch {__version__}", LINKS), headers=HEADERS)

    app = Starlette(
        routes=[
            Route("/metrics", metrics),
            Route("/-/healthy", healthy),
            Route("/-/ready", is_ready),
            Route("/", index),
        ]
    )
    # A redirect would be built from the client's own Host header.
    app.router.redirect_slashes = False
    return app
