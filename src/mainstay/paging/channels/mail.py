"""Mail: SMTP with TLS, one message a page, the same Message-ID for every copy of it.

The steps are taken one by one, because it matters at which of them a server fails: before the
message itself has left, nothing was delivered; after it, nobody knows until the server says 250.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import html
import re
import smtplib
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime
from typing import Literal

from mainstay.foundation.clock import Clock
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import (
    BadReply,
    Invalid,
    Outside,
    Rejected,
    TimedOut,
    Unreachable,
)
from mainstay.paging.channels.page import REPEAT_NOTE, Answer, Page, To, shown, title, told

THREADS = 8
"""Mails under way at once; their own threads, so that a hung mail server delays nothing else."""
TEXT_CHARS_MAX = 20_000
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9-]{1,63}")


@dataclass(frozen=True, slots=True)
class Smtp:
    """The relay that takes our mail; `password` is the secret itself, in clear."""

    host: str
    port: int
    security: Literal["starttls", "tls", "plain"]
    """`plain` sends everything readable: only for a relay on this machine."""
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_s: float = 15.0
    """For the whole conversation."""
    ca_file: str | None = None

    def __post_init__(self) -> None:
        if self.security == "plain" and self.user is not None:
            raise Invalid(
                "With security plain, the mail password would cross the network readable. "
                "Use starttls or tls, or a relay that asks for no password."
            )


class Mail:
    """A mail to one address."""

    kind = "mail"

    def __init__(self, egress: Egress, clock: Clock, *, relay: Smtp) -> None:
        self._egress = egress
        self._clock = clock
        self._relay = relay
        self._sender = self.check(relay.sender)
        self._tls: ssl.SSLContext | None = None
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="mail")

    def check(self, address: str) -> str:
        """One bare address, name@domain, the domain in lower case and ASCII."""
        local, _, domain = address.strip().rpartition("@")
        try:
            domain = domain.lower() if domain.isascii() else domain.encode("idna").decode("ascii")
        except UnicodeError:
            domain = ""
        if not (
            _LOCAL.fullmatch(local)
            and _DOMAIN.fullmatch(domain)
            and len(local) <= 64
            and len(domain) <= 253
        ):
            raise Invalid(
                "A mail address is one name@domain in plain letters, as in ana@example.com, "
                "without a display name."
            )
        return f"{local}@{domain}"

    async def send(self, page: Page, to: To) -> Answer:
        """Accepted is the server's 250 to the whole message."""
        message = compose(page, to.address, sender=self._sender, date=self._date())
        talk = _Conversation(self._egress, self._relay, context=self._context)
        loop = asyncio.get_running_loop()
        call = loop.run_in_executor(self._threads, talk.deliver, message, self._sender, to.address)
        try:
            async with asyncio.timeout(self._relay.timeout_s):
                words = await asyncio.shield(call)
        except TimeoutError:
            talk.hang_up()
            call.add_done_callback(_forget)
            raise talk.silent() from None
        except asyncio.CancelledError:
            talk.hang_up()
            call.add_done_callback(_forget)
            raise
        return Answer(str(message["Message-ID"]), shown(words))

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:  # 0.1 s of reading certificates: once, in a mail's own thread
            self._tls = self._egress.tls_context(self._relay.ca_file)
        return self._tls

    def _date(self) -> str:
        return format_datetime(self._clock.now(), usegmt=True)


def compose(page: Page, address: str, *, sender: str, date: str) -> EmailMessage:
    """The page as RFC 5322: plain text, and the same in HTML with a link to acknowledge."""
    domain = sender.rpartition("@")[2]
    message = EmailMessage(policy=WIRE)
    message["From"] = f"Mainstay <{sender}>"
    message["To"] = address
    message["Subject"] = title(page, 150)
    message["Date"] = date
    message["Message-ID"] = f"<{_digest(page.idempotency_key)}@{domain}>"
    # Mails of one incident show as one conversation.
    message["References"] = f"<{_digest(page.incident)}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if page.urgency == "high":
        message["Importance"] = "high"
        message["X-Priority"] = "1"
    message["Mainstay-Idempotency-Key"] = _digest(page.idempotency_key)
    text = told(page, TEXT_CHARS_MAX)
    link = f"\n\nAcknowledge: {page.ack_url}" if page.ack_url else ""
    message.set_content(f"{text}{link}\n", cte="quoted-printable")
    message.add_alternative(_html(page), subtype="html", cte="quoted-printable")
    return message


def _html(page: Page) -> str:
    text = told(page, TEXT_CHARS_MAX).removeprefix(REPEAT_NOTE).strip()
    note = f"<p><em>{html.escape(REPEAT_NOTE)}</em></p>" if page.repeat else ""
    link = ""
    if page.ack_url:
        link = f'<p><a href="{html.escape(page.ack_url)}"><strong>Acknowledge</strong></a></p>'
    return (
        '<!DOCTYPE html><html><body style="font-family: sans-serif">'
        f'{note}<div style="white-space: pre-wrap">{html.escape(text)}</div>{link}'
        "</body></html>\n"
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:40]


