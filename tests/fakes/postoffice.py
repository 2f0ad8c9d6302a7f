"""A real SMTP server (aiosmtpd) that keeps what it gets and fails on command.

with PostOffice(tls=server_context, mode="starttls", login=("mainstay", "secret")) as post:
    post.refuse("RCPT", "550 5.1.1 no such person")
    …
    mail = post.wait(1)[0]
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

NEVER = "never"
DROP = "drop"


@dataclass(frozen=True)
class Letter:
    """One mail that was accepted, or at least received whole."""

    at: float
    sender: str
    recipients: list[str]
    content: bytes
    over_tls: bool
    user: str | None

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=policy.default)  # type: ignore[return-value]


class PostOffice:
    """The server, in a thread of its own."""

    def __init__(
        self,
        *,
        mode: Literal["starttls", "tls", "plain"] = "plain",
        tls: ssl.SSLContext | None = None,
        login: tuple[str, str] | None = None,
    ) -> None:
        self._faults: dict[str, str] = {}
        self._letters: list[Letter] = []
        self._changed = threading.Condition()
        self._login = login
        self._tls = tls if mode == "tls" else None
        self._options: dict[str, Any] = {"hostname": "post.example.com"}
        if login:
            # With mode "tls" aiosmtpd does not see that the whole connection is inside TLS.
            inside = mode == "starttls"
            self._options |= {"auth_required": inside, "auth_require_tls": inside}
            self._options |= {"authenticator": self._authenticate}
        if mode == "starttls":
            self._options |= {"tls_context": tls, "require_starttls": True}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="post", daemon=True)
        self.host = "127.0.0.1"
        self.port = 0

    def __enter__(self) -> PostOffice:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self) -> None:
        def talk() -> SMTP:
            return SMTP(self, loop=self._loop, **self._options)

        self._server = await self._loop.create_server(talk, self.host, 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        mine = asyncio.current_task()
        rest = [task for task in asyncio.all_tasks() if task is not mine]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    @property
    def at(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def letters(self) -> list[Letter]:
        with self._changed:
            return list(self._letters)

    def refuse(self, verb: Literal["MAIL", "RCPT", "DATA"], how: str, *, to: str = "") -> None:
        """From now on `verb` meets this reply line, NEVER (no reply) or DROP (hangs up).

        `to`: only where that is the recipient (of RCPT) or the sender (of MAIL).
        """
        self._faults[f"{verb} {to}".strip()] = how

    def wait(self, count: int, within_s: float = 10.0) -> list[Letter]:
        with self._changed:
            come = self._changed.wait_for(lambda: len(self._letters) >= count, within_s)
            assert come, f"{len(self._letters)} of {count} mails within {within_s} s"
            return list(self._letters)

    # -- aiosmtpd calls these ------------------------------------------------------------------

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return await self._meet("MAIL", server, address) or "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = await self._meet("RCPT", server, address)
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        letter = Letter(
            time.monotonic(),
            envelope.mail_from or "",
            list(envelope.rcpt_tos),
            envelope.original_content or b"",
            server.transport.get_extra_info("ssl_object") is not None,
            session.auth_data.login.decode() if session.authenticated else None,
        )
        with self._changed:
            self._letters.append(letter)
            self._changed.notify_all()
        return await self._meet("DATA", server) or "250 2.0.0 queued as 4F2A"

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, auth: Any
    ) -> AuthResult:
        assert isinstance(auth, LoginPassword)
        good = (auth.login.decode(), auth.password.decode()) == self._login
        return AuthResult(success=good, handled=False, auth_data=auth)

    async def _meet(self, verb: str, server: SMTP, address: str = "") -> str | None:
        fault = self._faults.get(f"{verb} {address}", self._faults.get(verb))
        if fault == NEVER:
            await asyncio.Event().wait()
        if fault == DROP:
            server.transport.abort()
            return "421 bye"
        return fault
