"""The key that signs checkpoints: Ed25519, made at the first start, each node its own.

The private key never enters the database or a backup: whoever steals either can prove nothing in
our name. It lies in the data folder (0600), or where `audit.key` points.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from mainstay.foundation.errors import Invalid
from mainstay.foundation.secrets import resolve

KEY_FILE = "record.key"
"""In the data folder: PKCS 8, PEM."""
PREFIX = "ed25519:"
_PUBLIC_BYTES = 32


class Signer:
    """Signs for one key; `public` is what others check its signatures with."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = PREFIX + base64.b64encode(key.public_key().public_bytes_raw()).decode("ascii")

    def sign(self, text: bytes) -> str:
        """The signature, base64."""
        return base64.b64encode(self._key.sign(text)).decode("ascii")


def key_in(data_dir: Path) -> Signer:
    """The signer of a data folder; its key is made when there is none."""
    path = data_dir / KEY_FILE
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        pem = Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        _keep(path, pem)
    return signer_of(resolve(f"file:{path.absolute()}", environment={}), where=str(path))


def signer_of(pem: str, *, where: str) -> Signer:
    """The signer of a private key in PEM. Invalid, without repeating it, when it is none."""
    try:
        key = load_pem_private_key(pem.encode("utf-8"), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise Invalid(
            f"{where} holds no Ed25519 key in PEM without a password. Make one with: "
            "openssl genpkey -algorithm ed25519 -out FILE"
        )
    return Signer(key)


def public_key_of(text: str) -> str:
    """`ed25519:BASE64` in its one form. Invalid when it is no such key."""
    words = text.strip().removeprefix(PREFIX)
    try:
        raw = base64.b64decode(words, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _PUBLIC_BYTES:
        raise Invalid(f"{text[:60]!r} is no public key; mainstay audit key shows how one looks.")
    return PREFIX + base64.b64encode(raw).decode("ascii")


def is_signed(text: bytes, *, signature: str, public: str) -> bool:
    """Whether the owner of `public` has signed `text`."""
    try:
        raw = base64.b64decode(public_key_of(public).removeprefix(PREFIX))
        Ed25519PublicKey.from_public_bytes(raw).verify(base64.b64decode(signature), text)
    except (Invalid, InvalidSignature, ValueError):
        return False
    return True


def _keep(path: Path, pem: bytes) -> None:
    """Whole or not at all, never readable by others; who comes second uses the first one's."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    number = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(number, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(fresh, path)
    fresh.unlink()
