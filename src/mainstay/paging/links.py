"""Acknowledge links: single use, bound to a person and an incident; GET shows, POST acts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Conflict, NotFound
from mainstay.foundation.secrets import digest
from mainstay.paging import store

LINK_LIVES = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Link:
    """What a link stands for."""

    digest: str
    incident: str
    person: str
    used: bool


def make(tx: Tx, token: str, *, send: store.Send, now: datetime) -> None:
    """Keep the digest of a fresh random `token`; the token itself goes only into the page."""
    store.insert_link(
        tx,
        digest(token),
        send=send.id,
        incident=send.incident,
        person=send.person,
        expires_at=to_us(now + LINK_LIVES),
    )


def read(tx: Tx, token: str, *, now: datetime) -> Link:
    """What `token` stands for; NotFound when it is unknown or too old. Reading spends nothing."""
    row = store.link(tx, digest(token))
    if row is None or row["expires_at"] < to_us(now):
        raise NotFound("This link is not valid, or older than three days.")
    return Link(row["digest"], row["incident"], row["person"], row["used_at"] is not None)


def spend(tx: Tx, link: Link, *, now: datetime) -> None:
    """Use it; Conflict when it was used before."""
    if not store.use_link(tx, link.digest, to_us(now)):
        raise Conflict("This link was used before. What it acknowledged stands.")
