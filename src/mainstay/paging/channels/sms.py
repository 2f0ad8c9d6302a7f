"""SMS, as Twilio's Messages API has it (others offer the same): POST a form, read JSON.

One part of 160 characters of the GSM alphabet (3GPP TS 23.038) wherever the text allows it: a
second part costs again and may come late or alone.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from mainstay.foundation.clock import Clock
from mainstay.foundation.egress import Egress, Reply
from mainstay.foundation.errors import BadReply, Invalid, Rejected
from mainstay.paging.channels.answers import accept, text_of
from mainstay.paging.channels.page import (
    Answer,
    Page,
    To,
    concealed,
    cut,
    one_line,
    shown,
    title,
)

GSM_SEPTETS = 160
UCS2_UNITS = 134
"""Two parts of 67: for a text in another script, 70 characters are too few to say anything."""
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWO = frozenset("^{}\\[~]|€")
"""In the GSM alphabet's extension: each takes two places."""
_PLAIN = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "−": "-", "…": "..."}
    | {"\u00a0": " ", "\u202f": " ", "→": "->", "≥": ">=", "≤": "<=", "×": "x", "`": "'", "•": "-"}
)
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_FAILED = frozenset({"failed", "undelivered", "canceled"})


@dataclass(frozen=True, slots=True)
class Sms:
    """The account at the provider; `token` is the secret itself, in clear."""

    account: str
    token: str = field(repr=False)
    sender: str
    """Our number (+41…), or the id of a messaging service (MG…)."""
    base: str = "https://api.twilio.com"
    status_callback: str | None = None


class SmsChannel:
    """A text message to a number."""

    kind = "sms"

    def __init__(self, egress: Egress, clock: Clock, *, account: Sms) -> None:
        self._egress = egress
        self._clock = clock
        self._account = account

    def check(self, address: str) -> str:
        """The number in the international form, +41791234567."""
        number = re.sub(r"[\s().\-/]", "", address)
        if number.startswith("00"):
            number = f"+{number[2:]}"
        if not _NUMBER.fullmatch(number):
            raise Invalid(
                "A phone number needs its country code and 7 to 15 digits, as in +41791234567."
            )
        return number

    async def send(self, page: Page, to: To) -> Answer:
        """Accepted is an answer with the message's `sid` and no error."""
        account = self._account
        base = account.base.rstrip("/")
        basic = base64.b64encode(f"{account.account}:{account.token}".encode()).decode("ascii")
        reply = await self._egress.request(
            "POST",
            f"{base}/2010-04-01/Accounts/{quote(account.account, safe='')}/Messages.json",
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Authorization": f"Basic {basic}",
                "Idempotency-Key": page.idempotency_key,
            },
            body=urlencode(self._form(page, to)).encode("ascii"),
        )
        hide = (account.token, basic, *concealed(page, to))
        answer = accept(reply, "The SMS provider", clock=self._clock, hide=hide)
        return _accepted(reply, answer, hide=hide)

    def _form(self, page: Page, to: To) -> dict[str, str]:
        sender = self._account.sender
        form = {"To": to.address, "Body": short(page)}
        form["MessagingServiceSid" if sender.startswith("MG") else "From"] = sender
        if self._account.status_callback:
            form["StatusCallback"] = self._account.status_callback
        return form


def short(page: Page) -> str:
    """The page in one SMS: what is wrong, then how to acknowledge, which is never cut off."""
    head = ("(again) " if page.repeat else "") + title(page, 400)
    tail = f" Reply {one_line(page.reply_code, 20)} to acknowledge" if page.reply_code else ""
    text = _plainer(head) + _plainer(tail)
    if septets(text) is not None:
        room, size = GSM_SEPTETS, septets
        head, tail = _plainer(head), _plainer(tail)
    else:
        room, size = UCS2_UNITS, units
    limit = len(head)
    while (size(_fit(head, limit) + tail) or 0) > room and limit > 1:
        limit -= 1
    return _fit(head, limit) + tail


def septets(text: str) -> int | None:
    """Places that `text` takes in the GSM alphabet; None when it cannot be written in it."""
    if not all(c in _GSM or c in _GSM_TWO for c in text):
        return None
    return len(text) + sum(c in _GSM_TWO for c in text)


def units(text: str) -> int:
    """UTF-16 units, the places that `text` takes outside the GSM alphabet."""
    return len(text.encode("utf-16-le")) // 2


def _fit(head: str, limit: int) -> str:
    return head if len(head) <= limit else cut(head, limit).replace("…", ".")


def _plainer(text: str) -> str:
    """Typographic signs and accents that GSM lacks, in their nearest plain form."""
    text = text.translate(_PLAIN)
    return "".join(c if c in _GSM or c in _GSM_TWO else _stripped(c) for c in text)


def _stripped(character: str) -> str:
    """A letter without its accent, if that is a GSM letter; otherwise as it is."""
    first = unicodedata.normalize("NFKD", character)[0]
    return first if first in _GSM else character


def _accepted(reply: Reply, answer: dict[str, Any], *, hide: tuple[str, ...]) -> Answer:
    sid, status, code = answer.get("sid"), answer.get("status"), answer.get("error_code")
    if code or status in _FAILED:
        words = shown(f"{status} {code} {answer.get('error_message') or ''}", hide=hide)
        raise Rejected(f"The SMS provider took it and failed: {words}", reply=reply.status)
    if not isinstance(sid, str) or not sid:
        words = shown(text_of(reply), hide=hide)
        raise BadReply(f"The SMS provider answered {reply.status} without a message id: {words}")
    return Answer(shown(sid), shown(f"{reply.status} {status or 'accepted'}", hide=hide))
