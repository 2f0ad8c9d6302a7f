"""Guessing is bounded: 10 failures in 15 minutes for each account, and for each address.

A try counts from its beginning, and is taken back when it succeeds: many at once do not pass the
limit. Nothing here stops a page: acknowledge links and SMS replies ask for no session.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from mainstay.foundation.clock import from_us
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import OverLimit
from mainstay.foundation.ids import Ids
from mainstay.signin import store

FAILURES_MAX = 10
SPAN = timedelta(minutes=15)
NAME_MAX = 200


def begin_try(tx: Tx, ids: Ids, *, account: str, source: str, now: datetime) -> str:
    """The id of the try. OverLimit (429) when there were too many; its words are always the same."""
    account, since = account[:NAME_MAX], now - SPAN
    store.delete_tries(tx, before=since)
    for found in (
        store.tries_of_account(tx, account, since=since, most=FAILURES_MAX),
        store.tries_from(tx, source, since=since, most=FAILURES_MAX),
    ):
        if len(found) >= FAILURES_MAX:
            wait = from_us(found[-1]) + SPAN - now
            raise OverLimit(
                f"Too many tries: {FAILURES_MAX} in {SPAN.seconds // 60} minutes. Wait a little. "
                "Pages still reach you, and their links still acknowledge.",
                limit=FAILURES_MAX, unit="tries", retry_after_s=max(1.0, wait.total_seconds()),
            )  # fmt: skip
    name = ids.new("try", now)
    store.insert_try(tx, name, account=account, source=source, now=now)
    return name
