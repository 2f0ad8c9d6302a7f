"""One search for one item: in log files, in kept logs, in a table. It reads and changes nothing.

The id is text wherever it goes: in files it is compared byte by byte, to the store of kept logs it
is an argument, in SQL a bound parameter. A longer id that begins with it is another item.
"""

from __future__ import annotations

import glob
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec
import re2

from mainstay.checks.probes import lawful
from mainstay.diagnosis.collectors.programs.bounded import said_by
from mainstay.diagnosis.collectors.reach import Reach
from mainstay.diagnosis.journeys.trace import Seen
from mainstay.estate import Host, Search
from mainstay.foundation.clock import from_us, to_text, to_us
from mainstay.foundation.errors import Invalid, NotFound, Outside, TimedOut
from mainstay.telemetry import files
from mainstay.telemetry.logs import Layouts, each_alone

SEARCH_S_MAX = 15.0
TRACES_MAX = 200
"""Of one search; the newest are the ones that tell where it stopped."""
WHAT_CHARS_MAX = 500
FILES_MAX = 200
KEPT_BYTES_MAX = 4 << 20
OTHERS_MAX = 2_000
"""Lines of other items that are read to learn how soon they go on."""
_WORDLY = re.compile(r"[\w-]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """One search, and for what."""

    service: str
    search: Search
    id: str
    since: datetime
    until: datetime
    zone: tzinfo
    now: datetime
    host: Host | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        one = self.search
        where = one.file or (f"kept logs in {one.logs}" if one.logs else "the database")
        return f"{self.service}, {where}"

    @property
    def budget_s(self) -> float:
        """How long it may take."""
        return min(self.search.within.total_seconds(), SEARCH_S_MAX)


Answer = tuple[Sequence[Seen], Sequence[str]]
"""Traces, and what was left out."""


def search(asked: Asked, reach: Reach) -> Answer:
    """The item's traces there, the newest `TRACES_MAX`. A MainstayError says why there is no answer."""
    if asked.search.sql is not None:
        return _in_table(asked, reach)
    if asked.search.logs is not None:
        return _in_kept(asked)
    return _in_files(asked, reach)


def holds(text: str, id_: str) -> bool:
    """Whether the id stands in the text as a whole word."""
    at = text.find(id_)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(id_) : at + len(id_) + 1]
        if not (_touches(before, id_[0]) or _touches(after, id_[-1])):
            return True
        at = text.find(id_, at + 1)
    return False


def _touches(beside: str, end: str) -> bool:
    return bool(beside) and bool(_WORDLY.match(beside)) and bool(_WORDLY.match(end))


# -- files -----------------------------------------------------------------------------------------


def _in_files(asked: Asked, reach: Reach) -> Answer:
    found: list[Seen] = []
    notes: set[str] = set()
    query = _query(asked, text=asked.id.encode())
    for path, line, event in _lines(asked, query, reach, asked.budget_s, notes):
        if holds(line, asked.id):
            at = None if event is None or event.at_us is None else from_us(event.at_us)
            said = line if event is None else event.message
            found.append(Seen(at, asked.service, path, _what(asked, said)))
        if len(found) > 2 * TRACES_MAX:
            del found[: len(found) - TRACES_MAX]
            notes.add(f"only the newest {TRACES_MAX} lines are shown")
    return found[-TRACES_MAX:], sorted(notes)


def _query(asked: Asked, **what: Any) -> files.Query:
    return files.Query(since_us=to_us(asked.since), until_us=to_us(asked.until), **what)


def _lines(
    asked: Asked, query: files.Query, reach: Reach, within_s: float, notes: set[str]
) -> Iterator[tuple[str, str, Any]]:
    """(file, line, event) of what the query means; TimedOut when the budget is used up."""
    end = monotonic() + within_s
    reading = files.Reading(on_progress=_until(end, within_s))
    for path in _paths(asked.search.file or "", reach):
        reader = Layouts(now=asked.now, zone=asked.zone)
        try:
            with path.open("rb", buffering=0) as file:
                for raw in files.hits(str(path), file, query, reader, reading):
                    (event,) = each_alone([raw], reader)
                    yield str(path), raw.decode("utf-8", "replace"), event
        except OSError as error:
            notes.add(f"{path.name} cannot be read: {(error.strerror or '').lower()}")
    notes.update(reading.notes)


def _until(end: float, within_s: float) -> Callable[[files.Reading], None]:
    def check(_: files.Reading) -> None:
        if monotonic() > end:
            raise TimedOut(f"not read to the end within {within_s:g} s.")

    return check


def _paths(pattern: str, reach: Reach) -> list[Path]:
    """The files meant, the oldest first."""
    found = [Path(one) for one in glob.glob(pattern)[: FILES_MAX + 1]]  # noqa: PTH207 - a whole path
    if not found:
        raise NotFound(f"there is no file {pattern}.")
    if len(found) > FILES_MAX:
        raise Invalid(f"{pattern} means more than {FILES_MAX} files.")
    there = [reach.check_readable(one) for one in found if one.is_file()]
    return sorted(there, key=lambda one: (one.stat().st_mtime, one.name))


