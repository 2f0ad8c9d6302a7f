"""What an act hands back, and what it is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

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

    def fact(self, kind: str, subject: str, because: str, *, incident: str | None = None) -> Fact:
        """A row about this act."""
        return Fact(kind, subject, because, actor=self.who, incident=incident)
