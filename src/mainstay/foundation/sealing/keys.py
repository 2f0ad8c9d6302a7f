"""Where the keys are: where `secrets.key` points, or a file of our own beside the data folder.

Beside and not inside, so that a copy of the folder does not carry its own key. Where we may not write
there it is inside, and `mainstay doctor` says so.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mainstay.foundation.errors import Invalid, Stuck
from mainstay.foundation.secrets import resolve
from mainstay.foundation.settings import Settings

KEY_BYTES = 32
SUFFIX = ".key"
"""Beside the data folder: its name with this at the end."""
INSIDE = "secrets.key"
"""In the data folder, where we may not write beside it."""
ID_CHARS = 16
_MAKE = "Make one with: (umask 077; head -c 32 /dev/urandom | base64 > FILE)"


@dataclass(frozen=True, slots=True)
class Key:
    """A key of AES-256."""

    raw: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """What it is called: of its SHA-256 enough to tell it from others, and nothing of it."""
        return hashlib.sha256(b"mainstay sealing key\n" + self.raw).hexdigest()[:ID_CHARS]


def new_key() -> Key:
    """A fresh one."""
    return Key(secrets.token_bytes(KEY_BYTES))


def keys_in(text: str, *, where: str) -> tuple[Key, ...]:
    """The keys of a text, each 32 bytes in base64. Invalid, without repeating any, for another."""
    found = []
    for word in re.split(r"[\s,]+", text.strip()):
        try:
            raw = base64.b64decode(word.replace("-", "+").replace("_", "/"), validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) != KEY_BYTES:
            raise Invalid(f"{where} holds something that is no key of 32 bytes in base64. {_MAKE}")
        found.append(Key(raw))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one install."""

    reference: str | None
    """`env:` or `file:`, which is then not ours to write; None: our own file."""
    data_dir: Path
    environment: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, settings: Settings, *, environment: Mapping[str, str]) -> Keys:
        """As the settings say."""
        return cls(settings.secrets.key, settings.data_dir, environment)

    @property
    def where(self) -> str:
        """Where they are, or would be, in words for a person."""
        return self.reference or str(self.path)

    @property
    def path(self) -> Path:
        """Our own file, which need not be there."""
        folder = self.data_dir.absolute()
        beside, inside = folder.with_name(folder.name + SUFFIX), folder / INSIDE
        return inside if inside.exists() and not beside.exists() else beside

    @property
    def are_inside(self) -> bool:
        """Whether whoever copies the data folder has the key with it."""
        return self.reference is None and self.path.name == INSIDE

    def read(self) -> tuple[Key, ...]:
        """All of them; none when our own file is not there. Invalid when they cannot be read."""
        if self.reference is not None:
            text = resolve(self.reference, environment=self.environment)
        elif self.path.exists():
            text = resolve(f"file:{self.path}", environment={})
        else:
            return ()
        return keys_in(text, where=self.where)

    def first(self) -> Key:
        """The first of them; made when there is none. Who comes second uses the first one's."""
        found = self.read()
        if not found:
            _write_first([new_key()], beside=self.path, inside=self.data_dir.absolute() / INSIDE)
            found = self.read()
        return found[0]

    def keep(self, keys: Iterable[Key]) -> None:
        """These and no others from now on, on the disk. Only for our own file."""
        path = self.path
        fresh = _written(path.with_name(f"{path.name}.{os.getpid()}"), keys)
        fresh.replace(path)
        _sync(path.parent)


def _write_first(keys: Iterable[Key], *, beside: Path, inside: Path) -> None:
    try:
        _link_first(keys, beside)
    except OSError as first:
        try:
            _link_first(keys, inside)
        except OSError as error:
            words = f"{first.strerror}; and neither to {inside}: {error.strerror}"
            raise Stuck(f"No key for secrets can be written to {beside}: {words}.") from error


def _link_first(keys: Iterable[Key], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = _written(path.with_name(f"{path.name}.{os.getpid()}"), keys)
    with contextlib.suppress(FileExistsError):
        os.link(fresh, path)
    fresh.unlink()
    _sync(path.parent)


def _written(path: Path, keys: Iterable[Key]) -> Path:
    """A file of these keys on the disk, its owner's alone from its first moment."""
    path.unlink(missing_ok=True)
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(number, "wb") as file:
        file.write(b"".join(base64.b64encode(key.raw) + b"\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())
    return path


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)
