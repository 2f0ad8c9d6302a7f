"""Writes a backup: every table as it was at one instant, in an archive that any tool opens.

A zip file: one `<table>.jsonl` for each table, then `manifest.json`; encrypted as a whole when a
passphrase is given. It is read through our own `Tx` in one read transaction, so it is consistent,
holds up no writer, and is the same for every engine.

What is in it: all that the database holds. That is hashes of passwords, keys and tokens, references
to secrets, and sealed secrets; but also names, addresses and raw signals, which is why to encrypt it.
What is not: files of the data folder, and the key beside it. The key of the record (`record.key`) and
the one that seals secrets stay apart, so that whoever steals a backup can neither sign nor open
anything with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from mainstay import __version__
from mainstay.foundation.backup.manifest import FORMAT, NAME, Chain, Manifest, Table, as_text
from mainstay.foundation.backup.sealed_file import SealedWriter
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Tx, schema_of, tables
from mainstay.foundation.errors import Conflict, Stuck

ROWS_AT_ONCE = 500
COMPRESSION = 1
"""Of zlib's nine: a third of the time of the usual one, for a tenth more bytes."""
_ORDER = {
    "foundation_record": "SELECT * FROM foundation_record ORDER BY seq",
    "foundation_seal": "SELECT * FROM foundation_seal ORDER BY number",
    "foundation_checkpoint": "SELECT * FROM foundation_checkpoint ORDER BY number",
}
"""What the proof of the record needs in its order."""
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
"""Zip's own times are local and to two seconds; the manifest knows better."""


def write_backup(tx: Tx, target: Path, *, now: datetime, passphrase: str | None = None) -> Manifest:
    """Write the state that `tx` sees to `target`: whole and on the disk, or not at all.

    Conflict when `target` is there. Reads every row once; holds a few hundred rows at a time.
    """
    if target.exists():
        raise Conflict(f"{target} is already there; nothing was written.")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _new_file(target) as file:
        if passphrase is None:
            return _archive(tx, file, now)
        with SealedWriter(file, passphrase) as sealed:
            return _archive(tx, cast("IO[bytes]", sealed), now)


@contextmanager
def _new_file(target: Path) -> Iterator[IO[bytes]]:
    """Its owner's alone; it gets its name only when all of it is on the disk."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        number = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(number, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.link(part, target)  # unlike a rename, it replaces nothing
        sync_folder(target.parent)
    except FileExistsError:
        raise Conflict(f"{target} is already there; nothing was written.") from None
    except OSError as error:
        raise Stuck(f"The backup cannot be written to {target}: {error.strerror}.") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _archive(tx: Tx, out: IO[bytes], now: datetime) -> Manifest:
    schema = schema_of(tx)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION) as archive:
        written = tuple(_table(tx, archive, name) for name in tables(schema))
        manifest = Manifest(FORMAT, to_us(now), __version__, schema, written, _chain(tx, written))
        body = msgspec.json.format(msgspec.json.encode(manifest))
        archive.writestr(_entry(NAME), body, compresslevel=COMPRESSION)
    return manifest


def _table(tx: Tx, archive: zipfile.ZipFile, name: str) -> Table:
    rows = tx.each(_ORDER.get(name, f"SELECT * FROM {name}"))  # noqa: S608 (from the schema)
    digest, count, size = hashlib.sha256(), 0, 0
    columns: tuple[str, ...] = ()
    blobs: set[int] = set()
    encoder = msgspec.json.Encoder()
    with archive.open(_entry(f"{name}.jsonl"), "w", force_zip64=True) as file:
        while batch := list(islice(rows, ROWS_AT_ONCE)):
            columns = columns or tuple(batch[0].keys())
            values = [list(cast("Iterable[Any]", row)) for row in batch]
            blobs |= (found := _blobs(values))
            for place in found:
                for one in values:
                    one[place] = as_text(one[place])
            text = encoder.encode_lines(values)
            digest.update(text)
            file.write(text)
            count, size = count + len(batch), size + len(text)
    held = tuple(columns[place] for place in sorted(blobs))
    return Table(name, count, size, digest.hexdigest(), columns, held)


def _blobs(values: Sequence[Sequence[Any]]) -> set[int]:
    """The places that hold bytes; a column holds one sort of thing, or nothing."""
    return {
        place
        for place, first in enumerate(values[0])
        if first is None or isinstance(first, bytes)
        if any(isinstance(one[place], bytes) for one in values)
    }


def _chain(tx: Tx, written: Iterable[Table]) -> Chain:
    last = tx.one("SELECT number, digest FROM foundation_seal ORDER BY number DESC LIMIT 1")
    counts = {table.name: table.rows for table in written}
    newest = None
    if "foundation_checkpoint" in counts:
        newest = tx.value("SELECT max(number) FROM foundation_checkpoint")
    return Chain(
        seals=last["number"] if last else 0, head=last["digest"] if last else None,
        rows=counts["foundation_record"], checkpoint=newest,
    )  # fmt: skip


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _FIXED_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry


def file_name(now: datetime, *, sealed: bool, why: str = "") -> str:
    """`mainstay-20261124T101500Z.zip`, of the instant that it holds; `.sealed` when encrypted."""
    at = from_us(to_us(now)).strftime("%Y%m%dT%H%M%SZ")
    return f"mainstay-{at}{f'-{why}' if why else ''}.zip{'.sealed' if sealed else ''}"
