"""What people answer from their phone: the acknowledge link in a page, and a reply by SMS.

GET shows the incident and spends nothing (mail scanners follow links); only POST acknowledges. The
page is whole in itself: no script, no image, nothing from anywhere else.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from html import escape
from typing import Any, TypeVar
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool

from mainstay import alerts, incidents, oncall, paging, people, pipeline
from mainstay.acts.commands import Acknowledge
from mainstay.estate import View
from mainstay.foundation import record
from mainstay.foundation.clock import from_us
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import (
    Forbidden,
    Invalid,
    MainstayError,
    NotFound,
    Refused,
    Unknown,
)
from mainstay.foundation.limits import Limits
from mainstay.foundation.record import Fact
from mainstay.foundation.secrets import resolve
from mainstay.incidents import Incident
from mainstay.paging.channels import read_reply, verify_twilio
from mainstay.runtime import Runtime
from mainstay.signals import Reply
from mainstay.web import (
    Answered,
    Receive,
    Respond,
    Scope,
    Send,
    answer,
    read_body,
    send_reply,
    status_of,
)

T = TypeVar("T")

LINK = "/a/"
HTML = "text/html; charset=utf-8"
SMS = "/callbacks/sms"
PROVIDER = "sms"
SHOWN = 5
"""Alerts on the page of a link."""
FIELDS_MAX = 100
_ANSWER = re.compile(r"(?:ack(?:nowledge)?d?|ok|yes)?[\s#:]*(?:inc-?)?(\d{1,12})?", re.IGNORECASE)

STYLE = """
:root{color-scheme:light dark;--ink:#14181f;--soft:#4c5563;--ground:#fff;--line:#c9ced6;
--act:#0b5cad;--on:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#eceff4;--soft:#aab3c0;--ground:#12161c;
--line:#3a424e;--act:#6db3ff;--on:#08111c}}
*{box-sizing:border-box}
body{margin:0;font:1.0625rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--ground)}
main{max-width:36rem;margin:0 auto;padding:1.25rem}
h1{font-size:1.375rem;line-height:1.3;margin:.25rem 0 .75rem;overflow-wrap:anywhere}
p{margin:.5rem 0;overflow-wrap:anywhere}
.soft{color:var(--soft)}
.said{border-left:.25rem solid var(--act);padding:.25rem .75rem;margin:1rem 0}
ul{padding-left:1.25rem}li{margin:.25rem 0;overflow-wrap:anywhere}
button{font:inherit;font-weight:600;width:100%;min-height:3.5rem;margin:1rem 0;border:0;
border-radius:.5rem;background:var(--act);color:var(--on);cursor:pointer}
button:focus-visible{outline:.1875rem solid var(--ink);outline-offset:.1875rem}
hr{border:0;border-top:1px solid var(--line);margin:1.25rem 0}
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_POLICY = (
    b"content-security-policy",
    f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'".encode(),
)


