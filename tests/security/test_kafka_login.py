"""Logging in to a real Kafka, by the config that users write."""

from __future__ import annotations

import gc
import logging
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from confluent_kafka.admin import (
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from collectors.sources import Assigned, Records, Source
from monitor import kafka_log, logs
from monitor.config import load
from monitor.source import make_source
from tests.support.kafka import Listener, unique
from tests.support.kafka_security import PASSWORDS, USER, SecureBroker

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"),
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in.*<ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"
    ),
]

WITHIN = 30.0


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    running = SecureBroker(tmp_path_factory.mktemp("secure-kafka"))
    running.start()
    running.create("inferences")
    running.produce("inferences", [b"first", b"second"])
    yield running
    running.stop()


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """Every line that a daemon at debug would write, in its own style."""
    kafka = logging.getLogger("kafka")
    before = kafka.handlers[:], kafka.level, kafka.propagate
    kafka_log.listen()
    kafka.addHandler(caplog.handler)  # whatever kafka-python's loggers let through at all
    line = logs._Line("logfmt")
    with caplog.at_level(logging.DEBUG):
        yield lambda: "\n".join(line.format(record) for record in caplog.records)
    kafka.handlers, kafka.level, kafka.propagate = before


@contextmanager
def reading(folder: Path, way: Listener, security: Mapping[str, Any]) -> Iterator[Source]:
    """The source that a config file asks for."""
    kafka = {
        "bootstrap_servers": [way.address],
        "topics": ["inferences"],
        "group_id": unique("group"),
        "start": "earliest",
        "security": {key: str(value) for key, value in security.items()},
    }
    file = folder / "inferwatch.yml"
    file.write_text(yaml.safe_dump({"source": {"kafka": kafka}, "models": [{"name": "m"}]}))
    source = make_source(load(file, environ={"KAFKA_PASSWORD": WRONG}))
    try:
        yield source
    finally:
        source.close()
        with warnings.catch_warnings():
            # kafka-python leaves the sockets of refused connections to the garbage collector.
            warnings.simplefilter("ignore")
            del source
            gc.collect()


def read(source: Source, wanted: int = 2) -> Sequence[bytes | None]:
    """Poll until records come, or fail."""
    values: list[bytes | None] = []
    deadline = time.monotonic() + WITHIN
    while len(values) < wanted:
        assert time.monotonic() < deadline
        for value in source.poll(0.2, time.time()):
            if isinstance(value, Records):
                values += value.values
    return values


def wait_refused(source: Source, said: Callable[[], str], sentence: str) -> None:
    """Poll until the log says why nothing comes; nothing does come, and nothing is raised."""
    deadline = time.monotonic() + WITHIN
    while sentence not in said():
        assert time.monotonic() < deadline, said()
        assert list(source.poll(0.2, time.time())) == []


WRONG = "Wrong-sesame-0"


def login(secure: SecureBroker, mechanism: str, folder: Path) -> dict[str, Any]:
    password = folder / "password"
    password.write_text(f"{PASSWORDS[mechanism]}\n")
    return {
        "protocol": "SASL_SSL",
        "mechanism": mechanism,
        "username": USER,
        "password_file": password,
        "ca_file": secure.files.ca,
    }


@pytest.mark.parametrize("mechanism", PASSWORDS)
def test_a_password_opens_the_door_and_stands_in_no_log(
    secure: SecureBroker, tmp_path: Path, mechanism: str, said: Callable[[], str]
) -> None:
    with reading(tmp_path, secure.login, login(secure, mechanism, tmp_path)) as source:
        assert read(source) == [b"first", b"second"]
        assert PASSWORDS[mechanism] not in repr(vars(source))
    assert PASSWORDS[mechanism] not in said()


def test_a_certificate_opens_the_door(secure: SecureBroker, tmp_path: Path) -> None:
    files = secure.files
    security = {"protocol": "SSL", "ca_file": files.ca, "cert_file": files.client}
    with reading(tmp_path, secure.certs, {**security, "key_file": files.client_key}) as source:
        assert read(source) == [b"first", b"second"]


@pytest.mark.parametrize("mechanism", PASSWORDS)
def test_a_wrong_password_is_refused_and_said_without_it(
    secure: SecureBroker, tmp_path: Path, mechanism: str, said: Callable[[], str]
) -> None:
    security = login(secure, mechanism, tmp_path)
    security["password"] = "${KAFKA_PASSWORD}"
    del security["password_file"]
    with reading(tmp_path, secure.login, security) as source:
        wait_refused(source, said, "Kafka refuses the login; correct username and password")
    assert WRONG not in said()


def test_a_certificate_of_another_authority_is_refused(
    secure: SecureBroker, tmp_path: Path, said: Callable[[], str]
) -> None:
    security = {"protocol": "SSL", "ca_file": secure.files.other_ca}
    with reading(tmp_path, secure.stranger, security) as source:
        wait_refused(source, said, "signed by nobody who is trusted here; give")


def test_a_certificate_of_another_host_is_refused(
    secure: SecureBroker, tmp_path: Path, said: Callable[[], str]
) -> None:
    security = {"protocol": "SSL", "ca_file": secure.files.ca}
    with reading(tmp_path, secure.stranger, security) as source:
        wait_refused(source, said, "the broker's certificate is made for another host; write")


@pytest.mark.parametrize("own", [False, True], ids=["without one", "with a stranger's"])
def test_a_client_needs_the_right_certificate(
    secure: SecureBroker, tmp_path: Path, said: Callable[[], str], own: bool
) -> None:
    files = secure.files
    security = {"protocol": "SSL", "ca_file": files.ca}
    if own:
        security |= {"cert_file": files.other_client, "key_file": files.other_client_key}
    with reading(tmp_path, secure.certs, security) as source:
        wait_refused(source, said, "Kafka does not accept the client's certificate, or misses one")


def test_tls_at_a_plain_port_is_said(
    secure: SecureBroker, tmp_path: Path, said: Callable[[], str]
) -> None:
    plain = Listener("PLAINTEXT", "PLAINTEXT", secure.port)
    with reading(tmp_path, plain, {"protocol": "SSL", "ca_file": secure.files.ca}) as source:
        wait_refused(source, said, "the port does not answer in TLS; correct the port")


def test_a_login_that_is_allowed_later_is_waited_for(
    secure: SecureBroker, tmp_path: Path, said: Callable[[], str]
) -> None:
    security = login(secure, "SCRAM-SHA-512", tmp_path) | {"username": "later"}
    with reading(tmp_path, secure.login, security) as source:
        wait_refused(source, said, "Kafka refuses the login")
        credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        password = PASSWORDS["SCRAM-SHA-512"].encode()
        change = UserScramCredentialUpsertion("later", credential, password)
        secure.admin().alter_user_scram_credentials([change])["later"].result(30)
        assert read(source) == [b"first", b"second"]
        assert not [v for v in source.poll(0.1, time.time()) if isinstance(v, Assigned)]
