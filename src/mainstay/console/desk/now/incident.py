"""The incident room: what happened, who has it, what is known, what was paged, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mainstay import acts, alerts, incidents, paging, people
from mainstay.acts import commands
from mainstay.console.desk import asking
from mainstay.console.desk.now import composer
from mainstay.console.desk.now.standing import update_due
from mainstay.console.desk.now.timeline import KINDS, events
from mainstay.console.desk.now.today import alert_row
from mainstay.console.desk.reader import Reader
from mainstay.console.desk.render import Form, Part, Showing, Went
from mainstay.estate import target
from mainstay.foundation import due, record
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Invalid, NotFound
from mainstay.incidents import HOLDS, Incident, State

LIFE = (
    (State.NEW, "New"),
    (State.INVESTIGATING, "Investigating"),
    (State.MITIGATING, "Mitigating"),
    (State.MONITORING, "Monitoring"),
    (State.RESOLVED, "Resolved"),
    (State.CLOSED, "Closed"),
)
ALERTS_SHOWN = 12
EVENTS_MAX = 400


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the lifecycle: `done`, `here` or to come; when it was entered."""

    words: str
    cls: str
    at: datetime | None
    took: str


def found(reader: Reader, tx: Tx) -> Incident:
    """The incident of the URL, by number or name."""
    name = reader.query.get("number", "")
    row = incidents.by_name(tx, name)
    if row is None:
        raise NotFound(f"There is no incident {name[:40]!r}; /incidents lists them.")
    reader.check_services([row.service, *incidents.services(tx, row.id)])
    return row


