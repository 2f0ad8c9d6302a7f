"""Slack: an incoming webhook, in Block Kit. The webhook's URL is itself the secret.

Mattermost and others speak the same protocol; they answer "ok" as Slack does, or JSON.
"""

from __future__ import annotations

import json

from mainstay.foundation.clock import Clock
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import BadReply
from mainstay.paging.channels.answers import accept, text_of
from mainstay.paging.channels.page import Answer, Page, To, concealed, cut, shown, title, told

HEADER_CHARS_MAX = 150
SECTION_CHARS_MAX = 3000
"""Both from Slack's reference of blocks; counted after escaping."""


class Slack:
    """One message in the channel that the webhook belongs to."""

    kind = "slack"

    def __init__(self, egress: Egress, clock: Clock) -> None:
        self._egress = egress
        self._clock = clock

    def check(self, address: str) -> str:
        """The URL that Slack gave for the incoming webhook."""
        return self._egress.check(address.strip())

    async def send(self, page: Page, to: To) -> Answer:
        """Accepted is "ok" or a JSON object that does not say no."""
        reply = await self._egress.request(
            "POST",
            to.address,
            headers={"Content-Type": "application/json", "Idempotency-Key": page.idempotency_key},
            body=json.dumps(_message(page)).encode("ascii"),
        )
        hide = concealed(page, to)
        answer = accept(reply, "Slack", clock=self._clock, hide=hide)
        words = text_of(reply)
        if not answer and words != "ok":
            raise BadReply(f"Slack answered {reply.status}, but not ok: {shown(words, hide=hide)}")
        return Answer(None, shown(words, hide=hide))


def escape(text: str) -> str:
    """`text` as mrkdwn that shows it: no links, no mentions, no @channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _message(page: Page) -> dict[str, object]:
    blocks: list[dict[str, object]] = [
        {"type": "header", "text": _plain(title(page, HEADER_CHARS_MAX))},
        {"type": "section", "text": {"type": "mrkdwn", "text": _section(page)}},
    ]
    if page.ack_url:
        button = {"type": "button", "text": _plain("Acknowledge"), "url": page.ack_url}
        blocks.append({"type": "actions", "elements": [button | {"style": "primary"}]})
    # `text` is what the notification on the phone shows.
    return {"text": escape(title(page, HEADER_CHARS_MAX)), "blocks": blocks}


def _plain(text: str) -> dict[str, object]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _section(page: Page) -> str:
    text = f"For {page.person_name}\n{told(page, SECTION_CHARS_MAX - 100)}"
    limit = len(text)
    while len(escaped := escape(cut(text, limit))) > SECTION_CHARS_MAX:
        limit -= max((len(escaped) - SECTION_CHARS_MAX) // 5, 1)
    return escaped
