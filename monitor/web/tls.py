"""TLS as the web server speaks it: a context from files, or a sentence that names the bad one."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Literal, NamedTuple

Version = Literal["TLS12", "TLS13"]
"""What a connection may speak; anything older is refused."""

ClientAuth = Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"]
"""What is asked of a client's certificate."""

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_CLIENTS = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}


class BadFile(ValueError):
    """A file of the TLS settings cannot be used; `key` is the setting that names it."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__(text)
        self.key = key


class Files(NamedTuple):
    """Certificate, key, and whom to trust for clients' certificates."""

    cert: Path
    key: Path
    client_ca: Path | None = None


def make_context(
    files: Files,
    clients: ClientAuth = "NoClientCert",
    minimum: Version = "TLS12",
    maximum: Version = "TLS13",
) -> ssl.SSLContext:
    """A server's context, with the files as they are now.

    Raises:
        BadFile: one of them is not there, cannot be read, or is not what it should be.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[minimum]
    context.maximum_version = _VERSIONS[maximum]
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    _read("cert_file", files.cert)
    _read("key_file", files.key)
    _load_chain(context, files)
    if files.client_ca is not None:
        text = _read("client_ca_file", files.client_ca)
        try:
            context.load_verify_locations(cadata=text)
        except (ssl.SSLError, ValueError):
            raise _no_certificate("client_ca_file", files.client_ca) from None
    context.verify_mode = _CLIENTS[clients]
    return context


def _read(key: str, path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="ignore")
    except FileNotFoundError:
        raise BadFile(key, f"there is no file {path}; create it, or correct the path") from None
    except OSError as error:
        what = f"{path} cannot be read ({error.strerror or error})"
        raise BadFile(key, f"{what}; let the user that runs inferwatch read it") from None


def _load_chain(context: ssl.SSLContext, files: Files) -> None:
    encrypted = False

    def no_passphrase() -> bytes:
        # Without this, OpenSSL would ask for one on the terminal.
        nonlocal encrypted
        encrypted = True
        return b""

    try:
        context.load_cert_chain(files.cert, files.key, password=no_passphrase)
    except (OSError, ValueError) as error:
        if encrypted:
            what = f"the key in {files.key} has a passphrase; write it without one"
            raise BadFile("key_file", f"{what} (openssl pkey -in OLD -out NEW)") from None
        if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
            what = f"{files.key} is not the key of the certificate in {files.cert}"
            raise BadFile("key_file", f"{what}; give the one that belongs to it") from None
        if not _parses(files.cert):
            raise _no_certificate("cert_file", files.cert) from None
        if "PRIVATE KEY" in _read("key_file", files.key):
            why = getattr(error, "reason", None) or error
            what = f"{files.cert} and {files.key} cannot be used ({why})"
            raise BadFile("cert_file", f"{what}; make new ones") from None
        what = f"{files.key} holds no private key in PEM form"
        raise BadFile("key_file", f"{what}; give the file that does") from None


def _parses(path: Path) -> bool:
    try:
        text = _read("cert_file", path)
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        return False
    return True


def _no_certificate(key: str, path: Path) -> BadFile:
    what = f"{path} holds no certificate in PEM form that can be used"
    return BadFile(key, f"{what}; give the file that does")
