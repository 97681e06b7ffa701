"""One question over HTTP: it ends, it goes nowhere else, it knows what may have arrived."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from monitor.switch import http
from monitor.switch.http import Broken, Client, read_secret
from monitor.switch.target import Refused, Unreachable, Unsure
from tests.support.stand_in import Said, StandIn


@contextmanager
def talks(*pieces: bytes, between: float = 0.0) -> Iterator[str]:
    """A server that takes one connection, says these bytes, and then nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            for piece in pieces:
                try:
                    connection.sendall(piece)
                except OSError:
                    return
                if stop.wait(between):
                    return
            stop.wait(30)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        thread.join()
        listener.close()


@pytest.mark.parametrize(
    ("server", "asked"),
    [
        ("http://mlflow.example", ("mlflow.example", 80)),
        ("https://mlflow.example/prefix", ("mlflow.example", 443)),
        ("https://mlflow.example:8443", ("mlflow.example", 8443)),
        ("http://[::1]/x", ("::1", 80)),
        ("https://[::1]", ("::1", 443)),
    ],
)
def test_an_address_without_a_port_has_its_scheme_s(
    monkeypatch: pytest.MonkeyPatch, server: str, asked: tuple[str, int]
) -> None:
    addresses = []

    def refuse(address: tuple[str, int], _timeout: float) -> socket.socket:
        addresses.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)
    with pytest.raises(Broken):
        Client(server).ask("GET", "/x")
    assert addresses == [asked]


def test_a_question_and_its_answer(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    with StandIn(lambda _: Said(200, {"a": 1})) as server:
        assert Client(server.url + "/prefix", token).read("/x", {"q": "a b&c"}) == {"a": 1}
        assert server.lines == ["GET /prefix/x?q=a+b%26c"]
        assert server.asked[0].headers["Authorization"] == "Bearer s3cret"
        token.write_text("renewed")
        Client(server.url, token).read("/x")
        assert server.asked[1].headers["Authorization"] == "Bearer renewed"


def test_a_user_with_a_password(tmp_path: Path) -> None:
    (tmp_path / "login").write_text("ada:pa:ss\n")
    with StandIn(lambda _: Said()) as server:
        Client(server.url, login_file=tmp_path / "login").read("/x")
        assert server.asked[0].headers["Authorization"] == "Basic YWRhOnBhOnNz"


def test_over_a_socket_file(tmp_path: Path) -> None:
    with StandIn(lambda _: Said(200, {"a": 1}), tmp_path / "s") as server:
        assert Client(server.url).read("/x") == {"a": 1}
        assert server.asked[0].headers["Host"] == "localhost"


def test_a_redirect_is_not_followed_nor_the_credential_shown(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret")
    with StandIn(lambda _: Said()) as other:
        moved = Said(307, {}, {"Location": other.url + "/x"})
        with StandIn(lambda _: moved) as server:
            with pytest.raises(Unreachable, match="sends elsewhere") as read:
                Client(server.url, token).read("/x")
            with pytest.raises(Unsure, match="sends elsewhere") as wrote:
                Client(server.url, token).write("POST", "/x", b"{}")
        assert other.asked == []
    assert "s3cret" not in f"{read.value!r}{wrote.value!r}"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Refused),
        (401, Refused),
        (403, Refused),
        (404, Refused),
        (408, Unsure),
        (409, Refused),
        (422, Refused),
        (429, Refused),
        (500, Unsure),
        (502, Unsure),
        (503, Unsure),
        (504, Unsure),
    ],
)
def test_a_write_that_is_refused_is_told_from_one_that_may_have_been_done(
    status: int, error: type[Exception]
) -> None:
    with (
        StandIn(lambda _: Said(status, {"message": "because\nof <this>"})) as server,
        pytest.raises(error, match=f"{status}: because of <this>"),
    ):
        Client(server.url).write("POST", "/x", b"{}")


def test_where_nothing_listens_nothing_was_written() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(Unreachable, match="Connection refused"):
        Client(url).write("POST", "/x", b"{}")
    with pytest.raises(Unreachable, match="No such file"):
        Client("unix:///nowhere/s").write("POST", "/x", b"{}")


