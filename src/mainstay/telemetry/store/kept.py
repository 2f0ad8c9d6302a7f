"""The kept logs: append, pack, ask, forget. One process has them open; its threads may share them.

`append` returns when the rows are on the disk. A hot file that is full or old is packed by
`pack` into one Parquet file for each service, sorted by time, whose name tells its first and last
instant; only then is the hot file deleted. Killed in between, the next start finishes or repeats
it: a hot file is packed once or not at all, since its packed files carry its number.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import duckdb

from mainstay.foundation.errors import Conflict, Invalid, OverLimit, Stuck
from mainstay.telemetry.store.parts import folder_of, packed_name, parts_in
from mainstay.telemetry.store.rows import BREAK, COLUMNS, LEVELS, Record, row, shown

HOT_BYTES = 16 << 20
"""A hot file of this size is packed."""
HOT_AGE_US = 300_000_000
"""So old a hot file is packed, whatever its size."""
WAITING_MAX = 64
"""Hot files that wait to be packed; beyond, senders are told to wait."""
ROW_GROUP = 50_000
"""Rows that are read or left out together: smaller, less is read; larger, it packs better."""
THREADS = 2
MEMORY = "512MB"
AGAIN_MAX = 10
"""How often a question begins anew because a file went away under it."""
LIMIT_MAX = 10_000
"""Lines of one answer."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long and how much is kept. `days`: for services not in `days_of`; bytes of all together."""

    days: int = 14
    days_of: Mapping[str, int] = field(default_factory=dict)
    bytes_max: int = 20 << 30


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: text as it is or a pattern (RE2), at least this bad, from when to when."""

    text: str = ""
    pattern: str = ""
    rank: int = 0
    service: str = ""
    since_us: int | None = None
    until_us: int | None = None


class Kept:
    """Logs in a folder. Conflict if another process has it open; to ask only, it may be open."""

    def __init__(
        self, folder: Path, keeping: Keeping | None = None, *, only_ask: bool = False
    ) -> None:
        self._hot, self._cold = folder / "hot", folder / "cold"
        self._keeping = keeping or Keeping()
        self._lock_file = None if only_ask else _locked(folder, (self._hot, self._cold))
        self._db = duckdb.connect(config={"threads": THREADS, "memory_limit": MEMORY})
        self._writing = threading.Lock()
        self._listing = threading.Lock()
        self._listing_file = (folder / "listing").open("ab")
        self._full: list[Path] = []
        self._opened_us = 0
        self._file: BinaryIO | None = None
        self._path: Path | None = None
        self._number = 0 if only_ask else self._recover()

    # -- in ------------------------------------------------------------------------------------

    def append(self, records: Iterable[Record], *, now_us: int) -> int:
        """Keep records; when this returns they are on the disk. OverLimit: come again later."""
        text = "".join(map(row, records)).encode("utf-8", "replace")
        if not text:
            return 0
        with self._writing:
            if len(self._full) >= WAITING_MAX:
                raise OverLimit(
                    "Logs come faster than they can be packed; send these again.",
                    limit=WAITING_MAX, unit="files", status=503, retry_after_s=5.0,
                )  # fmt: skip
            file = self._open(now_us)
            file.write(text)
            file.flush()
            os.fdatasync(file.fileno())
            if file.tell() >= HOT_BYTES or now_us - self._opened_us >= HOT_AGE_US:
                self._close_hot()
        return text.count(b"\n")

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
            source = _hot_rows([path])
            services = db.execute(
                f"SELECT service, min(at_us), max(at_us) FROM {source} GROUP BY 1"
            ).fetchall()
            for service, first, last in services:
                final = self._cold / packed_name(service, first, last, number)
                final.parent.mkdir(exist_ok=True, mode=0o700)
                draft = final.with_suffix(".tmp")
                db.execute(
                    f"COPY (SELECT * FROM {source} WHERE service = ? ORDER BY at_us) TO {_listed([draft])} "
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

    def search(self, wanted: Wanted, *, limit: int = 100, newest: bool = True) -> list[Record]:
        """The records that are meant, by time, the newest or the oldest `limit` of them."""
        order = "DESC" if newest else "ASC"
        found = self._ask(
            wanted, f"SELECT {', '.join(COLUMNS)}",
            f"ORDER BY at_us {order}, received_us {order} LIMIT {min(limit, LIMIT_MAX)}",
        )  # fmt: skip
        records = [Record._make((*one[:-1], shown(one[-1]))) for one in found]
        return records[::-1] if newest else records

    def count(self, wanted: Wanted) -> int:
        """How many records are meant."""
        found = self._ask(wanted, "SELECT count(*)", "")
        return int(found[0][0])

    def histogram(self, wanted: Wanted, *, step_us: int) -> dict[int, Counter[str]]:
        """Start of bucket → counts by level."""
        rows = self._ask(
            wanted,
            f"SELECT at_us - at_us % {int(step_us)}, rank, count(*)",
            "GROUP BY 1, 2 ORDER BY 1, 2",
        )
        found: dict[int, Counter[str]] = {}
        for at, rank, count in rows:
            found.setdefault(at, Counter())[LEVELS[rank]] = count
        return found

    def services(self) -> dict[str, tuple[int, int, int]]:
        """Service → (records, first and last instant)."""
        rows = self._ask(
            Wanted(), "SELECT service, count(*), min(at_us), max(at_us)", "GROUP BY 1 ORDER BY 1"
        )
        return {service: (count, first, last) for service, count, first, last in rows}

    def size_bytes(self) -> int:
        """What all of it takes on the disk."""
        hot = sum(path.stat().st_size for path in self._hot.glob("*.rows"))
        return hot + sum(part.size for part in parts_in(self._cold))

    def _ask(self, wanted: Wanted, select: str, end: str) -> list[tuple[Any, ...]]:
        for _ in range(AGAIN_MAX):
            with self._unchanging(fcntl.LOCK_SH):
                sources = list(_sources(self._hot, self._cold, wanted))
            try:
                return self._asked(sources, wanted, select, end)
            except duckdb.IOException:  # a file was packed or forgotten meanwhile: list them anew
                continue
        raise Stuck("The kept logs change faster than they can be read; ask again.")

    def _asked(
        self, sources: Sequence[str], wanted: Wanted, select: str, end: str
    ) -> list[tuple[Any, ...]]:
        if not sources:
            return [(0,)] if select == "SELECT count(*)" else []
        conditions, given = _conditions(wanted)
        rows = " UNION ALL BY NAME ".join(f"SELECT * FROM {one} {conditions}" for one in sources)
        with self._db.cursor() as db:
            try:
                return db.execute(f"{select} FROM ({rows}) {end}", given * len(sources)).fetchall()
            except duckdb.InvalidInputException as error:
                if wanted.pattern:
                    raise Invalid(f"{wanted.pattern!r} is no pattern.") from error
                raise

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
        raise Conflict(f"Another process keeps logs in {folder}.") from None
    return file


def _conditions(wanted: Wanted) -> tuple[str, list[object]]:
    conditions: list[tuple[str, object]] = []
    if wanted.since_us is not None:
        conditions.append(("at_us >= ?", wanted.since_us))
    if wanted.until_us is not None:
        conditions.append(("at_us < ?", wanted.until_us))
    if wanted.rank:
        conditions.append(("rank >= ?", wanted.rank))
    if wanted.service:
        conditions.append(("service = ?", wanted.service))
    if wanted.text:
        conditions.append(("contains(body, ?)", wanted.text.replace("\n", BREAK)))
    if wanted.pattern:
        conditions.append(("regexp_matches(body, ?)", wanted.pattern))
    if not conditions:
        return "", []
    return "WHERE " + " AND ".join(words for words, _ in conditions), [
        value for _, value in conditions
    ]


def _sources(hot: Path, cold: Path, wanted: Wanted) -> Iterator[str]:
    """What DuckDB must read: the packed files whose span and service can matter, and the hot ones."""
    packed = [
        part for part in parts_in(cold)
        if (wanted.since_us is None or part.last_us >= wanted.since_us)
        and (wanted.until_us is None or part.first_us < wanted.until_us)
        and (not wanted.service or part.folder == folder_of(wanted.service))
    ]  # fmt: skip
    if packed:
        yield f"read_parquet([{_listed([part.path for part in packed])}])"
    waiting = sorted(hot.glob("*.rows"))
    if waiting:
        yield _hot_rows(waiting)


def _hot_rows(paths: Sequence[Path]) -> str:
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
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
