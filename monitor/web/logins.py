"""Basic authentication: who may log in, without a way to find out by timing who could."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
from collections import Counter
from collections.abc import Mapping

import bcrypt
from starlette.concurrency import run_in_threadpool

MAX_PASSWORD = 72
"""Bytes of a password that bcrypt looks at; a longer one would be right with any end."""

MAX_WAITING = 32
"""Logins that wait for their turn; one that comes later is turned away, and may try again."""

MAX_WAITING_OF_ONE = 8
"""The same for a single address, so that one address cannot take every place."""


class Busy(Exception):
    """Too many logins wait for their turn."""


class Logins:
    """The users and the hashes of their passwords.

    A password that was right is remembered by a keyed hash, so that not every scrape costs a round
    of bcrypt; there is at most one a user. An unknown user costs the same round as a known one.
    Used from one event loop.
    """

    def __init__(self, hashes: Mapping[str, bytes]) -> None:
        self._hashes = dict(hashes)
        self._key = secrets.token_bytes(32)
        self._right: dict[str, bytes] = {}
        # One at a time: bcrypt leaves the GIL alone, but must not take every core.
        self._turn = asyncio.Semaphore(1)
        self._waiting: Counter[str] = Counter()

    async def admits(self, authorization: str, address: str = "") -> bool:
        """Whether an Authorization header is that of a user with the right password.

        Raises:
            Busy: too many others are being looked at.
        """
        given = _credentials(authorization)
        if given is None:
            return False
        name, password = given
        if self._remembers(name, password):
            return True
        if self._waiting.total() >= MAX_WAITING or self._waiting[address] >= MAX_WAITING_OF_ONE:
            raise Busy
        self._waiting[address] += 1
        try:
            async with self._turn:
                return self._remembers(name, password) or await self._look(name, password)
        finally:
            self._waiting[address] -= 1
            if not self._waiting[address]:
                del self._waiting[address]

    async def _look(self, name: str, password: bytes) -> bool:
        right = await run_in_threadpool(self._check, name, password)
        if right:
            self._right[name] = self._digest(name, password)
        return right

    def _remembers(self, name: str, password: bytes) -> bool:
        # Unknown names are compared too, with what nothing can be equal to.
        known = self._right.get(name, b"")
        return hmac.compare_digest(known, self._digest(name, password))

    def _digest(self, name: str, password: bytes) -> bytes:
        text = len(name.encode()).to_bytes(4, "big") + name.encode() + password
        return hashlib.blake2b(text, key=self._key, digest_size=32).digest()

    def _check(self, name: str, password: bytes) -> bool:
        """One round of bcrypt, whoever asks, and whatever the password."""
        hashed = self._hashes.get(name)
        usable = len(password) <= MAX_PASSWORD and b"\0" not in password
        against = self._stand_in(name) if hashed is None else hashed
        same = bcrypt.checkpw(password if usable else b"", against)
        return same and usable and hashed is not None

    def _stand_in(self, name: str) -> bytes:
        """Some user's hash, the same one for a name each time: costs may differ between users."""
        hashes = list(self._hashes.values())
        return hashes[int.from_bytes(self._digest(name, b"")[:8], "big") % len(hashes)]


def _credentials(authorization: str) -> tuple[str, bytes] | None:
    """Name and password of a header, or None where it is not one of basic authentication."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (name.decode(), password) if colon else None
    except (binascii.Error, ValueError):
        return None
