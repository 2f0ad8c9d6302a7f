"""The channel: what a push says, how long it is worth delivering, and what the answer means."""

from __future__ import annotations

import hashlib
import json
from urllib.parse import urlsplit

from mainstay.foundation.clock import Clock
from mainstay.foundation.egress import Egress, Reply
from mainstay.foundation.errors import Rejected, Unreachable
from mainstay.paging.channels.answers import accept
from mainstay.paging.channels.page import (
    REPEAT_NOTE,
    Answer,
    Page,
    To,
    concealed,
    cut,
    many_lines,
    shown,
    title,
)
from mainstay.paging.channels.push.sealing import PLAIN_BYTES_MAX, seal
from mainstay.paging.channels.push.vapid import Vapid, bytes_of, text_of

TTL_S = 3600
"""How long a push service keeps a page for a phone that is away. What arrives later than that would
ring for something that has long gone to somebody else."""
TITLE_CHARS_MAX = 150
BODY_CHARS_MAX = 2000
"""More than any lock screen shows."""
TOPIC_CHARS = 32
_URGENCY = {"high": "high", "low": "normal"}
"""RFC 8030 §5.3; `low` would wait until the phone is charged."""
_GONE = (404, 410)


class Push:
    """A notification on one browser. The address is its endpoint; the secret, key and secret of it."""

    kind = "push"

    def __init__(self, egress: Egress, clock: Clock, *, vapid: Vapid) -> None:
        self._egress = egress
        self._clock = clock
        self._vapid = vapid

    @property
    def public_key(self) -> str:
        """What a browser subscribes with."""
        return self._vapid.public_key

    def check(self, address: str) -> str:
        """The endpoint that the browser's push service gave, if we may call it."""
        return self._egress.check(address.strip())

    async def send(self, page: Page, to: To) -> Answer:
        """Accepted is the push service's 2xx: it will deliver within the hour, or not at all.

        A `Rejected` with the fact `gone`: the browser does not take pages any more, for good.
        """
        key, secret = _keys(to)
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Encoding": "aes128gcm",
            "TTL": str(TTL_S),
            "Urgency": _URGENCY[page.urgency],
            "Topic": topic(page.incident),
            "Idempotency-Key": page.idempotency_key,
            "Authorization": self._vapid.authorization(to.address, now=self._clock.now()),
        }
        body = seal(message(page), key=key, secret=secret)
        reply = await self._egress.request("POST", to.address, headers=headers, body=body)
        return self._answer(reply, page, to)

    def _answer(self, reply: Reply, page: Page, to: To) -> Answer:
        if reply.status in _GONE:
            words = f"The browser does not take pages any more ({reply.status})."
            raise Rejected(words, reply=reply.status, permanent=True, gone=True)
        hide = (*concealed(page, to), *(to.secret or "").split("."))
        accept(reply, "The push service", clock=self._clock, hide=hide)
        where = urlsplit(to.address).hostname
        return Answer(None, shown(f"{reply.status}, taken by {where}", hide=hide))


def topic(incident: str) -> str:
    """Of an undelivered page of the same incident, the newest alone is delivered (RFC 8030 §5.4)."""
    return text_of(hashlib.sha256(incident.encode("utf-8", "replace")).digest())[:TOPIC_CHARS]


def message(page: Page) -> bytes:
    """What the service worker of the console reads; the words are cut until it fits.

    Paths instead of addresses: the browser knows under which name it reaches us.
    """
    said: dict[str, object] = {
        "incident": page.incident,
        "title": title(page, TITLE_CHARS_MAX),
        "urgency": page.urgency,
        "stopped": page.facts.get("event") == "stopped",
        "ack": urlsplit(page.ack_url).path if page.ack_url else None,
    }
    body = _body(page)
    while len(packed := _packed(said | {"body": body})) > PLAIN_BYTES_MAX:
        body = cut(body, len(body) - 1 - (len(packed) - PLAIN_BYTES_MAX) // 4)
    return packed


def _packed(said: dict[str, object]) -> bytes:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _body(page: Page) -> str:
    """What and why you, and then the rest: a lock screen shows four lines."""
    why = (page.facts.get("page") or {}).get("because")
    lines = [
        line
        for line in many_lines(page.text, BODY_CHARS_MAX).split("\n")
        if line and line not in page.subject and not line.startswith(("Why you:", "Acknowledge:"))
    ]
    first = [REPEAT_NOTE] if page.repeat else []
    return cut("\n".join([*first, *([f"Why you: {why}."] if why else []), *lines]), BODY_CHARS_MAX)


def _keys(to: To) -> tuple[bytes, bytes]:
    """The browser's public key and its authentication secret."""
    key, _, secret = (to.secret or "").partition(".")
    if not key or not secret:
        words = "This is no device that was set up in the console; set it up there."
        raise Unreachable(words, permanent=True)
    return bytes_of(key), bytes_of(secret)
