"""From a visit to a screen, a part or an act of the desk, and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote, unquote

from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from mainstay import people
from mainstay.acts import commands
from mainstay.console.desk import asking
from mainstay.console.desk.books import settings
from mainstay.console.desk.editing import screens as editing
from mainstay.console.desk.reader import Reader
from mainstay.console.desk.render import Form, Part, Renderer, Showing, Went
from mainstay.console.desk.tables import FORMS, PARTS, SHOWINGS
from mainstay.console.gate import SELF, Screen, Visit
from mainstay.console.stream import NEEDS
from mainstay.foundation import record
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Forbidden, MainstayError, NotFound, Refused
from mainstay.web import note_refused_read, note_tried, send_code, send_test, status_of, to_try

SAID = "__Host-mainstay-said"
"""What an act said, carried over the redirect to the next screen; shown once."""
SAID_MAX = 1_500
SUBJECT_MAX = 200
YEAR_S = 31_536_000
LOOKS = {"theme": ("system", "light", "dark"), "zone": ("site", "utc")}
"""What a reader may choose, by the name of its cookie; the keys d and z write the same cookies."""


def screens() -> tuple[Screen, ...]:
    """The routes of the desk, for the one table of the console."""
    return (
        *(Screen(one.method, one.path, one.permission, partial(_show, one)) for one in SHOWINGS),
        *(
            Screen("GET", f"/parts/{one.name}", one.permission, partial(_part, one))
            for one in PARTS
        ),
        *(Screen("POST", one.path, one.permission, partial(_act, one)) for one in FORMS),
        Screen("POST", "/estate/patch", "estate.plan", _patch),
        Screen("POST", "/settings/test", "people.contact_own", _try_out),
        Screen("POST", "/settings/addresses/{id}/code", "people.contact_own", _send_code),
        Screen("POST", "/settings/devices", "people.contact_own", _set_up_device),
        Screen("POST", "/settings/devices/{id}/test", "people.contact_own", _try_device),
        Screen("POST", "/settings/look", SELF, _look_like),
        Screen("GET", "/events", SELF, _events),
    )


def _reader(visit: Visit) -> Reader:
    query = {**dict(visit.request.query_params), **{k: str(v) for k, v in visit.path.items()}}
    view = visit.call.view()
    return Reader(
        visit.call, view, visit.request.url.path, visit.csrf, query, visit.fields,
        visit.files, visit.request.cookies,
    )  # fmt: skip


def _renderer(visit: Visit) -> Renderer:
    return Renderer(visit.kit.templates, {one.name: one for one in PARTS})


def _show(showing: Showing, visit: Visit) -> Response:
    said = _said(visit)
    words: dict[str, Any] = {"said": said[1], "said_state": said[0]} if said else {}
    response = HTMLResponse(_noted(visit, lambda: _document(showing, visit, **words)))
    if said:
        response.delete_cookie(SAID, path="/", secure=True, httponly=True, samesite="lax")
    return response


def _document(showing: Showing, visit: Visit, **words: Any) -> str:
    reader, renderer = _reader(visit), _renderer(visit)

    def look(tx: Tx) -> str:
        return renderer.screen(showing, reader, tx, made_after=record.last_seq(tx), **words)

    return visit.app.db.read(look)


def around(visit: Visit, tx: Tx) -> dict[str, Any]:
    """What the frame needs around a screen that is not of the desk."""
    words = _renderer(visit).words(_reader(visit), tx)
    return words | {"made_after": record.last_seq(tx), "where": "", "title": "", "here": "settings"}


def offer_after(visit: Visit, tx: Tx, error: MainstayError) -> asking.Offer | None:
    """Whom to ask for what was refused; nobody after the form that asks them."""
    return asking.offer_after(_reader(visit), tx, error)


def _part(part: Part, visit: Visit) -> Response:
    reader, renderer = _reader(visit), _renderer(visit)
    read = partial(visit.app.db.read, lambda tx: renderer.part(part, reader, tx))
    return HTMLResponse(_noted(visit, read))


def _noted(visit: Visit, read: Callable[[], str]) -> str:
    """What was read; if it is not theirs to read, the record has a row of that."""
    try:
        return read()
    except Forbidden as error:
        what = f"GET {visit.request.url.path}"[:SUBJECT_MAX]
        note_refused_read(visit.call, error, what=what)
        raise


def _act(form: Form, visit: Visit) -> Response:
    """Do it; on to the next screen, or back to the form with what was typed and what was refused."""
    try:
        went = form.act(_reader(visit))
    except Refused as error:
        if form.back is None:
            raise
        return _back(form.back, visit, error)
    if went.secret is not None and form.back is not None:
        words = {"said": went.said, "said_state": "ok", "secret": went.secret}
        return HTMLResponse(_document(form.back, visit, **words))
    return _on(went)


def _back(showing: Showing, visit: Visit, error: MainstayError) -> Response:
    words = {"said": error.sentence, "said_state": "crit"}
    return HTMLResponse(_document(showing, visit, **words), status_of(error))


def _on(went: Went) -> Response:
    response = RedirectResponse(went.to, 303)
    if went.said:
        value = quote(json.dumps(["ok", went.said[:SAID_MAX]]))
        response.set_cookie(
            SAID, value, max_age=60, path="/", secure=True, httponly=True, samesite="lax"
        )
    return response


def _said(visit: Visit) -> tuple[str, str] | None:
    """The sentence of the act before; None for a cookie that is not of our making."""
    text = visit.request.cookies.get(SAID)
    if not text:
        return None
    try:
        state, said = json.loads(unquote(text))
    except (ValueError, TypeError):
        return None
    return (state, said) if state in ("ok", "crit") and isinstance(said, str) else None


def _patch(visit: Visit) -> Response:
    """The patch of an edit, as a file."""
    patch = editing.patch_of(_reader(visit))
    headers = {"content-disposition": 'attachment; filename="estate.patch"'}
    return Response(patch, headers=headers, media_type="text/x-diff; charset=utf-8")


async def _try_out(visit: Visit) -> Response:
    """A page to oneself, by every way one has; what each provider said stands in the record."""
    known = await run_in_threadpool(to_try, visit.call, visit.call.actor.id)
    return await _tried(visit, known)


async def _try_device(visit: Visit) -> Response:
    """A page to one device of one's own."""
    known = await run_in_threadpool(to_try, visit.call, visit.call.actor.id)
    chosen = tuple(one for one in known if one.id == visit.path["id"])
    if not chosen:
        raise NotFound("There is no such device of yours.")
    return await _tried(visit, chosen)


