"""Signing in by name, password and code; and out again."""

from __future__ import annotations

from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from mainstay import signin
from mainstay.console.answering import go, show
from mainstay.console.gate import SIGN_IN, Visit, give_cookie, local_path, take_cookie
from mainstay.foundation import record
from mainstay.foundation.db import Tx
from mainstay.foundation.record import Fact
from mainstay.signin import Opened, Try


def form(visit: Visit) -> Response:
    """The sign-in screen; whoever is signed in already goes on."""
    on = local_path(visit.request.query_params.get("next", "/"))
    if visit.known is not None:
        return go(on)
    return show(visit, "sign_in.html", next=on, name="", problem=None)


async def sign_in(visit: Visit) -> Response:
    """A session for the right words; for others the same screen again, always with one sentence."""
    app, name = visit.app, visit.text("name")
    attempt = await app.db.write(
        lambda tx: signin.begin(tx, app.ground.ids, name=name, origin=visit.origin, now=visit.now)
    )
    is_right = await visit.kit.hashing.is_password(attempt.hashed, visit.text("password"))
    opened = await app.db.write(partial(_finish, visit, attempt, is_right))
    on = local_path(visit.text("next"))
    if opened is None:
        words = {"next": on, "name": name, "problem": signin.WRONG}
        return await run_in_threadpool(show, visit, "sign_in.html", status=401, **words)
    response = go(on)
    give_cookie(response, opened.secret)
    return response


def _finish(visit: Visit, attempt: Try, is_right: bool, tx: Tx) -> Opened | None:
    view = visit.app.ground.views.current_or_empty(tx)
    done = signin.finish(
        tx, visit.app.ground.ids, attempt, is_right=is_right, code=visit.text("code"),
        origin=visit.origin, declared=view.estate.people, ring=visit.app.ground.ring,
        now=visit.now,
    )  # fmt: skip
    facts = done.facts if isinstance(done, Opened) else done
    record.write(tx, facts, now=visit.now, estate_version=view.version)
    if not isinstance(done, Opened):
        return None
    end_known(visit, tx, because="signed in anew")
    return done


async def sign_out(visit: Visit) -> Response:
    """The session ends, on every node; the cookie goes. At the provider it is a link to follow:
    a form that leads elsewhere is what our own policy forbids."""
    await visit.app.db.write(lambda tx: end_known(visit, tx, because="signed out"))
    way, hint = None, signin.hint_of(visit.session, ring=visit.app.ground.ring)
    if visit.kit.sso is not None and hint is not None:
        way = await visit.kit.sso.way_out(hint, back=visit.app.settings.public_url + SIGN_IN)
    response = go(SIGN_IN) if way is None else show(visit, "signed_out.html", way=way)
    take_cookie(response)
    return response


def end_known(visit: Visit, tx: Tx, *, because: str) -> None:
    """The session that the browser came with is over, if it had one."""
    if visit.known is None:
        return
    session = visit.known.session
    actor = f"person:{session.person}"
    facts: tuple[Fact, ...] = signin.end_session(
        tx, session, actor=actor, because=because, now=visit.now
    )
    version = visit.app.ground.views.current_or_empty(tx).version
    record.write(tx, facts, now=visit.now, estate_version=version)
