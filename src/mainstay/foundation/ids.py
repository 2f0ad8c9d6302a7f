"""Ids: a prefix that says what, and a ULID that sorts by when (`inc_01J…`).

ULID (github.com/ulid/spec): 48 bits of milliseconds, 80 of randomness, Crockford base 32, 26
characters. Within a millisecond the random part counts up, so one process's ids are monotonic.
"""

from __future__ import annotations

import secrets
import threading
from datetime import datetime

from mainstay.foundation.clock import to_us

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
_RANDOM_BITS = 80


class Ids:
    """Makes ids; thread-safe. One per process, handed on explicitly."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def new(self, prefix: str, now: datetime) -> str:
        """A new id; sorts after every id that this object made in or before `now`'s millisecond."""
        milliseconds = to_us(now) // 1000
        with self._lock:
            if milliseconds > self._last >> _RANDOM_BITS:
                # Randomness costs a system call, so it is drawn once a millisecond.
                value = (milliseconds << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS - 1)
            else:
                value = self._last + 1
            self._last = value
        return f"{prefix}_{encode(value)}"


def encode(value: int) -> str:
    """128 bits as 26 characters of Crockford base 32."""
    pairs = _PAIRS
    return "".join([pairs[(value >> shift) & 1023] for shift in range(120, -1, -10)])


def decode(text: str) -> int:
    """The 128 bits of 26 characters; ValueError on anything else."""
    if len(text) != 26:
        raise ValueError("a ULID has 26 characters")
    value = 0
    for character in text:
        value = value << 5 | _ALPHABET.index(character)
    return value
