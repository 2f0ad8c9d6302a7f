"""The gate of the console: from a request to somebody signed in, or to the sign-in screen.

In this order: is it from our own pages (unsafe methods), who is it, do they hold the permission
that the screen declares, does the form carry their session's own token. Only then a handler runs.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qsl, quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mainstay import people, signin
from mainstay.console.kit import Kit
from mainstay.console.uploads import Upload, read_multipart
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Forbidden, Impossible, Invalid
from mainstay.foundation.limits import Limits
from mainstay.runtime import Runtime
from mainstay.signin import Origin, Session, Visitor
from mainstay.web import Call, address_of, own_origins, read_body, require

COOKIE = "__Host-mainstay"
"""Never sent to a subdomain, never set by one, never over plain HTTP (RFC 6265bis §4.1.3.2)."""
SIGN_IN = "/sign-in"
ACCOUNT = "/account"
CODES = "/account/codes"
OPEN = "open"
"""Instead of a permission: for whoever asks, signed in or not."""
SELF = "self"
"""Instead of a permission: for whoever is signed in, about themselves alone."""
FIELDS_MAX = 500
_SAFE = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Screen:
    """One route of the console. `run` takes a `Visit` and returns a response; if it is no
    coroutine, it runs in a thread that may wait. Without a permission it cannot be made."""

    method: Literal["GET", "POST"]
    path: str
    permission: str
    run: Callable[..., Any]
    before_codes: bool = False
    """Also for whoever has still to set up one-time codes, where the settings require them."""

    def __post_init__(self) -> None:
        if self.permission not in (OPEN, SELF) and self.permission not in people.PERMISSIONS:
            raise Impossible(f"The screen {self.method} {self.path} declares no permission.")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request that the gate has let through. `known` is None only on screens that are open."""

    app: Runtime
    kit: Kit
    request: Request
    now: datetime
    origin: Origin
    known: Visitor | None = None
    csrf: str = ""
    """To be sent back with each form of this session, as `csrf`, or as `X-CSRF-Token`."""
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, Upload] = field(default_factory=dict)
    """What a form brought along, by field."""

    @property
    def call(self) -> Call:
        """To ask and to act as whoever is signed in."""
        return Call(self.app, self._visitor.actor, self.now)

    @property
    def session(self) -> Session:
        """The session of whoever is signed in."""
        return self._visitor.session

    @property
    def must_set_up_codes(self) -> bool:
        """Whether they may do nothing before that. Single sign-on has codes of its own."""
        known, wanted = self.known, self.app.settings.sign_in.totp == "required"
        return wanted and known is not None and not known.has_totp and self.session.how != "oidc"

    @property
    def path(self) -> Mapping[str, Any]:
        """What the path holds, by the names in its template."""
        found: Mapping[str, Any] = self.request.path_params
        return found

    @property
    def is_part(self) -> bool:
        """Whether htmx asks, for a part of a screen."""
        return self.request.headers.get("hx-request") == "true"

    def text(self, name: str) -> str:
        """One field of the form; empty where there is none."""
        return self.fields.get(name, ("",))[0]

    @property
    def _visitor(self) -> Visitor:
        if self.known is None:
            raise Impossible("An open screen asked who is signed in.")
        return self.known


async def enter(
    app: Runtime, kit: Kit, limits: Limits, screen: Screen, request: Request
) -> Visit | Response:
    """The visit; or where to go instead. Forbidden for what is not asked by our own pages."""
    if request.method not in _SAFE:
        check_origin(request, app)
    now = app.clock.now()
    agent = request.headers.get("user-agent", "")
    origin = Origin(address_of(request.scope, app.settings.behind_proxy), agent)
    cookie = request.cookies.get(COOKIE, "")
    known = await run_in_threadpool(find_visitor, app, cookie, origin, now) if cookie else None
    if known is None and screen.permission != OPEN:
        return to_sign_in(request)
    fields, files = ({}, {}) if request.method in _SAFE else await _form(request, limits)
    visit = Visit(
        app, kit, request, now, origin, known, csrf_of(cookie) if known else "", fields, files
    )
    if known is None:
        return visit
    request.state.visit = visit  # a refusal from here on is shown inside of the frame
    if request.method not in _SAFE:
        check_csrf(visit)
    if visit.must_set_up_codes and not screen.before_codes:
        return _away(request, CODES)
    if screen.permission not in (OPEN, SELF):
        label = f"{request.method} {screen.path}"
        await run_in_threadpool(require, visit.call, screen.permission, what=label)
    return visit


