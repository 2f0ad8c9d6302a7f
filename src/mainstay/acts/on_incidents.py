"""What people do to incidents: take, note, move, hand on, page, resolve, reopen."""

from __future__ import annotations

from typing import assert_never

from mainstay import alerts, incidents, paging
from mainstay.acts.commands import (
    Acknowledge,
    EscalateNow,
    Move,
    Note,
    PageByHand,
    Picture,
    Reassign,
    Reopen,
    Resolve,
    Unacknowledge,
)
from mainstay.acts.done import Act, Done
from mainstay.acts.watch.on_causes import OnCauses, perform_on
from mainstay.estate import Target
from mainstay.foundation import due
from mainstay.foundation.clock import to_us
from mainstay.foundation.errors import Conflict, Forbidden, Invalid, NotFound
from mainstay.foundation.nearest import hint
from mainstay.foundation.record import Fact
from mainstay.foundation.spans import duration_text
from mainstay.incidents import Incident, State
from mainstay.settling import hold_of

NOTE_MAX = 10_000
"""Characters in a note."""
ALERTS_DUE = "incidents.alerts"
"""An incident that a person resolved while it had more open alerts than one transaction closes."""
OnIncident = (
    Acknowledge | Unacknowledge | Resolve | Reopen | Note | Picture | Reassign | Move | EscalateNow
    | PageByHand | OnCauses
)  # fmt: skip


def find(act: Act, name: str) -> Incident:
    """By id, number or name (`inc_…`, 2041, INC-2041)."""
    text = name.strip()
    found = incidents.get(act.tx, text)
    digits = text.upper().removeprefix("INC-")
    if found is None and digits.isdecimal() and len(digits) < 16:
        found = incidents.by_number(act.tx, int(digits))
    if found is None:
        raise NotFound(f"No incident {name!r}; `mainstay incidents` lists them.")
    return found


def perform(act: Act, incident: Incident, command: OnIncident) -> Done:
    """One of the acts on an incident."""
    match command:
        case Acknowledge():
            return _acknowledge(act, incident, command)
        case Unacknowledge():
            return _unacknowledge(act, incident)
        case Resolve():
            return _resolve(act, incident, command)
        case Reopen():
            return _reopen(act, incident, command)
        case Note():
            return _note(act, incident, command)
        case Picture():
            return _picture(act, incident, command)
        case Reassign():
            return _reassign(act, incident, command)
        case Move():
            return _move(act, incident, command)
        case EscalateNow():
            return _escalate(act, incident, command)
        case PageByHand():
            return _page(act, incident, command)
        case _:
            return perform_on(act, incident, command)


def _acknowledge(act: Act, incident: Incident, command: Acknowledge) -> Done:
    if command.link is not None:
        link = paging.read_link(act.tx, command.link, now=act.now)
        if link.incident != incident.id or link.person != act.actor.id:
            raise Forbidden("This link belongs to another page.")
        paging.spend(act.tx, link, now=act.now)
    holds_for = hold_of(act.view, incident)
    incident = incidents.acknowledge(
        act.tx, incident, who=act.actor.id, holds_for=holds_for, now=act.now
    )
    until = "until it is resolved" if holds_for is None else f"for {duration_text(holds_for)}"
    words = f"{act.actor.id} acknowledged {incident.name} {until}"
    told = {"by": act.actor.id, "until": incident.acked_until}
    facts = [
        act.fact("incident.acknowledged", incident.id, words, incident=incident.id, facts=told)
    ]
    facts += paging.stop(act.tx, incident, because=f"{act.actor.id} has it", now=act.now)
    return _done(incident, words, facts)


def _unacknowledge(act: Act, incident: Incident) -> Done:
    if incident.acked_by is None:
        raise Conflict(f"Nobody has acknowledged {incident.name}.")
    incident = incidents.unacknowledge(act.tx, incident)
    words = f"{act.actor.id} gave {incident.name} back; nobody has it now"
    facts = [act.fact("incident.unacknowledged", incident.id, words, incident=incident.id)]
    return _done(incident, words, facts + page_if_heard(act, incident, words))


def _resolve(act: Act, incident: Incident, command: Resolve) -> Done:
    rules = act.view.estate.org.incidents
    incident = incidents.resolve(act.tx, incident, reopen_within=rules.reopen_within, now=act.now)
    facts = close_alerts(act, incident.id, by=act.who, until_us=to_us(act.now))
    words = f"{act.actor.id} resolved {incident.name}"
    if command.note:
        words += f": {_text(command.note, '/note')}"
    facts.insert(0, act.fact("incident.resolved", incident.id, words, incident=incident.id))
    facts += paging.stop(act.tx, incident, because="it is resolved", now=act.now)
    return _done(incident, words, facts)


def close_alerts(act: Act, incident: str, *, by: str, until_us: int) -> list[Fact]:
    """Close a slice of an incident's alerts that `by` resolved; the rest is due at once.

    What opened after `until_us` is news: nobody has resolved it.
    """
    found = alerts.open_of_incident(act.tx, incident, limit=alerts.SLICE)
    facts = []
    for alert in found:
        if alert.opened_at <= until_us:
            actor = by.removeprefix("person:")
            change = alerts.close_by_hand(act.tx, alert, now_us=to_us(act.now), actor=actor)
            facts.append(Fact("alert.closed", alert.id, change.because, by, incident))
    if len(facts) == alerts.SLICE:
        rest = {"by": by, "until_us": until_us}
        due.plan(act.tx, ALERTS_DUE, incident, at=act.now, facts=rest)
    return facts


