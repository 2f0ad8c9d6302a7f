"""Sessions: who is signed in at which browser, until when.

The cookie holds 256 random bits, the database their SHA-256. Each request asks the database, so
that what ends a session ends it on every node at the next request.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mainstay.foundation.db import Tx
from mainstay.foundation.ids import Ids
from mainstay.foundation.record import Fact
from mainstay.foundation.sealing import Ring
from mainstay.foundation.secrets import digest
from mainstay.signin import store
from mainstay.signin.store import Session

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)
SEEN_EVERY = timedelta(minutes=1)
"""How exact `seen_at` is: a write for each request would be one fsync for each request."""
FORGET_ROWS = 1_000
"""Sessions deleted in one transaction."""
_BROWSERS = ("Firefox", "Edg", "OPR", "Chrome", "Safari", "curl")
_SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "CrOS", "Linux")
_SHOWN_AS = {"Edg": "Edge", "OPR": "Opera", "Mac OS X": "macOS", "CrOS": "ChromeOS"}


@dataclass(frozen=True, slots=True)
class Opened:
    """A session just begun. `secret` goes into the cookie, and is nowhere else."""

    session: Session
    secret: str = field(repr=False)
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from: its address, and what the browser says that it is."""

    address: str
    agent: str = ""

    @property
    def device(self) -> str:
        """`Firefox on Linux`; what cannot be told from the user agent is left out."""
        browser = next((name for name in _BROWSERS if name in self.agent), "")
        system = next((name for name in _SYSTEMS if name in self.agent), "")
        words = [_SHOWN_AS.get(name, name) for name in (browser, system) if name]
        return " on ".join(words) or re.sub(r"[^ -~]", "", self.agent)[:40] or "unknown"


def open_session(
    tx: Tx, ids: Ids, *, person: str, how: str, origin: Origin, now: datetime
) -> Opened:  # fmt: skip
    """A new session of a person, with an id of its own: none is ever taken over from before."""
    secret = secrets.token_urlsafe(32)
    session = Session(ids.new("ses", now), person, how, now, now, origin.address, origin.device)
    store.insert_session(tx, session, digest=digest(secret))
    words = f"{person} signed in by {how}, with {origin.device}, from {origin.address}"
    fact = Fact("session.opened", session.id, words, actor=f"person:{person}")
    return Opened(session, secret, (fact,))


def session_of(tx: Tx, secret: str, *, now: datetime) -> Session | None:
    """The session of a cookie, or None: unknown, ended, idle for too long, or too old."""
    session = store.session_by_digest(tx, digest(secret))
    if session is None or now - session.seen_at >= IDLE or now - session.made_at >= LONGEST:
        return None
    return session


def hint_of(session: Session, *, ring: Ring) -> str | None:
    """What the provider wants to hear when this session ends, if it came from one."""
    return None if session.hint is None else ring.open(session.hint, store.hint_cell(session.id))


def is_stale(session: Session, *, now: datetime) -> bool:
    """Whether its use is worth noting."""
    return now - session.seen_at >= SEEN_EVERY


def end_session(
    tx: Tx, session: Session, *, actor: str, because: str, now: datetime
) -> tuple[Fact, ...]:
    """Signed out; from this commit on the cookie opens nothing, on no node."""
    if not store.mark_ended(tx, session.id, because=because, now=now):
        return ()
    words = f"a session of {session.person} with {session.device} ended: {because}"
    return (Fact("session.ended", session.id, words, actor=actor),)


def end_sessions(
    tx: Tx, person: str, *, actor: str, because: str, now: datetime, but: str | None = None
) -> tuple[Fact, ...]:
    """Every session of a person ends; `but`: the id of one that stays."""
    facts: tuple[Fact, ...] = ()
    for session in store.sessions(tx, person):
        if session.id != but:
            facts += end_session(tx, session, actor=actor, because=because, now=now)
    return facts


def forget(tx: Tx, *, before: datetime) -> int:
    """Delete sessions and links that opened nothing any more `before`; the record keeps their rows.

    How many sessions, `FORGET_ROWS` at most: call it again while it is that many.
    """
    store.delete_links(tx, before=before)
    return store.delete_sessions(tx, before=before - LONGEST, limit=FORGET_ROWS)


def live_sessions(tx: Tx, person: str | None = None, *, now: datetime) -> tuple[Session, ...]:
    """The sessions of a person (None: of everybody) that still open something."""
    return tuple(
        session
        for session in store.sessions(tx, person)
        if now - session.seen_at < IDLE and now - session.made_at < LONGEST
    )
