"""Grafana's HTTP API, by `grafana-api`: what goes wrong becomes a sentence that says what to do.

`grafana-api` is an extra, and imported where it is used. The token is in no message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

TIMEOUT = 10.0
"""Seconds that Grafana has to answer."""

MOST_TOKEN = 8192
"""Bytes of a token file that are read: a longer one is no token."""

INSTALL = "this needs the extra `grafana`; install it with: pip install 'inferwatch[grafana]'"

_T = TypeVar("_T")


class GrafanaError(Exception):
    """What Grafana refused, or why it was not reached, and what to do.

    Attributes:
        status: the code of its answer; 0 where there was none, or none of Grafana's.
    """

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status

    @property
    def passing(self) -> bool:
        """Whether the same question may have a better answer in a while."""
        return self.status in {0, 408, 425, 429} or self.status >= 500


@dataclass(frozen=True, slots=True)
class Place:
    """Where Grafana is, as an address without a login, a query or a slash at its end."""

    scheme: str
    host: str
    port: int | None
    path: str

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}{self.path}"


def parse_url(text: str) -> Place:
    """The address that people write: `https://grafana.example.com/monitoring`.

    Raises:
        ValueError: it is none.
    """
    example = "write for example http://127.0.0.1:3000"
    # What follows would quote a password that stands inside.
    if "@" in text:
        raise ValueError(f"has a login inside; give the token in a file, and {example}")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"{text!r} is not a URL; {example}") from None
    if parts.scheme not in {"http", "https"} or not host or not text.isprintable() or " " in text:
        raise ValueError(f"{text!r} is not a URL of http or https; {example}")
    if parts.query or parts.fragment:
        raise ValueError(f"{text!r} is more than an address and a path; {example}")
    host = f"[{host}]" if ":" in host else host
    return Place(parts.scheme, host, port, parts.path.rstrip("/"))


def read_token(file: Path) -> str:
    """The token of a service account in a file.

    Raises:
        GrafanaError: there is none, or what is in it is none.
    """
    try:
        with file.open("rb") as opened:
            text = opened.read(MOST_TOKEN + 1).decode("ascii").strip()
    except OSError as error:
        what = f"{file}: cannot be read ({error.strerror})"
        raise GrafanaError(f"{what}; write the token of a service account into it") from None
    except UnicodeDecodeError:
        raise GrafanaError(f"{file}: is no token; write that of a service account") from None
    if not text or len(text) > MOST_TOKEN or not text.isprintable() or " " in text:
        what = "is empty" if not text else "is not one token on one line"
        raise GrafanaError(f"{file}: {what}; write the token of a service account into it")
    return text


@contextmanager
def connected(place: Place, token: str) -> Iterator[Any]:
    """A client of Grafana; nothing is asked yet.

    Raises:
        GrafanaError: `grafana-api` is not installed.
    """
    try:
        from grafana_api.grafana_face import GrafanaFace
    except ImportError:
        raise GrafanaError(INSTALL) from None
    prefix = f"{place.path.lstrip('/')}/" if place.path else ""
    face = GrafanaFace(
        auth=token,
        host=place.host,
        port=place.port,
        url_path_prefix=prefix,
        protocol=place.scheme,
        timeout=TIMEOUT,
    )
    # A POST that is sent elsewhere would arrive there as a GET.
    face.api.s.max_redirects = 0
    try:
        yield face
    finally:
        face.api.s.close()


def ask(place: Place, what: str, question: Callable[[], _T]) -> _T:
    """The answer to a question; `what` names it for people.

    Raises:
        GrafanaError: there is none.
    """
    import requests
    from grafana_api.grafana_api import GrafanaException

    not_grafana = f"{place}: {what}: the answer is not Grafana's; is this the address of Grafana?"
    try:
        answer = question()
    except GrafanaException as error:
        raise _refused(place, what, error.status_code, error.response) from None
    except requests.exceptions.TooManyRedirects:
        hint = "give the address that it leads to (often https, or with a path)"
        raise GrafanaError(f"{place}: {what}: it sends elsewhere; {hint}", 301) from None
    except requests.exceptions.SSLError:
        hint = "where the authority is your own, name it by REQUESTS_CA_BUNDLE=FILE"
        said = f"{place}: {what}: its certificate is not trusted; {hint}"
        raise GrafanaError(said, 495) from None
    except requests.exceptions.Timeout:
        raise GrafanaError(f"{place}: {what}: no answer within {TIMEOUT:g} s") from None
    except requests.exceptions.ConnectionError:
        hint = "is Grafana running, and is the address right?"
        raise GrafanaError(f"{place}: {what}: nothing answers there; {hint}") from None
    except (requests.exceptions.RequestException, ValueError, TypeError):
        # `grafana-api` takes an answer that is no JSON, or not an object, for one that is.
        raise GrafanaError(not_grafana, 404) from None
    if not isinstance(answer, dict | list):
        raise GrafanaError(not_grafana, 404)
    return answer


def _refused(place: Place, what: str, status: int, response: object) -> GrafanaError:
    said = response.get("message") if isinstance(response, dict) else None
    words = f" ({_short(said)})" if isinstance(said, str) and said else ""
    hints = {
        401: "the token is not valid; make one for a service account with the role Editor",
        403: "the token may not do this; give its service account the role Editor",
        404: "it is not there; is this the address of Grafana, with its path?",
        412: "somebody else changed it, or it belongs to something else; look at it in Grafana",
    }
    hint = hints.get(status, "try again later" if status >= 500 else "see Grafana's log")
    return GrafanaError(f"{place}: {what}: {status}{words}; {hint}", status)


def _short(text: str) -> str:
    """What Grafana says, on one line, and not for ever."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= 200 else f"{line[:197]}..."
