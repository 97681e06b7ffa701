from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support.web import hashed, serving, web

ON = {"enable_lifecycle": True}


class Reloads:
    """A reload that counts itself, and says what it is told to say."""

    def __init__(self) -> None:
        self.calls = 0
        self.at_once = 0
        self.most_at_once = 0
        self.says: str | None = None
        self.may_end = threading.Event()
        self.may_end.set()

    def __call__(self) -> str | None:
        self.calls += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        assert self.may_end.wait(30)
        self.at_once -= 1
        return self.says


@pytest.mark.parametrize("method", ["POST", "PUT"])
class TestReload:
    def test_it_is_off_unless_enabled(self, method: str) -> None:
        reloads = Reloads()
        for settings, reload in ((web(), reloads), (web(**ON), None)):
            with serving(settings, reload=reload) as exporter:
                answer = httpx.request(method, f"{exporter.url}/-/reload", timeout=30)
            assert (answer.status_code, answer.text) == (403, "Lifecycle API is not enabled.\n")
        assert reloads.calls == 0

    def test_what_came_of_it_is_said(self, method: str) -> None:
        reloads = Reloads()
        with serving(web(**ON), reload=reloads) as exporter:
            url = f"{exporter.url}/-/reload"
            answer = httpx.request(method, url, timeout=30)
            assert (answer.status_code, answer.text) == (200, "Reloaded.\n")
            reloads.says = "x.yml:3: <b>models</b>: is not there; add it"
            answer = httpx.request(method, url, timeout=30)
            assert (answer.status_code, answer.text) == (500, f"{reloads.says}\n")
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
            assert answer.headers["x-content-type-options"] == "nosniff"

    def test_nobody_unknown_reloads(self, method: str) -> None:
        reloads = Reloads()
        settings = web(**ON, basic_auth_users={"a": hashed("right")})
        with serving(settings, reload=reloads) as exporter:
            url = f"{exporter.url}/-/reload"
            assert httpx.request(method, url, timeout=30).status_code == 401
            wrong = httpx.request(method, url, auth=("a", "wrong"), timeout=30)
            assert wrong.status_code == 401
            assert reloads.calls == 0
            right = httpx.request(method, url, auth=("a", "right"), timeout=30)
            assert right.status_code == 200
        assert reloads.calls == 1

    @pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1"])
    def test_no_page_in_a_browser_reloads(self, method: str, origin: str) -> None:
        reloads = Reloads()
        with serving(web(**ON), reload=reloads) as exporter:
            headers = {"Origin": origin}
            url = f"{exporter.url}/-/reload"
            assert httpx.request(method, url, headers=headers, timeout=30).status_code == 403
        assert reloads.calls == 0

    def test_one_at_a_time_and_scrapes_go_on(self, method: str) -> None:
        reloads = Reloads()
        reloads.may_end.clear()
        with serving(web(**ON), reload=reloads) as exporter, ThreadPoolExecutor(8) as pool:
            url = f"{exporter.url}/-/reload"
            asked = [pool.submit(httpx.request, method, url, timeout=30) for _ in range(8)]
            assert httpx.get(f"{exporter.url}/metrics", timeout=30).status_code == 200
            reloads.may_end.set()
            assert {one.result().status_code for one in asked} == {200}
        assert (reloads.calls, reloads.most_at_once) == (8, 1)

    def test_a_defect_shows_nothing_of_itself(
        self, method: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        def broken() -> str | None:
            raise RuntimeError("/etc/secret/path")

        with serving(web(**ON), reload=broken) as exporter:
            answer = httpx.request(method, f"{exporter.url}/-/reload", timeout=30)
        assert (answer.status_code, answer.text) == (500, "Internal Server Error")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused(method: str) -> None:
    reloads = Reloads()
    with serving(web(**ON), reload=reloads) as exporter:
        answer = httpx.request(method, f"{exporter.url}/-/reload", timeout=30)
    assert answer.status_code == 405
    assert {word.strip() for word in answer.headers["allow"].split(",")} == {"POST", "PUT"}
    assert reloads.calls == 0


def test_a_renewal_enables_it() -> None:
    reloads = Reloads()
    with serving(web(), reload=reloads) as exporter:
        url = f"{exporter.url}/-/reload"
        assert httpx.post(url, timeout=30).status_code == 403
        exporter.renew(web(**ON))
        assert httpx.post(url, timeout=30).status_code == 200
