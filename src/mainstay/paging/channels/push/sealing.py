"""Sealing a message so that one browser alone can read it: RFC 8291, on RFC 8188's aes128gcm."""

from __future__ import annotations

import os
import struct

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

RECORD_BYTES = 4096
"""One record, and no more: the most that every push service takes (RFC 8030 §7.2)."""
SALT_BYTES = 16
POINT_BYTES = 65
_TAG_BYTES = 16
_LAST = b"\x02"
"""Ends the one record, which is the last."""
PLAIN_BYTES_MAX = (
    RECORD_BYTES - (SALT_BYTES + 4 + 1 + POINT_BYTES) - len(_LAST) - _TAG_BYTES
)  # fmt: skip


def seal(
    plain: bytes, *, key: bytes, secret: bytes, salt: bytes | None = None,
    ours: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:  # fmt: skip
    """The body of the request, at most 4,096 bytes for at most `PLAIN_BYTES_MAX`.

    `key`: the browser's public key as an uncompressed point. `secret`: its authentication secret.
    `salt` and `ours` are fresh for each message, unless a test gives them. ValueError for a key
    that is no point of P-256.
    """
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
    ours = ours or ec.generate_private_key(ec.SECP256R1())
    salt = salt or os.urandom(SALT_BYTES)
    sender = point_of(ours)
    shared = ours.exchange(ec.ECDH(), theirs)
    common = _stretched(shared, secret, b"WebPush: info\x00" + key + sender, 32)
    content_key = _stretched(common, salt, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _stretched(common, salt, b"Content-Encoding: nonce\x00", 12)
    header = salt + struct.pack("!IB", RECORD_BYTES, len(sender)) + sender
    return header + AESGCM(content_key).encrypt(nonce, plain + _LAST, None)


def point_of(private: ec.EllipticCurvePrivateKey) -> bytes:
    """The public half, as an uncompressed point (X9.62)."""
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _stretched(text: bytes, salt: bytes, about: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=about).derive(text)
