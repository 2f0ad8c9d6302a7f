"""People and teams: ids and names. Addresses and notification rules are acts, in the database."""

from __future__ import annotations

from pydantic import Field

from mainstay.estate.collections.shift import HandingOver, Shift
from mainstay.estate.collections.text import Day, Id, Paging, Part, Zone


class Leave(Part):
    """Days on which somebody is away; shifts are staffed without them."""

    from_: Day = Field(alias="from")
    """The first day."""
    until: Day
    """The last day."""
    about: str | None = None
    """For people to read: `holidays`."""


class Person(Part):
    """Somebody who can be paged. `from` and `until` bound when rotations may pick them."""

    name: str
    """As people call them."""
    timezone: Zone | None = None
    """Where they live. None: the organisation's."""
    from_: Day | None = Field(default=None, alias="from")
    """The first day."""
    until: Day | None = None
    """The last day."""
    leave: list[Leave] = []
    """When they are away. Who is on call is not changed by it: swap the shift."""


class Team(Part):
    """Who owns services together. Paging `team:…` pages every member."""

    members: list[Id] = Field(min_length=1)
    """People."""
    chat: str | None = None
    """Their channel, for people to read."""
    shifts: dict[Id, Shift] = {}
    """Named working times: {early: "06:00-14:00"}."""
    handover: HandingOver | None = None
    """Given, each shift hands over to the next, in writing. None: shifts are for people to read."""
    paging: Paging | None = None
    """None: as the organisation's."""
