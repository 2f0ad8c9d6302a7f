"""`/livez`: the process turns. `/readyz`: it can also take a signal in and work it off.

Everybody hears yes or no; why not is for those who may read how this install stands, and for our
own watchdog, which knows a secret of this process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool

from mainstay import __version__
from mainstay.api.asking import admit, token_of
from mainstay.foundation.db import Tx, schema_number, schema_of
from mainstay.foundation.errors import MainstayError, Refused
from mainstay.foundation.secrets import same
from mainstay.pulse import Reason
from mainstay.runtime import Runtime
from mainstay.signals import Reply
from mainstay.web import Answered, Receive, Scope, Send, answer

LIVE, READY = "/livez", "/readyz"
PERMISSION = "system.read"
WITHIN_S = 3.0
"""How long a write and a read may take; beyond it, whoever sends us something waits too long."""

Respond = Callable[[Scope, Receive, Send], Awaitable[None]]


class Health:
    """The part of the application at `/livez` and `/readyz`."""

    def __init__(self, app: Runtime, knock: Callable[[], Awaitable[None]]) -> None:
        """`knock`: goes through the intake and the writer as a signal does, and stores nothing."""
        self._app = app
        self._knock = knock
        self._knocking: asyncio.Task[None] | None = None

    def match(self, scope: Scope) -> Respond | None:
        """Who answers this path."""
        if scope["path"] == LIVE:
            return _live
        return self._ready if scope["path"] == READY else None

    async def _ready(self, scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, self._answered(scope), refuse=_not_ready, template=READY)

    async def _answered(self, scope: Scope) -> Answered:
        reasons, seen = await asyncio.gather(self.reasons(), self._may_see(scope))
        told: dict[str, Any] = {"ok": not reasons}
        if seen:
            told |= self._whole(reasons)
        return Reply(503 if reasons else 200, msgspec.json.encode(told)), ()

    async def reasons(self) -> list[Reason]:
        """Why nobody should send us anything now; none, when all is well."""
        found = self._app.pulse.reasons()
        if self._app.reserve.is_used:
            found.append(Reason("disk", "The disk is full: no signals are taken; pages go on."))
        written, read = await asyncio.gather(self._cannot_write(), self._cannot_read())
        return found + [one for one in (written, read) if one is not None]

    def _whole(self, reasons: list[Reason]) -> dict[str, Any]:
        ages = {name: round(age_s, 1) for name, age_s in self._app.pulse.ages().items()}
        return {
            "node": self._app.ground.node,
            "version": __version__,
            "schema": schema_number(),
            "reasons": [{"what": one.what, "sentence": one.sentence} for one in reasons],
            "loops": ages,
        }

    async def _may_see(self, scope: Scope) -> bool:
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        token = token_of(headers)
        if token is None:
            return False
        if same(token, self._app.probe_token):
            return True
        try:
            await asyncio.wait_for(
                run_in_threadpool(admit, self._app, token, PERMISSION, what=f"GET {READY}"),
                WITHIN_S,
            )
        except (Refused, TimeoutError):
            return False
        return True

    async def _cannot_write(self) -> Reason | None:
        """One knock at a time: while one hangs, everybody waits for that one."""
        if self._knocking is None or self._knocking.done():
            self._knocking = asyncio.ensure_future(self._knock())
            self._knocking.add_done_callback(_taken)
        try:
            await asyncio.wait_for(asyncio.shield(self._knocking), WITHIN_S)
        except TimeoutError:
            return Reason("intake", f"No signal could be stored within {WITHIN_S:g} s.")
        except MainstayError as error:
            return Reason("intake", f"No signal can be stored: {error.sentence}")
        return None

    async def _cannot_read(self) -> Reason | None:
        try:
            stored = await asyncio.wait_for(
                asyncio.to_thread(partial(self._app.db.read, _schema)), WITHIN_S
            )
        except TimeoutError:
            return Reason("database", f"The database did not answer within {WITHIN_S:g} s.")
        except MainstayError as error:
            return Reason("database", error.sentence)
        if stored == schema_number():
            return None
        words = (
            f"The database has schema {stored} and this program {schema_number()}; "
            "another version of Mainstay has migrated it."
        )
        return Reason("schema", words)


def _schema(tx: Tx) -> int:
    return schema_of(tx)


def _taken(knock: asyncio.Future[None]) -> None:
    """Its failure has been told, or nobody waited for it any more."""
    if not knock.cancelled():
        knock.exception()


async def _live(scope: Scope, receive: Receive, send: Send) -> None:
    async def work() -> Answered:
        return Reply(200, b'{"ok":true}'), ()

    await answer(send, work(), refuse=_not_ready, template=LIVE)


def _not_ready(error: MainstayError) -> Reply:
    return Reply(503, b'{"ok":false}')
