"""The pages over HTTP, as HTML and as JSON of the same values.

One page is made at a time, in a thread beside the one that reads records, and remembered for a
moment: a hundred readers cost as much as one.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from hashlib import blake2b
from importlib.resources import files
from typing import Any, NamedTuple
from urllib.parse import urlencode

import anyio
import msgspec
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from monitor.web.pages.html import environment, feature_url, moment
from monitor.web.pages.making import DAYS, TRACK_DAYS, Maker, NotFound
from monitor.web.pages.svg import line as draw_line

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

YOUNG = 2.0
"""Seconds for which a page is given out as it was made."""

REMEMBERED = 8 * 1024 * 1024
"""Bytes of pages that are remembered, at most."""

_STATIC: Mapping[str, str] = {
    "page.css": "text/css; charset=utf-8",
    "feature.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "vendor/uplot/uPlot.iife.min.js": "text/javascript; charset=utf-8",
    "vendor/uplot/uPlot.min.css": "text/css; charset=utf-8",
}

_WINDOW = re.compile(r"[0-9a-z.]{1,20}", re.ASCII)
_LATEST = 253_339_228_800
"""The year 9998 (s): beyond it there is no calendar."""


class _Anything(PathConvertor):
    """The rest of a path, with whatever is in it: names of features may have lines."""

    regex = "(?s:.*)"


register_url_convertor("anything", _Anything())


class _Made(NamedTuple):
    body: bytes
    status: int
    tag: str
    at: float


class _Asked(NamedTuple):
    """What an address asks for: a view's name, and what it is given."""

    view: str
    given: Mapping[str, Any]


class Pages:
    """Serves what a maker makes.

    Args:
        clock: seconds; what is older than `YOUNG` by it is made anew.
    """

    def __init__(self, maker: Maker, clock: Callable[[], float]) -> None:
        self._maker = maker
        self._clock = clock
        self._templates = environment()
        self._made: OrderedDict[tuple[bool, str], _Made] = OrderedDict()
        # Threads that wait for their turn would be taken from those that serve metrics.
        self._turn: anyio.CapacityLimiter | None = None
        root = files("monitor.web") / "static"
        self._static = {name: (root / name).read_bytes() for name in _STATIC}

    def routes(self) -> list[Route]:
        """All addresses of pages."""
        found: list[Route] = []
        for path, view in (
            ("/models/{name}", "model"),
            ("/models/{name}/features/{feature:anything}", "feature"),
            ("/alarms", "alarms"),
            ("/alarms/{id}", "alarm"),
            ("/monitor", "monitor"),
        ):
            found.append(Route(path, self._answers(view, html=True)))
            found.append(Route(f"/api/v1{path}", self._answers(view, html=False)))
        found.append(Route("/", self._answers("fleet", html=True)))
        found.append(Route("/models", self._home))
        found.append(Route("/api/v1/models", self._answers("fleet", html=False)))
        found.append(Route("/api/v1/jobs", self._answers("jobs", html=False)))
        found.append(Route("/static/{name:anything}", self._file))
        found.append(Route("/api/v1/{rest:anything}", self._no_such))
        return found

    def _answers(self, view: str, *, html: bool) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            asked = _Asked(view, _given(view, request))
            key = (html, msgspec.json.encode(asked).decode())
            made = self._known(key)
            if made is None:
                if self._turn is None:
                    self._turn = anyio.CapacityLimiter(1)
                made = await anyio.to_thread.run_sync(
                    self._make, key, asked, html, limiter=self._turn
                )
            return _response(request, made, html=html)

        return answer

    async def _home(self, _request: Request) -> Response:
        return RedirectResponse("/", 308)

    async def _no_such(self, request: Request) -> Response:
        body = msgspec.json.encode({"error": "There is nothing of this name."})
        return _response(request, _Made(body, 404, _tag(body), 0.0), html=False)

    async def _file(self, request: Request) -> Response:
        name = request.path_params["name"]
        body = self._static.get(name)
        if body is None:
            return Response("There is no such file.\n", 404, media_type="text/plain")
        headers = {"ETag": _tag(body), "Cache-Control": "private, max-age=60"}
        if _same(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers | {"Content-Type": _STATIC[name]})

    def _known(self, key: tuple[bool, str]) -> _Made | None:
        made = self._made.get(key)
        return made if made is not None and 0 <= self._clock() - made.at < YOUNG else None

    def _make(self, key: tuple[bool, str], asked: _Asked, html: bool) -> _Made:
        """In its turn: what the one before has made may be what is asked for."""
        known = self._known(key)
        if known is not None:
            return known
        status = 200
        try:
            page = getattr(self._maker, asked.view)(**asked.given)
        except NotFound as error:
            status, page = 404, {"error": str(error)}
        body = self._html(asked, page) if html else msgspec.json.encode(page)
        made = _Made(body, status, _tag(body), self._clock())
        self._made[key] = made
        self._made.move_to_end(key)
        while len(self._made) > 1 and sum(len(m.body) for m in self._made.values()) > REMEMBERED:
            self._made.popitem(last=False)
        return made

    def _html(self, asked: _Asked, page: Any) -> bytes:
        if isinstance(page, dict):
            template, given = "missing.html", {"why": page["error"]}
        else:
            template, given = f"{asked.view}.html", {"page": page, **_for_template(asked, page)}
        text = self._templates.get_template(template).render(here=asked.view, **given)
        return text.encode("utf-8", "replace")


