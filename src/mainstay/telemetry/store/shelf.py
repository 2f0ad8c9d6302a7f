"""Rows of one shape in a folder: append, pack, ask, forget. One process has it open; its threads may
share it.

`append` returns when the rows are on the disk. A hot file that is full or old is packed by
`pack` into one Parquet file for each service, sorted by time, whose name tells its first and last
instant; only then is the hot file deleted. Killed in between, the next start finishes or repeats
it: a hot file is packed once or not at all, since its packed files carry its number.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import duckdb

from mainstay.foundation.errors import Conflict, OverLimit, Stuck
from mainstay.telemetry.store.parts import folder_of, packed_name, parts_in

HOT_BYTES = 16 << 20
"""A hot file of this size is packed."""
HOT_AGE_US = 300_000_000
"""So old a hot file is packed, whatever its size."""
WAITING_MAX = 64
"""Hot files that wait to be packed; beyond, senders are told to wait."""
ROW_GROUP = 50_000
"""Rows that are read or left out together: smaller, less is read; larger, it packs better."""
THREADS = 2
AGAIN_MAX = 10
"""How often a question begins anew because a file went away under it."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long and how much is kept. `days`: for services not in `days_of`; bytes of all together."""

    days: int = 14
    days_of: Mapping[str, int] = field(default_factory=dict)
    bytes_max: int = 20 << 30


@dataclass(frozen=True, slots=True)
class Shape:
    """What rows hold. Every shape has `at_us` and `service`; `order` is how they lie when packed."""

    columns: Mapping[str, str]
    order: str = "at_us"
    memory: str = "512MB"
    """What questions and packing may take."""


@dataclass(frozen=True, slots=True)
class Span:
    """Which rows can matter at all: a service ("" is any) and a time, its end not included."""

    service: str = ""
    since_us: int | None = None
    until_us: int | None = None

    def conditions(self) -> list[tuple[str, object]]:
        """As SQL, each with what is bound to it."""
        found: list[tuple[str, object]] = []
        if self.since_us is not None:
            found.append(("at_us >= ?", self.since_us))
        if self.until_us is not None:
            found.append(("at_us < ?", self.until_us))
        if self.service:
            found.append(("service = ?", self.service))
        return found


