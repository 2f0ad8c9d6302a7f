"""Heartbeats: how they stand, their pings, and who makes, pauses and removes them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Query
from pydantic import BaseModel, Field

from mainstay.acts import commands
from mainstay.api import asking
from mainstay.api.routes import shapes
from mainstay.api.routes.shapes import At, Limit, Listed, Sentence
from mainstay.checks import heartbeats
from mainstay.checks.heartbeats import Beat, Declared, Ping, Plan, Words
from mainstay.estate import Severity
from mainstay.foundation.clock import from_us, to_text
from mainstay.foundation.errors import Invalid
from mainstay.foundation.spans import duration, duration_text
from mainstay.web import Call

OUTPUT_CHARS_MAX = 100_000
State = Literal["new", "up", "grace", "down", "paused", "unseen"]
Span = Annotated[str, Field(max_length=40, examples=["40m"])]


class Heartbeat(BaseModel):
    """What must say that it ran. `ping_url` is told to those who may edit it."""

    id: str
    name: str
    title: str
    service: str | None
    severity: str
    origin: str
    state: State
    since: At
    why: str | None
    period: str | None
    schedule: str | None
    timezone: str
    grace: str
    start_within: str | None
    run_max: str | None
    run_min: str | None
    tags: list[str]
    about: str
    pings: int
    last_at: At | None
    ok_at: At | None
    due_at: At | None
    running: int
    took_s: float | None
    ping_url: str | None


class Pinged(BaseModel):
    """One ping; `output` is what came with it, as text."""

    number: int
    at: At
    kind: str
    exit: int | None
    run: str | None
    method: str
    remote: str
    agent: str
    took_s: float | None
    bytes: int
    output: str


class NewHeartbeat(shapes.Asked):
    """A heartbeat to be made: a period, or a schedule (cron or OnCalendar) in a time zone."""

    name: Annotated[str, Field(max_length=63)]
    service: Annotated[str | None, Field(max_length=100)] = None
    severity: Severity = "error"
    period: Span | None = None
    schedule: Annotated[str | None, Field(max_length=200)] = None
    timezone: Annotated[str, Field(max_length=64)] = "UTC"
    grace: Span = "1h"
    start_within: Span | None = None
    run_max: Span | None = None
    run_min: Span | None = None
    about: Annotated[str, Field(max_length=1000)] = ""
    tags: Annotated[tuple[str, ...], Field(max_length=20, strict=False)] = ()


class HeartbeatMade(Sentence):
    """The new heartbeat; its `ping_url` is what the job calls."""

    heartbeat: Heartbeat


class Pause(shapes.Asked):
    """Why nobody should wait for it."""

    reason: Annotated[str | None, Field(max_length=500)] = None


class Adopt(shapes.Asked):
    """A UUID that its job has from another system."""

    uuid: Annotated[str, Field(max_length=36)]


def list_heartbeats(
    call: asking.Asked,
    state: State | None = None,
    tag: Annotated[str | None, Query(max_length=100)] = None,
) -> Listed[Heartbeat]:
    """Every heartbeat, by name; of one's own teams, for who may see those alone."""
    hidden = call.hidden("heartbeats.read")
    found = [
        _told(call, beat)
        for beat in call.read(heartbeats.every)
        if beat.service not in hidden and (tag is None or tag in beat.words.tags)
    ]
    return Listed(items=[one for one in found if state in (None, one.state)])


def get_heartbeat(call: asking.Asked, name: str) -> Heartbeat:
    """One heartbeat, by name or id."""
    return _told(call, _found(call, name, "GET /mainstay/v1/heartbeats/{name}"))


def list_pings(call: asking.Asked, name: str, limit: Limit = 50) -> Listed[Pinged]:
    """Its newest pings with their output, newest first."""
    beat = _found(call, name, "GET /mainstay/v1/heartbeats/{name}/pings")
    found = call.read(lambda tx: heartbeats.pings(tx, beat.id, limit=limit))
    return Listed(items=[_told_ping(one) for one in found])


def create_heartbeat(call: asking.Asked, body: NewHeartbeat) -> HeartbeatMade:
    """Make a heartbeat; it is waited for from its first ping on."""
    done = call.act(commands.CreateHeartbeat(_declared(body)))
    return HeartbeatMade(sentence=done.sentence, heartbeat=_told(call, done.value))


def pause_heartbeat(call: asking.Asked, name: str, body: Pause) -> Sentence:
    """Nobody waits for it until it is resumed, or pings."""
    done = call.act(commands.PauseHeartbeat(name, body.reason))
    call.app.wake.settle()
    return Sentence(sentence=done.sentence)


