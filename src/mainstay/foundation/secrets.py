"""Secrets: read where a reference points, kept out of every text, compared in constant time.

A setting or an address never holds a secret, only where it is: `env:NAME` or `file:/path`. The
file must be its owner's alone (0600 or stricter). No error here repeats what was read or given:
somebody may have pasted the secret itself.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import secrets as randomness
import stat
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote, quote_plus

from mainstay.foundation.errors import Invalid

TOKEN_PREFIX = "mst_"  # noqa: S105 (a public prefix, so that scanners can find leaked tokens)
TOKEN_BYTES = 32
SECRET_BYTES_MAX = 65_536
"""A larger file is not a secret: a private key of 16,384 bits has 13 KiB."""
BLANK = "[secret]"
_ENV = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")
_FILE = re.compile(r"file:(/[^\x00]+)")
_CORE_MIN = 6
"""A base64 core shorter than this would blank innocent text."""


def check_reference(text: str) -> str:
    """`text`, which is `env:NAME` or `file:/path`. ValueError otherwise, without repeating it."""
    if _ENV.fullmatch(text) or _FILE.fullmatch(text):
        return text
    raise ValueError(
        "a secret is never written here; put it in a file that only Mainstay may read "
        "(chmod 600) and write file:/path/to/it, or write env:NAME for a variable"
    )


def is_reference(text: str) -> bool:
    """Whether `text` says where a secret is, rather than being one or none."""
    return bool(_ENV.fullmatch(text) or _FILE.fullmatch(text))


def variable(reference: str) -> str | None:
    """The environment variable that an `env:` reference names; None for any other text."""
    match = _ENV.fullmatch(reference)
    return match[1] if match else None


def resolve(reference: str, *, environment: Mapping[str, str]) -> str:
    """The secret that `reference` points to, one trailing line end stripped.

    Invalid, with how to mend it, when there is none, when it is empty, or when others may read
    its file. Reads the file each time: a rotated secret counts from its next use.
    """
    try:
        check_reference(reference)
    except ValueError as error:
        raise Invalid(f"This is not a reference to a secret: {error}.") from None
    name = variable(reference)
    if name is None:
        path = reference.removeprefix("file:")
        return _filled(_read_private(path), where=f"The file {path}")
    if name not in environment:
        raise Invalid(f"The environment variable {name} is not set; set it, or use file:/path.")
    return _filled(environment[name], where=f"The environment variable {name}")


def _filled(text: str, *, where: str) -> str:
    text = text.removesuffix("\n").removesuffix("\r")
    if not text.strip():
        raise Invalid(f"{where} is empty; it must hold the secret.")
    if "\x00" in text:
        raise Invalid(f"{where} holds a NUL byte; a secret is one line of text.")
    return text


def _read_private(path: str) -> str:
    """The text of a regular file that only its owner may read."""
    try:
        # O_NONBLOCK: a named pipe must not stop us at `open`.
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Invalid(f"Cannot read the secret in {path}: {error.strerror}.") from error
    try:
        facts = os.fstat(number)  # of what is open: the name may point elsewhere by now
        if not stat.S_ISREG(facts.st_mode):
            raise Invalid(f"{path} is not a file; a secret is read from a regular file.")
        if facts.st_mode & 0o077:
            raise Invalid(
                f"Others may read the secret in {path} (mode {stat.S_IMODE(facts.st_mode):04o}). "
                f"Close it with: chmod 600 {path}"
            )
        body = os.read(number, SECRET_BYTES_MAX + 1)
    finally:
        os.close(number)
    if len(body) > SECRET_BYTES_MAX:
        raise Invalid(f"{path} is larger than {SECRET_BYTES_MAX} bytes; that is not a secret.")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise Invalid(f"{path} is not UTF-8 text; a secret is one line of text.") from None


# -- keeping them out of texts -------------------------------------------------------------------


def redactor(secrets: Iterable[str]) -> Callable[[str], str]:
    """A function that blanks these secrets in a text, also when quoted or encoded.

    Known forms: plain, JSON, URL, hex, base64 (at each of the three alignments, so that a basic
    `user:password` is found too). Made once and kept; its cost is one regular expression a text.
    """
    known = {form for secret in secrets if secret for form in _forms(secret)}
    if not known:
        return str
    # The longest first, so that of two overlapping secrets no tail is left.
    words = sorted(known, key=lambda form: (-len(form), form))
    pattern = re.compile("|".join(re.escape(word) for word in words))
    return lambda text: pattern.sub(BLANK, text)


def _forms(secret: str) -> set[str]:
    body = secret.encode("utf-8")
    forms = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        body.hex(),
        body.hex().upper(),
    }
    for core in _base64_cores(body):
        forms |= {core, core.replace("+", "-").replace("/", "_")}
    return forms


def _base64_cores(body: bytes) -> set[str]:
    """What base64 shows of `body` whatever stands before and after it."""
    cores = set()
    for offset in range(3):
        text = base64.b64encode(bytes(offset) + body).decode("ascii")
        first = (offset * 8 + 5) // 6  # the first character made of our bits alone
        last = (offset + len(body)) * 8 // 6
        if last - first >= _CORE_MIN:
            cores.add(text[first:last])
    return cores


# -- tokens --------------------------------------------------------------------------------------


def new_token() -> str:
    """A fresh API token: `mst_` and 52 characters of a–z2–7, 256 random bits."""
    body = base64.b32encode(randomness.token_bytes(TOKEN_BYTES)).decode("ascii")
    return TOKEN_PREFIX + body.rstrip("=").lower()


def digest(text: str) -> str:
    """Hex SHA-256: what is stored of a token. Enough for 256 random bits, never for passwords."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether both are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(
        one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass")
    )
