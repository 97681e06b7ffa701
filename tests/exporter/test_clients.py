"""Clients that are slow, idle, half-open or many."""

from __future__ import annotations

import errno
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from monitor.config_web import Web
from monitor.server import Exporter
from monitor.web.door import OWN_BUFFER, Limits, Visitor
from tests.support.web import (
    Certificates,
    connect,
    is_ended,
    large_board,
    make_certificates,
    port_of,
    serving,
    web,
)

PATIENT = Limits(handshake=3600, request=3600, answer=3600)
GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


class Clients:
    """Makes clients of one kind: plain, or over TLS."""

    def __init__(self, settings: Web, context: ssl.SSLContext | None) -> None:
        self.settings = settings
        self.context = context
        self._open = ExitStack()

    def connect(self, exporter: Exporter, receive_buffer: int | None = None) -> socket.socket:
        """One that came in, its TLS handshake done."""
        plain = connect(exporter, receive_buffer)
        if self.context is not None:
            plain = self.context.wrap_socket(plain, server_hostname="127.0.0.1")
        return self._open.enter_context(plain)

    def scrape(self, exporter: Exporter) -> int:
        verify = True if self.context is None else self.context
        return httpx.get(f"{exporter.url}/metrics", verify=verify, timeout=30).status_code

    def close(self) -> None:
        self._open.close()


@pytest.fixture(params=["plain", "tls"])
def clients(request: pytest.FixtureRequest, certificates: Certificates) -> Iterator[Clients]:
    if request.param == "plain":
        made = Clients(web(), None)
    else:
        made = Clients(web(tls_server_config=certificates.settings), certificates.client())
    yield made
    made.close()


class TestIdle:
    @pytest.mark.parametrize("sent", [b"", b"G", b"GET /metrics HTTP/1.1\r\nHost: slow"])
    def test_who_does_not_ask_goes(self, clients: Clients, sent: bytes) -> None:
        with serving(clients.settings, limits=Limits(request=0.1)) as exporter:
            idle = clients.connect(exporter)
            idle.sendall(sent)
            assert is_ended(idle)
            assert clients.scrape(exporter) == 200

    @pytest.mark.parametrize("sent", [b"", b"G"])
    def test_who_does_not_ask_again_goes(self, clients: Clients, sent: bytes) -> None:
        with serving(clients.settings, limits=Limits(request=0.3)) as exporter:
            idle = clients.connect(exporter)
            idle.sendall(GET)
            assert idle.recv(15) == b"HTTP/1.1 200 OK"
            idle.sendall(sent)
            assert is_ended(idle)

    def test_an_endless_request_body_ends(self, clients: Clients) -> None:
        with serving(clients.settings, limits=Limits(request=0.3)) as exporter:
            sender = clients.connect(exporter)
            sender.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nx")
            assert is_ended(sender)

    def test_half_a_handshake_goes(self, certificates: Certificates) -> None:
        settings = web(tls_server_config=certificates.settings)
        with serving(settings, limits=Limits(handshake=0.2, request=3600)) as exporter:
            with connect(exporter) as silent, connect(exporter) as half:
                half.sendall(b"\x16\x03\x01\x02\x00\x01")  # the beginning of a ClientHello
                assert is_ended(silent)
                assert is_ended(half)
            answer = httpx.get(exporter.url, verify=certificates.client(), timeout=30)
            assert answer.status_code == 200


