"""Acts: the only way in for what a person does, through every door alike.

`perform` checks that they may, does it in one transaction, and writes who, what and why into the
record. A refusal leaves nothing behind but its own row, which the door writes with `refused`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime

from mainstay import incidents, people
from mainstay.acts import (
    commands,
    on_asking,
    on_incidents,
    on_people,
    on_setup,
    on_silences,
    shift,
    watch,
)
from mainstay.acts.by_time import claim, expire, next_at, pass_time, take
from mainstay.acts.commands import PERMISSION, AddSilence, Command, EndSilence
from mainstay.acts.done import Act, Done
from mainstay.acts.on_asking import Asked, asked, who_could
from mainstay.acts.scope import check_team, hidden, owner_of
from mainstay.acts.shift import plan as plan_shifts
from mainstay.foundation import record
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Invalid
from mainstay.foundation.failpoint import Moment
from mainstay.foundation.record import Fact
from mainstay.ground import Ground
from mainstay.incidents import Incident

__all__ = [
    "PERMISSION",
    "Act",
    "Asked",
    "Command",
    "Done",
    "asked",
    "claim",
    "commands",
    "expire",
    "hidden",
    "next_at",
    "pass_time",
    "perform",
    "plan_shifts",
    "refused",
    "take",
    "who_could",
]

_ABOUT_ONESELF: Mapping[type, str] = {
    commands.AddAddress: "people.contact_own",
    commands.AddRule: "people.contact_own",
    commands.RemoveAddress: "people.contact_own",
    commands.RemoveRule: "people.contact_own",
    commands.BeginProof: "people.contact_own",
    commands.ProveAddress: "people.contact_own",
    commands.EndSession: "people.account_own",
    commands.EndSessions: "people.account_own",
    commands.TurnOffTotp: "people.account_own",
    commands.ChangePassword: "people.account_own",
    commands.ConfirmTotp: "people.account_own",
    commands.AskFor: "people.account_own",
    commands.AnswerAsk: "people.account_own",
}
"""What is enough where it is about oneself. Those that name no person see to it themselves."""


def perform(
    tx: Tx, ground: Ground, command: Command, *, actor: people.Actor, now: datetime
) -> Done:
    """Check, do, record. Raises what the command refuses; then nothing of it is left."""
    _check_texts(command)
    act = Act(tx, ground, ground.views.current_or_empty(tx), actor, now)
    done = _perform(act, command)
    record.write(tx, done.facts, now=now, estate_version=act.view.version)
    ground.passing(Moment.ACT_WRITTEN)
    return done


def refused(
    tx: Tx, ground: Ground, command: Command, *, actor: people.Actor, because: str, now: datetime
) -> None:
    """The row of a denied attempt; in a transaction of its own, for the attempt's is rolled back."""
    words = f"{actor} was refused {type(command).__name__}: {because}"
    subject = str(getattr(command, "incident", type(command).__name__))
    fact = Fact("act.refused", subject, words, actor=str(actor))
    version = ground.views.current_or_empty(tx).version
    record.write(tx, [fact], now=now, estate_version=version)


def _perform(act: Act, command: Command) -> Done:
    if isinstance(command, on_incidents.OnIncident):
        incident = on_incidents.find(act, command.incident)
        _may_incident(act, incident, PERMISSION[type(command)])
        return on_incidents.perform(act, incident, command)
    if isinstance(command, shift.OnShift):
        return shift.perform(act, command)  # each asks for the team that it concerns
    _may(act, command)
    check_team(act, command)
    match command:
        case _ if isinstance(command, watch.OnHeartbeats):
            return watch.perform(act, command)
        case commands.DiagnoseWindow():
            return watch.perform_of_service(act, command)
        case AddSilence():
            return on_silences.add(act, command)
        case EndSilence():
            return on_silences.end_by_hand(act, command)
        case _ if isinstance(command, on_asking.OnAsking):
            return on_asking.perform(act, command)
        case _ if isinstance(command, on_people.OnPeople):
            return on_people.perform(act, command)
        case _:
            return on_setup.perform(act, command)


def _check_texts(command: Command) -> None:
    """A form of the console can hold what JSON at the other doors was refused for."""
    for one in fields(command):
        text = getattr(command, one.name)
        if isinstance(text, str) and "\0" in text:
            words = "A text holds a NUL character (\\u0000); leave it out."
            raise Invalid(words, pointer=f"/{one.name}")


def _may_incident(act: Act, incident: Incident, permission: str) -> None:
    """An incident is each team's whose service is in it: all of them are paged for it."""
    services = [incident.service, *incidents.services(act.tx, incident.id)]
    if not any(act.actor.has(permission, team=owner_of(act, one)) for one in services):
        people.require(act.actor, permission, team=owner_of(act, incident.service))


def _may(act: Act, command: Command) -> None:
    """One's own addresses, rules and sessions need less than anybody's."""
    if isinstance(command, commands.AddAddress) and command.secret is not None:
        people.require(act.actor, "people.secret")
    if isinstance(command, commands.Invite) and command.role is not None:
        people.require(act.actor, "people.grant")
    own = _ABOUT_ONESELF.get(type(command))
    if own is not None and getattr(command, "person", act.actor.id) == act.actor.id:
        if own == "people.account_own" and act.actor.session_id is not None:
            return  # whoever is signed in keeps their own account, whatever roles they hold
        people.require(act.actor, own)
        return
    people.require(act.actor, PERMISSION[type(command)])
