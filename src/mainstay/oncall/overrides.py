"""Overrides as people make them: checked, kept, in force from that instant on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mainstay.estate import Estate
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Conflict, Invalid, NotFound
from mainstay.foundation.ids import Ids
from mainstay.foundation.nearest import hint
from mainstay.oncall import store
from mainstay.oncall.layer import BusinessDay
from mainstay.oncall.schedule import Duty, Rota, said, schedule_of, zone_of
from mainstay.oncall.store import Override

LENGTH_MAX = timedelta(days=90)
"""Longer than that is not an exception; it belongs into the estate's files."""
AHEAD_MAX = timedelta(days=400)
"""How far ahead an override may end: catches a mistyped year."""

AT_ONCE_MAX = 50
"""Overrides in one act."""
REASON_MAX = 500
"""Characters of a reason."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for. Aware instants; the end is not included."""

    schedule: str
    person: str
    starts_at: datetime
    ends_at: datetime
    reason: str
    instead_of: str | None = None


def add(
    tx: Tx,
    ids: Ids,
    *,
    estate: Estate,
    wanted: Sequence[Wanted],
    author: str,
    now: datetime,
    is_business_day: BusinessDay,
) -> tuple[Override, ...]:
    """The overrides made, in the order asked, as one act: a swap is two with `instead_of`.

    All or none. One that starts in the past starts now: nobody's past shift is rewritten. Invalid
    or NotFound, with a pointer such as `/1/ends_at`, names what to mend.
    """
    if not 1 <= len(wanted) <= AT_ONCE_MAX:
        raise Invalid(f"One act makes 1 to {AT_ONCE_MAX} overrides, not {len(wanted)}.")
    made = []
    for number, one in enumerate(wanted):
        _check(one, estate, now=now, pointer=f"/{number}")
        _check_replaced(tx, one, estate, is_business_day, now=now, pointer=f"/{number}")
        made.append(
            Override(
                id=ids.new("ovr", now),
                schedule=one.schedule,
                person=one.person,
                instead_of=one.instead_of,
                starts_at=max(one.starts_at, now).astimezone(UTC),
                ends_at=one.ends_at.astimezone(UTC),
                author=author,
                reason=one.reason.strip(),
                created_at=now,
            )
        )
    for override in made:
        store.insert(tx, override)
    return tuple(made)


def remove(tx: Tx, override_id: str, *, now: datetime) -> Override:
    """The override as it was. One that has begun ends now; one that has not never begins.

    NotFound when there is none; Conflict when it is over or was removed before.
    """
    override = store.by_id(tx, override_id)
    if override is None:
        raise NotFound(f"There is no override {override_id!r}.", override=override_id)
    if override.removed_at is not None:
        raise Conflict("This override was removed before.", override=override_id)
    if override.ends_at <= now:
        raise Conflict("This override is over already.", override=override_id)
    if override.starts_at < now:
        store.end(tx, override_id, at=now)
    else:
        store.take_back(tx, override_id, at=now)
    return override


def coming(tx: Tx, *, now: datetime, schedule: str | None = None) -> list[Override]:
    """Overrides in force or to come, the soonest first; of one schedule, or of all."""
    found = store.ending_after(tx, now)
    return [o for o in found if schedule in (None, o.schedule)]


def _check(wanted: Wanted, estate: Estate, *, now: datetime, pointer: str) -> None:
    schedule_of(estate, wanted.schedule)
    for key, instant in (("starts_at", wanted.starts_at), ("ends_at", wanted.ends_at)):
        if instant.tzinfo is None:
            raise Invalid(
                f"{instant} has no time zone; add Z or an offset such as +01:00.",
                pointer=f"{pointer}/{key}",
            )
    _check_times(wanted, now=now, pointer=pointer)
    _check_person(wanted.person, estate, pointer=f"{pointer}/person")
    if wanted.instead_of is not None:
        _check_person(wanted.instead_of, estate, pointer=f"{pointer}/instead_of")
    if wanted.instead_of == wanted.person:
        raise Invalid(
            f"{wanted.person} cannot stand in for {wanted.person}; name two people.",
            pointer=f"{pointer}/instead_of",
        )
    if not 1 <= len(wanted.reason.strip()) <= REASON_MAX:
        raise Invalid(
            f"Say why, in a few words ({REASON_MAX} characters at most).",
            pointer=f"{pointer}/reason",
        )
    _check_dates(wanted, estate, now=now, pointer=pointer)


def _check_dates(wanted: Wanted, estate: Estate, *, now: datetime, pointer: str) -> None:
    """Refuse somebody who is not with us for all of that time."""
    zone = zone_of(estate, estate.schedules[wanted.schedule])
    person = estate.people[wanted.person]
    first = max(wanted.starts_at, now).astimezone(zone).date()
    final = (wanted.ends_at - timedelta(microseconds=1)).astimezone(zone).date()
    if person.from_ is not None and first < person.from_:
        raise Invalid(
            f"{wanted.person} joins on {person.from_}; start no earlier, or take somebody else.",
            pointer=f"{pointer}/person",
        )
    if person.until is not None and final > person.until:
        raise Invalid(
            f"{wanted.person}'s last day is {person.until}; end by then, or take somebody else.",
            pointer=f"{pointer}/person",
        )


def _check_times(wanted: Wanted, *, now: datetime, pointer: str) -> None:
    if wanted.ends_at <= wanted.starts_at:
        raise Invalid("An override ends after it starts.", pointer=f"{pointer}/ends_at")
    if wanted.ends_at <= now:
        raise Invalid(
            "This override would be over already; check the day.", pointer=f"{pointer}/ends_at"
        )
    if wanted.ends_at - max(wanted.starts_at, now) > LENGTH_MAX:
        raise Invalid(
            f"An override lasts at most {LENGTH_MAX.days} days; for longer, change the schedule.",
            pointer=f"{pointer}/ends_at",
        )
    if wanted.ends_at > now + AHEAD_MAX:
        raise Invalid(
            f"An override ends within {AHEAD_MAX.days} days; {wanted.ends_at:%Y-%m-%d} is later.",
            pointer=f"{pointer}/ends_at",
        )


def _check_person(person: str, estate: Estate, *, pointer: str) -> None:
    if person not in estate.people:
        near = hint(person, estate.people)
        raise Invalid(f"There is no person {person!r}{near}.", pointer=pointer)


def _check_replaced(
    tx: Tx,
    wanted: Wanted,
    estate: Estate,
    is_business_day: BusinessDay,
    *,
    now: datetime,
    pointer: str,
) -> None:
    """Refuse to replace somebody who has no shift then: the wrong week, most often."""
    if wanted.instead_of is None:
        return
    start, end = max(wanted.starts_at, now), wanted.ends_at
    standing = store.between(tx, wanted.schedule, start=start, end=end)
    rota = Rota(estate, wanted.schedule, is_business_day=is_business_day, overrides=standing)
    shifts = rota.shifts(start, end)
    if any(isinstance(shift, Duty) and shift.person == wanted.instead_of for shift in shifts):
        return
    raise Invalid(
        f"{wanted.instead_of} has no shift of {wanted.schedule} between "
        f"{said(start, rota.zone)} and {said(end, rota.zone)}; look at the schedule for the day.",
        pointer=f"{pointer}/instead_of",
    )
