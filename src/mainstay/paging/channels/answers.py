"""Reading a provider's answer over HTTP: a yes, a no for now, or a no for good."""

from __future__ import annotations

import json
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from mainstay.foundation.clock import Clock
from mainstay.foundation.egress import Reply
from mainstay.foundation.errors import Rejected
from mainstay.paging.channels.page import shown

RETRY_AFTER_S_MAX = 3600.0
"""A provider may ask us to wait, but not for longer than this."""
_MAY_PASS_LATER = frozenset({408, 425, 429})
_WORDS = ("error_message", "message", "error", "detail", "title")


def accept(
    reply: Reply, provider: str, *, clock: Clock, hide: tuple[str | None, ...] = ()
) -> dict[str, Any]:
    """The JSON object of a yes (empty when there is none); `Rejected` for everything else.

    A 2xx whose body says `"ok": false`, `"success": false` or names an error is a no.
    """
    answer = json_object(reply)
    status = reply.status
    words = shown(_words(reply, answer), hide=hide)
    if 200 <= status < 300:
        if _says_no(answer):
            raise Rejected(f"{provider} answered {status}, but says no: {words}", reply=status)
        return answer
    if 300 <= status < 400:
        raise Rejected(
            f"{provider} answered with a redirect ({status}), and Mainstay follows none; "
            "use the address that it leads to.",
            reply=status,
            permanent=True,
        )
    raise Rejected(
        f"{provider} answered {status}: {words or 'no reason given'}",
        reply=status,
        permanent=400 <= status < 500 and status not in _MAY_PASS_LATER,
        retry_after_s=retry_after(reply, clock.now()),
    )


def json_object(reply: Reply) -> dict[str, Any]:
    """The body as a JSON object; empty when it is something else."""
    try:
        answer = json.loads(reply.body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def text_of(reply: Reply) -> str:
    """The body as text, however broken."""
    return reply.body[:4096].decode("utf-8", "replace").strip()


def retry_after(reply: Reply, now: datetime) -> float | None:
    """Seconds that `Retry-After` (RFC 9110 §10.2.3) asks for, 0..3600; None when it says nothing."""
    value = reply.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), RETRY_AFTER_S_MAX)
    try:
        at = parsedate_to_datetime(value)
        wait_s = (at - now).total_seconds()
    except (ValueError, TypeError):  # no date, or one without a zone
        return None
    return min(max(wait_s, 0.0), RETRY_AFTER_S_MAX)


def _says_no(answer: dict[str, Any]) -> bool:
    return answer.get("ok") is False or answer.get("success") is False or bool(answer.get("error"))


def _words(reply: Reply, answer: dict[str, Any]) -> str:
    for name in _WORDS:
        value = answer.get(name)
        if isinstance(value, str) and value:
            return value
    return text_of(reply)
