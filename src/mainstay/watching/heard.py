"""What is heard of heartbeats becomes signals and rows of the record, like all that comes in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import msgspec

from mainstay import checks, signals
from mainstay.checks import Result, Sheet, Value, Watched, heartbeats
from mainstay.checks.heartbeats import Beat, News, Ping
from mainstay.estate import Check, View
from mainstay.foundation import record
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.record import Fact
from mainstay.ground import HEARTBEAT_SOURCE, HEARTBEATS, Ground
from mainstay.signals import Arrived

OUTPUT_CHARS_MAX = 2_000
"""Of a job's output that goes with the alert; the whole stays with the ping."""
BY_PING = heartbeats.Plan(every_s=86_400, grace_s=3_600)
"""What a heartbeat expects that its first ping made."""
GRACE_S = 3_600
"""Where the estate says nothing."""
FIGURES_MAX = 100
_FIGURE = re.compile(
    r"^([A-Za-z_][A-Za-z0-9_]{0,40})[ \t]*=[ \t]*(-?\d{1,18}(?:\.\d{1,9})?)\s*$", re.M
)
"""A line of output that names a figure."""
EVIDENCE_MAX = 16 * 1024
"""Bytes of the output that are kept with a failure, as with any check's."""
FORMAT = "pagerduty"
"""How such a signal is written: an event that fires and resolves by its key."""


def signals_of(ground: Ground, view: View, news: Iterable[News], *, now: datetime) -> list[Arrived]:
    """One signal for each, to be accepted in the transaction that found it out."""
    return [_signal(ground, view, one, now) for one in news]


def _signal(ground: Ground, view: View, news: News, now: datetime) -> Arrived:
    receipt = ground.ids.new("rcp", now)
    body = msgspec.json.encode(_event(news))
    arrival = signals.Arrival(receipt, to_us(now))
    verdict = signals.door_named(FORMAT).check(body, HEARTBEAT_SOURCE, arrival)
    return Arrived(receipt, now, HEARTBEATS, FORMAT, view.version, {}, body, verdict)


def _event(news: News) -> dict[str, Any]:
    beat = news.beat
    details = {"heartbeat": beat.name, "about": beat.words.about, "runbook": beat.words.runbook}
    if beat.service is not None:
        details["service"] = beat.service
    if news.ping is not None and news.ping.body:
        details["output"] = text_of(news.ping.body)[:OUTPUT_CHARS_MAX]
    return {
        "event_action": "resolve" if news.over else "trigger",
        "dedup_key": beat.id,
        "payload": {
            "summary": news.sentence,
            "source": beat.name,
            "severity": beat.severity,
            "class": "heartbeat",
            "custom_details": {name: value for name, value in details.items() if value},
        },
    }


def fact_of(news: News) -> Fact:
    """Its row of the record."""
    facts = {"id": news.beat.id}
    if news.over:
        return Fact("heartbeat.up", news.beat.name, news.sentence, facts=facts)
    return Fact("heartbeat.down", news.beat.name, news.sentence, facts=facts)


def made_by_ping(
    tx: Tx, ground: Ground, view: View, name: str, source: str, *, now: datetime
) -> None:
    """A heartbeat that its first ping makes; Conflict when it is there already."""
    wanted = heartbeats.Declared(
        name=name, service=None, severity="error", plan=BY_PING, words=heartbeats.Words()
    )
    counts = counts_of(view)
    made = heartbeats.create(
        tx, ground.ids, wanted, origin="api", counts=counts, ring=ground.ring, now=now
    )
    words = f"its first ping made it, with a key of {source}: one a day, an hour of grace"
    fact = Fact("heartbeat.created", name, words, actor=f"source:{source}", facts={"id": made.id})
    record.write(tx, [fact], now=now, estate_version=view.version)


def unseen(beats: Iterable[Beat]) -> str | None:
    """One sentence for all of which nothing is known; None: there are none."""
    names = [beat.name for beat in beats]
    if not names:
        return None
    shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    return f"{len(names)} heartbeats were due while Mainstay was down; nothing is known of: {shown}"