class Links:
    """The part of the application at `/a/{token}` and `/callbacks/sms`."""

    def __init__(self, app: Runtime, limits: Limits, environment: Mapping[str, str]) -> None:
        self._app = app
        self._limits = limits
        self._environment = environment

    def match(self, scope: Scope) -> Respond | None:
        """Who answers this path."""
        path, method = scope["path"], scope["method"]
        if path == SMS:
            return self._sms if method == "POST" else partial(_not_so, "POST")
        if not path.startswith(LINK):
            return None
        token = path[len(LINK) :]
        if method in ("GET", "HEAD"):
            return partial(self._page, _show, token)
        if method == "POST":
            return partial(self._page, _spend, token)
        return partial(_not_so, "GET, HEAD, POST")

    async def _page(
        self, make: Callable[[Runtime, str], tuple[int, str]], token: str,
        scope: Scope, receive: Receive, send: Send,
    ) -> None:  # fmt: skip
        """A page of HTML, also for what goes wrong: a person reads it."""

        async def work() -> Answered:
            status, text = await run_in_threadpool(make, self._app, token)
            shown = b"" if scope["method"] == "HEAD" else text.encode()
            return Reply(status, shown, HTML), (_POLICY,)

        await answer(send, work(), refuse=_refused_page, template="/a/{token}", headers=(_POLICY,))

    async def _sms(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The provider's callback; what we answer goes back as an SMS."""

        async def work() -> Answered:
            body = await read_body(receive, scope["headers"], limits=self._limits)
            said = await run_in_threadpool(self._answered, scope, body)
            return Reply(200, _twiml(said), "text/xml; charset=utf-8"), ()

        await answer(send, work(), refuse=_refused_sms, template=SMS)

    def _answered(self, scope: Scope, body: bytes) -> str:
        """The words to send back. Forbidden unless the provider has signed this very call."""
        settings = self._app.settings.sms
        if settings is None:
            raise NotFound("No SMS provider is set up here.")
        params = _form(body)
        query = scope["query_string"].decode("latin-1")
        url = self._app.settings.public_url + SMS + (f"?{query}" if query else "")
        token = resolve(settings.token, environment=self._environment)
        signature = next(
            (v.decode("latin-1") for k, v in scope["headers"] if k == b"x-twilio-signature"), ""
        )
        if not verify_twilio(url, params, signature=signature, token=token):
            raise Forbidden("The signature does not fit; only the SMS provider calls this.")
        number, text = read_reply(params)
        message = params.get("MessageSid") or hashlib.sha256(body).hexdigest()
        return _act_on(self._app, _Sms(number, text, message))


# -- the link --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a link shows."""

    link: paging.Link
    incident: Incident
    view: View
    alerts: list[alerts.Alert]
    alerts_n: int
    now: datetime


def _show(app: Runtime, token: str) -> tuple[int, str]:
    """The status and the page; nothing is spent."""
    now = app.clock.now()
    return 200, app.db.read(lambda tx: _page_of(_look(tx, app, token, now), None))


def _spend(app: Runtime, token: str) -> tuple[int, str]:
    """Acknowledge as the person whom the link was made for, and say so.

    A refusal has its own status: the button of a push message looks at nothing else.
    """
    now = app.clock.now()

    def work(tx: Tx) -> str:
        seen = _look(tx, app, token, now)
        actor = people.person(seen.link.person, "responder")
        command = Acknowledge(seen.incident.id, link=token)
        pipeline.act(tx, app.ground, command, actor=actor, now=now)
        return _page_of(_look(tx, app, token, now), "You have it now. Nobody else is paged.")

    try:
        page = app.db.run(work)
    except Refused as error:
        sentence = error.sentence
        page = app.db.read(lambda tx: _page_of(_look(tx, app, token, now), sentence))
        return status_of(error), page
    app.wake.deliver()
    return 200, page


def _look(tx: Tx, app: Runtime, token: str, now: datetime) -> _Seen:
    link = paging.read_link(tx, token, now=now)
    incident = incidents.get(tx, link.incident)
    if incident is None:
        raise NotFound("The incident of this link is gone.")
    view = app.ground.views.current(tx)
    if link.person not in view.estate.people:
        raise Forbidden(f"This link is {link.person}'s, who is no longer in the estate.")
    found = alerts.open_of_incident(tx, incident.id, limit=SHOWN)
    return _Seen(link, incident, view, found, alerts.count_open(tx, incident.id), now)


def _page_of(seen: _Seen, said: str | None) -> str:
    """The whole page: what it is, how it stands, and one button where there is something to do."""
    incident = seen.incident
    shown = [f"<li>{escape(one.summary)} <span class=soft>({escape(one.service)}, "
             f"{escape(one.severity)})</span></li>" for one in seen.alerts]  # fmt: skip
    more = seen.alerts_n - len(seen.alerts)
    if more > 0:
        shown.append(f"<li class=soft>and {more} more</li>")
    listed = f"<h2 class=soft>Firing now</h2><ul>{''.join(shown)}</ul>" if shown else ""
    label = escape(f"{incident.name} · {incident.priority} · {incident.state.replace('_', ' ')}")
    return _html(
        f"{incident.name}: {incident.title}",
        f"<p class=soft>{label}</p><h1>{escape(incident.title)}</h1>"
        f"<p>On {escape(incident.service)}, since {escape(_when(seen, incident.opened_at))}.</p>"
        f"{_said(said) if said else ''}{_standing(seen, acted=said is not None)}"
        f"<hr>{listed}",
    )


def _standing(seen: _Seen, *, acted: bool) -> str:
    """Who has it; the button unless the link is used or the incident is over."""
    incident = seen.incident
    words = ""
    if not incident.is_open:
        return _said("It is resolved. There is nothing to acknowledge.")
    if incident.acked_by is not None:
        since = _when(seen, incident.acked_at or 0)
        words = _said(f"{_name(seen, incident.acked_by)} acknowledged it, {since}.")
    if seen.link.used:
        used = "" if acted else _said("This link was used before. What it acknowledged stands.")
        return words + used
    button = "Acknowledge" if incident.acked_by is None else "Take it over"
    who = escape(_name(seen, seen.link.person))
    return f"{words}<form method=post><button>{button}</button></form><p class=soft>As {who}.</p>"


def _name(seen: _Seen, person: str) -> str:
    known = seen.view.estate.people.get(person)
    return known.name if known is not None else person


def _when(seen: _Seen, us: int) -> str:
    """In the reader's own zone."""
    person = seen.view.estate.people.get(seen.link.person)
    zone = (person.timezone if person else None) or seen.view.estate.org.timezone
    return oncall.said(from_us(us), ZoneInfo(zone))


def _said(words: str) -> str:
    return f"<p class=said role=status>{escape(words)}</p>"


def _html(title: str, inside: str) -> str:
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width,initial-scale=1'>"
        "<meta name=robots content=noindex>"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main>{inside}</main></body></html>"
    )


