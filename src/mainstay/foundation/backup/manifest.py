"""What a backup says about itself: `manifest.json`, the last file of the archive."""

from __future__ import annotations

import base64
import re

import msgspec

from mainstay.foundation.errors import Corrupt

FORMAT = 1
"""Of the archive. A newer one is refused."""
NAME = "manifest.json"
_WORD = re.compile(r"[a-z][a-z0-9_]{0,62}")


class Table(msgspec.Struct, frozen=True):
    """One table: `<name>.jsonl`, a JSON array a row, in the order of `columns`."""

    name: str
    rows: int
    size_bytes: int
    sha256: str
    """Over the file as it is before compression."""
    columns: tuple[str, ...]
    blobs: tuple[str, ...]
    """The columns of bytes: written as text where they are UTF-8, else as {"base64": …}."""


class Chain(msgspec.Struct, frozen=True):
    """Where the record stood."""

    seals: int
    head: str | None
    rows: int
    checkpoint: int | None
    """The newest checkpoint's number."""


class Manifest(msgspec.Struct, frozen=True):
    """Everything that must be true of the rest of the archive."""

    mainstay_backup: int
    made_at_us: int
    """The instant of the state that it holds, by the clock of the machine that made it."""
    version: str
    schema: int
    tables: tuple[Table, ...]
    record: Chain

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(table.rows for table in self.tables)


def as_text(body: bytes | None) -> str | dict[str, str] | None:
    """Bytes as JSON can hold them."""
    if body is None:
        return None
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode("ascii")}


def as_bytes(value: object) -> bytes | None:
    """The bytes that `as_text` was given. ValueError when it is none of its answers."""
    match value:
        case None:
            return None
        case str():
            return value.encode("utf-8")
        case {"base64": str() as text}:
            return base64.b64decode(text, validate=True)
        case _:
            raise ValueError("a column of bytes holds something else")


def read_manifest(body: bytes) -> Manifest:
    """The manifest, if it is one that we can trust to be used in statements."""
    try:
        found = msgspec.json.decode(body, type=Manifest)
    except msgspec.DecodeError as error:
        raise Corrupt(f"The backup's manifest cannot be read: {error}.") from None
    if found.mainstay_backup != FORMAT:
        raise Corrupt(
            f"This backup has format {found.mainstay_backup}; this program reads format {FORMAT}."
        )
    words = [word for table in found.tables for word in (table.name, *table.columns)]
    if strange := [word for word in words if not _WORD.fullmatch(word)]:
        raise Corrupt(f"The backup's manifest names {strange[0]!r}, which is no name of ours.")
    return found
