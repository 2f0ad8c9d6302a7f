"""A person's report that something is wrong: {summary, service?, severity?, details?, reporter}."""

from __future__ import annotations

import msgspec

from mainstay.estate import Severity, Source
from mainstay.foundation.errors import Invalid
from mainstay.signals.body import decode, fault
from mainstay.signals.formats.door import Door, header_key, problem, taken
from mainstay.signals.item import Arrival, Item, Reading, expiry, one_line

DETAILS_CHARS_MAX = 65_536


class _Report(msgspec.Struct):
    summary: str
    reporter: str
    service: str | None = None
    severity: Severity | None = None
    details: str | None = None


_BODY: msgspec.json.Decoder[_Report] = msgspec.json.Decoder(_Report)


def read(body: bytes, source: Source, arrival: Arrival) -> Reading:
    """The one item of a report; its key is the receipt, so that no report hides another."""
    report = decode(_BODY, body)
    for name in ("summary", "reporter", "service", "details"):
        wrong = fault(getattr(report, name), f"/{name}")
        if wrong is not None:
            raise Invalid(wrong[1], pointer=wrong[0])
    if not report.summary.strip():
        raise Invalid("A report needs a summary: one line on what is wrong.", pointer="/summary")
    if not report.reporter.strip():
        raise Invalid("A report names who reports it.", pointer="/reporter")
    if len(report.details or "") > DETAILS_CHARS_MAX:
        raise Invalid(f"Details have at most {DETAILS_CHARS_MAX:,} characters.", pointer="/details")
    return Reading((_item(report, source, arrival),))


def _item(report: _Report, source: Source, arrival: Arrival) -> Item:
    labels = {"reporter": report.reporter}
    return Item(
        n=0,
        kind="fire",
        dedup_key=arrival.receipt,
        summary=one_line(report.summary),
        severity=report.severity or source.severity,
        labels=labels | {"service": report.service} if report.service else labels,
        annotations={"details": report.details} if report.details else {},
        url=None,
        started_at_us=arrival.at_us,
        ends_at_us=expiry(source, arrival),
        service_hint=report.service,
        facts={"reporter": report.reporter},
    )


DOORS = (
    Door(
        name="report",
        format="report",
        method="POST",
        paths=("/report/{key}", "/report"),
        read=read,
        key_of=header_key,
        reply=taken,
        refuse=problem,
    ),
)
