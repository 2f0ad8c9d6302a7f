"""One's own account: password, one-time codes, where one is signed in."""

from __future__ import annotations

from functools import partial

import segno
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from mainstay import signin
from mainstay.acts import commands
from mainstay.console.answering import go, show
from mainstay.console.gate import ACCOUNT, CODES, Visit
from mainstay.foundation.errors import Forbidden, Invalid, MainstayError, Refused

_SAID = {
    "password": "You have a new password. Every other session of yours is over.",
    "off": "Signing in asks for no code any more.",
    "ended": "That session is over.",
}
"""What a redirect says that was done; a query never holds words of its own."""


def screen(visit: Visit, *, problem: MainstayError | None = None) -> Response:
    """The screen."""
    person = visit.session.person
    account, sessions = visit.call.read(
        lambda tx: (
            signin.account(tx, person),
            signin.live_sessions(tx, person, now=visit.now),
        )
    )
    return show(
        visit, "account.html", status=400 if problem else 200, account=account, sessions=sessions,
        title="Signing in", sentence=_sentence(account), problem=problem, said=_SAID.get(visit.request.query_params.get("done", ""), ""),
        must=visit.app.settings.sign_in.totp == "required",
        characters_min=signin.CHARACTERS_MIN,
    )  # fmt: skip


def _sentence(account: signin.Account | None) -> str:
    if account is None or not account.has_password:
        return "You sign in by single sign-on."
    if account.has_totp:
        return "You sign in with your password and a code."
    return "You sign in with your password alone."


async def change_password(visit: Visit) -> Response:
    """A new password, for whoever knows the old one."""
    new = visit.text("password")
    try:
        signin.check_password(new, person=visit.session.person)
        if new != visit.text("again"):
            raise Invalid("The two new passwords are not the same.", pointer="/again")
        await _prove(visit)
        hashed = await visit.kit.hashing.hash(new)
        await run_in_threadpool(visit.call.act, commands.ChangePassword(hashed))
    except Refused as error:
        return await run_in_threadpool(partial(screen, visit, problem=error))
    return go(f"{ACCOUNT}?done=password")


async def _prove(visit: Visit) -> None:
    """Forbidden unless they give their password: a screen left open must not be enough.

    Guessing here is bounded as it is at the door.
    """
    app, name = visit.app, visit.session.person
    attempt = await app.db.write(
        lambda tx: signin.begin(tx, app.ground.ids, name=name, origin=visit.origin, now=visit.now)
    )
    if not await visit.kit.hashing.is_password(attempt.hashed, visit.text("old")):
        raise Forbidden("This is not your password of now.")
    await app.db.write(lambda tx: signin.end_try(tx, attempt))


# -- one-time codes --------------------------------------------------------------------------------


def begin_codes(visit: Visit) -> Response:
    """A secret to set up; nothing changes until a code of it is seen."""
    visit.app.db.run(
        lambda tx: signin.totp.begin(tx, visit.session.person, ring=visit.app.ground.ring)
    )
    return go(CODES)


def codes(visit: Visit, *, problem: MainstayError | None = None) -> Response:
    """The square code and its text; then the first code from the telephone."""
    person = visit.session.person
    secret = visit.call.read(lambda tx: signin.totp.pending(tx, person, ring=visit.app.ground.ring))
    square = None
    if secret is not None:
        issuer = f"Mainstay {visit.call.view().estate.org.name}".strip()
        made = segno.make(signin.totp.uri(person, secret, issuer=issuer), error="m", micro=False)
        # Text of ours in a picture of ours: nothing in it comes from anybody else.
        square = Markup(made.svg_inline(omitsize=True, light="#fff", dark="#000"))  # noqa: S704
    return show(
        visit, "account_codes.html", status=400 if problem else 200, secret=secret, square=square,
        problem=problem, must=visit.must_set_up_codes,
    )  # fmt: skip


def confirm_codes(visit: Visit) -> Response:
    """In force from now on; the recovery codes are shown, this once."""
    try:
        done = visit.call.act(commands.ConfirmTotp(visit.text("code")))
    except Invalid as error:
        return codes(visit, problem=error)
    return show(visit, "account_recovery.html", recovery=done.value)


async def end_codes(visit: Visit) -> Response:
    """Sign in without codes again, for whoever knows their password."""
    try:
        if visit.app.settings.sign_in.totp == "required":
            raise Forbidden("Here everybody signs in with one-time codes (sign_in.totp).")
        await _prove(visit)
        command = commands.TurnOffTotp(visit.session.person)
        await run_in_threadpool(visit.call.act, command)
    except Refused as error:
        return await run_in_threadpool(partial(screen, visit, problem=error))
    return go(f"{ACCOUNT}?done=off")


# -- sessions --------------------------------------------------------------------------------------


def end_session(visit: Visit) -> Response:
    """Signed out there; here, if it is this one."""
    visit.call.act(commands.EndSession(visit.path["id"]))
    return go(f"{ACCOUNT}?done=ended")
