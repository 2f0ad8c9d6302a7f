"""What a channel is handed, what it answers, and the words that every channel shares."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

ANSWER_CHARS_MAX = 300
HIDDEN_CHARS_MIN = 6
"""Whatever is shorter (the path `/in`) is no secret, and would blank innocent words."""
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Page:
    """One page to one person, ready to be put into a channel's own form."""

    idempotency_key: str
    """The same for every copy of this page, so that a receiver can tell a copy from a new page."""
    repeat: bool
    """A copy, sent because the outcome of the last try is unknown; the text says so."""
    person: str
    person_name: str
    incident: str
    """The number that people use: INC-2041."""
    subject: str
    """One line, at most 120 characters."""
    text: str
    urgency: Literal["high", "low"]
    ack_url: str | None
    """A single-use link: GET shows, POST acknowledges."""
    reply_code: str | None
    """What to answer to an SMS to acknowledge."""
    facts: dict[str, Any]
    """JSON for a program: event, incident, alerts."""


@dataclass(frozen=True, slots=True)
class To:
    """Where a page goes: an address that `check` returned, and its secret in clear, if it has one."""

    address: str
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The provider took the page. `words` are its own, at most 300 characters, safe to show."""

    provider_id: str | None
    words: str


class Channel(Protocol):
    """One way to reach a person."""

    kind: str

    def check(self, address: str) -> str:
        """The address in its one normal form; `Invalid` says what is wrong and how to mend it."""
        ...

    async def send(self, page: Page, to: To) -> Answer:
        """Hand the page over; returns only on the provider's own yes. Otherwise an `Outside` error:

        `Unreachable`: nothing was handed over. `Rejected`: the provider said no; `permanent` tells
        whether the same try can succeed later, and `retry_after_s` is what the provider asked for.
        `TimedOut`, `BadReply`: nobody knows; send again under the same key, with `repeat`.
        """
        ...


REPEAT_NOTE = "(Sent again: we do not know whether the first copy arrived.)"


def one_line(text: str, chars_max: int) -> str:
    """`text` without line breaks, control characters or broken code points, cut with an ellipsis."""
    return cut(_SPACES.sub(" ", _CONTROLS.sub(" ", _whole(text))).strip(), chars_max)


def many_lines(text: str, chars_max: int) -> str:
    """`text` with its line breaks, but without other control characters."""
    lines = _whole(text).replace("\r\n", "\n").replace("\r", "\n")
    return cut(_CONTROLS.sub(" ", lines).strip(), chars_max)


def cut(text: str, chars_max: int) -> str:
    """At most `chars_max` characters; what is cut off shows as an ellipsis."""
    return text if len(text) <= chars_max else text[: chars_max - 1].rstrip() + "…"


def title(page: Page, chars_max: int) -> str:
    """The subject in one line, with the incident's number in it."""
    subject = one_line(page.subject, chars_max)
    if page.incident and page.incident not in subject:
        subject = one_line(f"{page.incident} {page.subject}", chars_max)
    return subject


def told(page: Page, chars_max: int) -> str:
    """The text for a person; a copy begins by saying that it is one."""
    note = f"{REPEAT_NOTE}\n\n" if page.repeat else ""
    return note + many_lines(page.text, chars_max - len(note))


def shown(words: str, *, hide: tuple[str | None, ...] = ()) -> str:
    """A provider's words in one line of at most 300 characters, with our secrets blanked."""
    for secret in hide:
        if secret:
            words = words.replace(secret, "•••")
    return one_line(words, ANSWER_CHARS_MAX)


def concealed(page: Page, to: To) -> tuple[str, ...]:
    """What no provider's answer may tell us again, for we keep answers and show them.

    Where the page went, for a webhook's path is its secret; the address's own secret; the link
    that acknowledges.
    """
    parts = urlsplit(to.address)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    link = page.ack_url or ""
    hidden = (to.address, path, to.secret or "", link, link.rpartition("/")[2])
    return tuple(one for one in hidden if len(one) >= HIDDEN_CHARS_MIN)


def _whole(text: str) -> str:
    """Lone surrogates (JSON may carry them) become question marks: no wire takes them."""
    return text.encode("utf-8", "replace").decode("utf-8")
