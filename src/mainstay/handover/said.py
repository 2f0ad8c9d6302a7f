"""Times in sentences and documents of this room."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo


def when(at: datetime | str, zone: str) -> str:
    """`Tue 24 Nov 2026, 06:45 (Europe/Zurich)`, of an instant or its text."""
    instant = datetime.fromisoformat(at) if isinstance(at, str) else at
    local = instant.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M} ({zone})"