class _Conversation:
    """One talk with the relay, in a thread; `hang_up` may come from another."""

    def __init__(
        self, egress: Egress, relay: Smtp, *, context: Callable[[], ssl.SSLContext]
    ) -> None:
        self._egress = egress
        self._relay = relay
        self._context = context
        self._line: socket.socket | None = None
        self._dropped = False
        self._handed_over = False

    def deliver(self, message: EmailMessage, sender: str, address: str) -> str:
        """The server's last words on success; an `Outside` error otherwise."""
        try:
            client = self._open()
            _said(client.mail(sender), "the sender")
            _said(client.rcpt(address), "the recipient")
            self._handed_over = True
            words = _said(client.data(message.as_bytes()), "the message")
        except (smtplib.SMTPException, OSError, ValueError) as error:
            self._close()
            raise self._failed(error) from error
        except Outside:
            self._close()
            raise
        self._say_goodbye(client)
        return words

    def hang_up(self) -> None:
        """Cut the line, so that the waiting thread comes back."""
        self._dropped = True
        if self._line is not None:
            _cut_line(self._line)

    def silent(self) -> Outside:
        """The error for a relay that did not answer in time."""
        where, span = f"{self._relay.host}:{self._relay.port}", f"{self._relay.timeout_s:g} s"
        if self._handed_over:
            return TimedOut(f"{where} took the mail, but did not confirm it within {span}.")
        return Unreachable(f"{where} did not take the mail within {span}.")

    def _open(self) -> smtplib.SMTP:
        relay = self._relay
        line = self._egress.connect_socket(relay.host, relay.port, timeout_s=relay.timeout_s)
        self._keep(line)
        if relay.security == "tls":
            line = self._context().wrap_socket(line, server_hostname=relay.host)
            self._keep(line)
        client = _Client(line, relay.host, relay.port, relay.timeout_s)
        if relay.security == "starttls":
            client.ehlo_or_helo_if_needed()
            _said(client.starttls(context=self._context()), "STARTTLS")
            if client.sock is not None:
                self._keep(client.sock)
        client.ehlo_or_helo_if_needed()
        if relay.user is not None:
            _log_in(client, relay.user, relay.password or "")
        return client

    def _keep(self, line: socket.socket) -> None:
        self._line = line
        if self._dropped:
            _cut_line(line)

    def _close(self) -> None:
        if self._line is not None:
            self._line.close()

    def _failed(self, error: Exception) -> Outside:
        where = f"{self._relay.host}:{self._relay.port}"
        match error:
            case smtplib.SMTPResponseException(smtp_code=code) if code > 0:
                return _no(code, error.smtp_error, f"{where} refused")
            case smtplib.SMTPNotSupportedError():
                return Unreachable(f"{where} does not offer what we need: {error}.")
            case ssl.SSLError() if not self._handed_over:
                return Unreachable(f"{where}: no secure connection ({error.reason or error}).")
            case TimeoutError():
                return self.silent()
        if self._handed_over:
            return BadReply(f"{where} broke off before it confirmed the mail ({error}).")
        return Unreachable(f"{where} broke off before it took the mail ({error}).")

    @staticmethod
    def _say_goodbye(client: smtplib.SMTP) -> None:
        try:
            client.quit()
        except (smtplib.SMTPException, OSError):
            client.close()  # it has said 250; how it leaves does not matter


class _Client(smtplib.SMTP):
    """smtplib on a socket that the guard has connected."""

    def __init__(self, line: socket.socket, host: str, port: int, timeout_s: float) -> None:
        self._line = line
        mine = line.getsockname()[0]
        # An address literal (RFC 5321 §4.1.3) is always a lawful name, and asks no resolver.
        name = f"[IPv6:{mine}]" if ":" in mine else f"[{mine}]"
        super().__init__(host, port, local_hostname=name, timeout=timeout_s)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._line


def _log_in(client: smtplib.SMTP, user: str, password: str) -> None:
    if user.isascii() and password.isascii():
        client.login(user, password)
        return
    # smtplib knows only ASCII; RFC 4616 says UTF-8.
    secret = base64.b64encode(f"\0{user}\0{password}".encode()).decode("ascii")
    _said(client.docmd("AUTH", f"PLAIN {secret}"), "the password")


def _said(answer: tuple[int, bytes], what: str) -> str:
    """The server's words when it said yes."""
    code, words = answer
    if not 200 <= code < 300:
        raise _no(code, words, f"The mail server refused {what}")
    return f"{code} {words.decode('utf-8', 'replace')}"


def _no(code: int, words: bytes | str, who: str) -> Rejected:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return Rejected(f"{who}: {code} {shown(text)}", reply=code, permanent=code >= 500)


def _cut_line(line: socket.socket) -> None:
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError:
        line.close()  # not connected any more


def _forget(call: asyncio.Future[str]) -> None:
    """The answer of a conversation that we hung up on is of no use to anyone."""
    if not call.cancelled():
        call.exception()
