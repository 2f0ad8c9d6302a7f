"""Reads a backup, and says whether it is whole."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from mainstay.foundation import record
from mainstay.foundation.backup.manifest import NAME, Manifest, Table, as_bytes, read_manifest
from mainstay.foundation.backup.sealed_file import SealedReader, is_sealed
from mainstay.foundation.errors import Corrupt, Invalid, NotFound

_PROOF = {"foundation_seal", "foundation_record", "foundation_checkpoint"}
MANIFEST_BYTES_MAX = 4 * 1024 * 1024
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)
Values = dict[str, Any]


class Backup:
    """An open backup. What it holds is checked as it is read: by `rows` to the end, or `check`."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, *, sealed: bool) -> None:
        self.path = path
        self.sealed = sealed
        self._archive = archive
        self.manifest = self._read_manifest()
        self._tables = {table.name: table for table in self.manifest.tables}

    def _read_manifest(self) -> Manifest:
        try:
            with self._archive.open(NAME) as file:
                return read_manifest(file.read(MANIFEST_BYTES_MAX))
        except KeyError:
            raise Corrupt(f"{self.path} holds no {NAME}; it is no backup of Mainstay.") from None
        except _BROKEN as error:
            raise self._damaged(NAME, str(error)) from None

    def rows(self, name: str) -> Iterator[Values]:
        """Every row of a table, by column; none of a table that it does not have.

        Corrupt at the end when count or digest is another than the manifest says.
        """
        table = self._tables.get(name)
        if table is None:
            return
        digest, count = hashlib.sha256(), 0
        try:
            with self._archive.open(f"{name}.jsonl") as file:
                for line in file:
                    digest.update(line)
                    count += 1
                    yield _row(table, line)
        except KeyError:
            raise self._damaged(name, "it is not there") from None
        except (*_BROKEN, msgspec.DecodeError, ValueError) as error:
            raise self._damaged(name, str(error)) from None
        if count != table.rows:
            raise self._damaged(name, f"{table.rows} rows were written, {count} are there")
        if digest.hexdigest() != table.sha256:
            raise self._damaged(name, "its content is another than was written")

    def check(self) -> record.Verdict:
        """Read all of it: every count and digest, and the chain of the record. Corrupt if not."""
        for name in set(self._tables) - _PROOF:  # `verify` reads those to their end
            for _ in self.rows(name):
                pass
        found = self.verify()
        if found.broken is not None:
            raise Corrupt(f"The record in {self.path} is not whole: {found.broken}.")
        if (found.head if found.seals else None) != self.manifest.record.head:
            raise self._damaged("foundation_record", "it ends elsewhere than the manifest says")
        return found

    def verify(self, **more: Any) -> record.Verdict:
        """The verdict on its record, as `record.verify` gives it of a database."""
        return record.verify_rows(
            cast("Any", self.rows("foundation_seal")),
            cast("Any", self.rows("foundation_record")),
            cast("Any", list(self.rows("foundation_checkpoint"))),
            **more,
        )

    def _damaged(self, part: str, why: str) -> Corrupt:
        return Corrupt(f"The backup {self.path} is damaged in {part}: {why}.")


@contextmanager
def open_backup(path: Path, *, passphrase: str | None = None) -> Iterator[Backup]:
    """The backup in a file. Invalid when it needs a passphrase, or another one."""
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    with path.open("rb") as file:
        sealed = is_sealed(file)
        if sealed and passphrase is None:
            raise Invalid(
                f"{path} is encrypted. Say where its passphrase is, by --passphrase file:/path or "
                "env:NAME, or in the setting backup.passphrase."
            )
        file.seek(0)
        try:
            content = _opened(file, passphrase) if sealed and passphrase is not None else file
            with zipfile.ZipFile(content) as archive:
                yield Backup(path, archive, sealed=sealed)
        except zipfile.BadZipFile:
            raise Corrupt(f"{path} is no backup of Mainstay, or it was cut off.") from None


def is_backup(path: Path) -> bool:
    """Whether a file is a backup, by its first bytes (and not, say, a database)."""
    with path.open("rb") as file:
        return is_sealed(file) or zipfile.is_zipfile(file)


def key_of(backup: Backup) -> str | None:
    """The id of the key that secrets in it are sealed under; None: there are none."""
    row = next(backup.rows("foundation_sealing"), None)
    return None if row is None else str(row["key"])


def _opened(file: IO[bytes], passphrase: str) -> IO[bytes]:
    return cast("IO[bytes]", io.BufferedReader(SealedReader(file, passphrase), 64 * 1024))


def _row(table: Table, line: bytes) -> Values:
    values = dict(zip(table.columns, msgspec.json.decode(line), strict=True))
    for column in table.blobs:
        values[column] = as_bytes(values[column])
    return values
