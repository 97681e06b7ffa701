"""The section `web` where it is right: who is a stranger, and what is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.config import Config, ConfigError, describe, read
from tests.support.web import hashed, make_certificates

REST = """\
source: {kafka: {bootstrap_servers: ["127.0.0.1:9092"], topics: [t]}}
models: [{name: m}]
"""
HASH = hashed("right")


def config(web: str, **environ: str) -> Config:
    return read(f"{REST}web: {web}\n", Path("inferwatch.yml"), environ)


class TestReload:
    @pytest.mark.parametrize(
        "listen", ["127.0.0.1:1", "127.9.9.9:1", "localhost:1", "[::1]:1", "127.0.0.1:0"]
    )
    def test_nobody_has_to_log_in_on_loopback(self, listen: str) -> None:
        assert config(f'{{listen: "{listen}", enable_lifecycle: true}}').web.enable_lifecycle

    @pytest.mark.parametrize(
        "listen", ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "localhost.example:1", "127.0.0.1.nip.io:1"]
    )
    def test_elsewhere_somebody_has_to(self, listen: str) -> None:
        with pytest.raises(ConfigError, match="can be reached by others"):
            config(f'{{listen: "{listen}", enable_lifecycle: true}}')
        users = f'basic_auth_users: {{a: "{HASH}"}}'
        web = config(f'{{listen: "{listen}", enable_lifecycle: true, {users}}}').web
        assert web.enable_lifecycle

    @pytest.mark.parametrize(
        ("kind", "enough"),
        [("RequireAndVerifyClientCert", True), ("VerifyClientCertIfGiven", False)],
    )
    def test_or_show_a_certificate(self, tmp_path: Path, kind: str, enough: bool) -> None:
        files = make_certificates(tmp_path)
        files.authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        tls = (
            f"{{cert_file: {files.cert}, key_file: {files.key}, "
            f"client_ca_file: {tmp_path / 'ca.pem'}, client_auth_type: {kind}}}"
        )
        text = f'{{listen: "0.0.0.0:1", enable_lifecycle: true, tls_server_config: {tls}}}'
        if enough:
            assert config(text).web.enable_lifecycle
        else:
            with pytest.raises(ConfigError, match="can be reached by others"):
                config(text)


class TestSecrets:
    def test_a_hash_is_never_shown(self) -> None:
        made = config(f'{{basic_auth_users: {{prometheus: "{HASH}"}}}}')
        for shown in (repr(made), str(made), str(made.model_dump()), made.model_dump_json()):
            assert HASH not in shown
            assert "prometheus" in shown
            assert "***" in shown
        assert HASH not in "\n".join(describe(made))

    def test_it_may_come_from_the_environment(self) -> None:
        made = config("{basic_auth_users: {a: '${SCRAPE}'}}", SCRAPE=HASH).web
        assert made.basic_auth_users is not None
        assert made.basic_auth_users["a"].get_secret_value() == HASH

    @pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
    def test_each_way_to_write_bcrypt(self, prefix: str) -> None:
        assert config(f"{{basic_auth_users: {{a: '{prefix}{HASH[4:]}'}}}}").web.basic_auth_users

    @pytest.mark.parametrize("bad", [HASH[:-1], HASH + "x", "$1$" + HASH[3:], f" {HASH}", "''"])
    def test_what_is_none_is_refused_without_showing_it(self, bad: str) -> None:
        with pytest.raises(ConfigError, match="is not a bcrypt hash") as caught:
            config(f"{{basic_auth_users: {{a: '{bad.strip(chr(39))}'}}}}")
        assert HASH[10:30] not in str(caught.value)

    def test_a_salt_that_bcrypt_cannot_read_is_refused(self) -> None:
        broken = HASH[:28] + "z" + HASH[29:]
        with pytest.raises(ConfigError, match="broken salt"):
            config(f"{{basic_auth_users: {{a: '{broken}'}}}}")


def test_files_lie_beside_the_config(tmp_path: Path) -> None:
    make_certificates(tmp_path)
    text = f"{REST}web: {{tls_server_config: {{cert_file: server.pem, key_file: server.key}}}}\n"
    made = read(text, tmp_path / "inferwatch.yml", {})
    assert made.web.tls_server_config is not None
    assert made.web.tls_server_config.cert_file == tmp_path / "server.pem"
    assert "serves https://127.0.0.1:10464/metrics" in describe(made)[-1]
