from __future__ import annotations

import gc
import gzip
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import pytest

from collectors.family import Statistic
from monitor.board import Board
from monitor.server import COLLECT, Exporter
from monitor.web.index import Link, page
from tests.support.boards import small_board

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
LOOPBACK = ("127.0.0.1", 0)


class Switch:
    """Readiness that a test can turn on."""

    on = False

    def __call__(self) -> bool:
        return self.on


@pytest.fixture
def switch() -> Switch:
    return Switch()


@pytest.fixture
def exporter(switch: Switch) -> Iterator[Exporter]:
    running = Exporter(small_board(), LOOPBACK, switch, lambda: 0.0)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def client(exporter: Exporter) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=exporter.url, timeout=30) as opened:
        yield opened


def raw(exporter: Exporter, request: bytes) -> bytes:
    port = httpx.URL(exporter.url).port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        answer = b""
        with suppress(ConnectionResetError):  # it need not read the request to its end
            while received := connection.recv(65536):
                answer += received
    return answer


class TestMetrics:
    def test_text_by_default(self, client: httpx.Client) -> None:
        answer = client.get("/metrics", headers={"Accept-Encoding": "identity"})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert "content-encoding" not in answer.headers
        assert "\ninferwatch_inferences_total{" in answer.text

    def test_openmetrics_where_it_is_asked_for(self, client: httpx.Client) -> None:
        answer = client.get("/metrics", headers={"Accept": OPENMETRICS})
        assert answer.headers["content-type"].startswith("application/openmetrics-text")
        assert answer.text.endswith("# EOF\n")
        assert answer.headers["vary"] == "Accept, Accept-Encoding"

    def test_compressed_where_it_is_asked_for(self, client: httpx.Client) -> None:
        with client.stream("GET", "/metrics", headers={"Accept-Encoding": "gzip"}) as answer:
            body = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == "gzip"
        plain = client.get("/metrics", headers={"Accept-Encoding": "identity"})
        assert gzip.decompress(body) == plain.content

    def test_head_has_no_body(self, client: httpx.Client) -> None:
        headers = {"Accept-Encoding": "identity"}
        answer = client.head("/metrics", headers=headers)
        assert (answer.status_code, answer.content) == (200, b"")
        size = len(client.get("/metrics", headers=headers).content)
        assert answer.headers["content-length"] == str(size)

    def test_many_scrapers_at_once(self, exporter: Exporter) -> None:
        with (
            httpx.Client(base_url=exporter.url, timeout=60) as client,
            ThreadPoolExecutor(20) as pool,
        ):
            accepts = ["text/plain", OPENMETRICS] * 100
            answers = list(
                pool.map(lambda a: client.get("/metrics", headers={"Accept": a}), accepts)
            )
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.text for answer in answers}) == 2

    def test_idle_connections_block_nobody(self, exporter: Exporter, client: httpx.Client) -> None:
        port = httpx.URL(exporter.url).port
        idle = [socket.create_connection(("127.0.0.1", port or 0)) for _ in range(200)]
        try:
            assert client.get("/metrics").status_code == 200
        finally:
            for connection in idle:
                connection.close()


class TestSlowRendering:
    def test_it_blocks_no_other_request(self) -> None:
        rendering, may_end = threading.Event(), threading.Event()

        class Slow(Board):
            def series(self):  # type: ignore[no-untyped-def]
                rendering.set()
                assert may_end.wait(30)
                return super().series()

        exporter = Exporter(Slow(), LOOPBACK, lambda: True, lambda: 0.0)
        exporter.start()
        try:
            with ThreadPoolExecutor(1) as pool:
                scrape = pool.submit(httpx.get, f"{exporter.url}/metrics", timeout=30)
                assert rendering.wait(30)
                assert httpx.get(f"{exporter.url}/-/healthy", timeout=30).status_code == 200
                may_end.set()
                assert scrape.result(30).status_code == 200
        finally:
            may_end.set()
            exporter.stop()


class TestHealth:
    def test_healthy_before_ready(self, client: httpx.Client, switch: Switch) -> None:
        assert client.get("/-/healthy").status_code == 200
        answer = client.get("/-/ready")
        assert answer.status_code == 503
        assert answer.text == "Not ready: the first partitions are not assigned yet.\n"
        switch.on = True
        assert client.get("/-/ready").status_code == 200


