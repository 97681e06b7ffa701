"""A real Apache Kafka that asks who is there: TLS with passwords, and TLS with certificates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from tests.support.kafka import Broker, Listener

USER = "monitor"
PASSWORDS = {
    "PLAIN": "Plain-sesame-1",
    "SCRAM-SHA-256": "Scram-sesame-256",
    "SCRAM-SHA-512": "Scram-sesame-512",
}

_PROPERTIES = """\
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={ca}
listener.name.certs.ssl.client.auth=required
listener.name.stranger.ssl.keystore.type=PEM
listener.name.stranger.ssl.keystore.location={stranger}
listener.name.login.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.login.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{plain}";
listener.name.login.scram-sha-256.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.login.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
"""


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files that a client may be given: PEM, all of them."""

    ca: Path
    other_ca: Path
    client: Path
    client_key: Path
    other_client: Path
    other_client_key: Path


class SecureBroker(Broker):
    """One Kafka with four ways in.

    Attributes:
        login: SASL over TLS.
        certs: TLS that wants a client's certificate.
        stranger: TLS with a certificate made for another host.
    """

    def __init__(self, folder: Path) -> None:
        self.login = Listener("LOGIN", "SASL_SSL")
        self.certs = Listener("CERTS", "SSL")
        self.stranger = Listener("STRANGER", "SSL")
        ca, other = trustme.CA(), trustme.CA()
        self.files = _client_files(folder, ca, other)
        more = _PROPERTIES.format(
            keystore=_keystore(folder / "broker.pem", ca.issue_cert("127.0.0.1", "localhost")),
            stranger=_keystore(folder / "stranger.pem", ca.issue_cert("kafka.example")),
            ca=self.files.ca,
            user=USER,
            plain=PASSWORDS["PLAIN"],
        )
        users = []
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
            user = f"{mechanism}=[name={USER},password={PASSWORDS[mechanism]}]"
            users += ["--add-scram", user]
        super().__init__(folder, (self.login, self.certs, self.stranger), more, users)


def _client_files(folder: Path, ca: trustme.CA, other: trustme.CA) -> Certificates:
    files = Certificates(
        *(
            folder / name
            for name in (
                *("ca.pem", "other-ca.pem", "client.pem", "client.key"),
                *("other-client.pem", "other-client.key"),
            )
        )
    )
    ca.cert_pem.write_to_path(files.ca)
    other.cert_pem.write_to_path(files.other_ca)
    for authority, cert_file, key_file in (
        (ca, files.client, files.client_key),
        (other, files.other_client, files.other_client_key),
    ):
        cert = authority.issue_cert("monitor@example.org")
        cert.cert_chain_pems[0].write_to_path(cert_file)
        cert.private_key_pem.write_to_path(key_file)
    return files


def _keystore(path: Path, cert: trustme.LeafCert) -> Path:
    """Key and chain in one file; Kafka reads keys of PKCS #8 alone."""
    key = load_pem_private_key(cert.private_key_pem.bytes(), None)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(pem + b"".join(blob.bytes() for blob in cert.cert_chain_pems))
    return path
