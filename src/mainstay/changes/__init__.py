"""Changes: what was changed in production, as its senders tell us. The first thing to ask about."""

from __future__ import annotations

from mainstay.changes.store import Change, recent, record_change

__all__ = ["Change", "recent", "record_change"]
