"""What Healthchecks' clients say of a heartbeat, and how one is told to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mainstay.checks.heartbeats import Beat, Declared, Plan, Status, Words
from mainstay.estate import schedule_kind
from mainstay.foundation.errors import Invalid

SPAN_S = (60, 31_536_000)
"""What a timeout and a grace may be, in seconds."""
TIMEOUT_S, GRACE_S = 86_400, 3_600
"""Where nothing is said."""
SERVICE_TAG = "service="
_TEXTS = ("name", "slug", "tags", "desc", "schedule", "tz", "methods")
_UNIQUE = ("name", "slug", "tags", "timeout", "grace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What a body says; None where it says nothing."""

    name: str | None = None
    slug: str | None = None
    tags: str | None = None
    desc: str | None = None
    timeout: int | None = None
    grace: int | None = None
    schedule: str | None = None
    tz: str | None = None
    methods: str | None = None
    manual_resume: bool | None = None
    unique: tuple[str, ...] = ()

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Spec:
        """Invalid, in the words of Healthchecks, for a field that cannot be taken."""
        texts = {name: _text(body, name) for name in _TEXTS}
        resume = body.get("manual_resume")
        if resume is not None and not isinstance(resume, bool):
            raise _wrong("manual_resume", "is not a boolean")
        if texts["methods"] not in (None, "", "POST"):
            raise _wrong("methods", "has unexpected value")
        timeout, grace = _span(body, "timeout"), _span(body, "grace")
        found = cls(
            **texts, timeout=timeout, grace=grace, manual_resume=resume, unique=_unique(body)
        )
        found._check_time()
        return found

    def _check_time(self) -> None:
        if self.tz is not None:
            try:
                ZoneInfo(self.tz)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                raise _wrong("tz", "is not a valid timezone") from None
        if self.schedule:
            try:
                schedule_kind(self.schedule)
            except ValueError as error:
                words = f"is not a valid cron or OnCalendar expression: {error}"
                raise _wrong("schedule", words) from None

    def same_as(self, known: Iterable[Beat]) -> Beat | None:
        """The heartbeat that is the same in every field of `unique`; None: make a new one."""
        if not self.unique or any(getattr(self, name) is None for name in self.unique):
            return None
        return next((beat for beat in known if self._is_same(beat)), None)

    def _is_same(self, beat: Beat) -> bool:
        have = {
            "name": beat.title, "slug": beat.name, "tags": " ".join(beat.words.tags),
            "timeout": beat.plan.every_s, "grace": beat.plan.grace_s,
        }  # fmt: skip
        return all(have[name] == getattr(self, name) for name in self.unique)


def declared(spec: Spec, name: str) -> Declared:
    """A new heartbeat of this name; what is not said is as Healthchecks has it."""
    plan = Plan(
        every_s=None if spec.schedule else spec.timeout or TIMEOUT_S,
        schedule=spec.schedule or None, zone=spec.tz or "UTC", grace_s=spec.grace or GRACE_S,
    )  # fmt: skip
    tags = tuple((spec.tags or "").split())
    words = Words(
        title=spec.name or "", about=spec.desc or "", tags=tags,
        post_only=spec.methods == "POST", manual_resume=bool(spec.manual_resume),
    )  # fmt: skip
    return Declared(name=name, service=service_in(tags), severity="error", plan=plan, words=words)


def applied(spec: Spec, beat: Beat) -> Declared:
    """What a heartbeat is once `spec` is applied to it; what is not said stays."""
    plan, words = beat.plan, beat.words
    new = declared(spec, beat.name)
    schedule = spec.schedule or (None if spec.timeout else plan.schedule)
    every_s = None if schedule else spec.timeout or plan.every_s
    tags = words.tags if spec.tags is None else new.words.tags
    return Declared(
        name=beat.name,
        service=beat.service if spec.tags is None else new.service or beat.service,
        severity=beat.severity,
        plan=Plan(
            every_s=every_s, schedule=schedule, grace_s=spec.grace or plan.grace_s,
            zone=spec.tz or plan.zone, calendar=plan.calendar,
            start_within_s=plan.start_within_s, run_max_s=plan.run_max_s,
            run_min_s=plan.run_min_s,
        ),
        words=Words(
            title=words.title if spec.name is None else spec.name,
            about=words.about if spec.desc is None else spec.desc,
            tags=tags, runbook=words.runbook, expect=words.expect,
            post_only=words.post_only if spec.methods is None else spec.methods == "POST",
            manual_resume=(
                words.manual_resume if spec.manual_resume is None else spec.manual_resume
            ),
        ),
    )  # fmt: skip


def service_in(tags: Iterable[str]) -> str | None:
    """The service that a tag `service=…` names."""
    found = (tag.removeprefix(SERVICE_TAG) for tag in tags if tag.startswith(SERVICE_TAG))
    return next((name for name in found if name), None)


def said(beat: Beat, *, now: datetime, uuid: str, site: str, version: str) -> dict[str, Any]:
    """A heartbeat as Healthchecks tells it."""
    words, plan = beat.words, beat.plan
    address = f"{site}/api/v{version}/checks/{uuid}"
    told: dict[str, Any] = {
        "name": beat.title, "slug": beat.name, "tags": " ".join(words.tags), "desc": words.about,
        "grace": plan.grace_s, "n_pings": beat.pings_n,
        "status": status_of(beat, now, with_started=version == "1"),
        "started": bool(beat.runs), "last_ping": _iso(beat.last_at),
        "next_ping": _iso(beat.due_at) if beat.last_at else None,
        "manual_resume": words.manual_resume, "methods": "POST" if words.post_only else "",
        "subject": "", "subject_fail": "", "start_kw": "", "success_kw": "", "failure_kw": "",
        "filter_subject": False, "filter_body": False, "uuid": uuid,
        "ping_url": f"{site}/ping/{uuid}", "update_url": address,
        "pause_url": f"{address}/pause", "resume_url": f"{address}/resume", "channels": "",
    }  # fmt: skip
    if beat.ran_us is not None:
        told["last_duration"] = beat.ran_us // 1_000_000
    if plan.schedule is None:
        return told | {"timeout": plan.every_s}
    return told | {"schedule": plan.schedule, "tz": plan.zone}


def status_of(beat: Beat, now: datetime, *, with_started: bool = False) -> str:
    """new, up, grace, down or paused; version 1 also says `started`."""
    if with_started and beat.runs and beat.status is not Status.DOWN:
        return "started"
    if beat.status is Status.UNSEEN:
        return "new"
    if beat.status is Status.UP and beat.due_at is not None and beat.due_at <= now:
        return "grace"
    return str(beat.status)


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise _wrong(name, "is not a string")
    if value is not None and len(value) > (1_000 if name in ("desc", "tags") else 100):
        raise _wrong(name, "is too long")
    return value


def _span(body: Mapping[str, Any], name: str) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(name, "is not a number")
    if not SPAN_S[0] <= value <= SPAN_S[1]:
        raise _wrong(name, "is too small" if value < SPAN_S[0] else "is too large")
    return value


def _unique(body: Mapping[str, Any]) -> tuple[str, ...]:
    value = body.get("unique") or []
    if not isinstance(value, list):
        raise _wrong("unique", "is not an array")
    if any(name not in _UNIQUE for name in value):
        raise _wrong("an item in 'unique'", "has unexpected value")
    return tuple(value)


def _wrong(name: str, words: str) -> Invalid:
    return Invalid(f"json validation error: {name} {words}", pointer=f"/{name}")


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.replace(microsecond=0).isoformat()
