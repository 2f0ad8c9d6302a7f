"""One request of somebody known: who they are, what they may ask, and what they do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from mainstay import acts, people, pipeline
from mainstay.acts import commands
from mainstay.estate import View
from mainstay.foundation import record
from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Forbidden
from mainstay.foundation.failpoint import Moment
from mainstay.foundation.record import Fact
from mainstay.people import Actor
from mainstay.runtime import Runtime

T = TypeVar("T")
REFUSED_AGAIN = timedelta(minutes=10)
"""For so long the same refused read of the same person is the same attempt."""
REFUSALS_LOOKED_AT = 50
_DOORS_MUST_KNOW = (
    commands.CreateKey, commands.RevokeKey, commands.Apply, commands.CreateHeartbeat,
    commands.ChangeHeartbeat, commands.RemoveHeartbeat, commands.AdoptUuid,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request, as whoever answers it sees it. Runs in a thread that may wait."""

    app: Runtime
    actor: Actor
    now: datetime

    def read(self, fn: Callable[[Tx], T]) -> T:
        """Ask the database."""
        return self.app.db.read(fn)

    def view(self) -> View:
        """The estate in force; an empty one before the first apply."""
        return self.app.db.read(self.app.ground.views.current_or_empty)

    def hidden(self, permission: str) -> frozenset[str]:
        """The services that a list must leave out: other teams', for who may for some teams alone."""
        if self.actor.teams(permission) is None:
            return frozenset()
        return acts.hidden(self.view(), self.actor, permission)

    def require_services(self, permission: str, services: Iterable[str], *, what: str) -> None:
        """Nothing when they may see what concerns these services; else Forbidden, and its row."""
        hidden = self.hidden(permission)
        concerned = sorted(services)
        if concerned and hidden.issuperset(concerned):
            owner = self.view().estate.services[concerned[0]].owner
            require(self, permission, what=what, team=owner)

    def act(self, command: acts.Command) -> acts.Done:
        """Do it as the actor, durably; a denied attempt leaves its own row in the record."""
        app, actor, now = self.app, self.actor, self.now
        try:
            done = app.db.run(
                lambda tx: pipeline.act(tx, app.ground, command, actor=actor, now=app.clock.now())
            )
        except Forbidden as error:
            because = error.sentence
            app.db.run(
                lambda tx: acts.refused(
                    tx, app.ground, command, actor=actor, because=because, now=now
                )
            )
            raise
        app.ground.passing(Moment.ACT_COMMITTED)
        app.wake.deliver()
        if isinstance(command, _DOORS_MUST_KNOW):
            app.wake.doors()
        return done


def require(call: Call, permission: str, *, what: str, team: str | None = None) -> None:
    """Nothing when they may; else Forbidden, and a row in the record. `what` names the route."""
    app, actor, now = call.app, call.actor, call.now
    try:
        people.require(actor, permission, team=team)
    except Forbidden as error:
        because = error.sentence
        app.db.run(lambda tx: _refused(tx, app, actor, what, because, now))
        raise


def note_refused_read(call: Call, error: Forbidden, *, what: str) -> None:
    """The row of a read that was refused; within ten minutes one for the same person and thing.

    A screen asks again by itself whenever something happens: that is one attempt.
    """
    app, actor, now = call.app, call.actor, call.now

    def work(tx: Tx) -> None:
        rows = record.newest_about(tx, [what], limit=REFUSALS_LOOKED_AT)
        since = to_us(now - REFUSED_AGAIN)
        known = any(row["actor"] == str(actor) and row["at"] > since for row in rows)
        if not known:
            _refused(tx, app, actor, what, error.sentence, now)

    app.db.run(work)


def require_every_team(call: Call, permission: str, *, what: str) -> None:
    """Nothing when they have it for every team: for what cannot be told apart by team."""
    if call.actor.teams(permission) is not None:
        require(call, permission, what=what, team=people.EVERY_TEAM)


def _refused(tx: Tx, app: Runtime, actor: Actor, what: str, because: str, now: datetime) -> None:
    words = f"{actor} was refused {what}: {because}"
    fact = Fact("act.refused", what, words, actor=str(actor))
    version = app.ground.views.current_or_empty(tx).version
    record.write(tx, [fact], now=now, estate_version=version)
