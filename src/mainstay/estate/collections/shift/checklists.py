"""Checklists: what a team looks at by a time of the business day, and who signs for it."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from mainstay.estate.collections.text import (
    Count,
    Id,
    Part,
    Target,
    WallClock,
    Weekday,
    Yes,
    Zone,
    target,
)

AnswerType = Literal["text", "number", "yes-no", "time", "choice", "file"]
_NOT_IN_KEYS = re.compile(r"[^a-z0-9]+")
KEY_MAX = 40
"""Characters of an item's name where it is made of its text."""


def signer(text: str) -> str:
    """`team`, `shift-lead`, or a target. ValueError says what was expected."""
    if text in ("team", "shift-lead"):
        return text
    try:
        return str(target(text))
    except ValueError:
        raise ValueError(
            f"expected team, shift-lead, or a target such as person:ana, got {text!r}"
        ) from None


class Answer(Part):
    """One thing to be typed in, or attached, for a manual item. Written as its type alone, or whole."""

    type: AnswerType = "text"
    """What is asked for."""
    min: float | None = None
    """Of a number: the least that is as it should be."""
    max: float | None = None
    """Of a number: the most that is as it should be."""
    unit: str | None = None
    """Of a number: shown beside it."""
    of: list[str] = []
    """Of a choice: what can be chosen."""
    optional: Yes = False
    """The item is done without it."""


class Item(Part):
    """A line of a checklist: checks that must be well, or something that a person does."""

    run: list[Id] = []
    """Checks, each a line by its own id. Written as one id or a list."""
    manual: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    """What a person does, and answers for."""
    id: Id | None = None
    """Its name, for waivers and history. None: made of its text."""
    answer: dict[Id, Answer] = {}
    """What they type in or attach. Empty: that it was done is enough."""
    about: str | None = None
    """How to do it, or why."""
    service: Id | None = None
    """What is at risk when it fails."""

    @model_validator(mode="after")
    def _one_of_two(self) -> Item:
        if bool(self.run) == (self.manual is not None):
            raise ValueError("expected either run: checks, or manual: what a person does")
        extra = [name for name in ("id", "answer", "about", "service") if getattr(self, name)]
        if self.run and extra:
            raise ValueError(f"checks bring their own; {' and '.join(extra)} is a manual item's")
        return self

    @property
    def keys(self) -> list[str]:
        """The names of its lines."""
        return list(self.run) or [self.key]

    @property
    def key(self) -> str:
        """A manual item's name: stays the same for as long as its id or text does."""
        text = self.manual or ""
        return self.id or _NOT_IN_KEYS.sub("-", text.lower()).strip("-")[:KEY_MAX]


class Signoff(Part):
    """Who signs a checklist, and how many of them."""

    by: Annotated[str, AfterValidator(signer)] = "team"
    """`team`: any member; `shift-lead`; or a target. Whoever holds the role lead may, too."""
    not_: Literal["previous-signer"] | None = Field(default=None, alias="not")
    """`previous-signer`: nobody signs two business days in a row."""
    signers: Annotated[Count, Field(ge=1, le=2)] = 1
    """2: two people sign the same evidence."""

    @property
    def target(self) -> Target | None:
        """The person, team or schedule that signs; None for one of our own words."""
        return None if self.by in ("team", "shift-lead") else target(self.by)


class Checklist(Part):
    """What a team looks at once a business day, and signs for by a time."""

    name: str | None = None
    """As people call it. None: its id."""
    team: Id
    """Who does it."""
    due: WallClock
    """When it must be signed. Before `org.business_day_starts`: on the calendar day after."""
    opens: WallClock | None = None
    """From when on it can be worked on; the day before when later than `due`. None: an hour before."""
    timezone: Zone | None = None
    """Of `due` and `opens`. None: the organisation's."""
    calendar: Id | None = None
    """Only on the business days of this calendar. None: every day."""
    days: list[Weekday] = []
    """Only on these days of the week. None: every day."""
    items: list[Item] = Field(min_length=1)
    """What is looked at, in order."""
    signoff: Signoff = Signoff()
    """Who signs."""
    waivers: Annotated[Count, Field(ge=0, le=92)] = 31
    """The most days that a waiver may last; 0: none may be given."""
    escalation: Id | None = None
    """Whom to page when it is unsigned at its time.

    None: the escalation named `<team>-lead`, else the team's own, else `default`, else `fallback`.
    """

    @property
    def keys(self) -> list[str]:
        """The names of all lines, in order."""
        return [key for item in self.items for key in item.keys]
