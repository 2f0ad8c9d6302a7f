"""A browser that takes pushes, as its maker and RFC 8291 have it: opens what was sealed for it.

    browser = Browser()                       # its key pair and its secret
    service = world.provider("push")          # answers 201 with a Location, as RFC 8030 §5 says
    …
    said = browser.opened(service.wait(1)[0].body)
    sender = signed_by(hit, audience=service.url)

Written from the RFCs alone; nothing here imports Mainstay.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fakes.world import Hit


def encoded(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decoded(text: str) -> bytes:
    """From base64url."""
    return base64.urlsafe_b64decode(text + "==")


def private_of(number: str) -> ec.EllipticCurvePrivateKey:
    """A private key from its number in base64url."""
    return ec.derive_private_key(int.from_bytes(decoded(number), "big"), ec.SECP256R1())


def _hkdf(salt: bytes, key: bytes, about: bytes, length: int) -> bytes:
    """RFC 5869, for at most one block."""
    extracted = hmac.new(salt, key, hashlib.sha256).digest()
    return hmac.new(extracted, about + b"\x01", hashlib.sha256).digest()[:length]


@dataclass(frozen=True)
class Browser:
    """One subscription, from the browser's side."""

    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    auth: bytes = field(default_factory=lambda: os.urandom(16))

    @property
    def point(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def key(self) -> str:
        """`p256dh` of the subscription."""
        return encoded(self.point)

    @property
    def secret(self) -> str:
        """`auth` of the subscription."""
        return encoded(self.auth)

    def opened(self, body: bytes) -> bytes:
        """The plain text; AssertionError or InvalidTag for what a browser would drop."""
        assert len(body) <= 4096, "no push service need take more"
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender, sealed = body[21 : 21 + length], body[21 + length :]
        assert length == 65
        assert len(sealed) <= size, "more than one record"
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        shared = self.private.exchange(ec.ECDH(), theirs)
        about = b"WebPush: info\0" + self.point + sender
        common = _hkdf(self.auth, shared, about, 32)
        key = _hkdf(salt, common, b"Content-Encoding: aes128gcm\0", 16)
        nonce = _hkdf(salt, common, b"Content-Encoding: nonce\0", 12)
        plain = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\0")
        assert plain.endswith(b"\x02"), "no end of the last record"
        return plain[:-1]


def signed_by(hit: Hit, *, audience: str) -> tuple[str, dict[str, Any]]:
    """The public key that signed this request, and what it claims; InvalidSignature otherwise."""
    scheme, _, rest = hit.headers["authorization"].partition(" ")
    assert scheme == "vapid"
    fields = dict(part.strip().split("=", 1) for part in rest.split(","))
    head, claims, signature = fields["t"].split(".")
    assert json.loads(decoded(head)) == {"typ": "JWT", "alg": "ES256"}
    raw = decoded(signature)
    assert len(raw) == 64
    point = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(fields["k"]))
    public.verify(point, f"{head}.{claims}".encode(), ec.ECDSA(SHA256()))
    said: dict[str, Any] = json.loads(decoded(claims))
    assert said["aud"] == audience
    return fields["k"], said
