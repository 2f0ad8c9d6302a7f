"""What people ask for around a shift: checklists and what is signed, the log, the handover."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class OpenRun:
    """Begin a checklist now; `day` None: of the business day that it is."""

    checklist: str
    day: date | None = None


@dataclass(frozen=True, slots=True)
class AnswerItem:
    """I have looked at it, and this is what I saw. `failed`: it is not as it should be."""

    run: str
    item: str
    answers: Mapping[str, Any] = field(default_factory=dict)
    failed: bool = False
    words: str = ""


@dataclass(frozen=True, slots=True)
class RedoItem:
    """It is to be looked at again."""

    run: str
    item: str


@dataclass(frozen=True, slots=True)
class AttachFile:
    """The proof of it."""

    run: str
    item: str
    answer: str
    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignRun:
    """I sign for it."""

    run: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ReopenRun:
    """The first signature is taken back: something is to change."""

    run: str
    reason: str


@dataclass(frozen=True, slots=True)
class WaiveItem:
    """It counts as done until then, for a reason; `owner` sees to it that it is mended."""

    checklist: str
    item: str
    owner: str
    reason: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class EndWaiver:
    """It is looked at again from now on."""

    waiver: str


OnChecklist = (
    OpenRun | AnswerItem | RedoItem | AttachFile | SignRun | ReopenRun | WaiveItem | EndWaiver
)
OnShift = OnChecklist

PERMISSION: dict[type, str] = {
    OpenRun: "handover.act",
    AnswerItem: "handover.act",
    RedoItem: "handover.act",
    AttachFile: "handover.act",
    SignRun: "handover.sign",
    ReopenRun: "handover.sign",
    WaiveItem: "handover.waive",
    EndWaiver: "handover.waive",
}
"""Each is asked for the team whose checklist or shift it is."""