def _reopen(act: Act, incident: Incident, command: Reopen) -> Done:
    reason = _text(command.reason, "/reason")
    incident = incidents.reopen(act.tx, incident)
    words = f"{act.actor.id} reopened {incident.name}: {reason}"
    facts = [act.fact("incident.reopened", incident.id, words, incident=incident.id)]
    return _done(incident, words, facts + page_again(act, incident, words))


def _note(act: Act, incident: Incident, command: Note) -> Done:
    text = _text(command.text, "/text")
    match command.kind:
        case "note":
            return _written(act, incident, "incident.note", text)
        case "finding":
            return _written(act, incident, "incident.finding", text)
        case "decision":
            return _written(act, incident, "incident.decision", text)
        case "update":
            return _written(act, incident, "incident.update", text)
    assert_never(command.kind)


def _written(act: Act, incident: Incident, kind: str, text: str) -> Done:
    fact = act.fact(kind, incident.id, text, incident=incident.id)
    return _done(incident, f"Noted on {incident.name}.", [fact])


def _picture(act: Act, incident: Incident, command: Picture) -> Done:
    known = _text(command.known, "/known")
    told = {"known": known, "doing": command.doing.strip(), "needed": command.needed.strip()}
    if sum(map(len, told.values())) > NOTE_MAX:
        raise Invalid(f"At most {NOTE_MAX:,} characters.", pointer="/doing")
    words = " ".join(f"{name.capitalize()}: {text}" for name, text in told.items() if text)
    fact = Fact(
        "incident.picture", incident.id, words, actor=act.who, incident=incident.id, facts=told
    )
    return _done(incident, f"The picture of {incident.name} is current.", [fact])


def _reassign(act: Act, incident: Incident, command: Reassign) -> Done:
    if command.person not in act.view.estate.people:
        near = hint(command.person, act.view.estate.people)
        raise Invalid(f"No person {command.person!r} in the estate{near}.", pointer="/person")
    incident = incidents.assign(act.tx, incident, command.person)
    words = f"{act.actor.id} handed {incident.name} to {command.person}"
    facts = [act.fact("incident.assigned", incident.id, words, incident=incident.id)]
    facts += paging.stop(act.tx, incident, because=words, now=act.now)
    facts += page_again(act, incident, words)
    target = Target("person", command.person)
    _page_target(act, incident, target, words)
    return _done(incident, words, facts)


def _move(act: Act, incident: Incident, command: Move) -> Done:
    try:
        state = State(command.state)
    except ValueError:
        known = ", ".join(State)
        raise Invalid(f"No state {command.state!r}; use {known}.", pointer="/state") from None
    incident = incidents.move(act.tx, incident, state, hold=command.hold)
    words = f"{act.actor.id} set {incident.name} to {state.replace('_', ' ')}"
    if command.hold:
        words += f", waiting for {command.hold}"
    fact = act.fact("incident.moved", incident.id, words, incident=incident.id)
    return _done(incident, words, [fact])


def _escalate(act: Act, incident: Incident, command: EscalateNow) -> Done:
    reason = _text(command.reason, "/reason")
    if not incident.is_open:
        raise Conflict(f"{incident.name} is {incident.state}; reopen it first.")
    words = f"{act.actor.id} escalates {incident.name} now: {reason}"
    facts = [act.fact("incident.escalated", incident.id, words, incident=incident.id)]
    if incident.acked_by is not None:
        incident = incidents.unacknowledge(act.tx, incident)
    if not paging.escalate_now(act.tx, incident, now=act.now):
        facts += page_again(act, incident, words)
    return _done(incident, words, facts)


def _page(act: Act, incident: Incident, command: PageByHand) -> Done:
    reason = _text(command.reason, "/reason")
    if not incident.is_open:
        raise Conflict(f"{incident.name} is {incident.state}; reopen it first.")
    why = f"{act.actor.id} asks for you: {reason}"
    paged = _page_target(act, incident, command.target, why)
    if not any(paged.values()):
        raise Invalid(
            f"{command.target} reaches nobody now: nobody is on call, or they have no address.",
            pointer="/target",
        )
    words = f"{act.actor.id} paged {', '.join(paged)} by hand: {reason}"
    fact = act.fact("paging.by_hand", incident.id, words, incident=incident.id)
    return _done(incident, words, [fact])


def _page_target(act: Act, incident: Incident, target: Target, why: str) -> dict[str, int]:
    return paging.page_by_hand(
        act.tx, act.ground.ids, incident, target, view=act.view, why=why, now=act.now
    )


def page_if_heard(act: Act, incident: Incident, reason: str) -> list[Fact]:
    """As `page_again`, unless all that is open in it is silenced: then the silence's end pages."""
    if alerts.has_open(act.tx, incident.id) and not alerts.is_heard(act.tx, incident.id):
        return []
    return page_again(act, incident, reason)


def page_again(act: Act, incident: Incident, reason: str) -> list[Fact]:
    """Run the policies of every service in the incident that do not run already."""
    facts: list[Fact] = []
    services = incidents.services(act.tx, incident.id) or [incident.service]
    for policy in dict.fromkeys(act.view.policy_of(service) for service in services):
        facts += paging.start(
            act.tx,
            act.ground.ids,
            incident,
            policy_id=policy,
            view=act.view,
            reason=reason,
            now=act.now,
        )
    return facts


def _done(incident: Incident, sentence: str, facts: list[Fact]) -> Done:
    return Done(sentence, incident.id, incident, tuple(facts))


def _text(text: str, pointer: str) -> str:
    text = text.strip()
    if not text:
        raise Invalid("Say why: an empty text tells nobody anything.", pointer=pointer)
    if len(text) > NOTE_MAX:
        raise Invalid(f"At most {NOTE_MAX:,} characters.", pointer=pointer)
    return text