def test_a_connection_that_is_cut_may_have_carried_it() -> None:
    with StandIn(lambda _: Said(cut=True)) as server:
        with pytest.raises(Unsure):
            Client(server.url).write("POST", "/x", b"{}")
        with pytest.raises(Unreachable):
            Client(server.url).read("/x")


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"


@pytest.mark.parametrize(
    "pieces", [(), (b"HTTP",), (HEAD,), (HEAD + b"{",)], ids=["silent", "begun", "head", "part"]
)
def test_an_answer_that_never_ends_has_an_end(pieces: tuple[bytes, ...]) -> None:
    with talks(*pieces) as url, pytest.raises(Broken, match=r"did not answer within 0.3 s") as said:
        Client(url, timeout=0.3).ask("GET", "/x")
    assert said.value.sent


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\n", HEAD], ids=["line", "head", "body"])
def test_nor_does_one_that_drips(head: bytes) -> None:
    # Each byte comes in time; all of them would take 100 s.
    began = time.monotonic()
    with (
        talks(head, *[b"a"] * 1000, between=0.1) as url,
        pytest.raises(Broken, match=r"did not answer within 0.5 s"),
    ):
        Client(url, timeout=0.5).ask("GET", "/x")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "raw",
    [b"SSH-2.0-x\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\0" * 100 + b"\n"],
    ids=["ssh", "bad", "nul"],
)
def test_what_is_no_server_is_named(raw: bytes) -> None:
    with (
        StandIn(lambda _: Said(raw=raw)) as server,
        pytest.raises(Unreachable, match="is no HTTP server"),
    ):
        Client(server.url).read("/x")


@pytest.mark.parametrize("raw", [b"[]", b"", b"\xff", b"[" * 90_000, b"<html>"])
def test_an_answer_that_is_no_object_is_none(raw: bytes) -> None:
    whole = b"HTTP/1.0 200 OK\r\n\r\n" + raw
    with (
        StandIn(lambda _: Said(raw=whole)) as server,
        pytest.raises(Unreachable, match="is no JSON object"),
    ):
        Client(server.url).read("/x")


def test_an_answer_that_is_too_large_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_BYTES", 100)
    with StandIn(lambda _: Said(200, {"a": "x" * 100})) as server, pytest.raises(Unreachable):
        Client(server.url).read("/x")


class TestTls:
    @pytest.fixture
    def authority(self) -> trustme.CA:
        return trustme.CA()

    @contextmanager
    def server(self, authority: trustme.CA, name: str) -> Iterator[str]:
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        with StandIn(lambda _: Said(200, {"a": 1})) as server:
            server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
            yield server.url.replace("http://127.0.0.1", f"https://{name}")

    def test_by_the_authority_in_a_file(self, tmp_path: Path, authority: trustme.CA) -> None:
        ca = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(str(ca))
        with self.server(authority, "localhost") as url:
            assert Client(url, ca_file=ca).read("/x") == {"a": 1}

    def test_and_by_no_other(self, authority: trustme.CA) -> None:
        with (
            self.server(authority, "localhost") as url,
            pytest.raises(Unreachable, match="no TLS connection"),
        ):
            Client(url).write("POST", "/x", b"{}")

    def test_a_handshake_that_never_ends_has_an_end(self) -> None:
        with talks() as url, pytest.raises(Unreachable, match=r"within 0\.3 s"):
            Client(url.replace("http:", "https:"), timeout=0.3).write("POST", "/x", b"{}")


class TestSecrets:
    @pytest.mark.parametrize(
        ("content", "what"),
        [(b"", "is empty"), (b"a b", "one word"), (b"a\nb", "one word"), (b"\xff", "ASCII")],
    )
    def test_what_is_none(self, tmp_path: Path, content: bytes, what: str) -> None:
        (tmp_path / "t").write_bytes(content)
        with pytest.raises(Refused, match=what):
            read_secret(tmp_path / "t")
        with pytest.raises(Unreachable, match=what):
            Client("http://127.0.0.1:1", tmp_path / "t").read("/x")

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(Refused, match="cannot be read"):
            read_secret(tmp_path / "none")
