"""Shifts as a calendar that people subscribe to (RFC 5545), one event per shift."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from icalendar import Calendar, Event

from mainstay.oncall.schedule import Duty

_PRODUCT = "-//Mainstay//On call//EN"


def feed(
    shifts: Iterable[tuple[str, Duty]], *, name: str, start: datetime, end: datetime, now: datetime
) -> bytes:
    """The calendar `name` of (schedule id, whole shift) pairs; `now` is its time stamp.

    A shift keeps its UID for as long as its schedule, person and start stay, so a subscriber sees a
    change and no doubles. A shift without a bound in sight is drawn from `start`, or to `end`.
    """
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    for schedule, duty in shifts:
        calendar.add_component(_event(schedule, duty, start=start, end=end, now=now))
    text: bytes = calendar.to_ical()
    return text


def _event(schedule: str, duty: Duty, *, start: datetime, end: datetime, now: datetime) -> Event:
    begin = f"{duty.since:%Y%m%dT%H%M%SZ}" if duty.since else "standing"
    event = Event()
    event.add("uid", f"{begin}.{duty.person}.{schedule}@oncall.mainstay")
    event.add("dtstamp", now)
    event.add("dtstart", duty.since or start)
    event.add("dtend", duty.until or end)
    event.add("summary", f"{duty.person} on call: {schedule}")
    event.add("description", duty.why)
    event.add("transp", "TRANSPARENT")  # being on call does not make a person busy
    return event
