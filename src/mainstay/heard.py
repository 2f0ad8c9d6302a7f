"""What is heard of heartbeats becomes signals and rows of the record, like all that comes in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from mainstay import signals
from mainstay.checks import heartbeats
from mainstay.checks.heartbeats import Beat, News
from mainstay.estate import View
from mainstay.foundation import record
from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.record import Fact
from mainstay.ground import HEARTBEAT_SOURCE, HEARTBEATS, Ground
from mainstay.signals import Arrived

OUTPUT_CHARS_MAX = 2_000
"""Of a job's output that goes with the alert; the whole stays with the ping."""
BY_PING = heartbeats.Plan(every_s=86_400, grace_s=3_600)
"""What a heartbeat expects that its first ping made."""
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
    counts = rules_of(view).counts
    made = heartbeats.create(tx, ground.ids, wanted, origin="api", counts=counts, now=now)
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
    return []


def rules_of(view: View) -> heartbeats.Rules:
    """What folding asks of the estate."""
    return heartbeats.Rules(counts=_counts(view), holds=lambda beat, ping: None)


def _counts(view: View) -> heartbeats.Counts:
    """A calendar that is no longer declared counts every day: late is heard, not silence."""
    known = view.estate.calendars
    return lambda calendar, day: calendar not in known or view.is_business_day(calendar, day)
