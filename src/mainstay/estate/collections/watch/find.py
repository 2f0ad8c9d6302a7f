"""Finding an item: where services leave traces of what they handle, and the way that it goes."""

from __future__ import annotations

from datetime import timedelta

from pydantic import model_validator

from mainstay.estate.collections.text import Duration, Id, Part, Reference, Zone

WITHIN = timedelta(seconds=5)


class Search(Part):
    """One place where a service leaves traces: log files, kept logs, or a table."""

    file: str | None = None
    """Log files; `*` and `?` match names. Lines that hold the id as a whole word are taken."""
    logs: str | None = None
    """The folder of kept logs (`mainstay logs keep --folder`)."""
    kept_as: str | None = None
    """The service's name in the kept logs. None: its id."""
    sql: str | None = None
    """One SELECT that names `:id`. Its column `at` is the time, the others are what is told."""
    database: str | None = None
    """`postgresql://user@host/name`. None: its host's."""
    password: Reference | None = None
    """None: its host's."""
    on: Id | None = None
    """The host: whose database is asked. None: `database` says."""
    what: str | None = None
    """What a trace there means: `booked`. None: the line or the row itself."""
    timezone: Zone | None = None
    """Of stamps that name none. None: the organisation's."""
    within: Duration = WITHIN
    """How long it may take."""

    @model_validator(mode="after")
    def _one_place(self) -> Search:
        places = [name for name in ("file", "logs", "sql") if getattr(self, name) is not None]
        if len(places) != 1:
            raise ValueError(
                f"expected one of file, logs and sql, got {' and '.join(places) or 'none'}"
            )
        return self


class Journey(Part):
    """The way that an item goes: a payment, an order."""

    id: str | None = None
    """What its ids look like (RE2): `PAY-[0-9]{8}`. None: anything that no other journey claims."""
    through: list[Id]
    """The services, in order."""
    within: Duration | None = None
    """How soon the next service usually has it. None: learned from others in the same logs."""
    about: str | None = None
    """What it is."""
