"""Checks and heartbeats: how each stood during the incident, and how long its looks took before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mainstay import checks
from mainstay.checks import Result, Sheet, Standing, State, Watched
from mainstay.diagnosis.collectors.collector import Question
from mainstay.diagnosis.collectors.own.alerts import of_service
from mainstay.diagnosis.facts.fact import Fact, FactKind, Value
from mainstay.diagnosis.material import Material, Measure, Points, Series
from mainstay.estate import View
from mainstay.foundation.clock import to_text
from mainstay.foundation.db import Database, Tx

CHECKS_MAX = 200
NEAR = timedelta(minutes=30)
"""So long before the incident counts as just before it."""
TIMED = frozenset({"http", "tcp", "tls", "sql", "redis", "smtp", "imap"})
"""Probes whose look takes as long as the service does."""
BAD = {"fail": "fail", "warn": "warn", "not seen": "warn", "ok": "ok"}


@dataclass(frozen=True, slots=True)
class Checks:
    """The checks of the services asked about."""

    db: Database
    view: View
    sheet: Sheet
    name: str = "checks and heartbeats"

    def collect(self, question: Question, *, within_s: float) -> Material:
        """Standings, observations that they made, and one series of times for each."""
        return self.db.read(lambda tx: self._read(tx, question))

    def _read(self, tx: Tx, question: Question) -> Material:
        chosen = set(question.services)
        standings = [
            one
            for one in checks.states(tx, self.sheet, now=question.until)
            if one.service in chosen and one.state is not State.WAITING
        ]
        facts: list[Fact] = []
        series: list[Series] = []
        for one in standings[:CHECKS_MAX]:
            watched = self.sheet.watched[one.name]
            looks = checks.history(
                tx,
                one.name,
                since=question.usual_from,
                before=question.until + timedelta(seconds=1),
            )
            facts += [_condition(one, looks, question, self.view), *_observed(one, watched)]
            series += _times(one, watched, looks, question)
        left = len(standings) - CHECKS_MAX
        notes = (f"{left} more checks were left out.",) if left > 0 else ()
        return Material(facts=tuple(facts), series=tuple(series), notes=notes)


def _condition(one: Standing, looks: Sequence[Result], question: Question, view: View) -> Fact:
    """How it stood; a failure of which nobody was told yet (soft) counts too, and since its first."""
    failed = one.verdict in ("fail", "warn") and one.state is State.OK
    state = str(one.verdict) if failed else BAD[str(one.state)]
    bad_since = one.since
    for look in looks:  # newest first: back to where it began to fail
        if look.verdict == "ok":
            break
        bad_since = look.at
    at = bad_since if state != "ok" else one.since
    values: dict[str, Value] = {
        "state": state, "since": to_text(at), "sentence": one.sentence[:300], "by": "check",
        **of_service(view, one.service),
    }  # fmt: skip
    return Fact(one.service, FactKind.CONDITION, one.name, values, at, f"check {one.name}")


def _observed(one: Standing, watched: Watched) -> Iterator[Fact]:
    """What the look saw, in the words of the rules."""
    values, kind, source = one.values, watched.check.probe, f"check {one.name}"
    where = one.host or one.service
    days = values.get("cert_days")
    if isinstance(days, int | float) and one.at is not None:
        ends = one.at + timedelta(days=min(max(days, -36_500), 36_500))
        told = {"not_after": to_text(ends), "subject": str(values.get("cert_name") or "")}
        yield Fact(one.service, FactKind.CERTIFICATE, one.name, told, one.at, source)
    if kind == "file" and one.at is not None:
        yield Fact(one.service, FactKind.FILE, _path(watched), _file(one), one.at, source)
    if kind == "heartbeat":
        state = "ok" if one.state is State.OK else "late" if one.verdict is None else "failed"
        told_of: dict[str, Value] = {"state": state}
        if isinstance(size := values.get("size"), int | float):
            told_of["size_bytes"] = float(size)
        yield Fact(one.service, FactKind.JOB, one.name, told_of, one.at, source)
    lag = values.get("replication_lag")
    if isinstance(lag, int | float):
        yield Fact(
            where, FactKind.SETTING, "replication lag", {"value": f"{lag} s"}, one.at, source
        )


def _path(watched: Watched) -> str:
    file = watched.check.file
    return str(getattr(file, "path", None) or watched.name)


def _file(one: Standing) -> dict[str, Value]:
    told: dict[str, Value] = {}
    if isinstance(size := one.values.get("size"), int | float):
        told["size_bytes"] = float(size)
    age = one.values.get("age")
    if isinstance(age, int | float) and one.at is not None:
        told["arrived_at"] = to_text(one.at - timedelta(seconds=min(max(age, 0), 1e9)))
    if isinstance(checksum := one.values.get("sha256"), str):
        told["checksum"] = checksum
    return told


def _times(
    one: Standing, watched: Watched, looks: Sequence[Result], question: Question
) -> Iterator[Series]:
    if watched.check.probe not in TIMED:
        return
    points = [(look.at, look.duration_us / 1e6) for look in reversed(looks)]
    yield Series(
        one.service, f"time of {one.name}", Measure.LATENCY,
        usual=_between(points, question.usual_from, question.since - NEAR),
        before=_between(points, question.since - NEAR, question.since),
        during=_between(points, question.since, question.until + timedelta(seconds=1)),
    )  # fmt: skip


def _between(points: Sequence[tuple[datetime, float]], since: datetime, until: datetime) -> Points:
    return tuple((at.timestamp(), value) for at, value in points if since <= at < until)
