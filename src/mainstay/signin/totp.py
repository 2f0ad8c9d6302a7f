"""One-time codes: TOTP (RFC 6238, SHA-1, 6 digits, 30 s, as every authenticator app has it).

A code counts once, and one step of clock difference either way is let pass. Recovery codes stand in
for a lost telephone; each counts once.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import struct
from datetime import datetime
from urllib.parse import quote, urlencode

from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Invalid
from mainstay.foundation.record import Fact
from mainstay.foundation.sealing import Ring
from mainstay.foundation.secrets import digest
from mainstay.signin import store
from mainstay.signin.store import Secrets

STEP_S = 30
DIGITS = 6
SECRET_BYTES = 20
"""As long as the hash (RFC 4226 §4, R6)."""
DRIFT = 1
"""Steps that a telephone's clock may be wrong, either way (RFC 6238 §5.2)."""
RECOVERY_N = 10
_RECOVERY_BYTES = 10
"""80 random bits, in 16 characters: no guess hits, so a fast hash will do."""


def code_at(secret: str, step: int) -> str:
    """The code of a time step. `secret`: base 32."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8), casefold=True)
    mac = hmac.digest(key, struct.pack(">Q", step), "sha1")
    offset = mac[-1] & 15
    number = struct.unpack(">I", mac[offset : offset + 4])[0] & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def step_of(now: datetime) -> int:
    """The time step of an instant."""
    return to_us(now) // 1_000_000 // STEP_S


def passes(tx: Tx, person: str, found: Secrets, code: str, *, ring: Ring, now: datetime) -> bool:
    """Whether the code lets them in; it is spent then. Without codes set up, everything does."""
    if found.totp is None:
        return True
    code = code.replace(" ", "").replace("-", "").lower()
    step = _fitting(ring.open(found.totp, store.totp_cell(person)), code, now=now)
    if step is not None:
        return store.spend_step(tx, person, step)
    return store.spend_recovery(tx, person, digest(f"{person}:{code}"), now=now)


def begin(tx: Tx, person: str, *, ring: Ring) -> str:
    """A secret to set up; it counts once `confirm` has seen a code of it."""
    there = pending(tx, person, ring=ring)
    if there is not None:
        return there
    secret = base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()
    store.write_totp_next(tx, person, ring.seal(tx, secret, store.totp_next_cell(person)))
    return secret


def pending(tx: Tx, person: str, *, ring: Ring) -> str | None:
    """The secret that is being set up, if one is."""
    found = store.secrets(tx, person)
    if found is None or found.totp_next is None:
        return None
    return ring.open(found.totp_next, store.totp_next_cell(person))


def confirm(tx: Tx, person: str, code: str, *, ring: Ring, now: datetime) -> tuple[list[str], Fact]:
    """From now on signing in asks for a code; the recovery codes, shown once."""
    secret = pending(tx, person, ring=ring)
    step = None if secret is None else _fitting(secret, code.replace(" ", ""), now=now)
    if secret is None or step is None:
        words = "This is not the code of now. Is the clock of your telephone right?"
        raise Invalid(words, pointer="/code")
    store.write_totp(tx, person, ring.seal(tx, secret, store.totp_cell(person)), step=step)
    codes = [_recovery_code() for _ in range(RECOVERY_N)]
    store.write_recovery(tx, person, [digest(f"{person}:{code}") for code in codes])
    words = f"{person} signs in with one-time codes from now on"
    shown = [f"{code[:4]}-{code[4:8]}-{code[8:12]}-{code[12:]}" for code in codes]
    return shown, Fact("account.totp_on", person, words, actor=f"person:{person}")


def turn_off(tx: Tx, person: str, *, actor: str) -> Fact:
    """Signing in asks for no code any more; recovery codes go with it."""
    store.write_totp(tx, person, None, step=0)
    store.write_recovery(tx, person, [])
    words = f"{actor} turned off the one-time codes of {person}"
    return Fact("account.totp_off", person, words, actor=actor)


def uri(person: str, secret: str, *, issuer: str) -> str:
    """What an authenticator app reads from the square code (the otpauth key URI format)."""
    label = quote(f"{issuer}:{person}")
    return f"otpauth://totp/{label}?" + urlencode({"secret": secret, "issuer": issuer})


def _fitting(secret: str, code: str, *, now: datetime) -> int | None:
    """The step whose code it is, of those that may be meant now. Compares them all."""
    middle = step_of(now)
    steps = range(middle - DRIFT, middle + DRIFT + 1)
    fits = [step for step in steps if hmac.compare_digest(code_at(secret, step), code)] if (
        code.isascii()
    ) else []  # fmt: skip
    return fits[0] if fits else None


def _recovery_code() -> str:
    return base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower()
