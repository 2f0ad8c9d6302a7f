"""Passwords: Argon2id, and what may be one.

A hash takes 64 MiB and about a tenth of a second on purpose. Whoever calls these from a server
must bound how many run at once (`console` does), or a flood of log-ins eats the memory.
"""

from __future__ import annotations

import re

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from mainstay.foundation.errors import Invalid

CHARACTERS_MIN = 12
"""With a limit of 10 guesses in 15 minutes; NIST SP 800-63B asks for 8 beside a second factor."""
CHARACTERS_MAX = 200
DIFFERENT_MIN = 5
_COMMON = frozenset(
    [
        "abc",
        "abcdef",
        "access",
        "admin",
        "administrator",
        "asdf",
        "asdfgh",
        "asdfghjkl",
        "baseball",
        "batman",
        "changeme",
        "charlie",
        "computer",
        "default",
        "demo",
        "dragon",
        "enter",
        "example",
        "football",
        "forever",
        "freedom",
        "geheim",
        "guest",
        "hallo",
        "hello",
        "iloveyou",
        "letmein",
        "login",
        "love",
        "mainstay",
        "manager",
        "master",
        "michael",
        "monday",
        "monkey",
        "mustang",
        "nothing",
        "oncall",
        "operator",
        "pass",
        "passw",
        "passwd",
        "passwort",
        "password",
        "please",
        "princess",
        "production",
        "qazwsx",
        "qwer",
        "qwert",
        "qwerty",
        "qwertyuiop",
        "qwertz",
        "qwertzuiop",
        "root",
        "secret",
        "service",
        "shadow",
        "starwars",
        "summer",
        "sunshine",
        "superman",
        "support",
        "sysadmin",
        "system",
        "temp",
        "test",
        "testing",
        "trustno",
        "user",
        "welcome",
        "willkommen",
        "winter",
        "zxcv",
        "zxcvbn",
        "zxcvbnm",
    ]
)
"""What stands in every list of leaked passwords, digits and signs left out."""
_LOOKALIKES = str.maketrans("013457@$!", "oieastasi")


def hash_password(password: str) -> str:
    """The Argon2id hash (RFC 9106, second recommended option: 64 MiB, 3 passes, 4 lanes)."""
    return _hasher().hash(password.encode("utf-8", "surrogatepass"))


def is_password(hashed: str | None, password: str) -> bool:
    """Whether the hash is of this password. None, an account that has none, takes as long."""
    try:
        matches = _hasher().verify(hashed or _NOBODYS, password.encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False
    return matches and hashed is not None


def check_password(password: str, *, person: str) -> str:
    """The password, if it may be one; Invalid says what is wrong with it."""
    if len(password) < CHARACTERS_MIN:
        raise _not_so(f"Take {CHARACTERS_MIN} characters or more: a few words that you remember.")
    if len(password) > CHARACTERS_MAX:
        raise _not_so(f"Take at most {CHARACTERS_MAX} characters.")
    if len(set(password)) < DIFFERENT_MIN or password.isdecimal():
        raise _not_so("This is guessed at once: it needs more different characters.")
    inner = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", password.casefold())
    known = _COMMON | {_letters(person.casefold())}
    if any(_is_made_of(_letters(text), known) for text in (inner, inner.translate(_LOOKALIKES))):
        raise _not_so("This stands in every list of common passwords. Take a few words instead.")
    return password


def _letters(text: str) -> str:
    return re.sub(r"[\W\d_]+", "", text)


def _is_made_of(text: str, words: frozenset[str]) -> bool:
    """Whether a known word, perhaps repeated, is all that there is."""
    return any(word and len(text) % len(word) == 0 and word * (len(text) // len(word)) == text
               for word in words)  # fmt: skip


def _hasher() -> PasswordHasher:
    return PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)


def _not_so(words: str) -> Invalid:
    return Invalid(words, pointer="/password")


_NOBODYS = (
    "$argon2id$v=19$m=65536,t=3,p=4$bm9ib2R5IGhhcyB0aGlzIQ$"
    "3n0Q2y1Hq4m0Hcb0l1mJ0H7xX0P3g2o8QJ9m0c1d2e4"
)
"""Of no password: it costs as much to compare, so that time does not tell who has an account."""
