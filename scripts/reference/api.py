"""docs/reference/api.md: our own API, the doors for signals, what stands in for Alertmanager."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from mainstay.api.alertmanager import ENDED_WITHIN, SPOKEN, Alertmanager
from mainstay.api.beats import BODY_KEPT
from mainstay.api.beats.management import WAYS
from mainstay.api.doors import KEY_PREFIX
from mainstay.api.health.metrics import PATH as METRICS
from mainstay.api.health.ready import LIVE, PERMISSION, READY
from mainstay.api.links import LINK, SMS
from mainstay.api.routes import PREFIX, ROUTES, Route
from mainstay.foundation import errors
from mainstay.foundation.errors import MainstayError
from mainstay.signals.formats import DOORS, pagerduty
from mainstay.signals.formats.door import header_key, problem
from reference.markdown import code, fenced, joined, plain, table

INTRO = f"""# The API

Everything that the command line does, and more. Its own paths begin with `{PREFIX}`; the paths of
other systems (`/api/v2`, `/v2`, `/hook`) are for what already speaks to those.

Bodies are JSON. Instants are RFC 3339 in UTC with milliseconds: `2026-11-22T06:45:00.000Z`. An API
token (`mainstay token create`) goes as `Authorization: Bearer mst_…`, or as the password of Basic;
[what it may do](permissions.md) depends on its role. Lists take `limit` and `after` where the table
says so and answer `{{"items": […], "next": …}}`; give `next` as `after` to go on, until it is null.
A `?` behind a field of a body: it may be left out. `?token` in a calendar's address carries an API
token, since calendar programs cannot send headers.
What a person does answers with a `sentence` that says what was done. `GET /openapi.json` describes
every answer in full."""

TAGS = {
    "alerts": "Alerts and silences",
    "incidents": "Incidents",
    "signals": "Signals",
    "oncall": "On call",
    "diagnosis": "Diagnosis",
    "checks": "Checks and calendars",
    "heartbeats": "Heartbeats",
    "past": "How checks stood over time",
    "checklists": "Checklists",
    "handovers": "Shifts and handovers",
    "health": "Services and their health",
    "finding": "An item in production",
    "estate": "The estate",
    "people": "People",
    "access": "Keys and tokens",
    "overview": "The whole",
}
KEYS = {header_key: "header", pagerduty.key_of: "`routing_key` in the body, or header"}
"""Where a door looks for the intake key."""
FORMATS = {
    "alertmanager": "Prometheus and whatever else posts alerts to Alertmanager",
    "alertmanager-webhook": "Alertmanager's webhook receiver, version 4",
    "pagerduty": "PagerDuty's Events API v2",
    "pagerduty-change": "PagerDuty's change events: kept as changes, page nobody",
    "json": "any JSON, read by the `map` of its source",
    "report": "a person's report, through a form or a bot: {summary, reporter, service, …}",
}
"""Door → who comes in there."""
ALERTMANAGER = {
    "/api/v2/alerts": "Open alerts; `filter`, `receiver`, `active`, `silenced` as there.",
    "/api/v2/alerts/groups": "The same, by service.",
    "/api/v2/status": "Version and receivers.",
    "/api/v2/receivers": "The escalation policies.",
    "/api/v2/silences": f"Silences; ended ones of the last {ENDED_WITHIN.days} days too.",
    "POST /api/v2/silences": "Make a silence; with the `id` of one, replace it.",
    "/api/v2/silence/{id}": "One silence.",
    "DELETE /api/v2/silence/{id}": "End a silence.",
}
"""Way in for amtool, Grafana, karma → what it gives."""
PINGS = {
    "GET, HEAD, POST /ping/{uuid}": "It ran, and well.",
    "… /ping/{uuid}/start": "It starts. `?rid=` (a UUID) tells runs apart that go on side by side.",
    "… /ping/{uuid}/fail": "It failed.",
    "… /ping/{uuid}/log": "Something to keep with it, that says nothing of how it stands.",
    "… /ping/{uuid}/{exit status}": "0: it ran well; 1 to 255: it failed.",
    "… /ping/{key}/{name}": "The same by name, with a key of a source of format `heartbeat`; "
    "`?create=1` makes it.",
}
"""Path of a ping → what it says."""
PLAIN = (
    (
        "GET, POST",
        f"{LINK}{{token}}",
        "the link in a page",
        "Shows the incident; only POST acknowledges.",
    ),
    ("POST", SMS, "the provider's signature", "A person's answer by SMS."),
    ("GET", LIVE, "–", "200 while the process answers."),
    (
        "GET",
        READY,
        f"–; `{PERMISSION}` for the reasons",
        "200 while it can take signals in and works them off; else 503.",
    ),
    ("GET", METRICS, f"`{PERMISSION}`", "Figures for Prometheus, in its text format."),
    ("GET", "/-/healthy", "–", "200, as Alertmanager has it; so does `/-/ready`."),
    ("GET", "/openapi.json", "–", "The description of our own API."),
)


def page(root: Path) -> str:
    """The whole page."""
    rooms = dict.fromkeys(_room(route) for route in ROUTES)
    sections = [_section(room) for room in rooms]
    return joined(
        INTRO, *sections, _doors(), _pings(), _alertmanager(), _healthchecks(), _plain(), _errors()
    )


def _room(route: Route) -> str:
    return route.run.__module__.rpartition(".")[2]


def _section(room: str) -> str:
    heads = ["Method", f"Path below `{PREFIX}`", "Permission", "What", "Takes"]
    rows = [
        [route.method, code(route.path), f"[{route.permission}](permissions.md)",
         plain(route.run.__doc__), _takes(route)]
        for route in ROUTES if _room(route) == room
    ]  # fmt: skip
    return joined(f"## {TAGS[room]}", table(heads, rows))


def _takes(route: Route) -> str:
    """Query parameters, and the fields of the body; what may be left out is marked."""
    query, body = [], []
    for name, one in inspect.signature(route.run, eval_str=True).parameters.items():
        model = _model(one.annotation)
        if model is not None:
            body = [_field(*pair) for pair in model.model_fields.items()]
        elif name not in ("call", "request") and f"{{{name}}}" not in route.path:
            query.append(code(f"?{name}{_words(one.annotation)}"))
    fields = f"{{{', '.join(body)}}}" if body else ""
    return " ".join([*query, code(fields) if fields else ""]).strip() or "–"


def _words(annotation: Any) -> str:
    """`=open|all`, where only some words are allowed."""
    return f"={'|'.join(get_args(annotation))}" if get_origin(annotation) is Literal else ""


def _field(name: str, field: Any) -> str:
    inner = _model(field.annotation)
    listed = ", ".join(_field(*pair) for pair in inner.model_fields.items()) if inner else ""
    mark = "" if field.is_required() else "?"
    return (field.alias or name) + mark + (f": [{{{listed}}}]" if inner else "")


def _model(annotation: Any) -> type[BaseModel] | None:
    for one in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None


def _doors() -> str:
    rows = []
    for door in (one for one in DOORS if one.paths):
        placed = KEYS[door.key_of] + (
            " or path" if any("{key}" in one for one in door.paths) else ""
        )
        paths = ", ".join(code(path) for path in door.paths)
        rows.append([door.method, paths, FORMATS[door.name], code(door.format), placed])
    words = f"""Where machines send. Each needs an intake key of a [source](estate.md#sources)
(`mainstay key create SOURCE`): in a header, as `Authorization: Bearer KEY` or as the password of
Basic (for PagerDuty's API also `X-Routing-Key`); or, for senders that can set nothing but a URL, as
`{{key}}` in the path, or with `{KEY_PREFIX}KEY` before any of these paths. A key in a path ends up in
other systems' logs: prefer the header. Where two formats share a path, the source's decides.

A 2xx means that the request is on disk. The header `Mainstay-Receipt` names it, and `mainstay trace
RECEIPT` tells what became of it. At overload the answer is 429 with `Retry-After`. A refusal has the
shape that the clients of that protocol expect."""
    heads = ["Method", "Path", "For", "`format` of the source", "Key"]
    return joined("## Doors for signals", words, table(heads, rows))


def _pings() -> str:
    words = f"""A job says that it ran by calling a URL; the answer `OK` means that it is on disk. A body
is kept as its output, the first {BODY_KEPT:,} bytes of it; what is longer is cut and never refused. The
UUID is a key: whoever has it can make a failing job look well, so only its SHA-256 is stored. What
is no ping is answered `not found` (404) or `invalid url format` (400), as Healthchecks does."""
    rows = [[code(path), what] for path, what in PINGS.items()]
    return joined("## Pings", words, table(["Path", "What it says"], rows))


def _healthchecks() -> str:
    words = """Clients of Healthchecks' management API work against Mainstay unchanged, versions 1 to 3:
give them an API token where they want an API key. A tag `service=pay-db` names the service of a
heartbeat. Whom it pages is the escalation of that service, so `channels` count for nothing and their
list is empty. Without the permission `heartbeats.edit` no UUID is told. What the estate declares is
listed, pinged and paused here, and changed there."""
    rows = [
        [method, code(f"/api/v3{way.template}"), f"[{way.permission}](permissions.md)"]
        for ways in WAYS.values()
        for method, way in ways.items()
    ]
    table_ = table(["Method", "Path", "Permission"], rows)
    return joined("## In Healthchecks' place", words, table_)


def _alertmanager() -> str:
    stub: Any = SimpleNamespace(clock=SimpleNamespace(now=lambda: None))
    ways = Alertmanager(stub, stub)._ways
    rows = [
        [
            method,
            code(way.template),
            f"[{way.permission}](permissions.md)",
            ALERTMANAGER.get(f"{method} {way.template}") or ALERTMANAGER[way.template],
        ]
        for (method, _), way in ways.items()
    ]
    words = f"""amtool, Grafana and karma work against Mainstay unchanged: it answers as Alertmanager
{SPOKEN} does. These need an API token: as Bearer, as the password of Basic, or in the path as
`{KEY_PREFIX}TOKEN/api/v2/…`."""
    table_ = table(["Method", "Path", "Permission", "What"], rows)
    return joined("## In Alertmanager's place", words, table_)


def _plain() -> str:
    rows = [[method, code(path), who, what] for method, path, who, what in PLAIN]
    return joined("## Other paths", table(["Method", "Path", "Who", "What"], rows))


def _errors() -> str:
    wrong = errors.Invalid("`ends_at` lies in the past.", pointer="/ends_at")
    example = '{"type":"about:blank",' + problem(wrong).body.decode()[1:]
    words = """An error is `application/problem+json` (RFC 9457): `detail` is one sentence for a
person, `code` keeps its meaning for ever, `pointer` (RFC 6901) says where in the body, `errors` lists
every fault when there are several, `retry_after_s` says when the same request may succeed."""
    rows = [[code(one.code), str(one.status), one.title, plain(one.__doc__)] for one in _kinds()]
    heads = ["Code", "Status", "Title", "When"]
    return joined("## Errors", words, fenced(example, "json"), table(heads, rows))


def _kinds() -> list[type[MainstayError]]:
    every = [one for one in vars(errors).values() if isinstance(one, type)]
    kinds = [one for one in every if issubclass(one, MainstayError) and one is not MainstayError]
    return sorted(kinds, key=lambda one: one.code)
