"""What is asked of an Alertmanager: its status, alerts by its API v2, and its own counters."""

from __future__ import annotations

import json
import ssl
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import quote, urlsplit

import yaml
from prometheus_client.parser import text_string_to_metric_families

TIMEOUT = 10.0
"""Seconds that one answer may take."""

MAX_BYTES = 32 * 2**20

_COUNTERS = {
    "alertmanager_notifications_total": "started",
    "alertmanager_notifications_failed_total": "failed",
    "alertmanager_notification_requests_total": "tried",
    "alertmanager_notification_requests_failed_total": "refused",
}
"""Its counters by integration: of messages, and of the attempts to get them there."""


class NoAlertmanager(Exception):
    """There is none, or what answers is none; the message says so to a person."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What one integration has done so far.

    Attributes:
        started: messages that it began with.
        failed: messages that it gave up.
        tried: attempts that ended, well or not.
        refused: those that ended badly.
    """

    started: int = 0
    failed: int = 0
    tried: int = 0
    refused: int = 0

    def __sub__(self, other: Counts) -> Counts:
        return Counts(
            self.started - other.started,
            self.failed - other.failed,
            self.tried - other.tried,
            self.refused - other.refused,
        )

    @property
    def delivered(self) -> int:
        """Attempts that ended well."""
        return self.tried - self.refused


@dataclass(frozen=True, slots=True)
class Held:
    """What Alertmanager makes of an alert: who gets it, and what keeps it from them."""

    receivers: tuple[str, ...]
    silenced: bool
    inhibited: bool


class Alertmanager:
    """The Alertmanager at `url`. Each call is one request, and raises `NoAlertmanager`."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._parts = urlsplit(self.url)

    def receivers(self) -> dict[str, Counter[str]]:
        """How many of each integration every receiver has, as the running configuration says."""
        status = self._json("GET", "/api/v2/status")
        try:
            config = yaml.safe_load(status["config"]["original"])
            return {str(one["name"]): _integrations(one) for one in config["receivers"]}
        except (KeyError, TypeError, AttributeError, yaml.YAMLError):
            raise self._other("/api/v2/status") from None

    def post(self, labels: Mapping[str, str], annotations: Mapping[str, str], end: str) -> None:
        """Hand over an alert that ends at `end` (RFC 3339), or has ended."""
        alert = {"labels": dict(labels), "annotations": dict(annotations), "endsAt": end}
        self._answer("POST", "/api/v2/alerts", json.dumps([alert]).encode())

    def held(self, labels: Mapping[str, str], by: str) -> Held | None:
        """The alert with exactly these labels, or None while there is none.

        It is asked for by the label `by` alone, whose value needs no escaping.
        """
        matcher = quote(f'{by}="{labels[by]}"')
        found = self._json("GET", f"/api/v2/alerts?filter={matcher}")
        try:
            for alert in found:
                if alert["labels"] == dict(labels):
                    status = alert["status"]
                    return Held(
                        tuple(str(one["name"]) for one in alert["receivers"]),
                        bool(status["silencedBy"]),
                        bool(status["inhibitedBy"]),
                    )
        except (KeyError, TypeError):
            raise self._other("/api/v2/alerts") from None
        return None

    def counts(self) -> dict[str, Counts]:
        """What each integration has done since Alertmanager started."""
        text = self._answer("GET", "/metrics").decode("utf-8", "replace")
        numbers: dict[str, Counter[str]] = {}
        try:
            for family in text_string_to_metric_families(text):
                for sample in family.samples:
                    if name := _COUNTERS.get(sample.name):
                        # Newer versions tell failures by reason too: they are added up.
                        integration = sample.labels["integration"]
                        numbers.setdefault(integration, Counter())[name] += int(sample.value)
        except (ValueError, KeyError):
            raise self._other("/metrics") from None
        if not numbers:
            raise self._other("/metrics")
        return {name: Counts(**found) for name, found in numbers.items()}

    def _json(self, method: str, path: str) -> Any:
        try:
            return json.loads(self._answer(method, path))
        except (ValueError, RecursionError):
            raise self._other(path) from None

    def _answer(self, method: str, path: str, body: bytes | None = None) -> bytes:
        secure = self._parts.scheme == "https"
        kind = HTTPSConnection if secure else HTTPConnection
        headers = {"Content-Type": "application/json"} if body else {}
        try:
            connection = kind(self._parts.hostname or "", self._parts.port, timeout=TIMEOUT)
            try:
                connection.request(method, self._parts.path + path, body, headers)
                answer = connection.getresponse()
                content = answer.read(MAX_BYTES + 1)
            finally:
                connection.close()
        except ssl.SSLError as error:
            what = f"{self.url}: no TLS connection ({error.reason or error})"
            raise NoAlertmanager(f"{what}; is it http, or its certificate not trusted?") from None
        except TimeoutError:
            raise NoAlertmanager(f"{self.url} did not answer within {TIMEOUT:g} s") from None
        except OSError as error:
            what = f"nothing answers at {self.url} ({error.strerror or error})"
            raise NoAlertmanager(f"{what}; is Alertmanager running, and is this its URL?") from None
        except (HTTPException, ValueError) as error:
            what = f"what answers at {self.url} is no HTTP server ({type(error).__name__})"
            raise NoAlertmanager(f"{what}; is this Alertmanager's URL?") from None
        return self._good(path, answer, content)

    def _good(self, path: str, answer: HTTPResponse, content: bytes) -> bytes:
        if answer.status in {401, 403}:
            what = f"{self.url} asks for a login ({answer.status})"
            raise NoAlertmanager(f"{what}; give the address behind it, where Prometheus reaches it")
        if answer.status == 404:
            what = f"{self.url} knows no {path.partition('?')[0]} (404)"
            raise NoAlertmanager(f"{what}; is it Alertmanager, and is its path prefix in the URL?")
        if answer.status == 400 and answer.getheader("Content-Type", "").startswith(
            "application/json"
        ):
            said = " ".join(content[:300].decode("utf-8", "replace").split())
            raise NoAlertmanager(f"{self.url} does not take the alert: {said}")
        if answer.status != 200 or len(content) > MAX_BYTES:
            raise self._other(path, f" ({answer.status})")
        return content

    def _other(self, path: str, more: str = "") -> NoAlertmanager:
        what = f"the answer of {self.url}{path.partition('?')[0]} is not Alertmanager's{more}"
        return NoAlertmanager(f"{what}; is this its URL?")


def _integrations(receiver: Mapping[str, Sequence[Any] | str]) -> Counter[str]:
    """`slack_configs` of two is `slack: 2`."""
    found: Counter[str] = Counter()
    for key, configs in receiver.items():
        if key.endswith("_configs") and isinstance(configs, list) and configs:
            found[key.removesuffix("_configs")] = len(configs)
    return found
