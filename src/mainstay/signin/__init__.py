"""Signing in: accounts, passwords, one-time codes and links, sessions, limits on guessing."""

from __future__ import annotations

from mainstay.signin import totp
from mainstay.signin.accounts import (
    Listed,
    State,
    close_account,
    has_admin,
    is_open,
    listed,
    make_account,
    name_of,
)
from mainstay.signin.entering import (
    WRONG,
    Try,
    Visitor,
    begin,
    come_by_link,
    end_try,
    finish,
    visitor,
)
from mainstay.signin.identities import Claims, come_by_provider
from mainstay.signin.links import FOR, PATH, VALID, make_link, read_link
from mainstay.signin.passwords import CHARACTERS_MIN, check_password, hash_password, is_password
from mainstay.signin.sessions import (
    IDLE,
    LONGEST,
    Opened,
    Origin,
    end_session,
    end_sessions,
    is_stale,
    live_sessions,
    open_session,
    session_of,
)
from mainstay.signin.store import (
    Account,
    Link,
    Session,
    account,
    all_accounts,
    mark_seen,
    session_by_id,
)

__all__ = [
    "CHARACTERS_MIN",
    "FOR",
    "IDLE",
    "LONGEST",
    "PATH",
    "VALID",
    "WRONG",
    "Account",
    "Claims",
    "Link",
    "Listed",
    "Opened",
    "Origin",
    "Session",
    "State",
    "Try",
    "Visitor",
    "account",
    "all_accounts",
    "begin",
    "check_password",
    "close_account",
    "come_by_link",
    "come_by_provider",
    "end_session",
    "end_sessions",
    "end_try",
    "finish",
    "has_admin",
    "hash_password",
    "is_open",
    "is_password",
    "is_stale",
    "listed",
    "live_sessions",
    "make_account",
    "make_link",
    "mark_seen",
    "name_of",
    "open_session",
    "read_link",
    "session_by_id",
    "session_of",
    "totp",
    "visitor",
]
