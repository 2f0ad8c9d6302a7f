"""The second path: mail and a webhook of the watchdog's own, and the heartbeat to somebody outside.

It shares the words of SMTP and of the signature with the channels that page, and nothing that runs:
no outbox, no writer, no loop, no connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TypeVar
from urllib.parse import urlsplit

from mainstay.foundation.clock import Clock, to_text
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import Invalid, MainstayError
from mainstay.foundation.secrets import is_reference, resolve
from mainstay.foundation.settings import AlarmMail, Settings
from mainstay.paging.channels import Channel, Page, Smtp, To, build
from mainstay.watchdog.telling import Message

log = logging.getLogger("mainstay.watchdog")

T = TypeVar("T")
STEP_S = 10.0
"""How long a mail, a call or a ping may take: the keeper hears from us after each step of a round."""
Way = tuple[str, Channel, To]
"""What it is called in the log, how to send, where to."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Every way to be heard that the settings name."""

    egress: Egress
    ways: tuple[Way, ...]
    heartbeat_url: str | None
    node: str

    async def tell(self, message: Message, *, now: datetime) -> bool:
        """Say it by every way at once; whether any of them took it. Never raises."""
        for line in message.text.splitlines():
            if line:
                log.error("%s", line.removeprefix("- "))
        if not self.ways:
            return True  # the log is all that there is, and it has been told
        page = _page(message, self.node, now)
        taken = await asyncio.gather(*(_tried(way, page) for way in self.ways))
        return any(taken)

    async def beat(self) -> bool:
        """Ping the heartbeat; whether it was heard. Never raises."""
        if self.heartbeat_url is None:
            return False
        call = self.egress.request("GET", self.heartbeat_url, timeout_s=STEP_S)
        return await _went_out("the heartbeat", call, lambda reply: reply.status < 400)


def open_alarm(
    settings: Settings, *, environment: Mapping[str, str], node: str, clock: Clock
) -> Alarm:
    """Ready to be heard. Invalid when a secret cannot be read: better now than in the night."""
    own = settings.watchdog
    hook = _resolved(own.webhook.url if own.webhook else None, environment)
    beat = _resolved(own.heartbeat_url, environment)
    egress = Egress(_allowed(settings, hook, beat))
    relay = _relay(own.mail, environment) if own.mail else None
    channels = build(egress, smtp=relay, clock=clock)
    ways: list[Way] = []
    if own.mail:
        mail = channels["mail"]
        ways += [(f"mail to {one}", mail, To(mail.check(one))) for one in own.mail.to]
    if own.webhook and hook:
        secret = own.webhook.secret
        key = resolve(secret, environment=environment) if secret else None
        ways.append(("the webhook", channels["webhook"], To(channels["webhook"].check(hook), key)))
    return Alarm(egress, tuple(ways), beat, node)


def _allowed(settings: Settings, *urls: str | None) -> frozenset[str]:
    """What `egress.allow` opens, and what the administrator named for the watchdog itself."""
    named = {
        f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
        for parts in (urlsplit(url) for url in urls if url)
    }
    mail = settings.watchdog.mail
    relay = {f"{mail.host}:{mail.port}"} if mail else set()
    return frozenset(settings.egress.allow) | named | relay


def _relay(mail: AlarmMail, environment: Mapping[str, str]) -> Smtp:
    password = resolve(mail.password, environment=environment) if mail.password else None
    return Smtp(
        host=mail.host, port=mail.port,
        security="plain" if mail.security == "none" else mail.security,
        user=mail.user, password=password, sender=mail.sender,
        ca_file=str(mail.ca_file) if mail.ca_file else None, timeout_s=STEP_S,
    )  # fmt: skip


def _resolved(text: str | None, environment: Mapping[str, str]) -> str | None:
    if text is None or not is_reference(text):
        return text
    url = resolve(text, environment=environment)
    if urlsplit(url).scheme not in ("http", "https"):
        raise Invalid(f"{text} holds no http(s) URL.")
    return url


def _page(message: Message, node: str, now: datetime) -> Page:
    keys = "\n".join((message.event, to_text(now), *message.keys))
    return Page(
        idempotency_key=sha256(keys.encode()).hexdigest()[:32],
        repeat=False,
        person="watchdog",
        person_name="whoever answers for Mainstay",
        incident="",
        subject=f"Mainstay watchdog: {message.subject}",
        text=f"{message.text}\n\nThe watchdog of Mainstay on {node}, {to_text(now)}",
        urgency="high" if message.event != "recovery" else "low",
        ack_url=None,
        reply_code=None,
        facts={"event": f"watchdog.{message.event}", "node": node, "keys": list(message.keys)},
    )


async def _tried(way: Way, page: Page) -> bool:
    name, channel, to = way
    return await _went_out(name, channel.send(page, to), lambda _: True)


async def _went_out(name: str, call: Awaitable[T], heard: Callable[[T], bool]) -> bool:
    try:
        if heard(await call):
            return True
        log.error("%s was refused", name)
    except MainstayError as error:
        log.error("%s could not be reached: %s", name, error.sentence)
    return False