# -- who it is -------------------------------------------------------------------------------------


def find_visitor(app: Runtime, cookie: str, origin: Origin, now: datetime) -> Visitor | None:
    """Whose cookie this is. Asks the database each time: a session that was ended opens nothing."""

    def look(tx: Tx) -> Visitor | None:
        declared = app.ground.views.current_or_empty(tx).estate.people
        return signin.visitor(tx, cookie, declared=declared, now=now)

    known = app.db.read(look)
    if known is not None and signin.is_stale(known.session, now=now):
        name = known.session.id
        app.db.run(lambda tx: signin.mark_seen(tx, name, address=origin.address, now=now))
    return known


def to_sign_in(request: Request) -> Response:
    """Off to the sign-in screen, and back again afterwards."""
    here = request.url.path if request.method in _SAFE else ""
    if here and request.url.query:
        here += f"?{request.url.query}"
    return _away(request, SIGN_IN + (f"?next={quote(here, safe='/')}" if len(here) > 1 else ""))


def _away(request: Request, path: str) -> Response:
    """To another screen, whatever it is that asks."""
    if request.headers.get("hx-request") == "true":
        return Response(status_code=401, headers={"hx-redirect": path.partition("?")[0]})
    if "text/event-stream" in request.headers.get("accept", ""):
        return Response(status_code=401)
    return RedirectResponse(path, status_code=303)


def local_path(text: str) -> str:
    """A path of ours to go on to; the first screen for anything else."""
    is_ours = text.startswith("/") and not text.startswith(("//", "/\\"))
    return text if is_ours and text.isprintable() and "\\" not in text else "/"


def give_cookie(response: Response, secret: str) -> None:
    """The session's cookie. Chromium and Firefox keep a Secure one on plain http://localhost too."""
    response.set_cookie(
        COOKIE, secret, max_age=int(signin.LONGEST.total_seconds()), path="/", secure=True,
        httponly=True, samesite="lax",
    )  # fmt: skip


def take_cookie(response: Response) -> None:
    """Away with it."""
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")


# -- is it from our own pages ----------------------------------------------------------------------


def check_origin(request: Request, app: Runtime) -> None:
    """Forbidden unless the browser says that the request is of a page of ours."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("This was sent by a page of another site; nothing was done.")
    origin = request.headers.get("origin", "").lower()
    ours = own_origins(request.scope, app.settings)
    if origin not in ours:
        raise Forbidden(
            f"This form came from {origin[:100] or 'nowhere'}, and is taken from "
            f"{' or '.join(sorted(ours))} alone. Behind a proxy, set public_url to what people "
            "see in their browser."
        )


def csrf_of(cookie: str) -> str:
    """The token of a session's forms: nobody can compute it who has not the cookie."""
    return hmac.new(cookie.encode(), b"mainstay form", hashlib.sha256).hexdigest()


def check_csrf(visit: Visit) -> None:
    """Forbidden unless the form is of this very session."""
    sent = visit.request.headers.get("x-csrf-token") or visit.text("csrf")
    if not hmac.compare_digest(sent.encode(), visit.csrf.encode()):
        raise Forbidden(
            "This form belongs to an earlier session; nothing was done. Load the screen again."
        )


async def _form(
    request: Request, limits: Limits
) -> tuple[dict[str, tuple[str, ...]], dict[str, Upload]]:
    """The fields of the form, each perhaps more than once, and its files."""
    body = await read_body(request.receive, request.headers.raw, limits=limits)
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if body and kind == "multipart/form-data":
        pairs, files = read_multipart(body, content_type)
        return _gathered(pairs), files
    if body and kind != "application/x-www-form-urlencoded":
        raise Invalid("Send a form (application/x-www-form-urlencoded).", http_status=415)
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict"
        )
    except ValueError:
        raise Invalid("This form cannot be read.") from None
    return _gathered(pairs), {}


def _gathered(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        found[name] = (*found.get(name, ()), value.replace("\r\n", "\n"))
    return found
