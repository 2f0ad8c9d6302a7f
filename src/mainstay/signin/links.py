"""One-time links: the first set-up, an invitation, a new password.

256 random bits, of which the SHA-256 is kept. Looking at a link spends nothing: mail scanners and
chat programs follow links; only the form on its screen does.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Conflict, NotFound
from mainstay.foundation.secrets import digest
from mainstay.signin import store
from mainstay.signin.store import Link

PATH = "/welcome/"
"""Of its screen; the text of the link follows."""
VALID = {
    "setup": timedelta(minutes=30),
    "invite": timedelta(days=3),
    "reset": timedelta(hours=2),
}
FOR = {"setup": "to set Mainstay up", "invite": "to join", "reset": "for a new password"}


def make_link(tx: Tx, kind: str, *, person: str | None, made_by: str, now: datetime) -> str:
    """The text of a new link; earlier ones for the same person open nothing any more."""
    kinds = ("setup", "setup") if kind == "setup" else ("invite", "reset")
    store.end_links(tx, kinds=kinds, person=person, now=now)
    text = secrets.token_urlsafe(32)
    row = Link(digest(text), kind, person, now, made_by, now + VALID[kind])
    store.insert_link(tx, row)
    return text


def read_link(tx: Tx, text: str, *, now: datetime) -> Link:
    """The link, if it still opens something. NotFound, or Conflict when it is used or over."""
    found = store.link(tx, digest(text))
    if found is None:
        raise NotFound("This link is none of ours, or its end is missing. Copy it whole.")
    if found.ended_at is not None:
        raise Conflict(
            f"This link {FOR[found.kind]} was used before, or replaced by a newer one. "
            f"{_again(found)}"
        )
    if found.expires_at <= now:
        raise Conflict(f"This link {FOR[found.kind]} is over. {_again(found)}")
    return found


def _again(found: Link) -> str:
    if found.kind == "setup":
        return "Whoever may read the data folder makes a new one with: mainstay setup-link"
    return "Ask an administrator for a new one."
