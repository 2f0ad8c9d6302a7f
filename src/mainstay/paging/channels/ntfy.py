"""ntfy: a push to a phone, through ntfy.sh or a server of one's own (docs.ntfy.sh/publish).

The message goes as JSON to the server's root, so that no text ever becomes a header.
"""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

from mainstay.foundation.clock import Clock
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import BadReply, Invalid
from mainstay.paging.channels.answers import accept, text_of
from mainstay.paging.channels.page import Answer, Page, To, concealed, shown, title, told

TITLE_CHARS_MAX = 150
MESSAGE_BYTES_MAX = 4096
"""ntfy turns a longer message into an attachment."""
_PRIORITY = {"high": 5, "low": 3}
_TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")


class Ntfy:
    """A push to everyone who listens to the topic; the secret, if any, is an access token."""

    kind = "ntfy"

    def __init__(self, egress: Egress, clock: Clock, *, server: str = "https://ntfy.sh") -> None:
        self._egress = egress
        self._clock = clock
        self._server = server

    def check(self, address: str) -> str:
        """`https://server/topic`; a bare topic is one of the server in the settings."""
        address = address.strip()
        if _TOPIC.fullmatch(address):
            address = f"{self._server}/{address}"
        checked = self._egress.check(address)
        _split(checked)
        return checked

    async def send(self, page: Page, to: To) -> Answer:
        """Accepted is an answer that carries the message's id."""
        root, topic = _split(to.address)
        headers = {"Content-Type": "application/json", "Idempotency-Key": page.idempotency_key}
        if to.secret:
            headers["Authorization"] = f"Bearer {to.secret}"
        body = json.dumps(_message(page, topic)).encode("ascii")
        reply = await self._egress.request("POST", root, headers=headers, body=body)
        hide = (*concealed(page, to), topic)
        answer = accept(reply, "ntfy", clock=self._clock, hide=hide)
        if not isinstance(answer.get("id"), str):
            words = shown(text_of(reply), hide=hide)
            raise BadReply(f"ntfy answered {reply.status} without a message id: {words}")
        given = shown(answer["id"], hide=hide)
        return Answer(given, f"{reply.status}, message {given}")


def _split(address: str) -> tuple[str, str]:
    """The server's root and the topic."""
    parts = urlsplit(address)
    path, _, topic = parts.path.rstrip("/").rpartition("/")
    if not _TOPIC.fullmatch(topic) or parts.query:
        raise Invalid(
            "An ntfy address is a server and a topic, as in https://ntfy.sh/my-topic; "
            "a topic has up to 64 letters, digits, dashes and underscores."
        )
    return f"{parts.scheme}://{parts.netloc}{path}/", topic


def _message(page: Page, topic: str) -> dict[str, object]:
    text = told(page, MESSAGE_BYTES_MAX)
    message: dict[str, object] = {
        "topic": topic,
        "title": title(page, TITLE_CHARS_MAX),
        "message": text.encode()[:MESSAGE_BYTES_MAX].decode("utf-8", "ignore"),
        "priority": _PRIORITY[page.urgency],
    }
    if page.ack_url:
        # One tap on the lock screen acknowledges; a tap on the message shows it first.
        message["click"] = page.ack_url
        message["actions"] = [
            {
                "action": "http",
                "label": "Acknowledge",
                "url": page.ack_url,
                "method": "POST",
                "clear": True,
            }
        ]
    return message
