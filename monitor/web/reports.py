"""Reports over HTTP: links for the index, and each page as it lies in the state folder.

A page is made by Evidently, of names and values that come from a log. Whatever it holds, a browser
keeps it in a sandbox: without this server's origin, so that it can ask for nothing with its
reader's rights, and without the network.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from monitor.jobs.report.files import Reports
from monitor.jobs.report.head import POLICY
from monitor.references.span import shown
from monitor.web.index import Link

PART = 64 * 1024
"""Bytes of a page that are read and handed over at once."""

_TYPES = {".html": "text/html; charset=utf-8", ".json": "application/json"}
_SANDBOX = {"Content-Security-Policy": f"sandbox allow-scripts; {POLICY}; frame-ancestors 'none'"}


class _File(Response):
    """A file, read in parts: a slow reader holds one of them."""

    def __init__(self, file: BinaryIO, media_type: str) -> None:
        super().__init__(headers=_SANDBOX | {"Content-Type": media_type})
        del self.headers["content-length"]
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file as file:
            start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            await send(start)
            while scope["method"] != "HEAD":
                part = await run_in_threadpool(file.read, PART)
                if not part:
                    break
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


class ReportPages:
    """Serves the reports of one state folder."""

    def __init__(self, state: Path) -> None:
        self._reports = Reports(state)

    def links(self) -> list[Link]:
        """A line for each report, by model, the newest first."""
        return list(self._links())

    def _links(self) -> Iterator[Link]:
        for stored in self._reports.all():
            about = f"report of {stored.model}, {shown(stored.start)} to {shown(stored.end)} UTC"
            yield Link(f"/reports/{stored.model}/{stored.path.name}", about)

    async def answer(self, request: Request) -> Response:
        """One file, by the names that reports have and no others."""
        model, name = request.path_params["model"], request.path_params["file"]
        file = await run_in_threadpool(self._open, model, name)
        if file is None:
            return PlainTextResponse("There is no such report.\n", status_code=404)
        return _File(file, _TYPES[Path(name).suffix])

    def _open(self, model: str, name: str) -> BinaryIO | None:
        path = self._reports.file(model, name)
        try:
            return None if path is None else path.open("rb")
        except OSError:  # removed this instant, or not for this process
            return None
