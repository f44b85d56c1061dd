"""Servers on loopback and certificates for them."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.integration.transport.wire_server import Script, Server, ServerMaker


@pytest.fixture
def serve() -> Iterator[ServerMaker]:
    servers: list[Server] = []

    def start(
        script: Script, context: ssl.SSLContext | None = None, address: str = "127.0.0.1", port: int = 0
    ) -> Server:
        servers.append(Server(script, context, address=address, port=port))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def certify(tmp_path: Path) -> Callable[[str], tuple[Path, ssl.SSLContext]]:
    """Make a self-signed certificate for a name: its file, to be trusted, and a server's context with it."""

    def make(name: str) -> tuple[Path, ssl.SSLContext]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
        now = dt.datetime.now(dt.UTC)
        try:
            alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            alternative = x509.DNSName(name)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        file, secret = tmp_path / f"{name}.crt", tmp_path / f"{name}.key"
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file, secret)
        return file, context

    return make
