"""Acts: the only way in for what a person does, through every door alike.

`perform` checks that they may, does it in one transaction, and writes who, what and why into the
record. A refusal leaves nothing behind but its own row, which the door writes with `refused`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mainstay import people
from mainstay.acts import commands, on_incidents, on_people, on_setup, on_silences
from mainstay.acts.by_time import next_at, pass_time
from mainstay.acts.commands import PERMISSION, AddSilence, Command, EndSilence
from mainstay.acts.done import Act, Done
from mainstay.acts.scope import check_team, owner_of
from mainstay.foundation import record
from mainstay.foundation.db import Tx
from mainstay.foundation.record import Fact
from mainstay.ground import Ground
from mainstay.settling import end, open_batch, speaks_again

__all__ = [
    "PERMISSION",
    "Act",
    "Command",
    "Done",
    "commands",
    "next_at",
    "pass_time",
    "perform",
    "refused",
]

_ABOUT_ONESELF: Mapping[type, str] = {
    commands.AddAddress: "people.contact_own",
    commands.AddRule: "people.contact_own",
    commands.RemoveAddress: "people.contact_own",
    commands.RemoveRule: "people.contact_own",
    commands.EndSession: "people.account_own",
    commands.EndSessions: "people.account_own",
    commands.TurnOffTotp: "people.account_own",
}
"""What is enough where it is about oneself. Those that name no person see to it themselves."""


def perform(
    tx: Tx, ground: Ground, command: Command, *, actor: people.Actor, now: datetime
) -> Done:
    """Check, do, record. Raises what the command refuses; then nothing of it is left."""
    act = Act(tx, ground, ground.views.current_or_empty(tx), actor, now)
    done = _perform(act, command)
    record.write(tx, done.facts, now=now, estate_version=act.view.version)
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
        people.require(act.actor, PERMISSION[type(command)], team=owner_of(act, incident.service))
        return on_incidents.perform(act, incident, command)
    _may(act, command)
    check_team(act, command)
    match command:
        case AddSilence():
            return on_silences.add(act, command)
        case EndSilence():
            done, speaking = on_silences.end_by_hand(act, command)
            _speak(act, speaking, done.sentence)
            return done
        case _ if isinstance(command, on_people.OnPeople):
            return on_people.perform(act, command)
        case _:
            return on_setup.perform(act, command)


def _may(act: Act, command: Command) -> None:
    """One's own addresses, rules and sessions need less than anybody's."""
    if isinstance(command, commands.AddAddress) and command.secret is not None:
        people.require(act.actor, "people.secret")
    if isinstance(command, commands.Invite) and command.role is not None:
        people.require(act.actor, "people.grant")
    own = _ABOUT_ONESELF.get(type(command))
    if own is not None and getattr(command, "person", act.actor.id) == act.actor.id:
        people.require(act.actor, own)
        return
    people.require(act.actor, PERMISSION[type(command)])


def _speak(act: Act, speaking: list[Any], because: str) -> None:
    """Alerts that a silence no longer mutes, in a batch of their own within this transaction."""
    if not speaking:
        return
    batch = open_batch(act.tx, act.ground, act.now)
    for alert in speaking:
        speaks_again(batch, alert, because)
    end(batch)
