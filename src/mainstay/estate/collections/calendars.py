"""Named business-day calendars, as written. What they mean is computed in `estate.days`."""

from __future__ import annotations

from pydantic import model_validator

from mainstay.estate.collections.text import Day, Id, Part, Weekday


class Holidays(Part):
    """Public holidays of a country (ISO 3166), a subdivision, or a market (`XNYS`)."""

    country: str | None = None
    """Two letters: `CH`."""
    subdiv: str | None = None
    """Canton, state or region of the country: `ZH`."""
    market: str | None = None
    """An exchange instead of a country: `XNYS`."""

    @model_validator(mode="after")
    def _one_of(self) -> Holidays:
        if (self.country is None) == (self.market is None):
            raise ValueError("expected either country or market")
        return self


class Calendar(Part):
    """Either a set of business days, or a `rule` that picks days `of` another calendar."""

    weekend: list[Weekday] = ["sat", "sun"]
    """Days off in every week."""
    holidays: Holidays | None = None
    """Public holidays, which are days off."""
    extra: list[Day] = []
    """Further days off."""
    removed: list[Day] = []
    """Days that are business days all the same."""
    rule: str | None = None
    """`first|last working day of the month|quarter|year`, or `nth 3 working day of the month`.

    Without "of the …": of the month.
    """
    of: Id | None = None
    """The calendar whose business days the rule picks from."""
