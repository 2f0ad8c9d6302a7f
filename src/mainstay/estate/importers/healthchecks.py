"""Healthchecks: the answer of its API (`GET /api/v3/checks/`), which is also what people export.

Each check is a heartbeat. Its UUID is a key, so it does not stand in the estate: the comment says
how its job goes on with the URL that it has (`mainstay heartbeats adopt`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mainstay.estate.days import schedule_kind
from mainstay.estate.importers.draft import Draft, Text, span, wrong
from mainstay.estate.importers.trees import json_value, line_of

SERVICE = "jobs"
"""Of a check whose tags name no service."""
GRACE_S, TIMEOUT_S = 3600, 86400


def read(files: Sequence[Text], draft: Draft) -> None:
    """Everything in these files."""
    for file in files:
        _read(file, draft)


def _read(file: Text, draft: Draft) -> None:
    """Every check of an export. Invalid when it is none."""
    found = json_value(file)
    checks = found.get("checks") if isinstance(found, dict) else found
    if not isinstance(checks, list):
        raise wrong(file.called, 1, 'expected the checks of Healthchecks: {"checks": […]}')
    for number, check in enumerate(checks, start=1):
        if not isinstance(check, dict):
            raise wrong(file.called, 1, f"check {number} is no object")
        _check(file, draft, check)


def _check(file: Text, draft: Draft, check: dict[str, Any]) -> None:
    name = str(check.get("slug") or check.get("name") or "heartbeat")
    tags = str(check.get("tags") or "").split()
    service = next((tag.removeprefix("service=") for tag in tags if tag.startswith("service=")), "")
    declared = draft.once("services", service or SERVICE, lambda: {"about": "Imported jobs"})
    value: dict[str, Any] = {"service": declared, "heartbeat": True}
    value |= _when(file, check)
    if about := str(check.get("desc") or check.get("name") or ""):
        value["about"] = about
    if rest := [tag for tag in tags if not tag.startswith("service=")]:
        value["tags"] = rest
    id_, thing = draft.add("checks", name, value)
    uuid = str(check.get("uuid") or str(check.get("ping_url") or "").rpartition("/")[2])
    if uuid:
        thing.leave_out(
            f"its UUID is a key: `mainstay heartbeats adopt {id_} UUID` lets its job go on as it is"
        )
    if check.get("channels"):
        thing.leave_out("its integrations: whom it pages is the escalation of its service")
    if check.get("manual_resume"):
        thing.leave_out("manual_resume: here a ping resumes what was paused")
    if check.get("methods"):
        thing.leave_out(f"methods {check['methods']!r}: pings by GET count as well")
    for key in ("filter_subject", "filter_body", "filter_http_body"):
        if check.get(key):
            thing.leave_out(f"{key}: words in its mail or body say nothing here; use /fail")
    if check.get("status") == "paused":
        thing.leave_out(f"it is paused there: `mainstay heartbeats pause {id_}`")


def _when(file: Text, check: dict[str, Any]) -> dict[str, Any]:
    grace = span(_number(file, check, "grace", GRACE_S))
    schedule = check.get("schedule")
    if schedule is None:
        return {"period": span(_number(file, check, "timeout", TIMEOUT_S)), "grace": grace}
    text, zone = str(schedule), str(check.get("tz") or "UTC")
    try:
        schedule_kind(text)
    except ValueError as error:
        raise wrong(file.called, line_of(file, text.split("\n")[0]), str(error)) from None
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise wrong(file.called, line_of(file, zone), f"no time zone {zone!r}") from None
    return {"schedule": text, "timezone": zone, "grace": grace}


def _number(file: Text, check: dict[str, Any], name: str, otherwise: int) -> float:
    value = check.get(name)
    if value is None:
        return otherwise
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        words = f"{name} of {str(check.get('name'))[:60]!r} is no number of seconds"
        raise wrong(file.called, line_of(file, f'"{name}": {value}'), words)
    return float(value)
