"""What one sign-in at a provider must bring back, all made from one random seed in a cookie.

`state` ties the answer to this browser, `nonce` ties the ID token to this sign-in, the `verifier`
(RFC 7636) ties the code to us. A server keeps nothing between the two requests, so that any node
may take the second one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets


def new_seed() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(32)


def state_of(seed: str) -> str:
    """What the provider must send back with the browser."""
    return _made(seed, "state")


def nonce_of(seed: str) -> str:
    """What the ID token must hold."""
    return _made(seed, "nonce")


def verifier_of(seed: str) -> str:
    """What proves at the token endpoint that it was us who asked: 43 characters."""
    return _made(seed, "verifier")


def challenge_of(seed: str) -> str:
    """The verifier's SHA-256 (`code_challenge_method=S256`)."""
    return _text(hashlib.sha256(verifier_of(seed).encode()).digest())


def _made(seed: str, what: str) -> str:
    return _text(hmac.digest(seed.encode(), f"mainstay sso {what}".encode(), "sha256"))


def _text(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
