"""People and teams: ids and names. Addresses and notification rules are acts, in the database."""

from __future__ import annotations

from pydantic import Field

from mainstay.estate.collections.text import Day, Id, Paging, Part, Zone


class Person(Part):
    """Somebody who can be paged. `from` and `until` bound when rotations may pick them."""

    name: str
    timezone: Zone | None = None
    from_: Day | None = Field(default=None, alias="from")
    until: Day | None = None
    """The last day."""


class Team(Part):
    """Who owns services together. Paging `team:…` pages every member."""

    members: list[Id] = Field(min_length=1)
    chat: str | None = None
    shifts: dict[str, str] = {}
    """Named working times: {early: "06:00-14:00"}."""
    paging: Paging | None = None
