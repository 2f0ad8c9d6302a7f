"""Files and reference data: late, empty, twice, not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from mainstay.diagnosis.cause import CauseClass, Evidence, Hypothesis
from mainstay.diagnosis.facts.fact import Fact, FactKind
from mainstay.diagnosis.facts.look import LONG_AGO, USUAL, Look, figure, hypothesis, time, word

GRACE = timedelta(minutes=5)
"""Nobody calls a file late, or a second delivery one, within this."""
_DIGITS = re.compile(r"[\d._-]+")
_NO_ROWS_YET = -1.0


def late_files(look: Look) -> Iterator[Hypothesis]:
    """A file had to be there, and is not, or came after its time."""
    for one, _ in look.pairs(FactKind.FILE):
        due, came = time(one, "due_at"), time(one, "arrived_at")
        until = came or one.at or look.since
        if due is None or until <= due + GRACE or due < look.since - timedelta(hours=12):
            continue
        how = f"came {_minutes(until - due)} late" if came else "has not come"
        yield hypothesis(
            one, "file-late", CauseClass.DATA, f"The file {one.name} {how}; it was due at {due:%H:%M} UTC.",
            says=f"Due at {due:%H:%M} UTC; when last looked for, {_minutes(until - due)} later, it "
            f"{'had just come' if came else 'was not there'}.",
            since=due, confirm=f"Ask who sends {one.name} whether and when it was sent.",
        )  # fmt: skip


def empty_files(look: Look) -> Iterator[Hypothesis]:
    """A file came with nothing in it, and its like are not usually empty."""
    full, hollow = set[str](), set[str]()
    for one in look.all(FactKind.FILE):
        if (one.at or look.since) < look.since:
            (hollow if _is_empty(one) else full).add(_like(one))
    for one in {(f.where, f.name): f for f in look.during(FactKind.FILE) if _is_empty(f)}.values():
        if _like(one) in hollow or time(one, "arrived_at") is None:
            continue
        known = _like(one) in full
        before = [Evidence("Earlier files of this kind were not empty.")] if known else []
        yield hypothesis(
            one, "file-empty", CauseClass.DATA, f"The file {one.name} came without a single record.",
            says=f"It has {figure(one, 'size_bytes'):.0f} bytes and no records.", more=before,
            score=0.92 if known else 0.7, since=time(one, "arrived_at"),
            confirm=f"Open {one.name}; ask its sender how many records they sent.",
        )  # fmt: skip


def files_sent_twice(look: Look) -> Iterator[Hypothesis]:
    """The same content was delivered twice."""
    contents: dict[tuple[str, str], list[Fact]] = {}
    for one in look.all(FactKind.FILE):
        if word(one, "checksum") and time(one, "arrived_at") and not _is_empty(one):
            contents.setdefault((one.where, word(one, "checksum")), []).append(one)
    for (_, checksum), files in sorted(contents.items()):
        files.sort(key=lambda f: time(f, "arrived_at") or LONG_AGO)
        first, last = time(files[0], "arrived_at"), time(files[-1], "arrived_at")
        if not first or not last or last - first < GRACE:
            continue
        rows = figure(files[-1], "rows")
        yield hypothesis(
            files[-1], "file-sent-twice", CauseClass.DATA,
            f"{files[0].name} was delivered twice" + (f", again as {files[-1].name}." if files[-1].name != files[0].name else "."),
            says=f"The same checksum {checksum} and {rows:.0f} records came at {first:%H:%M} and {last:%H:%M} UTC.",
            since=last, score=0.92 if last >= look.since - GRACE else USUAL,
            confirm="Compare what was booked from both; stop what still waits of the second.",
        )  # fmt: skip


def missing_reference_data(look: Look) -> Iterator[Hypothesis]:
    """A table that others look things up in has nothing for today, or lost most of it."""
    for one, was in look.pairs(FactKind.REFERENCE):
        rows, usual = figure(one, "rows", _NO_ROWS_YET), figure(was, "rows")
        if rows == _NO_ROWS_YET or rows > usual / 2 or (was is None and rows > 0):
            continue
        day = word(one, "business_date")
        yield hypothesis(
            one, "missing-reference-data", CauseClass.DATA,
            f"{one.name} has no{'t all' if rows else ''} reference data{f' for {day}' if day else ''}.",
            where=one.name, says=f"{rows:.0f} rows now; {usual:.0f} before.",
            confirm=f"Look for the run that loads {one.name}, and load it again.",
        )  # fmt: skip


def _is_empty(one: Fact) -> bool:
    return figure(one, "rows", 1.0) == 0 or figure(one, "size_bytes", 1.0) == 0


def _like(one: Fact) -> str:
    """What files of one kind have in common: their name without its day."""
    return _DIGITS.sub("#", one.name.rpartition("/")[2])


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:.0f} min"
