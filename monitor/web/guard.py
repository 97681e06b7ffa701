"""What stands before every path: who may ask, and headers that every answer carries."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.web.logins import Busy, Logins

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

CHALLENGE = {"WWW-Authenticate": 'Basic realm="inferwatch", charset="UTF-8"'}


class Guard:
    """Asks for a login where `logins` says who may, and sets the headers of every answer.

    An answer may have a policy of its own, for a page that needs more.
    """

    def __init__(self, app: ASGIApp, logins: Callable[[], Logins | None]) -> None:
        self._app = app
        self._logins = logins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = await self._refusal(scope)
        await (refusal or self._app)(scope, receive, safely)

    async def _refusal(self, scope: Scope) -> Response | None:
        logins = self._logins()
        if logins is None:
            return None
        client = scope.get("client")
        address = str(client[0]) if client else ""
        try:
            if await logins.admits(Headers(scope=scope).get("authorization", ""), address):
                return None
        except Busy:
            sentence = "Too many logins at once; try again in a second.\n"
            return PlainTextResponse(sentence, 503, {"Retry-After": "1"})
        return PlainTextResponse("Unauthorized.\n", 401, CHALLENGE)