def room(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The screen; its parts read what they show."""
    row = found(reader, tx)
    return {
        "title": f"{row.name} {row.title}", "incident": row, "where": row.name,
        "slashes": composer.HELP, "typed": reader.text("text"),
    }  # fmt: skip


def head(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """Title, priority, lifecycle with times, and what can be done."""
    row = found(reader, tx)
    now_us = to_us(reader.now)
    rows = record.by_incident(tx, row.id, limit=EVENTS_MAX)
    opened = next((one for one in rows if one["kind"] == "incident.opened"), None)
    return {
        "incident": row, "held": row.acknowledged(now_us), "stages": _stages(row, rows),
        "because": opened["because"] if opened is not None else "",
        "may_act": reader.may("incidents.act"), "may_page": reader.may("incidents.page"),
        "who_may": people.who_may("incidents.act"), "offer": _offer(reader, tx, row),
    }  # fmt: skip


def _offer(reader: Reader, tx: Tx, row: Incident) -> asking.Offer | None:
    """Whom to ask, for who may not act themselves."""
    if reader.may("incidents.act"):
        return None
    declared = reader.view.estate.services.get(row.service)
    team = declared.owner if declared is not None else None
    about = f"/incidents/{row.number}"
    return asking.offer(reader, tx, "incidents.act", about=about, team=team)


def _stages(row: Incident, rows: list[Any]) -> list[Stage]:
    """When each stage was entered; one that was jumped over has no time."""
    entered: dict[State, datetime] = {State.NEW: from_us(row.opened_at)}
    for one in rows:
        for state in _entered(one):
            entered[state] = from_us(one["at"])
    if row.closed_at is not None:
        entered[State.CLOSED] = from_us(row.closed_at)
    here = State.INVESTIGATING if row.state is State.ON_HOLD else row.state
    order = [state for state, _ in LIFE]
    place = order.index(here)
    stages = []
    for number, (state, words) in enumerate(LIFE):
        cls = "here" if number == place else "done" if number < place else ""
        at = entered.get(state) if number <= place else None
        stages.append(Stage(words, cls, at, ""))
    return stages


def _entered(row: Any) -> list[State]:
    match row["kind"]:
        case "incident.acknowledged" | "incident.reopened":
            return [State.INVESTIGATING]
        case "incident.resolved":
            return [State.RESOLVED]
        case "incident.moved":
            return [state for state in State if f" to {state.replace('_', ' ')}" in row["because"]]
    return []


def facts(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The left column: the next update, who has it, impact, people, services."""
    row = found(reader, tx)
    view = reader.view
    names = incidents.services(tx, row.id) or [row.service]
    declared = [view.estate.services[name] for name in names if name in view.estate.services]
    told = record.last_of_incident(tx, row.id, ("incident.update",))
    sends = paging.sends_of_incident(tx, row.id)
    owner = next((one.owner for one in declared if one.owner), None)
    users = sorted(
        name for name, one in view.estate.services.items()
        if set(one.depends) & set(names) and name not in names
    )  # fmt: skip
    return {
        "incident": row, "held": row.acknowledged(to_us(reader.now)),
        "held_until": None if row.acked_until is None else from_us(row.acked_until),
        "update_due": update_due(reader, tx, row), "told": told,
        "business": [one.business or one.about for one in declared if one.business or one.about],
        "degrade": [one.degrade for one in declared if one.degrade],
        "runbooks": [one.runbook for one in declared if one.runbook],
        "links": {name: url for one in declared for name, url in one.links.items()},
        "tiers": sorted({one.tier for one in declared}), "owner": owner,
        "names": names, "users": users[:8], "users_n": len(users),
        "states": _service_states(tx, row, names),
        "paged": list(dict.fromkeys(send.person for send in sends if send.sent_at)),
    }  # fmt: skip


def _service_states(tx: Tx, row: Incident, names: list[str]) -> dict[str, str]:
    firing = {one.service for one in alerts.open_of_incident(tx, row.id, limit=2_000)}
    return {name: "crit" if name in firing else "ok" for name in names}


def picture(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The current picture as somebody wrote it last; else what the record says by itself."""
    row = found(reader, tx)
    newest = record.last_of_incident(tx, row.id, ("incident.picture",))
    told = record.facts_of(newest) if newest is not None else None
    return {
        "incident": row, "told": told, "at": from_us(newest["at"]) if newest is not None else None,
        "by": newest["actor"].removeprefix("person:") if newest is not None else None,
        "alerts_n": alerts.count_open(tx, row.id), "held": row.acknowledged(to_us(reader.now)),
        "services": incidents.services(tx, row.id) or [row.service],
    }  # fmt: skip


def timeline(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The record of it, newest last."""
    row = found(reader, tx)
    only = reader.query.get("only", "all")
    only = only if only in KINDS else "all"
    rows = record.by_incident(tx, row.id, limit=EVENTS_MAX)
    shown = events(reader, rows, only=only)
    return {"incident": row, "events": shown, "only": only, "kinds": KINDS, "n": len(rows)}


def its_alerts(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The alerts of it, open first."""
    row = found(reader, tx)
    opened = alerts.open_of_incident(tx, row.id, limit=ALERTS_SHOWN)
    n = alerts.count(tx, alerts.Wanted(open_only=False, incident=row.id))
    shown = opened or alerts.of_incident(tx, row.id, limit=ALERTS_SHOWN)
    return {
        "incident": row, "rows": [alert_row(reader, tx, one) for one in shown], "n": n,
        "open_n": alerts.count_open(tx, row.id),
    }  # fmt: skip


def pages(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """Whom it paged, by which way, what each answered; and what would be next."""
    row = found(reader, tx)
    runs = [
        (run, due.pending(tx, paging.STEP_DUE, run.id) if run.state == "running" else None)
        for run in paging.escalations(tx, row.id)
    ]
    sends = paging.sends_of_incident(tx, row.id, limit=40)
    return {
        "incident": row,
        "runs": runs,
        "sends": sends,
        "state": _send_state,
        "words": _send_words,
    }


def _send_state(send: paging.Send) -> str:
    match send.state:
        case paging.SendState.SENT:
            return "ok"
        case paging.SendState.FAILED:
            return "crit"
        case paging.SendState.SENDING:
            return "run"
        case paging.SendState.WAITING:
            return "warn" if send.tries else "wait"
        case paging.SendState.SHADOW | paging.SendState.BUNDLED:
            return "mute"
    return "unknown"


def _send_words(send: paging.Send) -> str:
    """What the other side said, in few words."""
    match send.state:
        case paging.SendState.SENT:
            return send.answer or "taken"
        case paging.SendState.WAITING:
            return f"tried {send.tries} times: {send.answer}" if send.tries else "not yet"
        case paging.SendState.SHADOW:
            return "only decided, not sent"
    return send.answer or send.state


# -- acting ----------------------------------------------------------------------------------------


def say(reader: Reader) -> Went:
    """The composer: a note or a /command."""
    number = reader.query["number"]
    done = reader.act(composer.parse(reader.text("text"), incident=number))
    return Went(_to(reader, done), done.sentence)


def acknowledge(reader: Reader) -> Went:
    """Take it."""
    return _did(reader, commands.Acknowledge(reader.query["number"]))


def unacknowledge(reader: Reader) -> Went:
    """Give it back."""
    return _did(reader, commands.Unacknowledge(reader.query["number"]))


def resolve(reader: Reader) -> Went:
    """It is over."""
    return _did(reader, commands.Resolve(reader.query["number"], reader.text("note") or None))


def reopen(reader: Reader) -> Went:
    """It is not over."""
    return _did(reader, commands.Reopen(reader.query["number"], reader.text("reason")))


def move(reader: Reader) -> Went:
    """Another working state, or on hold for somebody."""
    state = reader.text("state")
    hold = state.removeprefix("hold:") if state.startswith("hold:") else None
    return _did(reader, commands.Move(reader.query["number"], "on_hold" if hold else state, hold))


def assign(reader: Reader) -> Went:
    """Hand it to somebody."""
    return _did(reader, commands.Reassign(reader.query["number"], reader.text("person")))


def page(reader: Reader) -> Went:
    """Page somebody beside any policy."""
    try:
        wanted = target(reader.text("target"))
    except ValueError as error:
        raise Invalid(f"Whom? {error}.", pointer="/target") from None
    return _did(reader, commands.PageByHand(reader.query["number"], wanted, reader.text("reason")))


def escalate(reader: Reader) -> Went:
    """Do not wait for the next step."""
    return _did(reader, commands.EscalateNow(reader.query["number"], reader.text("reason")))


def paint(reader: Reader) -> Went:
    """The current picture."""
    told = (reader.text(name) for name in ("known", "doing", "needed"))
    return _did(reader, commands.Picture(reader.query["number"], *told))


def _did(reader: Reader, command: acts.Command) -> Went:
    done = reader.act(command)
    return Went(_to(reader, done), done.sentence)


def _to(reader: Reader, done: acts.Done) -> str:
    back = reader.text("back")
    return "/" if back == "today" else f"/incidents/{done.value.number}"


def _targets(reader: Reader, tx: Tx) -> dict[str, Any]:
    estate = reader.view.estate
    return {
        "schedules": list(estate.schedules), "teams": list(estate.teams),
        "everybody": {name: one.name for name, one in estate.people.items()},
    }  # fmt: skip


def act_form(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """Everything that can be done to an incident, as plain forms: for a phone, and without script."""
    row = found(reader, tx)
    return {
        "title": f"Act on {row.name}", "where": row.name, "incident": row, "holds": HOLDS,
        "states": [(state, words) for state, words in LIFE[1:4] if state is not row.state],
        "told": _last_picture(tx, row), **_targets(reader, tx),
    }  # fmt: skip


def _last_picture(tx: Tx, row: Incident) -> Mapping[str, str]:
    newest = record.last_of_incident(tx, row.id, ("incident.picture",))
    empty = {"known": "", "doing": "", "needed": ""}
    return empty if newest is None else dict(record.facts_of(newest))


_NAMES = ("incident:{number}",)
_KEYS = ("number",)
PARTS = (
    Part("incident/head", "incidents.read", _NAMES, head, "The head", _KEYS),
    Part("incident/facts", "incidents.read", _NAMES, facts, "Facts", _KEYS),
    Part("incident/picture", "incidents.read", _NAMES, picture, "The current picture", _KEYS),
    Part(
        "incident/timeline", "incidents.read", _NAMES, timeline, "The timeline", ("number", "only")
    ),
    Part("incident/alerts", "alerts.read", _NAMES, its_alerts, "Alerts", _KEYS),
    Part("incident/pages", "incidents.read", _NAMES, pages, "Pages", _KEYS),
)
_ROOM = Showing("/incidents/{number}", "incidents.read", room, "incident.html", here="incidents")
_ACT = Showing(
    "/incidents/{number}/act", "incidents.act", act_form, "incident_act.html", here="incidents"
)
SHOWINGS = (_ROOM, _ACT)
_MAY = acts.PERMISSION
FORMS = (
    Form("/incidents/{number}/say", _MAY[commands.Note], say, _ROOM),
    Form("/incidents/{number}/acknowledge", _MAY[commands.Acknowledge], acknowledge, _ROOM),
    Form("/incidents/{number}/unacknowledge", _MAY[commands.Unacknowledge], unacknowledge, _ROOM),
    Form("/incidents/{number}/resolve", _MAY[commands.Resolve], resolve, _ACT),
    Form("/incidents/{number}/reopen", _MAY[commands.Reopen], reopen, _ACT),
    Form("/incidents/{number}/move", _MAY[commands.Move], move, _ACT),
    Form("/incidents/{number}/assign", _MAY[commands.Reassign], assign, _ACT),
    Form("/incidents/{number}/page", _MAY[commands.PageByHand], page, _ACT),
    Form("/incidents/{number}/escalate", _MAY[commands.EscalateNow], escalate, _ACT),
    Form("/incidents/{number}/picture", _MAY[commands.Picture], paint, _ACT),
)
