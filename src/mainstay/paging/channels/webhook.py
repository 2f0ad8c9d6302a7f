"""Webhook: the page as JSON to any address, signed so that the receiver knows who sent it.

    Mainstay-Signature: t=1795327208,v1=5257a869e7…
    Idempotency-Key: …

`v1` is the HMAC-SHA256, in hex, of `t`, a dot and the raw body, under the address's secret.
`verify` is the receiver's half.
"""

from __future__ import annotations

import hmac
import json
from datetime import datetime

from mainstay.foundation.clock import Clock, to_us
from mainstay.foundation.egress import Egress
from mainstay.paging.channels.answers import accept, text_of
from mainstay.paging.channels.page import REPEAT_NOTE, Answer, Page, To, concealed, shown

SIGNATURE = "Mainstay-Signature"
TOLERANCE_S = 300
"""How far the sender's clock and ours may be apart; also how long a captured call can be replayed."""


class Webhook:
    """POST to the address."""

    kind = "webhook"

    def __init__(self, egress: Egress, clock: Clock) -> None:
        self._egress = egress
        self._clock = clock

    def check(self, address: str) -> str:
        """An http or https URL that we may call."""
        return self._egress.check(address.strip())

    async def send(self, page: Page, to: To) -> Answer:
        """Accepted is any 2xx whose body does not say no."""
        body = json.dumps(_document(page), separators=(",", ":")).encode("ascii")
        headers = {"Content-Type": "application/json", "Idempotency-Key": page.idempotency_key}
        if to.secret:
            headers[SIGNATURE] = signature(body, to.secret, now=self._clock.now())
        reply = await self._egress.request("POST", to.address, headers=headers, body=body)
        hide = concealed(page, to)
        answer = accept(reply, "The webhook", clock=self._clock, hide=hide)
        given = answer.get("id")
        words = f"{reply.status} {text_of(reply)}"
        return Answer(
            shown(given, hide=hide) if isinstance(given, str) else None, shown(words, hide=hide)
        )


def signature(body: bytes, secret: str, *, now: datetime) -> str:
    """The value of `Mainstay-Signature` for `body`, sent at `now`."""
    at = to_us(now) // 1_000_000
    return f"t={at},v1={_digest(body, secret, at=str(at))}"


def verify(body: bytes, header: str, *, secret: str, now: datetime) -> bool:
    """Whether `header` signs exactly these raw bytes, within five minutes of `now`.

    Constant-time; whatever is malformed is False. To refuse replays within the five minutes,
    remember the `Idempotency-Key`.
    """
    fields = dict(part.strip().partition("=")[::2] for part in header.split(","))
    at, given = fields.get("t", ""), fields.get("v1", "")
    if not (at.isascii() and at.isdigit() and len(at) <= 12):
        return False
    if abs(to_us(now) // 1_000_000 - int(at)) > TOLERANCE_S:
        return False
    expected = _digest(body, secret, at=at)
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))


def _digest(body: bytes, secret: str, *, at: str) -> str:
    return hmac.new(secret.encode(), at.encode() + b"." + body, "sha256").hexdigest()


def _document(page: Page) -> dict[str, object]:
    """The page's facts (event, incident, alerts) beside the words that a person would read."""
    return {
        **page.facts,
        "idempotency_key": page.idempotency_key,
        "repeat": page.repeat,
        "note": REPEAT_NOTE if page.repeat else None,
        "person": {"id": page.person, "name": page.person_name},
        "subject": page.subject,
        "text": page.text,
        "urgency": page.urgency,
        "ack_url": page.ack_url,
    }
