"""What a registry says of a domain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

_FORMS = (
    "%Y-%m-%d", "%Y.%m.%d", "%Y/%m/%d", "%Y%m%d", "%d-%b-%Y", "%d.%m.%Y", "%d %b %Y", "%d %B %Y",
    "%d-%B-%Y", "%Y-%m-%d %H:%M:%S", "%Y.%m.%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%d.%m.%Y %H:%M:%S",
    "%a %b %d %H:%M:%S %Y",
)  # fmt: skip
"""What registries write who do not keep to ISO 8601. Days before months where both are numbers."""
_ZONES = (" UTC", " GMT", " (UTC)", " CLST")


@dataclass(frozen=True, slots=True)
class Registration:
    """`ends_at` None: the registry does not tell."""

    via: Literal["RDAP", "whois"]
    is_registered: bool
    ends_at: datetime | None = None
    registrar: str | None = None
    statuses: tuple[str, ...] = ()


def instant(text: str) -> datetime | None:
    """A date as some registry writes it; without a zone it is UTC. None when nobody can tell."""
    plain = text.strip()
    for zone in _ZONES:
        plain = plain.removesuffix(zone)
    try:
        found: datetime | None = datetime.fromisoformat(plain)
    except ValueError:
        found = _by_form(plain)
    if found is None:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _by_form(text: str) -> datetime | None:
    for form in _FORMS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