# -- the SMS ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sms:
    """A reply: from which number, what it says, and the provider's id of it."""

    number: str
    text: str
    message: str

    @property
    def subject(self) -> str:
        """Under which the record knows it."""
        return f"sms:{self.message}"


def _act_on(app: Runtime, sms: _Sms) -> str:
    """What to answer. A message counts once, also one that was refused: a replay does nothing."""
    try:
        said = app.db.run(lambda tx: _acknowledge(tx, app, sms))
    except Refused as error:
        sentence = error.sentence
        app.db.run(lambda tx: _note_reply(tx, app, sms, f"and was refused: {sentence}"))
        return "" if isinstance(error, Unknown) else sentence
    app.wake.deliver()
    return said


def _acknowledge(tx: Tx, app: Runtime, sms: _Sms) -> str:
    if record.by_subject(tx, sms.subject, limit=1):
        return "This message was received before."
    send, person = _newest_page(tx, app, sms.number)
    name = _meant(sms.text, send)
    _check_paged(tx, name, person)
    actor = people.person(person, "responder")
    done = pipeline.act(tx, app.ground, Acknowledge(name), actor=actor, now=app.clock.now())
    _note_reply(tx, app, sms, f"as {person}")
    return f"{done.sentence}."


def _note_reply(tx: Tx, app: Runtime, sms: _Sms, words: str) -> None:
    said = f"{sms.number} answered {sms.text[:160]!r} by SMS, {words}"
    fact = Fact("page.answered", sms.subject, said, actor=f"provider:{PROVIDER}")
    version = app.ground.views.current_or_empty(tx).version
    record.write(tx, [fact], now=app.clock.now(), estate_version=version)


def _check_paged(tx: Tx, name: str, person: str) -> None:
    """A reply answers a page: Forbidden when there was none to this person."""
    incident = incidents.by_name(tx, name)
    if incident is None:
        return  # the act itself says so
    if all(send.person != person for send in paging.sends_of_incident(tx, incident.id)):
        raise Forbidden(f"{incident.name} has not paged you; take it with `mainstay ack`.")


def _newest_page(tx: Tx, app: Runtime, number: str) -> tuple[paging.Send | None, str]:
    """The newest page to this number, and whose number it is. Unknown when it is nobody's."""
    known = app.ground.views.current_or_empty(tx).estate.people
    ours = [
        one
        for one in people.addresses(tx)
        if one.kind == "sms" and one.address == number and one.person in known
    ]
    if not ours:
        raise Unknown("This number belongs to nobody here.")
    sends = [send for one in ours if (send := paging.last_sent_to(tx, one.id)) is not None]
    newest = max(sends, key=lambda send: send.sent_at or 0, default=None)
    return newest, newest.person if newest is not None else ours[0].person


def _meant(text: str, send: paging.Send | None) -> str:
    """The incident that a reply names: by number, or the one of the newest page."""
    match = _ANSWER.fullmatch(text.strip().rstrip(".!"))
    if match is None or not text.strip():
        raise Invalid("Answer with the number of the incident, or ACK for the newest page.")
    if match[1] is not None:
        return match[1]
    if send is None:
        raise Invalid("No page was sent to this number; answer with the number of the incident.")
    return send.incident


def _form(body: bytes) -> dict[str, str]:
    try:
        pairs: Any = parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict"
        )
    except ValueError:
        raise Invalid("The body is no form.") from None
    return dict(pairs)


def _twiml(words: str) -> bytes:
    inside = f"<Message>{escape(words, quote=False)}</Message>" if words else ""
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    return f"{head}<Response>{inside}</Response>".encode()


def _refused_page(error: MainstayError) -> Reply:
    return Reply(status_of(error), _html("Mainstay", _said(error.sentence)).encode(), HTML)


def _refused_sms(error: MainstayError) -> Reply:
    return Reply(status_of(error), error.sentence.encode(), "text/plain; charset=utf-8")


async def _not_so(allowed: str, scope: Scope, receive: Receive, send: Send) -> None:
    reply = Reply(405, b"Not with this method.", "text/plain")
    await send_reply(send, reply, (b"allow", allowed.encode()))
