"""What a backup in a process of its own is told, and what it tells."""

from __future__ import annotations

from datetime import datetime

import msgspec

from mainstay.foundation.backup.made import Made


class Job(msgspec.Struct, frozen=True):
    """One backup to be made."""

    path: str
    url: str
    password: str | None
    folder: str
    keep: int
    keep_days: int
    now: datetime
    passphrase: str | None


class Outcome(msgspec.Struct, frozen=True):
    """What became of it: one of the two."""

    made: Made | None = None
    trouble: str | None = None