async def _tried(visit: Visit, known: tuple[people.Address, ...]) -> Response:
    call = visit.call
    tried = [await send_test(call, one) for one in known]
    words = await run_in_threadpool(note_tried, call, call.actor.id, tried)
    failed = "".join(f". {one.kind}: {one.answer}" for one in tried if not one.sent)
    return _on(Went("/settings", f"{words}{failed}"))


def _set_up_device(visit: Visit) -> Response:
    """The browser that asks rings from now on for whoever is signed in at it."""
    command = commands.AddDevice(
        visit.text("name").strip() or visit.origin.device,
        visit.text("endpoint"), visit.text("key"), visit.text("secret"),
    )  # fmt: skip
    try:
        done = visit.call.act(command)
    except Refused as error:
        return _back(settings.SCREEN, visit, error)
    return _on(Went("/settings", done.sentence))


async def _send_code(visit: Visit) -> Response:
    """A code to an address of one's own, which proves that pages sent there arrive."""
    said = await send_code(visit.call, visit.path["id"])
    return _on(Went("/settings", f"A code is on its way ({said}). Type it in here within 15 min."))


def _look_like(visit: Visit) -> Response:
    """Theme and zone, kept by the browser."""
    response = RedirectResponse("/settings", 303)
    for name, known in LOOKS.items():
        if (chosen := visit.text(name)) in known:
            response.set_cookie(name, chosen, max_age=YEAR_S, path="/", samesite="lax")
    return response


async def _events(visit: Visit) -> Response:
    """The stream of names that this reader may hear."""
    may = frozenset(one for one in NEEDS.values() if _may(visit, one))
    text = visit.request.query_params.get("after", "")
    back = visit.request.headers.get("last-event-id") is not None
    after = (
        int(text) if text.isascii() and text.isdecimal() and len(text) < 19 and not back else None
    )
    stream = visit.kit.watcher.listen(after=after, may=may)
    return StreamingResponse(stream, media_type="text/event-stream")


def _may(visit: Visit, permission: str) -> bool:
    try:
        people.require(visit.call.actor, permission)
    except MainstayError:
        return False
    return True
