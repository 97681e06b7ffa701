from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import bcrypt
import httpx
import pytest

from monitor.server import Exporter
from monitor.web import logins
from monitor.web.logins import MAX_PASSWORD, Busy, Logins
from tests.support.web import hashed, serving, web

LONG = "x" * MAX_PASSWORD
USERS = {"prometheus": hashed("right"), "zoë": hashed("größe:with:colons"), "long": hashed(LONG)}


@pytest.fixture(scope="module")
def exporter() -> Iterator[Exporter]:
    with serving(web(basic_auth_users=USERS)) as running:
        yield running


def status(exporter: Exporter, name: str, password: str, path: str = "/metrics") -> int:
    given = base64.b64encode(f"{name}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {given}"}
    return httpx.get(f"{exporter.url}{path}", headers=headers, timeout=30).status_code


class Rounds:
    """Counts the rounds of bcrypt, and remembers what was compared with what."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[tuple[bytes, bytes]] = []
        self.threads: set[str] = set()
        real = bcrypt.checkpw

        def counted(password: bytes, against: bytes) -> bool:
            self.seen.append((password, against))
            self.threads.add(threading.current_thread().name)
            return real(password, against)

        monkeypatch.setattr(bcrypt, "checkpw", counted)


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> Rounds:
    return Rounds(monkeypatch)


def header(name: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


class TestWhoComesIn:
    @pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/-/ready", "/nothing"])
    def test_every_path_asks(self, exporter: Exporter, path: str) -> None:
        answer = httpx.get(f"{exporter.url}{path}", timeout=30)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith('Basic realm="inferwatch"')
        assert answer.text == "Unauthorized.\n"
        assert answer.headers["x-content-type-options"] == "nosniff"

    def test_each_user_with_the_own_password(self, exporter: Exporter) -> None:
        assert status(exporter, "prometheus", "right") == 200
        assert status(exporter, "zoë", "größe:with:colons") == 200
        assert status(exporter, "long", LONG) == 200

    @pytest.mark.parametrize(
        ("name", "password"),
        [
            ("prometheus", "wrong"),
            ("prometheus", ""),
            ("prometheus", "right\0right"),  # bcrypt alone takes it for "right"
            ("prometheus", "Right"),
            ("nobody", "right"),
            ("", ""),
            ("zoë", "right"),
            ("long", LONG + "y"),  # bcrypt alone looks at 72 bytes
            ("long", "x" * 1000),
        ],
    )
    def test_nobody_else(self, exporter: Exporter, name: str, password: str) -> None:
        assert status(exporter, name, password) == 401

    @pytest.mark.parametrize(
        "given",
        [
            "",
            "Basic",
            "Basic =",
            "Basic !!!",
            "Basic cHJvbWV0aGV1cw==",  # no colon
            "Basic /zpyaWdodA==",  # a name that is no UTF-8
            "Bearer cHJvbWV0aGV1czpyaWdodA==",
            "Digest username=prometheus",
        ],
    )
    def test_no_login_at_all(self, exporter: Exporter, given: str) -> None:
        answer = httpx.get(exporter.url, headers={"Authorization": given}, timeout=30)
        assert answer.status_code == 401

    def test_the_scheme_in_any_case(self, exporter: Exporter) -> None:
        given = header("prometheus", "right").replace("Basic", "bAsIc")
        answer = httpx.get(exporter.url, headers={"Authorization": given}, timeout=30)
        assert answer.status_code == 200

    def test_a_renewal_changes_who_comes_in(self) -> None:
        with serving(web(basic_auth_users={"a": hashed("1")})) as exporter:
            assert (status(exporter, "a", "1"), status(exporter, "b", "2")) == (200, 401)
            exporter.renew(web(basic_auth_users={"b": hashed("2")}))
            assert (status(exporter, "a", "1"), status(exporter, "b", "2")) == (401, 200)


class TestNothingToLearnFromTime:
    def test_an_unknown_user_costs_the_same_round(self, rounds: Rounds) -> None:
        users = Logins({name: text.encode() for name, text in USERS.items()})
        for name in ("prometheus", "nobody"):
            assert not asyncio.run(users.admits(header(name, "wrong")))
        assert [password for password, _ in rounds.seen] == [b"wrong", b"wrong"]

    def test_a_useless_password_costs_one_too(self, rounds: Rounds) -> None:
        users = Logins({"a": USERS["long"].encode()})
        for password in (LONG + "y", "a\0b"):
            assert not asyncio.run(users.admits(header("a", password)))
        assert len(rounds.seen) == 2

    def test_unknown_names_take_the_cost_of_some_user_and_keep_it(self, rounds: Rounds) -> None:
        costs = {
            name: bcrypt.hashpw(b"x", bcrypt.gensalt(cost)) for name, cost in (("a", 4), ("b", 5))
        }
        users = Logins(costs)

        def against(name: str) -> bytes:
            assert not asyncio.run(users.admits(header(name, "wrong")))
            return rounds.seen[-1][1]

        names = [f"unknown-{number}" for number in range(40)]
        first = [against(name) for name in names]
        assert [against(name) for name in names] == first
        assert set(first) == set(costs.values())

    def test_the_stand_in_lets_nobody_in(self) -> None:
        users = Logins({"a": hashed("right").encode()})
        assert not asyncio.run(users.admits(header("nobody", "right")))


class TestRemembering:
    def test_one_round_for_many_scrapes(self, rounds: Rounds) -> None:
        with serving(web(basic_auth_users=USERS)) as exporter:
            assert {status(exporter, "prometheus", "right") for _ in range(20)} == {200}
            assert len(rounds.seen) == 1
            assert status(exporter, "prometheus", "wrong") == 401
            assert status(exporter, "nobody", "right") == 401
            assert len(rounds.seen) == 3
            assert status(exporter, "prometheus", "right") == 200
            assert len(rounds.seen) == 3
        assert "web" not in rounds.threads  # the loop's own thread

    def test_what_was_wrong_takes_no_room(self) -> None:
        users = Logins({"a": hashed("right").encode()})
        for number in range(20):
            assert not asyncio.run(users.admits(header("a", str(number))))
            assert not asyncio.run(users.admits(header(str(number), "right")))
        assert users._right == {}

    def test_no_password_is_kept(self) -> None:
        users = Logins({"a": hashed("right").encode()})
        assert asyncio.run(users.admits(header("a", "right")))
        assert list(users._right) == ["a"]
        assert b"right" not in users._right["a"]
        other = Logins({"a": hashed("right").encode()})
        assert asyncio.run(other.admits(header("a", "right")))
        assert other._right != users._right  # keyed anew in each process


class TestManyAtOnce:
    def test_one_address_cannot_take_every_place(self, monkeypatch: pytest.MonkeyPatch) -> None:
        may_end = threading.Event()

        def slow(password: bytes, against: bytes) -> bool:
            assert may_end.wait(30)
            return password == b"right"

        monkeypatch.setattr(bcrypt, "checkpw", slow)
        users = Logins({"a": hashed("right").encode()})

        async def play() -> None:
            flood = [
                asyncio.create_task(users.admits(header("a", str(number)), "10.0.0.1"))
                for number in range(logins.MAX_WAITING_OF_ONE)
            ]
            await asyncio.sleep(0)
            one_more = asyncio.create_task(users.admits(header("a", "right"), "10.0.0.1"))
            scrape = asyncio.create_task(users.admits(header("a", "right"), "10.0.0.2"))
            await asyncio.sleep(0)
            may_end.set()
            assert await scrape
            with pytest.raises(Busy):
                await one_more
            assert not any(await asyncio.gather(*flood))

        asyncio.run(play())
        assert not users._waiting

    def test_who_is_turned_away_is_told_to_come_again(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(logins, "MAX_WAITING", 0)
        with serving(web(basic_auth_users=USERS)) as exporter:
            answer = httpx.get(exporter.url, auth=("prometheus", "right"), timeout=30)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert "www-authenticate" not in answer.headers

    def test_scrapes_go_on_while_passwords_are_tried(self, rounds: Rounds) -> None:
        with (
            serving(web(basic_auth_users=USERS)) as exporter,
            ThreadPoolExecutor(16) as pool,
        ):
            assert status(exporter, "prometheus", "right") == 200
            wrong = [pool.submit(status, exporter, "prometheus", str(n)) for n in range(64)]
            assert {status(exporter, "prometheus", "right") for _ in range(20)} == {200}
            assert {one.result() for one in wrong} <= {401, 503}
