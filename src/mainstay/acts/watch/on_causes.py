"""What people say of causes, and having them looked for."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_never

from mainstay.acts.commands import ConfirmCause, Diagnose, DiagnoseWindow, RuleOutCause
from mainstay.acts.done import Act, Done
from mainstay.diagnosis import Hypothesis, live
from mainstay.foundation.errors import Conflict, Invalid, NotFound
from mainstay.foundation.nearest import hint
from mainstay.incidents import Incident

OnCauses = ConfirmCause | RuleOutCause | Diagnose
NOTE_MAX = 2_000
SPAN_MAX = timedelta(days=2)


def perform_on(act: Act, incident: Incident, command: OnCauses) -> Done:
    """One of the acts on the causes of an incident."""
    match command:
        case ConfirmCause():
            return _judge(act, incident, command, live.CONFIRMED)
        case RuleOutCause():
            return _judge(act, incident, command, live.RULED_OUT)
        case Diagnose():
            because = f"{act.actor.id} asks"
            run = live.ask(
                act.tx, act.ground.ids, incident, because=because, at=act.now, now=act.now
            )
            words = f"{act.actor.id} has the cause of {incident.name} looked for"
            fact = act.fact(
                "diagnosis.asked", incident.id, words, incident=incident.id, facts={"run": run}
            )
            return Done(words, incident.id, incident, (fact,))
    assert_never(command)


def _judge(
    act: Act, incident: Incident, command: ConfirmCause | RuleOutCause, verdict: str
) -> Done:
    note = command.note.strip()
    if len(note) > NOTE_MAX:
        raise Invalid(f"At most {NOTE_MAX:,} characters.", pointer="/note")
    one = _cause(act, incident, command.cause)
    live.judge(
        act.tx, incident.id, one, verdict=verdict, person=act.actor.id, note=note, now=act.now
    )
    verb = "confirmed the cause" if verdict == live.CONFIRMED else "ruled out a cause"
    words = f"{act.actor.id} {verb} of {incident.name}: {one.sentence}"
    told = {"cause": one.id, "where": one.where, "kind": one.kind, "note": note}
    because = f"{words} ({note})" if note else words
    name = incident.id
    if verdict == live.CONFIRMED:
        fact = act.fact("diagnosis.confirmed", name, because, incident=name, facts=told)
    else:
        fact = act.fact("diagnosis.ruled_out", name, because, incident=name, facts=told)
    return Done(words, incident.id, incident, (fact,))


def _cause(act: Act, incident: Incident, cause: str) -> Hypothesis:
    shown = live.shown(act.tx, incident.id)
    if shown is None or shown.found is None:
        raise Conflict(f"No diagnosis of {incident.name} is made yet; have one made first.")
    known = {one.id: one for one in shown.found.hypotheses}
    if cause not in known:
        listed = ", ".join(known) or "none"
        raise NotFound(f"No cause {cause[:40]!r} was put forward for {incident.name}: {listed}.")
    return known[cause]


def perform_of_service(act: Act, command: DiagnoseWindow) -> Done:
    """Have a service and a stretch of time diagnosed; the subject is the run."""
    known = act.view.estate.services
    if command.service not in known:
        near = hint(command.service, known)
        raise NotFound(f"There is no service {command.service[:80]!r}{near}.", pointer="/service")
    since, until = command.since, command.until or act.now
    if not since < until:
        raise Invalid("It must begin before it ends.", pointer="/from")
    if until - since > SPAN_MAX:
        raise Invalid("At most two days at once; begin where it began.", pointer="/from")
    if since > act.now:
        raise Invalid("That is yet to come.", pointer="/from")
    words = f"{act.actor.id} has the trouble of {command.service} looked into"
    run = live.ask_about(
        act.tx, act.ground.ids, command.service, since=since, until=min(until, act.now),
        because=f"{act.actor.id} asks", now=act.now,
    )  # fmt: skip
    fact = act.fact("diagnosis.asked", command.service, words, facts={"run": run})
    return Done(words, run, run, (fact,))
