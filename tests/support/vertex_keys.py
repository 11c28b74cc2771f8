"""What a client of Google's cloud needs to speak to a stand-in: credentials, and trust.

The client is the real one: it finds credentials by itself, asks for Google's own host names
over TLS, and goes through a proxy that leads it here.
"""

from __future__ import annotations

import datetime
import functools
import json
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

# Nobody may see it but who it is for.
ACCESS_TOKEN = "ya29.an-access-token-of-the-stand-in"
_EMAIL = "tuner@a-project.iam.gserviceaccount.com"


def certificate(directory: Path, hosts: list[str]) -> tuple[bytes, bytes]:
    """A certificate for these hosts, which vouches for itself, and its key.

    They are left in the directory as `ca.pem` and `key.pem`.
    """
    pem, key = _certificate(tuple(hosts))
    (directory / "ca.pem").write_bytes(pem)
    (directory / "key.pem").write_bytes(key)
    return pem, key


@functools.cache  # gRPC reads once in a process whom it trusts.
def _certificate(hosts: tuple[str, ...]) -> tuple[bytes, bytes]:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a stand-in")])
    now = datetime.datetime.now(datetime.timezone.utc)
    alternatives = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(alternatives, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    return pem, _pem(key)


def service_account(directory: Path) -> tuple[Path, list[str]]:
    """Writes the file of a service account; returns its path, and its secrets."""
    key = rsa.generate_private_key(65537, 2048)
    text = _pem(key).decode()
    path = directory / "service_account.json"
    path.write_text(
        json.dumps(
            {
                "type": "service_account",
                "project_id": "a-project",
                "private_key_id": "5ecre7",
                "private_key": text,
                "client_email": _EMAIL,
                "client_id": "1",
                "token_uri": "https://oauth2.googleapis.com/token",
            }
        )
    )
    lines = [line for line in text.splitlines() if not line.startswith("-")]
    return path, [ACCESS_TOKEN, *lines]


def of_user(directory: Path) -> tuple[Path, str]:
    """Writes the file of a user; returns its path, and the secret in it."""
    secret = "very-secret-41b7"
    told = {"client_id": secret, "client_secret": secret, "refresh_token": secret}
    path = directory / "user.json"
    path.write_text(json.dumps({"type": "authorized_user", **told}))
    return path, secret


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
