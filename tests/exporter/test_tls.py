from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest
import trustme

from monitor.web.tls import BadFile
from tests.support.boards import small_board
from tests.support.exposition import in_base_units
from tests.support.real import require
from tests.support.web import Certificates, connect, make_certificates, serving, web


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def speak(connection: socket.socket, context: ssl.SSLContext) -> str | None:
    """The TLS version that both agree on."""
    with connection, context.wrap_socket(connection, server_hostname="127.0.0.1") as tls:
        return tls.version()


class TestWhatIsSpoken:
    def test_metrics_over_tls(self, certificates: Certificates) -> None:
        settings = web(tls_server_config=certificates.settings)
        with serving(settings, small_board()) as exporter:
            assert exporter.url.startswith("https://127.0.0.1:")
            answer = httpx.get(f"{exporter.url}/metrics", verify=certificates.client(), timeout=30)
        assert answer.status_code == 200
        assert "\ninferwatch_inferences_total{" in answer.text

    @pytest.mark.promtool
    def test_promtool_has_nothing_to_say(self, certificates: Certificates) -> None:
        settings = web(tls_server_config=certificates.settings)
        with serving(settings, small_board()) as exporter:
            url = f"{exporter.url}/metrics"
            body = httpx.get(url, verify=certificates.client(), timeout=30).content
        command = [require("promtool"), "check", "metrics"]
        done = subprocess.run(command, input=in_base_units(body), capture_output=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")

    @pytest.mark.parametrize(
        ("least", "most", "agreed"),
        [("TLS12", "TLS13", "TLSv1.3"), ("TLS12", "TLS12", "TLSv1.2"), ("TLS13", "TLS13", None)],
    )
    def test_versions(
        self, certificates: Certificates, least: str, most: str, agreed: str | None
    ) -> None:
        tls = {**certificates.settings, "min_version": least, "max_version": most}
        with serving(web(tls_server_config=tls)) as exporter:
            if agreed:
                assert speak(connect(exporter), certificates.client()) == agreed
            older = certificates.client()
            older.maximum_version = ssl.TLSVersion.TLSv1_2
            if least == "TLS13":
                with pytest.raises(ssl.SSLError):
                    speak(connect(exporter), older)
            else:
                assert speak(connect(exporter), older) == "TLSv1.2"

    @pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
    def test_tls_1_1_is_refused(self, certificates: Certificates) -> None:
        settings = web(tls_server_config=certificates.settings)
        assert settings.tls_server_config is not None
        assert settings.tls_server_config.context().minimum_version == ssl.TLSVersion.TLSv1_2
        # With every safeguard of the client's own off, so that it is the server that refuses.
        old = certificates.client()
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version = ssl.TLSVersion.TLSv1_1
        with serving(settings) as exporter:
            old.maximum_version = ssl.TLSVersion.TLSv1_2
            assert speak(connect(exporter), old) == "TLSv1.2"
            old.maximum_version = ssl.TLSVersion.TLSv1_1
            with pytest.raises(ssl.SSLError):
                speak(connect(exporter), old)

    def test_plain_http_is_not_answered(self, certificates: Certificates) -> None:
        with serving(web(tls_server_config=certificates.settings)) as exporter:
            with connect(exporter) as plain:
                plain.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
                assert b"HTTP" not in plain.recv(65536)
            url = f"{exporter.url}/-/healthy"
            assert httpx.get(url, verify=certificates.client(), timeout=30).status_code == 200

    def test_a_stranger_authority_is_not_trusted(self, certificates: Certificates) -> None:
        with (
            serving(web(tls_server_config=certificates.settings)) as exporter,
            pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
        ):
            httpx.get(exporter.url, timeout=30)


class TestClientsOwnCertificates:
    @pytest.mark.parametrize("kind", ["RequireAndVerifyClientCert", "VerifyClientCertIfGiven"])
    def test_who_comes_in(self, certificates: Certificates, tmp_path: Path, kind: str) -> None:
        clients = trustme.CA()
        clients.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        known = clients.issue_cert("scraper@example.org")
        stranger = trustme.CA().issue_cert("scraper@example.org")
        tls = {
            **certificates.settings,
            "client_ca_file": str(tmp_path / "ca.pem"),
            "client_auth_type": kind,
        }

        def comes_in(leaf: trustme.LeafCert | None) -> bool:
            try:
                answer = httpx.get(exporter.url, verify=certificates.client(leaf), timeout=30)
            except httpx.TransportError:
                return False
            return answer.status_code == 200

        with serving(web(tls_server_config=tls)) as exporter:
            assert comes_in(known)
            assert not comes_in(stranger)
            assert comes_in(None) == (kind == "VerifyClientCertIfGiven")


class TestRenewal:
    def test_new_files_are_read_and_old_connections_stay(self, tmp_path: Path) -> None:
        first = make_certificates(tmp_path)
        settings = web(tls_server_config=first.settings)
        with (
            serving(settings) as exporter,
            httpx.Client(base_url=exporter.url, verify=first.client(), timeout=30) as before,
        ):
            assert before.get("/-/healthy").status_code == 200
            second = make_certificates(tmp_path)  # under the same names
            exporter.renew(settings)
            assert before.get("/-/healthy").status_code == 200
            answer = httpx.get(exporter.url, verify=second.client(), timeout=30)
            assert answer.status_code == 200
            with pytest.raises(httpx.ConnectError):
                httpx.get(exporter.url, verify=first.client(), timeout=30)

    def test_a_bad_file_leaves_everything_as_it_was(self, tmp_path: Path) -> None:
        first = make_certificates(tmp_path)
        settings = web(tls_server_config=first.settings)
        with serving(settings) as exporter:
            first.key.write_text("nothing")
            with pytest.raises(BadFile, match=f"{first.key} holds no private key"):
                exporter.renew(settings)
            assert httpx.get(exporter.url, verify=first.client(), timeout=30).status_code == 200

    def test_what_cannot_change_is_said(self, certificates: Certificates) -> None:
        with serving(web()) as exporter:
            with pytest.raises(ValueError, match=r"web\.listen cannot change"):
                exporter.renew(web(listen="127.0.0.1:1"))
            with pytest.raises(ValueError, match="cannot come or go"):
                exporter.renew(web(tls_server_config=certificates.settings))


class TestBadFiles:
    """What `tls_server_config` says to files that are none, each by its name."""

    def message(self, **tls: object) -> str:
        with pytest.raises(ValueError, match="tls_server_config") as caught:
            web(tls_server_config=tls)
        return str(caught.value)

    def test_not_there(self, certificates: Certificates, tmp_path: Path) -> None:
        absent = tmp_path / "absent.pem"
        for key in ("cert_file", "key_file"):
            tls = {**certificates.settings, key: str(absent)}
            assert f"there is no file {absent}; create it" in self.message(**tls)

    def test_a_folder(self, certificates: Certificates, tmp_path: Path) -> None:
        said = self.message(**certificates.settings | {"key_file": str(tmp_path)})
        assert f"{tmp_path} cannot be read (Is a directory)" in said

    def test_no_certificate(self, certificates: Certificates, tmp_path: Path) -> None:
        for text in ("", "nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n", "\x00\xff"):
            bad = tmp_path / "bad.pem"
            bad.write_text(text)
            said = self.message(**certificates.settings | {"cert_file": str(bad)})
            assert f"{bad} holds no certificate in PEM form" in said
            tls = {"client_ca_file": str(bad), "client_auth_type": "RequireAndVerifyClientCert"}
            said = self.message(**certificates.settings | tls)
            assert f"{bad} holds no certificate in PEM form" in said

    def test_no_key(self, certificates: Certificates) -> None:
        said = self.message(**certificates.settings | {"key_file": str(certificates.cert)})
        assert f"{certificates.cert} holds no private key in PEM form" in said

    def test_the_key_of_another(self, certificates: Certificates, tmp_path: Path) -> None:
        other = make_certificates(tmp_path, "other")
        said = self.message(**certificates.settings | {"key_file": str(other.key)})
        assert f"{other.key} is not the key of the certificate in {certificates.cert}" in said

    def test_a_key_with_a_passphrase(self, certificates: Certificates, tmp_path: Path) -> None:
        openssl = shutil.which("openssl") or require("openssl")
        locked = tmp_path / "locked.key"
        command = [openssl, "pkey", "-in", str(certificates.key), "-aes256", "-passout", "pass:x"]
        subprocess.run([*command, "-out", str(locked)], check=True)
        said = self.message(**certificates.settings | {"key_file": str(locked)})
        assert f"the key in {locked} has a passphrase" in said
