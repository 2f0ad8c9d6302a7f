"""Heartbeats by hand: made, changed, taken away, paused and resumed."""

from __future__ import annotations

from typing import assert_never

from mainstay import signals
from mainstay.acts.commands import (
    AdoptUuid,
    ChangeHeartbeat,
    CreateHeartbeat,
    PauseHeartbeat,
    RemoveHeartbeat,
    ResumeHeartbeat,
)
from mainstay.acts.done import Act, Done
from mainstay.checks import heartbeats
from mainstay.checks.heartbeats import Beat, Declared, News
from mainstay.estate import View
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Invalid
from mainstay.foundation.nearest import hint
from mainstay.watching import heard

OnHeartbeats = (
    CreateHeartbeat | ChangeHeartbeat | RemoveHeartbeat | PauseHeartbeat | ResumeHeartbeat
    | AdoptUuid
)  # fmt: skip


def perform(act: Act, command: OnHeartbeats) -> Done:
    """One of the acts on heartbeats; its UUID, where it is made, is shown as the secret."""
    counts = heard.counts_of(act.view)
    if isinstance(command, CreateHeartbeat):
        _check_service(act.view, command.declared)
        made = heartbeats.create(
            act.tx, act.ground.ids, command.declared, origin="api", counts=counts,
            ring=act.ground.ring, now=act.now,
        )  # fmt: skip
        uuid = heartbeats.uuid_of(act.tx, made, ring=act.ground.ring, now=act.now)
        words = f"{act.actor.id} made the heartbeat {made.name}"
        return _done(act, "heartbeat.created", words, made, secret=uuid)
    beat = heartbeats.get(act.tx, command.heartbeat)
    match command:
        case ChangeHeartbeat():
            _check_service(act.view, command.declared)
            changed = heartbeats.change(act.tx, beat, command.declared, counts=counts, now=act.now)
            words = f"{act.actor.id} changed the heartbeat {beat.name}"
            return _done(act, "heartbeat.changed", words, changed)
        case RemoveHeartbeat():
            _tell(act, heartbeats.remove(act.tx, beat, now=act.now))
            words = f"{act.actor.id} took the heartbeat {beat.name} away"
            return _done(act, "heartbeat.removed", words, beat)
        case PauseHeartbeat():
            paused = heartbeats.pause(act.tx, beat, now=act.now)
            because = f": {command.reason}" if command.reason else ""
            words = f"{act.actor.id} paused the heartbeat {beat.name}{because}"
            return _done(act, "heartbeat.paused", words, paused)
        case ResumeHeartbeat():
            resumed = heartbeats.resume(act.tx, beat, counts=counts, now=act.now)
            words = f"{act.actor.id} resumed the heartbeat {beat.name}"
            return _done(act, "heartbeat.resumed", words, resumed)
        case AdoptUuid():
            heartbeats.adopt(act.tx, beat, command.uuid, now=act.now)
            words = f"{act.actor.id} gave the heartbeat {beat.name} one more UUID"
            return _done(act, "heartbeat.adopted", words, beat)
    assert_never(command)


def services_of(tx: Tx, command: OnHeartbeats) -> set[str | None]:
    """The services that it concerns; None where the routes decide."""
    wanted = {command.declared.service} if hasattr(command, "declared") else set()
    if isinstance(command, CreateHeartbeat):
        return wanted
    return wanted | {heartbeats.get(tx, command.heartbeat).service}


def _check_service(view: View, declared: Declared) -> None:
    known = view.estate.services
    if declared.service is not None and declared.service not in known:
        near = hint(declared.service, known)
        raise Invalid(f"There is no service {declared.service[:80]!r}{near}.", pointer="/service")


def _tell(act: Act, news: News | None) -> None:
    """What was wrong with it is over: its alert resolves."""
    if news is not None:
        arrived = heard.signals_of(act.ground, act.view, [news], now=act.now)
        signals.admit(act.tx, arrived)


def _done(act: Act, kind: str, words: str, beat: Beat, *, secret: str | None = None) -> Done:
    fact = act.fact(kind, beat.name, words, facts={"id": beat.id})
    return Done(words, beat.name, beat, (fact,), secret=secret)
