"""A webhook: signed, sent again under the same key, and done once by a receiver that heeds it."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.switch.target import Refused, Rollout, Unreachable, Unsure, Where
from monitor.switch.targets.webhook import Webhook
from tests.support.stand_in import Asked, Said, StandIn

SECRET = "very-secret"
VALUES = {"ridge-1": "refs/tags/ridge-1", "ridge-2": "refs/tags/ridge-2"}


class Receiver:
    """Checks the signature, does each key once, and writes only where it is still at `from`."""

    def __init__(self) -> None:
        self.at = "refs/tags/ridge-2"
        self.done: list[str] = []
        self.answers: list[Said] = []
        self.more: dict[str, str] = {}

    def __call__(self, asked: Asked) -> Said:
        signed = asked.headers["X-Inferwatch-Timestamp"].encode() + b"." + asked.body
        mac = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        if asked.headers["X-Inferwatch-Signature"] != f"sha256={mac}":
            return Said(401, {"message": "wrong signature"})
        if asked.method == "GET":
            return Said(200, {"version": self.at} | self.more)
        key = asked.headers["Idempotency-Key"]
        # The answers of a test come after the work: what is lost is the answer.
        if key not in self.done and asked.json["from"] == self.at:
            self.done.append(key)
            self.at = asked.json["to"]
        return self.answers.pop(0) if self.answers else Said(202)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def server(receiver: Receiver) -> Iterator[StandIn]:
    with StandIn(receiver) as running:
        yield running


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def target(server: StandIn, tmp_path: Path, waits: list[float]) -> Webhook:
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    url = server.url
    return Webhook(
        "m", url + "/do", url + "/state", secret, VALUES, None, lambda: 12.9, waits.append
    )


def test_what_is_sent_to_the_letter(server: StandIn, receiver: Receiver, target: Webhook) -> None:
    plan = target.plan("ridge-1")
    assert "from refs/tags/ridge-2 to refs/tags/ridge-1" in plan.sentence
    assert plan.version_before == "ridge-2"
    target.apply(plan, "the-key")
    assert server.lines == ["GET /state", "GET /state", "POST /do"]
    (write,) = server.writes
    assert write.json == {
        "target": "m",
        "from": "refs/tags/ridge-2",
        "to": "refs/tags/ridge-1",
        "plan": plan.digest,
        "key": "the-key",
    }
    assert write.headers["Idempotency-Key"] == "the-key"
    assert write.headers["X-Inferwatch-Timestamp"] == "12"
    assert write.headers["Content-Type"] == "application/json"
    assert SECRET not in json.dumps([one.headers for one in server.asked])
    assert receiver.done == ["the-key"]


@pytest.mark.parametrize("trouble", [Said(cut=True), Said(500), Said(503), Said(429), Said(408)])
def test_what_has_no_answer_is_sent_again_and_done_once(
    server: StandIn, receiver: Receiver, target: Webhook, waits: list[float], trouble: Said
) -> None:
    plan = target.plan("ridge-1")
    receiver.answers = [trouble, trouble]
    target.apply(plan, "key")
    first, second, third = server.writes
    assert first.body == second.body == third.body
    assert first.headers == second.headers == third.headers
    assert receiver.done == ["key"]
    assert len(waits) == 2
    assert 0.5 <= waits[0] <= 1.0
    assert 2.0 <= waits[1] <= 4.0


def test_it_waits_as_long_as_it_is_asked_to_within_reason(
    receiver: Receiver, target: Webhook, waits: list[float]
) -> None:
    plan = target.plan("ridge-1")
    asks = [Said(503, {}, {"Retry-After": text}) for text in ("7", "100000", "nan")]
    receiver.answers = asks
    target.apply(plan, "key")
    assert waits[0] == 7.0
    assert waits[1] == 30.0
    assert 5.0 <= waits[2] <= 10.0


def test_after_four_tries_it_is_not_known(
    server: StandIn, receiver: Receiver, target: Webhook
) -> None:
    plan = target.plan("ridge-1")
    receiver.answers = [Said(503)] * 9
    with pytest.raises(Unsure, match="503"):
        target.apply(plan, "key")
    assert len(server.writes) == 4


def test_where_nobody_ever_listened_nothing_was_written(
    server: StandIn, target: Webhook, tmp_path: Path
) -> None:
    deaf = Webhook(
        "m",
        "unix:///nowhere/s",
        server.url + "/state",
        tmp_path / "secret",
        VALUES,
        wait=lambda _: None,
    )
    with pytest.raises(Unreachable, match="No such file"):
        deaf.apply(deaf.plan("ridge-1"), "key")


@pytest.mark.parametrize("status", [400, 403, 409, 422])
def test_a_refusal_is_believed_at_once(
    server: StandIn, receiver: Receiver, target: Webhook, status: int
) -> None:
    plan = target.plan("ridge-1")
    receiver.answers = [Said(status, {"message": "no"})]
    with pytest.raises(Refused, match=f"{status}: no"):
        target.apply(plan, "key")
    assert len(server.writes) == 1


def test_but_not_after_a_try_that_may_have_been_done(receiver: Receiver, target: Webhook) -> None:
    plan = target.plan("ridge-1")
    receiver.answers = [Said(cut=True), Said(409, {"message": "in progress"})]
    with pytest.raises(Unsure, match="an earlier try may have been done"):
        target.apply(plan, "key")


def test_a_redirect_is_not_followed(server: StandIn, receiver: Receiver, target: Webhook) -> None:
    plan = target.plan("ridge-1")
    receiver.answers = [Said(307, {}, {"Location": server.url + "/elsewhere"})]
    with pytest.raises(Unsure, match="sends elsewhere"):
        target.apply(plan, "key")
    assert len(server.writes) == 1


def test_what_changed_since_the_plan_is_not_sent(
    server: StandIn, receiver: Receiver, target: Webhook
) -> None:
    plan = target.plan("ridge-1")
    receiver.at = "refs/heads/by-hand"
    with pytest.raises(Refused, match="changed since the plan"):
        target.apply(plan, "key")
    assert server.writes == []


@pytest.mark.parametrize("version", ["refs/tags/ridge-1", "ridge-3", "", "<b>", "ridge-1\n"])
def test_what_the_config_does_not_name_is_refused(target: Webhook, version: str) -> None:
    with pytest.raises(Refused, match="is not held"):
        target.plan(version)


def test_a_wrong_secret_ends_it(target: Webhook, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("other")
    with pytest.raises(Unreachable, match="401: wrong signature"):
        target.plan("ridge-1")
    (tmp_path / "secret").unlink()
    with pytest.raises(Refused, match="cannot be read"):
        target.plan("ridge-1")


@pytest.mark.parametrize("body", [{}, {"version": 3}, {"version": None}])
def test_a_state_without_a_version_is_none(server: StandIn, target: Webhook, body: object) -> None:
    server.answer = lambda _: Said(200, body)
    with pytest.raises(Unreachable, match='no text at "version"'):
        target.plan("ridge-1")


@pytest.mark.parametrize(
    ("more", "rollout"),
    [
        ({}, Rollout.DONE),
        ({"state": "waiting"}, Rollout.WAITING),
        ({"state": "failed"}, Rollout.FAILED),
        ({"state": "what?"}, Rollout.WAITING),
    ],
)
def test_it_took_where_the_receiver_says_so(
    receiver: Receiver, target: Webhook, more: dict[str, str], rollout: Rollout
) -> None:
    plan = target.plan("ridge-1")
    assert target.verify(plan).where is Where.BEFORE
    target.apply(plan, "key")
    receiver.more = more | {"message": "pull request\n7"}
    look = target.verify(plan)
    assert (look.where, look.rollout, look.says) == (Where.AFTER, rollout, "pull request 7")


@pytest.mark.parametrize(
    ("state", "rollout"),
    [("waiting", Rollout.WAITING), ("failed", Rollout.FAILED), ("done", Rollout.FAILED)],
)
def test_a_receiver_that_switches_later_says_that_it_waits(
    receiver: Receiver, target: Webhook, state: str, rollout: Rollout
) -> None:
    plan = target.plan("ridge-1")
    receiver.more = {"state": state, "message": "pull request 7 is open"}
    look = target.verify(plan)
    assert (look.where, look.rollout) == (Where.BEFORE, rollout)
