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
class RunChecklist:
    """Have the checks of the checklist looked at now."""

    run: str


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


@dataclass(frozen=True, slots=True)
class WriteLog:
    """A line in the team's shift log."""

    team: str
    text: str


@dataclass(frozen=True, slots=True)
class AddFollowUp:
    """Left for the next shift to do; `owner` None: whoever has it."""

    team: str
    text: str
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class EndFollowUp:
    """It is done."""

    followup: str


@dataclass(frozen=True, slots=True)
class EditHandover:
    """What I add to the draft."""

    handover: str
    said: str


@dataclass(frozen=True, slots=True)
class OfferHandover:
    """I hand over. `said` None: as edited before."""

    handover: str
    said: str | None = None


@dataclass(frozen=True, slots=True)
class AcceptHandover:
    """I have read it, and take over."""

    handover: str
    note: str = ""


OnChecklist = (
    OpenRun
    | AnswerItem
    | RedoItem
    | AttachFile
    | RunChecklist
    | SignRun
    | ReopenRun
    | WaiveItem
    | EndWaiver
)
OnHandover = WriteLog | AddFollowUp | EndFollowUp | EditHandover | OfferHandover | AcceptHandover
OnShift = OnChecklist | OnHandover

PERMISSION: dict[type, str] = {
    OpenRun: "handover.act",
    AnswerItem: "handover.act",
    RedoItem: "handover.act",
    AttachFile: "handover.act",
    RunChecklist: "handover.act",
    SignRun: "handover.sign",
    ReopenRun: "handover.sign",
    WaiveItem: "handover.waive",
    EndWaiver: "handover.waive",
    WriteLog: "handover.act",
    AddFollowUp: "handover.act",
    EndFollowUp: "handover.act",
    EditHandover: "handover.act",
    OfferHandover: "handover.act",
    AcceptHandover: "handover.act",
}
"""Each is asked for the team whose checklist or shift it is."""