def resume_heartbeat(call: asking.Asked, name: str) -> Sentence:
    """It is waited for again."""
    return Sentence(sentence=call.act(commands.ResumeHeartbeat(name)).sentence)


def adopt_uuid(call: asking.Asked, name: str, body: Adopt) -> Sentence:
    """A UUID from another system pings it too; it is not shown again."""
    return Sentence(sentence=call.act(commands.AdoptUuid(name, body.uuid)).sentence)


def remove_heartbeat(call: asking.Asked, name: str) -> Sentence:
    """Nothing is expected any more; one of the estate is taken out there."""
    done = call.act(commands.RemoveHeartbeat(name))
    call.app.wake.settle()
    return Sentence(sentence=done.sentence)


def _found(call: Call, name: str, what: str) -> Beat:
    beat = call.read(lambda tx: heartbeats.get(tx, name))
    if beat.service is not None:
        call.require_services("heartbeats.read", [beat.service], what=what)
    return beat


def _declared(body: NewHeartbeat) -> Declared:
    try:
        ZoneInfo(body.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(
            f"There is no time zone {body.timezone!r}; write a name such as Europe/Zurich.",
            pointer="/timezone",
        ) from None
    grace = _seconds(body.grace, "/grace")
    assert grace is not None
    plan = Plan(
        every_s=_seconds(body.period, "/period"), schedule=body.schedule, zone=body.timezone,
        grace_s=grace, start_within_s=_seconds(body.start_within, "/start_within"),
        run_max_s=_seconds(body.run_max, "/run_max"), run_min_s=_seconds(body.run_min, "/run_min"),
    )  # fmt: skip
    words = Words(about=body.about, tags=body.tags)
    return Declared(
        name=body.name, service=body.service, severity=body.severity, plan=plan, words=words
    )


def _seconds(text: str | None, pointer: str) -> int | None:
    if text is None:
        return None
    try:
        seconds = int(duration(text).total_seconds())
    except ValueError as error:
        raise Invalid(f"{error}.", pointer=pointer) from None
    if seconds < 1:
        raise Invalid("This must be a second at least.", pointer=pointer)
    return seconds


def _told(call: Call, beat: Beat) -> Heartbeat:
    plan = beat.plan
    spans = {
        "period": plan.every_s, "grace": plan.grace_s, "start_within": plan.start_within_s,
        "run_max": plan.run_max_s, "run_min": plan.run_min_s,
    }  # fmt: skip
    instants = {"since": beat.status_at, "last_at": beat.last_at, "ok_at": beat.ok_at,
                "due_at": beat.due_at}  # fmt: skip
    words: dict[str, Any] = {
        **{name: s and duration_text(timedelta(seconds=s)) for name, s in spans.items()},
        **{name: at and to_text(at) for name, at in instants.items()},
    }
    return Heartbeat(
        id=beat.id, name=beat.name, title=beat.title, service=beat.service,
        severity=beat.severity, origin=beat.origin, state=_state(call, beat), why=beat.why,
        schedule=plan.schedule, timezone=plan.zone, tags=list(beat.words.tags),
        about=beat.words.about, pings=beat.pings_n, running=len(beat.runs),
        took_s=_s(beat.ran_us), ping_url=_url(call, beat), **words,
    )  # fmt: skip


def _state(call: Call, beat: Beat) -> State:
    """Late and still within its grace is `grace`."""
    is_late = beat.due_at is not None and beat.due_at <= call.app.clock.now()
    state: State = "grace" if beat.status == "up" and is_late else str(beat.status)  # type: ignore[assignment]
    return state


def _url(call: Call, beat: Beat) -> str | None:
    if not call.actor.has("heartbeats.edit"):
        return None
    ring = call.app.ground.ring
    uuid = call.read(lambda tx: heartbeats.uuid_of(tx, beat, ring=ring, now=call.now))
    return f"{call.app.settings.public_url.rstrip('/')}/ping/{uuid}"


def _told_ping(ping: Ping) -> Pinged:
    output = ping.body.decode("utf-8", "replace").replace("\x00", "\ufffd")
    return Pinged(
        number=ping.n or 0, at=to_text(from_us(ping.at_us)), kind=ping.kind, exit=ping.exit,
        run=ping.rid or None, method=ping.method, remote=ping.remote, agent=ping.agent,
        took_s=_s(ping.took_us), bytes=ping.body_n, output=output[:OUTPUT_CHARS_MAX],
    )  # fmt: skip


def _s(us: int | None) -> float | None:
    return None if us is None else round(us / 1e6, 3)