def text_of(body: bytes) -> str:
    """A job's output as text, whatever it was: what is no UTF-8 stands as �."""
    return body.decode("utf-8", "replace").replace("\x00", "�")


def declared_in(view: View) -> list[heartbeats.Declared]:
    """The heartbeats of an estate."""
    zone = view.estate.org.timezone
    return [
        _declared(name, check, check.timezone or zone)
        for name, check in view.estate.checks.items()
        if check.heartbeat
    ]


def _declared(name: str, check: Check, zone: str) -> heartbeats.Declared:
    plan = heartbeats.Plan(
        every_s=_seconds(check.period), schedule=check.schedule, zone=zone,
        calendar=check.calendar, grace_s=_seconds(check.grace) or GRACE_S,
        start_within_s=_seconds(check.starts_within), run_max_s=_seconds(check.takes_at_most),
        run_min_s=_seconds(check.takes_at_least),
    )  # fmt: skip
    words = heartbeats.Words(
        about=check.about or "", tags=tuple(check.tags), runbook=check.runbook,
        expect=tuple(check.expect),
    )  # fmt: skip
    return heartbeats.Declared(
        name=name, service=check.service, severity=check.severity, plan=plan, words=words
    )


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else int(span.total_seconds())


def counts_of(view: View) -> heartbeats.Counts:
    """A calendar that is no longer declared counts every day: late is heard, not silence."""
    known = view.estate.calendars
    return lambda calendar, day: calendar not in known or view.is_business_day(calendar, day)


class Judging:
    """Judges what finishes report by the conditions of the estate, and keeps each as a result.

    One for each transaction; `results` are those of the pings that it was asked about.
    """

    def __init__(self, tx: Tx, sheet: Sheet) -> None:
        self._tx = tx
        self._sheet = sheet
        self.results: list[Result] = []

    def __call__(self, beat: Beat, ping: Ping, wrong: str | None) -> str | None:
        """What is wrong with a finish, told what it says itself; None: it is well."""
        watched = watched_of(self._sheet, beat)
        if watched is None:
            return wrong
        at, values = from_us(ping.at_us), reported(beat, ping)
        took_us = beat.ran_us or 0
        if wrong is not None:
            words = wrong.removeprefix(f"{beat.title} ")
            self.results.append(
                Result(watched.name, at, took_us, "fail", words, values, ping.body[:EVIDENCE_MAX])
            )
            return wrong
        result = checks.result_of(
            watched, self._sheet, checks.Measured(values, evidence=ping.body),
            past=checks.Remembered(self._tx, watched.name, at), at=at, duration_us=took_us,
        )  # fmt: skip
        self.results.append(result)
        return f"{beat.title}: {result.sentence}" if result.verdict == "fail" else None


def reported(beat: Beat, ping: Ping) -> dict[str, Value]:
    """What a finish says of its run, for `expect`: what its output names, else what can be counted.

    Lines of the output such as `size=812000000` are figures by that name. `size` is the length of
    the output where no line says it, `age` the time since it was well before.
    """
    values: dict[str, Value] = {"exit": ping.exit or 0, "size": ping.body_n}
    if beat.ran_us is not None:
        values["duration"] = beat.ran_us / 1e6
    values["age"] = (ping.at_us - to_us(beat.ok_at)) / 1e6 if beat.ok_at is not None else 0.0
    output = text_of(ping.body)
    for match in islice(_FIGURE.finditer(output), FIGURES_MAX):
        values[match[1]] = float(match[2])
    return values | {"output": output[:OUTPUT_CHARS_MAX]}


def watched_of(sheet: Sheet, beat: Beat) -> Watched | None:
    """The check that a heartbeat of the estate is; None: it was made through the API."""
    found = sheet.watched.get(beat.name) if beat.origin == "estate" else None
    return found if found is not None and found.is_beat else None


def result_of(news: News, now: datetime) -> Result:
    """What was noticed without a ping, as a result of its check."""
    words = news.sentence.removeprefix(f"{news.beat.title} ")
    return Result(news.beat.name, now, 0, "ok" if news.over else "fail", words)