class TestFullHouse:
    def test_the_longest_idle_goes_for_a_new_one(self, clients: Clients) -> None:
        limits = Limits(connections=8, handshake=3600, request=3600, answer=3600)
        with serving(clients.settings, limits=limits) as exporter:
            idle = [clients.connect(exporter) for _ in range(8)]
            assert clients.scrape(exporter) == 200
            assert is_ended(idle[0])
            idle[7].sendall(GET)
            assert idle[7].recv(15) == b"HTTP/1.1 200 OK"
            more = [clients.connect(exporter) for _ in range(40)]
            assert clients.scrape(exporter) == 200
            assert all(is_ended(one) for one in idle)
            more[-1].sendall(GET)
            assert more[-1].recv(15) == b"HTTP/1.1 200 OK"
            door = exporter._server._door
            assert door is not None
            assert len(door._idle) + len(door._busy) <= 8

    def test_half_open_handshakes_go_for_a_new_one(self, certificates: Certificates) -> None:
        settings = web(tls_server_config=certificates.settings)
        limits = Limits(connections=8, handshake=3600, request=3600, answer=3600)
        with serving(settings, limits=limits) as exporter, ExitStack() as stack:
            half = [stack.enter_context(connect(exporter)) for _ in range(40)]
            for _ in range(3):
                context = certificates.client()
                assert httpx.get(exporter.url, verify=context, timeout=30).status_code == 200
            assert all(is_ended(one) for one in half[:32])

    def test_slow_readers_go_when_nobody_is_idle(self, clients: Clients) -> None:
        limits = Limits(connections=4, handshake=3600, request=3600, answer=3600)
        with serving(clients.settings, large_board(20_000), limits=limits) as exporter:
            slow = [clients.connect(exporter, receive_buffer=4096) for _ in range(4)]
            for one in slow:
                one.sendall(GET)
                assert one.recv(15) == b"HTTP/1.1 200 OK"
            assert clients.scrape(exporter) == 200
            assert is_ended(slow[0])

    def test_who_is_being_answered_stays_while_others_are_idle(self, clients: Clients) -> None:
        limits = Limits(connections=4, handshake=3600, request=3600, answer=3600)
        with serving(clients.settings, large_board(20_000), limits=limits) as exporter:
            slow = clients.connect(exporter, receive_buffer=4096)
            slow.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            assert slow.recv(15) == b"HTTP/1.1 200 OK"
            idle = [clients.connect(exporter) for _ in range(5)]
            assert clients.scrape(exporter) == 200
            assert all(is_ended(one) for one in idle[:3])
            last = b""
            while part := slow.recv(65536):
                last = part
            assert last.endswith(b"\n")

    def test_no_file_left_costs_an_idle_one(
        self, clients: Clients, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = socket.socket.accept
        none_left = threading.Event()

        def accept(listener: socket.socket) -> Any:
            came = real(listener)
            if none_left.is_set():
                none_left.clear()
                came[0].close()
                raise OSError(errno.EMFILE, "Too many open files")
            return came

        monkeypatch.setattr(socket.socket, "accept", accept)
        with serving(clients.settings, limits=PATIENT) as exporter:
            idle = clients.connect(exporter)
            idle.sendall(GET)
            assert idle.recv(15) == b"HTTP/1.1 200 OK"
            none_left.set()
            with connect(exporter) as unlucky:
                assert is_ended(unlucky)
            assert clients.scrape(exporter) == 200
            assert is_ended(idle)


class TestSlowReaders:
    def test_an_answer_has_a_deadline(self, clients: Clients) -> None:
        limits = Limits(request=3, answer=0.5)
        with serving(clients.settings, large_board(20_000), limits=limits) as exporter:
            exporter._snapshot.get(0.0)  # so that the answer's time is the reader's alone
            slow = clients.connect(exporter, receive_buffer=4096)
            slow.sendall(GET)
            head = slow.recv(4096).partition(b"\r\n\r\n")[0].decode()
            size = int(head.lower().partition("content-length: ")[2].split()[0])
            # One that asks nothing takes longer to be sent away: it is the clock here.
            assert is_ended(clients.connect(exporter))
            received = 0
            try:
                while part := slow.recv(65536):
                    received += len(part)
            except OSError:
                pass
            assert received < size - 4096

    def test_a_slow_reader_holds_no_copy(
        self, clients: Clients, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        held: list[int] = []
        paused = threading.Event()
        real = Visitor.pause_writing

        def pause(visitor: Visitor) -> None:
            real(visitor)
            held.append(visitor.transport.get_write_buffer_size())
            paused.set()

        monkeypatch.setattr(Visitor, "pause_writing", pause)
        with serving(clients.settings, large_board(50_000), limits=PATIENT) as exporter:
            slow = clients.connect(exporter, receive_buffer=4096)
            slow.sendall(GET)
            assert slow.recv(15) == b"HTTP/1.1 200 OK"
            assert paused.wait(30)
            assert clients.scrape(exporter) == 200
        assert max(held) <= 3 * OWN_BUFFER

    def test_who_reads_on_gets_all_of_it(self, clients: Clients) -> None:
        with serving(clients.settings, large_board(20_000), limits=PATIENT) as exporter:
            reader = clients.connect(exporter, receive_buffer=4096)
            reader.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            answer = b""
            while part := reader.recv(65536):
                answer += part
        head, _, body = answer.partition(b"\r\n\r\n")
        assert f"content-length: {len(body)}".encode() in head.lower()
        assert body.endswith(b"\n")

    def test_stop_does_not_wait_for_them(self, clients: Clients) -> None:
        with serving(clients.settings, large_board(20_000), limits=PATIENT) as exporter:
            slow = clients.connect(exporter, receive_buffer=4096)
            slow.sendall(GET)
            assert slow.recv(15) == b"HTTP/1.1 200 OK"
            threads = exporter._threads
            port = port_of(exporter)
        assert len(threads) == 2
        assert not any(thread.is_alive() for thread in threads)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=30)


def test_requests_behind_each_other_on_one_connection(clients: Clients) -> None:
    with serving(clients.settings, limits=PATIENT) as exporter:
        connection = clients.connect(exporter)
        last = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        connection.sendall(GET * 5 + last)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    assert answer.count(b"HTTP/1.1 200 OK") == 6
    assert answer.endswith(b"Healthy.\n")
