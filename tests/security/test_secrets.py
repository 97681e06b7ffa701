"""Secrets come from files or the environment, and show themselves nowhere."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from monitor.cli import main
from monitor.config import Config, ConfigError, load
from monitor.source import client_settings, make_source

SECRET = "sesame-7f3a"
LOGIN = {"protocol": "SASL_SSL", "mechanism": "PLAIN", "username": "u"}


def write(folder: Path, security: dict[str, Any], **kafka: Any) -> Path:
    file = folder / "inferwatch.yml"
    source = {"bootstrap_servers": ["127.0.0.1:1"], "topics": ["t"], "security": security, **kafka}
    file.write_text(yaml.safe_dump({"source": {"kafka": source}, "models": [{"name": "m"}]}))
    return file


def refused(file: Path, **environ: str) -> str:
    """What is said of a config that is not valid, with everything that Python knows of it."""
    with pytest.raises(ConfigError) as caught:
        load(file, environ=environ)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    return str(caught.value)


def both(folder: Path) -> list[Config]:
    (folder / "password").write_text(f" {SECRET}\n")
    return [
        load(write(folder, LOGIN | {"password": "${P}"}), environ={"P": SECRET}),
        load(write(folder, LOGIN | {"password_file": "password"}), environ={}),
    ]


def test_a_password_is_read_and_no_dump_shows_it(tmp_path: Path) -> None:
    for config in both(tmp_path):
        kafka = config.source.kafka
        assert kafka is not None
        settings = client_settings(kafka)
        assert settings["sasl_plain_password"] == SECRET
        source = make_source(config)
        options = vars(source)
        shown = [repr(config), str(config), repr(config.model_dump()), config.model_dump_json()]
        shown += [repr(settings), f"{settings}", repr(source), repr(options)]
        assert not [text for text in shown if SECRET in text]
        assert "***" in repr(settings)


def test_check_says_nothing_of_it(tmp_path: Path) -> None:
    file = write(tmp_path, LOGIN | {"password": "${P}"})
    result = CliRunner().invoke(main, ["check", str(file)], env={"P": SECRET})
    assert result.exit_code == 0, result.output
    assert SECRET not in result.output


@pytest.mark.parametrize(
    ("security", "said"),
    [
        (LOGIN | {"password": SECRET}, "must not stand in the file"),
        (LOGIN | {"password": f"x{SECRET}${{P}}"}, "must not stand in the file"),
        (LOGIN | {"password": [SECRET]}, "must not stand in the file"),
        (LOGIN | {"pasword": SECRET}, "did you mean password?"),
        (LOGIN | {"password": "${NOT_THERE}"}, "the environment has no NOT_THERE"),
        ({"protocol": "SSL", "password": "${P}"}, "has no use with protocol SSL"),
        (LOGIN | {"password": "${P}", "password_file": "password"}, "keep one of them"),
        (LOGIN | {"password": "${P}", "mechanism": "NONE"}, "is not one of"),
    ],
)
def test_a_mistake_is_said_without_the_secret(
    tmp_path: Path, security: dict[str, Any], said: str
) -> None:
    (tmp_path / "password").write_text(SECRET)
    assert said in refused(write(tmp_path, security), P=SECRET)


def test_an_address_with_a_login_in_it_is_not_repeated(tmp_path: Path) -> None:
    file = write(tmp_path, {}, bootstrap_servers=[f"u:{SECRET}@kafka:9092"])
    # The address itself would do; what is before it is the mistake.
    assert "'kafka:9092' is not an address" in refused(file)


def test_a_file_that_is_no_yaml_is_not_quoted(tmp_path: Path) -> None:
    file = tmp_path / "inferwatch.yml"
    for text in (
        f'source: {{kafka: {{security: {{password: "{SECRET}}}}}}}\n',
        f"source:\n  password: {SECRET}: x\n",
        f"password: '{SECRET}\n  x: [",
    ):
        file.write_text(text)
        assert "inferwatch.yml:" in refused(file)


def test_a_password_file_that_is_of_no_use_is_said(tmp_path: Path) -> None:
    password = tmp_path / "password"
    file = write(tmp_path, LOGIN | {"password_file": "password"})
    assert "there is no file" in refused(file)
    password.write_text(" \n")
    assert "is an empty file" in refused(file)
    password.write_bytes(SECRET.encode() + b"\xff")
    assert "cannot be read as text" in refused(file)


def test_certificates_that_are_of_no_use_are_said(tmp_path: Path) -> None:
    ca = trustme.CA()
    mine, other = ca.issue_cert("a@example.org"), ca.issue_cert("b@example.org")
    key = load_pem_private_key(mine.private_key_pem.bytes(), None)
    locked = key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(SECRET.encode())
    )
    for name, data in {
        "ca.pem": ca.cert_pem.bytes(),
        "cert.pem": mine.cert_chain_pems[0].bytes(),
        "mine.key": mine.private_key_pem.bytes(),
        "other.key": other.private_key_pem.bytes(),
        "locked.key": locked,
        "secret": SECRET.encode(),
    }.items():
        (tmp_path / name).write_bytes(data)
    pair = {"protocol": "SSL", "ca_file": "ca.pem", "cert_file": "cert.pem"}
    load(write(tmp_path, pair | {"key_file": "mine.key"}), environ={})
    for name in ("other.key", "locked.key", "secret"):
        said = refused(write(tmp_path, pair | {"key_file": name}))
        assert "is not the key of cert_file in PEM, without a pass phrase" in said
    assert "holds no certificate" in refused(
        write(tmp_path, {"protocol": "SSL", "ca_file": "secret"})
    )
