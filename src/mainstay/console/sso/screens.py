"""To the provider and back again."""

from __future__ import annotations

import hmac
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from mainstay import signin
from mainstay.console.answering import go, show
from mainstay.console.door.signing_in import end_known
from mainstay.console.gate import Visit, give_cookie, local_path
from mainstay.console.sso import seed as seeds
from mainstay.foundation import record
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Forbidden, MainstayError, NotFound, Outside, Refused
from mainstay.foundation.record import Fact
from mainstay.signin import Claims, Opened

SEED = "__Host-mainstay-sso"
SEED_S = 600
"""How long somebody may take at the provider."""


async def begin(visit: Visit) -> Response:
    """Off to the provider, with a seed in a cookie that its answer must fit."""
    provider = visit.kit.sso
    if provider is None:
        raise NotFound("No single sign-on is set up here.")
    seed = seeds.new_seed()
    try:
        way = await provider.way(seed)
    except Outside as error:
        return await run_in_threadpool(_failed, visit, error)
    response = RedirectResponse(way, status_code=303)
    on = local_path(visit.request.query_params.get("next", "/"))
    response.set_cookie(
        SEED, f"{seed}.{on}", max_age=SEED_S, path="/", secure=True, httponly=True, samesite="lax"
    )
    return response


async def back(visit: Visit) -> Response:
    """From the provider: a session, or what was wrong; the seed counts once."""
    if visit.kit.sso is None:
        raise NotFound("No single sign-on is set up here.")
    seed, _, on = visit.request.cookies.get(SEED, "").partition(".")
    try:
        opened = await _come(visit, seed)
        response = go(local_path(on))
        give_cookie(response, opened.secret)
    except (Outside, Refused) as error:
        response = await run_in_threadpool(_failed, visit, error)
    response.delete_cookie(SEED, path="/", secure=True, httponly=True, samesite="lax")
    return response


async def _come(visit: Visit, seed: str) -> Opened:
    query = visit.request.query_params
    state = query.get("state", "")
    if not seed or not hmac.compare_digest(state.encode(), seeds.state_of(seed).encode()):
        raise Forbidden("This is no answer to a sign-in that began here a moment ago. Try again.")
    if "code" not in query:
        raise Forbidden(f"The provider let nobody in: {query.get('error', 'no reason')[:100]}.")
    claims = await visit.kit.sso.claims(query["code"], seed)
    return await visit.app.db.write(partial(_open, visit, claims))


def _open(visit: Visit, claims: Claims, tx: Tx) -> Opened:
    view = visit.app.ground.views.current_or_empty(tx)
    opened = signin.come_by_provider(
        tx, visit.app.ground.ids, claims, roles=visit.kit.sso.roles,
        origin=visit.origin, declared=view.estate.people, teams=view.estate.teams,
        ring=visit.app.ground.ring, now=visit.now,
    )  # fmt: skip
    record.write(tx, opened.facts, now=visit.now, estate_version=view.version)
    end_known(visit, tx, because="signed in anew")
    return opened


def _failed(visit: Visit, error: MainstayError) -> Response:
    """The sign-in screen with what was wrong, and a row in the record."""
    app, said = visit.app, error.sentence
    words = f"single sign-on from {visit.origin.address} failed: {said}"

    def note(tx: Tx) -> None:
        version = app.ground.views.current_or_empty(tx).version
        fact = Fact("session.refused", "unknown", words)
        record.write(tx, [fact], now=visit.now, estate_version=version)

    app.db.run(note)
    status = 403 if isinstance(error, Refused) else 502
    return show(visit, "sign_in.html", status=status, next="/", name="", problem=said)