class Shelf:
    """Rows in a folder. Conflict if another process has it open; to ask only, it may be open."""

    def __init__(
        self, folder: Path, shape: Shape, keeping: Keeping, *, only_ask: bool = False
    ) -> None:
        self._hot, self._cold = folder / "hot", folder / "cold"
        self._shape, self._keeping = shape, keeping
        self._lock_file = None if only_ask else _locked(folder, (self._hot, self._cold))
        self._db = duckdb.connect(config={"threads": THREADS, "memory_limit": shape.memory})
        self._writing = threading.Lock()
        self._listing = threading.Lock()
        self._listing_file = (folder / "listing").open("ab")
        self._full: list[Path] = []
        self._opened_us = 0
        self._file: BinaryIO | None = None
        self._path: Path | None = None
        self._number = 0 if only_ask else self._recover()

    # -- in ------------------------------------------------------------------------------------

    def append(self, rows: bytes, *, now_us: int) -> int:
        """Keep whole rows; when this returns they are on the disk. OverLimit: come again later."""
        if not rows:
            return 0
        with self._writing:
            if len(self._full) >= WAITING_MAX:
                raise OverLimit(
                    "Telemetry comes faster than it can be packed; send this again.",
                    limit=WAITING_MAX, unit="files", status=503, retry_after_s=5.0,
                )  # fmt: skip
            file = self._open(now_us)
            file.write(rows)
            file.flush()
            os.fdatasync(file.fileno())
            if file.tell() >= HOT_BYTES or now_us - self._opened_us >= HOT_AGE_US:
                self._close_hot()
        return rows.count(b"\n")

    def _open(self, now_us: int) -> BinaryIO:
        if self._file is None:
            self._number += 1
            self._path = self._hot / f"{self._number:012d}.rows"
            self._file = self._path.open("ab")
            self._opened_us = now_us
            _sync_folder(self._hot)
        return self._file

    def _close_hot(self) -> None:
        if self._file is not None and self._path is not None:
            self._file.close()
            self._full.append(self._path)
            self._file = self._path = None

    def _recover(self) -> int:
        """The highest number in use. What a crash left half done is finished or taken back."""
        packed = {part.number for part in parts_in(self._cold)}
        for left in self._cold.rglob("*.tmp"):
            left.unlink()
        for path in sorted(self._hot.glob("*.rows")):
            if int(path.stem) in packed:
                _take_back(self._cold, int(path.stem))
            _end_at_a_row(path)
            self._full.append(path)
        numbers = [*packed, *(int(path.stem) for path in self._full)]
        return max(numbers, default=0)

    # -- behind the back -----------------------------------------------------------------------

    def pack(self, *, now_us: int, everything: bool = False) -> int:
        """Pack what is full or old, and forget what is too old or too much; files packed."""
        with self._writing:
            old = self._file is not None and now_us - self._opened_us >= HOT_AGE_US
            if everything or old:
                self._close_hot()
            waiting = list(self._full)
        for path in waiting:
            self._pack_one(path)
        self._forget(now_us)
        return len(waiting)

    def _pack_one(self, path: Path) -> None:
        number, made = int(path.stem), []
        with self._db.cursor() as db:
            source = _hot_rows([path], self._shape)
            services = db.execute(
                f"SELECT service, min(at_us), max(at_us) FROM {source} GROUP BY 1"
            ).fetchall()
            for service, first, last in services:
                final = self._cold / packed_name(service, first, last, number)
                final.parent.mkdir(exist_ok=True, mode=0o700)
                draft = final.with_suffix(".tmp")
                db.execute(
                    f"COPY (SELECT * FROM {source} WHERE service = ? ORDER BY {self._shape.order}) TO {_listed([draft])} "
                    f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})", [service],
                )  # fmt: skip
                _sync(draft)
                made.append((draft, final))
        with self._unchanging(fcntl.LOCK_EX):
            for draft, final in made:
                draft.rename(final)
                _sync_folder(final.parent)
            path.unlink()
        with self._writing:
            self._full.remove(path)

    def _forget(self, now_us: int) -> None:
        parts = sorted(parts_in(self._cold), key=lambda part: part.last_us)
        size = sum(part.size for part in parts)
        days_of = {folder_of(one): days for one, days in self._keeping.days_of.items()}
        for part in parts:
            days = days_of.get(part.folder, self._keeping.days)
            if part.last_us < now_us - days * 86_400_000_000 or size > self._keeping.bytes_max:
                with self._unchanging(fcntl.LOCK_EX):
                    part.path.unlink(missing_ok=True)
                size -= part.size

    # -- out -----------------------------------------------------------------------------------

    def size_bytes(self) -> int:
        """What all of it takes on the disk."""
        hot = sum(path.stat().st_size for path in self._hot.glob("*.rows"))
        return hot + sum(part.size for part in parts_in(self._cold))

    def ask(
        self, span: Span, select: str, end: str = "", *, more: Sequence[tuple[str, object]] = ()
    ) -> list[tuple[Any, ...]]:
        """`select` over the rows of a span that fit `more` too (condition, what is bound), and `end`.

        No file at all: no row. InvalidInputException for a pattern that is none.
        """
        for _ in range(AGAIN_MAX):
            with self._unchanging(fcntl.LOCK_SH):
                sources = list(_sources(self._hot, self._cold, span, self._shape))
            try:
                return self._asked(sources, [*span.conditions(), *more], select, end)
            except duckdb.IOException:  # a file was packed or forgotten meanwhile: list them anew
                continue
        raise Stuck("What is kept changes faster than it can be read; ask again.")

    def _asked(
        self, sources: Sequence[str], conditions: Sequence[tuple[str, object]], select: str,
        end: str,
    ) -> list[tuple[Any, ...]]:  # fmt: skip
        if not sources:
            return []
        where = "WHERE " + " AND ".join(words for words, _ in conditions) if conditions else ""
        given = [value for _, value in conditions]
        rows = " UNION ALL BY NAME ".join(f"SELECT * FROM {one} {where}" for one in sources)
        with self._db.cursor() as db:
            return db.execute(f"{select} FROM ({rows}) {end}", given * len(sources)).fetchall()

    @contextmanager
    def _unchanging(self, lock: int) -> Iterator[None]:
        """No file comes or goes while they are listed, in whichever process."""
        with self._listing:
            fcntl.flock(self._listing_file, lock)
            try:
                yield
            finally:
                fcntl.flock(self._listing_file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of everything; what is hot is packed at the next start."""
        with self._writing:
            self._close_hot()
            self._db.close()
            self._listing_file.close()
            if self._lock_file is not None:
                self._lock_file.close()


def _locked(folder: Path, inside: Iterable[Path]) -> BinaryIO:
    """The folder made, and this process alone in it."""
    for one in inside:
        one.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = (folder / "lock").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise Conflict(f"Another process keeps telemetry in {folder}.") from None
    return file


def _sources(hot: Path, cold: Path, span: Span, shape: Shape) -> Iterator[str]:
    """What DuckDB must read: the packed files whose span and service can matter, and the hot ones."""
    packed = [
        part for part in parts_in(cold)
        if (span.since_us is None or part.last_us >= span.since_us)
        and (span.until_us is None or part.first_us < span.until_us)
        and (not span.service or part.folder == folder_of(span.service))
    ]  # fmt: skip
    if packed:
        yield f"read_parquet([{_listed([part.path for part in packed])}])"
    waiting = sorted(hot.glob("*.rows"))
    if waiting:
        yield _hot_rows(waiting, shape)


def _hot_rows(paths: Sequence[Path], shape: Shape) -> str:
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in shape.columns.items())
    return (
        f"read_csv([{_listed(paths)}], columns={{{columns}}}, header=false, auto_detect=false, "
        "delim='\x1f', quote='', escape='', nullstr='\x1d', new_line='\\n', ignore_errors=true, max_line_size=600000)"
    )


def _listed(paths: Sequence[Path]) -> str:
    return ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)


def _end_at_a_row(path: Path) -> None:
    """Take back a row that a crash cut off: nobody was told that it is kept."""
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        begin = max(0, size - (1 << 20))
        file.seek(begin)
        file.truncate(begin + file.read().rfind(b"\n") + 1)


def _take_back(cold: Path, number: int) -> None:
    """The packed files of a hot file that is still there: it will be packed again, as a whole."""
    for part in parts_in(cold):
        if part.number == number:
            part.path.unlink()


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