class TestRequests:
    @pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/-/ready"])
    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
    def test_get_and_head_alone(self, client: httpx.Client, method: str, path: str) -> None:
        answer = client.request(method, path)
        assert answer.status_code == 405
        assert {word.strip() for word in answer.headers["allow"].split(",")} == {"GET", "HEAD"}

    @pytest.mark.parametrize("path", ["/metrics/", "/nothing", "/-/", "//evil.example/metrics"])
    def test_nothing_redirects(self, client: httpx.Client, path: str) -> None:
        answer = client.get(f"{client.base_url}{path}")
        assert answer.status_code == 404
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers

    def test_a_broken_accept_header_is_answered(self, client: httpx.Client) -> None:
        accept = "application/openmetrics-text; version=ham"
        assert client.get("/metrics", headers={"Accept": accept}).status_code == 200

    def test_a_broken_request_ends_its_connection_alone(
        self, exporter: Exporter, client: httpx.Client
    ) -> None:
        assert raw(exporter, b"\x00\xff nonsense\r\n\r\n").startswith(b"HTTP/1.1 400")
        assert b" 200 " not in raw(exporter, b"GET / HTTP/1.1\r\nX: " + b"x" * 200_000)
        assert client.get("/-/healthy").status_code == 200


class TestIndex:
    def test_every_link_leads_somewhere(self, client: httpx.Client, switch: Switch) -> None:
        switch.on = True
        answer = client.get("/")
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        paths = re.findall(r'href="([^"]+)"', answer.text)
        assert paths == ["/metrics", "/-/healthy", "/-/ready"]
        assert {client.get(path).status_code for path in paths} == {200}

    def test_what_is_given_is_escaped(self) -> None:
        html = page("<b>&", [Link('/"><script>', "<script>alert(1)</script>")])
        assert "<script" not in html
        assert "<b>" not in html
        assert 'href="/&quot;&gt;&lt;script&gt;"' in html


class TestLife:
    def test_an_address_in_use_is_named(self, exporter: Exporter) -> None:
        port = httpx.URL(exporter.url).port
        assert port
        with pytest.raises(OSError, match=f"127.0.0.1:{port} cannot be listened on"):
            Exporter(Board(), ("127.0.0.1", port), lambda: True, lambda: 0.0).start()

    def test_stop_gives_back_the_port_and_may_be_called_twice(self) -> None:
        first = Exporter(Board(), LOOPBACK, lambda: True, lambda: 0.0)
        first.start()
        url = httpx.URL(first.url)
        assert httpx.get(url, timeout=30).status_code == 200
        first.stop()
        first.stop()
        with pytest.raises(httpx.ConnectError):
            httpx.get(url, timeout=30)
        second = Exporter(Board(), ("127.0.0.1", url.port or 0), lambda: True, lambda: 0.0)
        second.start()
        assert httpx.get(url, timeout=30).status_code == 200
        second.stop()

    def test_stop_does_not_wait_for_idle_connections(self) -> None:
        exporter = Exporter(Board(), LOOPBACK, lambda: True, lambda: 0.0)
        exporter.start()
        with httpx.Client(base_url=exporter.url, timeout=30) as client:
            assert client.get("/-/healthy").status_code == 200
            threads = exporter._threads
            exporter.stop()
        assert len(threads) == 2
        assert not any(thread.is_alive() for thread in threads)

    def test_collects_all_garbage_seldom(self) -> None:
        before = gc.get_threshold()
        gc.set_threshold(700, 10, 10)
        exporter = Exporter(Board(), LOOPBACK, lambda: True, lambda: 0.0)
        try:
            exporter.start()
            assert gc.get_threshold() == COLLECT
        finally:
            exporter.stop()
            gc.set_threshold(*before)

    def test_what_changes_is_served(self) -> None:
        clock = iter(range(0, 1000, 5))
        board = Board()
        exporter = Exporter(board, LOOPBACK, lambda: True, lambda: float(next(clock)))
        exporter.start()
        try:
            for rows in range(1, 4):
                board.add(Statistic("late.rows", 1), "delay")
                text = httpx.get(f"{exporter.url}/metrics", timeout=30).text
                assert text.endswith(f'inferwatch_late_rows_total{{model="delay"}} {rows}.0\n')
        finally:
            exporter.stop()