def _for_template(asked: _Asked, page: Any) -> dict[str, Any]:
    """What a template needs beside its values: where it is, and how its times are said."""
    query = {k: v for k, v in asked.given.items() if k not in {"name", "feature", "id"}}
    match asked.view:
        case "model":
            url = f"/models/{asked.given['name']}"
        case "feature":
            url = feature_url(asked.given["name"], asked.given["feature"])
        case "alarm":
            url = f"/alarms/{asked.given['id']}"
        case _:
            url = f"/{asked.view}"
    if query:
        url += ("&" if "?" in url else "?") + urlencode(query)
    line = getattr(page, "line", None)
    zone = "UTC" if line is None else line.zone
    return {"here_url": url, "say": lambda time: moment(time, zone), "line_of": draw_line}


def _given(view: str, request: Request) -> dict[str, Any]:
    """What is asked for, by the names that the maker knows; what makes no sense is left out."""
    given: dict[str, Any] = dict(request.path_params)
    query = request.query_params
    if view == "feature" and not given["feature"]:
        given["feature"] = query.get("feature", "")
    if view in {"model", "feature"}:
        days = _whole(query.get("days"))
        if days in (DAYS if view == "model" else TRACK_DAYS):
            given["days"] = days
        if (end := _whole(query.get("end"))) is not None:
            given["end"] = end
        window = query.get("window")
        if window is not None and _WINDOW.fullmatch(window):
            given["window"] = window
    if view == "model" and (until := _whole(query.get("until"))) is not None:
        given["until"] = until
    return given


def _whole(text: str | None) -> int | None:
    if text is None or not re.fullmatch(r"[0-9]{1,12}", text, re.ASCII):
        return None
    return value if (value := int(text)) < _LATEST else None


def _response(request: Request, made: _Made, *, html: bool) -> Response:
    headers = {"ETag": made.tag, "Cache-Control": "private, no-cache"}
    if html:
        headers["Content-Security-Policy"] = POLICY
    if made.status == 200 and _same(request, made.tag):
        return Response(status_code=304, headers=headers)
    kind = "text/html; charset=utf-8" if html else "application/json"
    return Response(made.body, made.status, headers | {"Content-Type": kind})


def _same(request: Request, tag: str) -> bool:
    asked = request.headers.get("if-none-match", "")
    return tag in [one.strip().removeprefix("W/") for one in asked.split(",")]


def _tag(body: bytes) -> str:
    return f'"{blake2b(body, digest_size=12).hexdigest()}"'
