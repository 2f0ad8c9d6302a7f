"""Who sends: each request carries a token, signed with this install's key (RFC 8292, ES256)."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from mainstay.paging.channels.push.sealing import point_of

LIVES = timedelta(hours=12)
"""Of a token; RFC 8292 allows a day at most."""
_NUMBER_BYTES = 32
_HEADER = {"typ": "JWT", "alg": "ES256"}


def new_key() -> str:
    """A fresh private key of P-256: its number in base64url."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return text_of(number.to_bytes(_NUMBER_BYTES, "big"))


@dataclass(frozen=True, slots=True)
class Vapid:
    """The install's key, and whom a push service may turn to (`contact`, an https URL)."""

    private: ec.EllipticCurvePrivateKey = field(repr=False)
    contact: str | None = None

    @classmethod
    def of(cls, key: str, *, contact: str | None = None) -> Vapid:
        """From what `new_key` made."""
        number = int.from_bytes(bytes_of(key), "big")
        return cls(ec.derive_private_key(number, ec.SECP256R1()), contact)

    @property
    def public_key(self) -> str:
        """What a browser subscribes with: it takes pages of this install and of nobody else."""
        return text_of(point_of(self.private))

    def authorization(self, endpoint: str, *, now: datetime) -> str:
        """The header for a request to `endpoint`; good at that push service alone."""
        parts = urlsplit(endpoint)
        claims: dict[str, object] = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int((now + LIVES).timestamp()),
        }
        if self.contact is not None:
            claims["sub"] = self.contact
        signed = f"{_packed(_HEADER)}.{_packed(claims)}"
        return f"vapid t={signed}.{self._signature(signed)}, k={self.public_key}"

    def _signature(self, text: str) -> str:
        """As JOSE wants it (RFC 7518 §3.4): both numbers, 32 bytes each."""
        numbers = decode_dss_signature(self.private.sign(text.encode("ascii"), ec.ECDSA(SHA256())))
        return text_of(b"".join(number.to_bytes(_NUMBER_BYTES, "big") for number in numbers))


def text_of(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def bytes_of(text: str) -> bytes:
    """From base64url, with or without padding. ValueError for anything else."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _packed(what: dict[str, object] | dict[str, str]) -> str:
    return text_of(json.dumps(what, separators=(",", ":")).encode("ascii"))
