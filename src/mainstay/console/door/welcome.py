"""The screen of a one-time link: set-up, invitation, new password. Looking spends nothing."""

from __future__ import annotations

from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from mainstay import signin
from mainstay.console.answering import go, show
from mainstay.console.door.signing_in import end_known
from mainstay.console.gate import Visit, give_cookie
from mainstay.foundation import record
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Invalid
from mainstay.signin import Link, Opened


def form(visit: Visit) -> Response:
    """Who is welcome, and what they choose."""
    return _screen(visit, _link(visit), problem=None)


async def come_in(visit: Visit) -> Response:
    """The account is made, or has its new password, and its person is signed in."""
    link = await run_in_threadpool(_link, visit)
    password = visit.text("password")
    try:
        name = link.person or signin.name_of(visit.text("name"))
        signin.check_password(password, person=name)
        if password != visit.text("again"):
            raise Invalid("The two passwords are not the same.", pointer="/again")
    except Invalid as error:
        return await run_in_threadpool(_screen, visit, link, problem=error)
    hashed = await visit.kit.hashing.hash(password)
    opened = await visit.app.db.write(partial(_come, visit, name, hashed))
    response = go("/")
    give_cookie(response, opened.secret)
    return response


def _link(visit: Visit) -> Link:
    text = visit.path["link"]
    return visit.app.db.read(lambda tx: signin.read_link(tx, text, now=visit.now))


def _screen(visit: Visit, link: Link, *, problem: Invalid | None) -> Response:
    estate = visit.app.db.read(visit.app.ground.views.current_or_empty).estate
    known = {name: one.name for name, one in estate.people.items()}
    return show(
        visit, "welcome.html", status=400 if problem else 200, link=link, people=known,
        org=estate.org.name, problem=problem, name=visit.text("name"),
        characters_min=signin.CHARACTERS_MIN,
    )  # fmt: skip


def _come(visit: Visit, name: str, hashed: str, tx: Tx) -> Opened:
    view = visit.app.ground.views.current_or_empty(tx)
    opened = signin.come_by_link(
        tx, visit.app.ground.ids, visit.path["link"], name=name, hashed=hashed,
        origin=visit.origin, declared=view.estate.people, now=visit.now,
    )  # fmt: skip
    record.write(tx, opened.facts, now=visit.now, estate_version=view.version)
    end_known(visit, tx, because="signed in anew")
    return opened
