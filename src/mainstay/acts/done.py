"""What an act hands back, and what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from mainstay import oncall
from mainstay.estate import View
from mainstay.foundation.db import Tx
from mainstay.foundation.record import Fact
from mainstay.ground import Ground
from mainstay.people import Actor


@dataclass(frozen=True, slots=True)
class Done:
    """What was done: a sentence for a person, the thing itself, and rows for the record.

    `secret` is shown to whoever asked, once, and kept nowhere.
    """

    sentence: str
    subject: str
    value: Any = None
    facts: tuple[Fact, ...] = ()
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Act:
    """One act under way."""

    tx: Tx
    ground: Ground
    view: View
    actor: Actor
    now: datetime

    @property
    def who(self) -> str:
        """As the record names them."""
        return str(self.actor)

    def when(self, at: datetime) -> str:
        """`at` for a person, in the zone of the organisation; with the year if it is another."""
        zone = ZoneInfo(self.view.estate.org.timezone)
        year = at.astimezone(zone).year
        words = oncall.said(at, zone)
        return words if year == self.now.astimezone(zone).year else f"{words} {year}"

    def fact(
        self, kind: str, subject: str, because: str, *, incident: str | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> Fact:  # fmt: skip
        """A row about this act."""
        return Fact(kind, subject, because, actor=self.who, incident=incident, facts=facts or {})
