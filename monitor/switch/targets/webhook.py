"""A webhook: somebody else's program is told to switch, and says what runs.

What it is sent is JSON, signed: `X-Inferwatch-Signature: sha256=HEX`, an HMAC over the value of
`X-Inferwatch-Timestamp`, a dot and the body. `Idempotency-Key`, also `"key"` in the body, is the
same for every try of one write, so that the receiver does it once; that, and to write only where it
is still at `from`, is the receiver's part. `state_url` answers `{"version": VALUE}`, and may add
`"state"`: `done`, `waiting` (also while it is still at `from`: a pull request is open) or `failed`,
with a `"message"`.
"""

from __future__ import annotations

import hashlib
import hmac
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from monitor.switch.canonical import clean, digest, encode
from monitor.switch.http import Answer, Broken, Client, read_secret
from monitor.switch.target import (
    Held,
    Look,
    Plan,
    Reading,
    Refused,
    Rollout,
    State,
    Unreachable,
    Unsure,
    Where,
    make_plan,
    side,
    unchanged,
)

TRIES = 4
WAITS = (1.0, 4.0, 10.0)
"""Seconds between tries, unless the receiver asks for more."""

LONGEST_WAIT = 30.0
KEY = "Idempotency-Key"
SIGNATURE = "X-Inferwatch-Signature"
TIMESTAMP = "X-Inferwatch-Timestamp"


class Webhook:
    """One receiver. `versions` maps what a record calls a version to the value that is sent."""

    def __init__(
        self,
        name: str,
        url: str,
        state_url: str,
        secret_file: Path,
        versions: Mapping[str, str],
        ca_file: Path | None = None,
        clock: Callable[[], float] = time.time,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._name, self._versions = name, dict(versions)
        self._write = Client(url, ca_file=ca_file)
        self._state = Client(state_url, ca_file=ca_file)
        self._secret_file = secret_file
        self._clock, self._wait = clock, wait

    def describe(self) -> str:
        """Its address."""
        return f"webhook {self._write.server}"

    def read(self) -> Reading:
        """What the receiver says runs, and the values of the config."""
        held = [Held(name, name, _state(value)) for name, value in self._versions.items()]
        return Reading(_state(self._said()[0]), tuple(held))

    def plan(self, version: str) -> Plan:
        """What going to a version would send."""
        return make_plan(
            self._name, self.describe(), self.read(), version, "by the map in the config"
        )

    def apply(self, plan: Plan, key: str) -> None:
        """Ask again, and send; what has no answer is sent again under the same key."""
        value, _ = self._said()
        unchanged(plan, _state(value))
        to = self._versions[plan.key]
        body = encode(
            {"target": self._name, "from": value, "to": to, "plan": plan.digest, "key": key}
        )
        # Signed once: a later try is the same to the letter.
        headers = self._signed(body) | {KEY: key}
        last: Answer | Broken = Broken("nothing was sent", False)
        sent = False
        for number in range(TRIES):
            if number:
                asked = last.after if isinstance(last, Answer) else 0.0
                draw = WAITS[number - 1] * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
                self._wait(min(max(asked, draw), LONGEST_WAIT))
            try:
                last = self._write.ask("POST", "", None, body, headers)
            except Broken as error:
                last, sent = error, sent or error.sent
                continue
            if last.status < 500 and last.status not in {408, 425, 429}:
                break
            sent = sent or last.status >= 500 or last.status == 408
        self._end(last, sent)

    def verify(self, plan: Plan) -> Look:
        """What the receiver says."""
        value, said = self._said()
        where = side(plan, _state(value))
        message = clean(str(said.get("message", f"it is at {clean(value, 60)}")), 300)
        state = said.get("state", "done")
        rollout = Rollout(state) if state in set(Rollout) else Rollout.WAITING
        if where is not Where.AFTER and rollout is Rollout.DONE:
            rollout = Rollout.FAILED
        return Look(where, rollout, message)

    def _end(self, last: Answer | Broken, sent: bool) -> None:
        """What the last try comes to, where an earlier one may have arrived."""
        if isinstance(last, Broken):
            raise (Unsure if sent else Unreachable)(str(last))
        if 300 <= last.status < 400:
            raise Unsure(
                f"{self.describe()} sends elsewhere ({last.status}), which is not followed"
            )
        try:
            self._write.took(last, "POST")
        except Refused as error:
            if sent:
                raise Unsure(f"{error} this time; an earlier try may have been done") from None
            raise

    def _said(self) -> tuple[str, dict[str, Any]]:
        """The value that the receiver is at, and all that it says."""
        try:
            answer = self._state.ask("GET", "", None, None, self._signed(b""))
        except Broken as error:
            raise Unreachable(str(error)) from None
        if answer.status != 200:
            raise Unreachable(f"{self._state.server}: {answer.words()}")
        found = self._state.parsed(answer, "")
        value = found.get("version")
        if not isinstance(value, str):
            raise Unreachable(f'{self._state.server}: the answer has no text at "version"')
        return value, found

    def _signed(self, body: bytes) -> dict[str, str]:
        now = str(int(self._clock()))
        secret = read_secret(self._secret_file).encode()
        mac = hmac.new(secret, now.encode() + b"." + body, hashlib.sha256).hexdigest()
        kind = {"Content-Type": "application/json"} if body else {}
        return {TIMESTAMP: now, SIGNATURE: f"sha256={mac}", **kind}


def _state(value: str) -> State:
    return State(digest(value), clean(value))
