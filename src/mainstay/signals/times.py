"""Instants as senders write them."""

from __future__ import annotations

from datetime import UTC, datetime

from mainstay.foundation.clock import EPOCH, to_us

ZERO_US = to_us(EPOCH.replace(year=1, day=3))
"""Go writes 0001-01-01 for "no time", in whatever zone; anything before this means that."""
LAST_US = to_us(EPOCH.replace(year=9999))
"""The last instant that we keep: in every zone it is still a date. A later one means "never"."""
_CHARS = range(19, 49)
"""From 2026-11-22T01:51:21 to nanoseconds with a zone."""


def instant_us(text: str) -> int | None:
    """RFC 3339 as microseconds since 1970; without a zone it is UTC. None: not an instant.

    Digits beyond microseconds are cut. `+0100` is taken as well as `+01:00`: PagerDuty's own
    documentation writes it so. Never outside `ZERO_US` to `LAST_US`: a zone can carry an instant
    out of the calendar, and then nobody could show it any more.
    """
    if len(text) not in _CHARS or not text.isascii() or text[10] not in "Tt ":
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    us = to_us(at if at.tzinfo else at.replace(tzinfo=UTC))
    return min(max(us, ZERO_US), LAST_US)