# -- kept logs -------------------------------------------------------------------------------------


def _in_kept(asked: Asked) -> Answer:
    rows = _kept(asked, [asked.id], asked.budget_s, limit=TRACES_MAX)
    found = [
        Seen(_instant(row.get("at")), asked.service, "kept logs", _what(asked, str(row["body"])))
        for row in rows if holds(str(row["body"]), asked.id)
    ]  # fmt: skip
    cut = [f"only the newest {TRACES_MAX} lines are shown"] if len(rows) == TRACES_MAX else []
    return found, cut


def _kept(
    asked: Asked, words: Sequence[str], within_s: float, *, limit: int
) -> list[Mapping[str, Any]]:
    """Rows of the store, asked in a process of its own: DuckDB never works in ours."""
    folder = Path(asked.search.logs or "")
    argv = [
        sys.executable, "-m", "mainstay.logstore", "kept", "--folder", str(folder), "--json",
        "--service", asked.search.kept_as or asked.service, "--limit", str(limit),
        "--since", to_text(asked.since), "--until", to_text(asked.until), *words[1:], "--", words[0],
    ]  # fmt: skip
    said = said_by(
        argv, environment={"LC_ALL": "C.UTF-8", "TZ": "UTC"}, within_s=within_s,
        bytes_max=KEPT_BYTES_MAX,
    )  # fmt: skip
    if said.complaint:
        raise Outside(said.complaint.splitlines()[-1].removeprefix("mainstay: "))
    return _rows(said.out)


def _rows(out: bytes) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = []
    for line in out.splitlines():
        try:
            row = msgspec.json.decode(line)
        except msgspec.DecodeError:
            continue
        if isinstance(row, dict) and "body" in row:
            rows.append(row)
    return rows


# -- tables ----------------------------------------------------------------------------------------


def _in_table(asked: Asked, reach: Reach) -> Answer:
    one, host = asked.search, asked.host
    database = one.database or (host.database if host else None)
    password = one.password or (host.password if host else None)
    params = {
        "id": asked.id, "id_like": _literally(asked.id), "since": asked.since, "until": asked.until,
    }  # fmt: skip
    text = lawful(one.sql or "")
    with reach.database(database, password, within_s=asked.budget_s) as reading:
        names, rows = reading.rows(text, params, rows_max=TRACES_MAX + 1)
    found = [_row(asked, names, row) for row in rows[:TRACES_MAX]]
    cut = [f"only {TRACES_MAX} rows are shown"] if len(rows) > TRACES_MAX else []
    inside = [one for one in found if one.at is None or asked.since <= one.at < asked.until]
    return inside, cut


def _row(asked: Asked, names: Sequence[str], row: Sequence[Any]) -> Seen:
    cells = dict(zip(names, row, strict=False))
    times = [name for name, cell in cells.items() if isinstance(cell, datetime)]
    time = "at" if "at" in cells else next(iter(times), None)
    at = _instant(cells.get(time), asked.zone) if time else None
    told = ", ".join(f"{name} {_cell(cell)}" for name, cell in cells.items() if name != time)
    return Seen(at, asked.service, "database", _what(asked, told))


def _cell(cell: object) -> str:
    if cell is None:
        return "none"
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    return " ".join(str(cell).split())


def _literally(id_: str) -> str:
    """The id for LIKE, where `%` and `_` stand for themselves."""
    return re.sub(r"([\\%_])", r"\\\1", id_)


# -- what they share -------------------------------------------------------------------------------


def _instant(value: object, zone: tzinfo = UTC) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)


def _what(asked: Asked, said: str) -> str:
    words = " ".join(said.split())
    text = f"{asked.search.what}: {words}" if asked.search.what else words
    return text if len(text) <= WHAT_CHARS_MAX else text[:WHAT_CHARS_MAX] + "…"


def first_times(asked: Asked, pattern: str, reach: Reach, *, within_s: float) -> dict[str, float]:
    """Other items there: id → when it was first seen (Unix seconds), of the newest lines."""
    ids = re2.compile(rf"(?:{pattern})")
    found: dict[str, float] = {}
    for at_s, text in _others(asked, pattern, reach, within_s):
        match = ids.search(text)
        if match is not None and match[0] != asked.id:
            found[match[0]] = min(at_s, found.get(match[0], at_s))
    return found


def _others(
    asked: Asked, pattern: str, reach: Reach, within_s: float
) -> Iterable[tuple[float, str]]:
    if asked.search.logs is not None:
        rows = _kept(asked, [pattern, "--regex"], within_s, limit=OTHERS_MAX)
        for row in rows:
            if (at := _instant(row.get("at"))) is not None:
                yield at.timestamp(), str(row["body"])
        return
    lines = _lines(asked, _query(asked, pattern=pattern), reach, within_s, set())
    for count, (_, text, event) in enumerate(lines):
        if count >= OTHERS_MAX:
            return
        if event is not None and event.at_us is not None:
            yield event.at_us / 1e6, text
