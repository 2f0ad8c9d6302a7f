"""What a person can ask for; every door builds one of these and hands it to `pipeline.act`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from mainstay.acts.shift.commands import PERMISSION as ON_SHIFT
from mainstay.acts.shift.commands import OnShift
from mainstay.alerts import Matcher
from mainstay.checks.heartbeats import Declared
from mainstay.estate import Estate, Target
from mainstay.oncall import Wanted


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """I have it. `link`: the text of a single-use link that proves who asks."""

    incident: str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Unacknowledge:
    """I no longer have it: paging starts again."""

    incident: str


@dataclass(frozen=True, slots=True)
class Resolve:
    """It is over; its open alerts are closed by hand."""

    incident: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Reopen:
    """It is not over."""

    incident: str
    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """A line in the timeline. A finding and a decision stand out; an update is for the business."""

    incident: str
    text: str
    kind: Literal["note", "finding", "decision", "update"] = "note"


@dataclass(frozen=True, slots=True)
class Picture:
    """The current picture: what is known, what is being done, what is needed. It replaces the last."""

    incident: str
    known: str
    doing: str = ""
    needed: str = ""


@dataclass(frozen=True, slots=True)
class Reassign:
    """`person` is to take it, and is paged."""

    incident: str
    person: str


@dataclass(frozen=True, slots=True)
class Move:
    """To another working state; `hold`: what it waits for when on hold."""

    incident: str
    state: str
    hold: str | None = None


@dataclass(frozen=True, slots=True)
class EscalateNow:
    """Do not wait for the next step."""

    incident: str
    reason: str


@dataclass(frozen=True, slots=True)
class PageByHand:
    """Page somebody beside any policy."""

    incident: str
    target: Target
    reason: str


@dataclass(frozen=True, slots=True)
class Diagnose:
    """Look for the likely cause, again."""

    incident: str


@dataclass(frozen=True, slots=True)
class ConfirmCause:
    """This was it. `cause`: the id of a hypothesis of its diagnosis."""

    incident: str
    cause: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class RuleOutCause:
    """This was not it."""

    incident: str
    cause: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class DiagnoseWindow:
    """Look into the trouble that a service had in a stretch of time; `until` None: until now."""

    service: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AddSilence:
    """Mute what matches, until an end."""

    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    reason: str
    author: str | None = None
    """Who asked for it, where the door is told so (amtool's `createdBy`)."""


@dataclass(frozen=True, slots=True)
class EndSilence:
    """Let it speak again now."""

    silence: str


@dataclass(frozen=True, slots=True)
class RunChecks:
    """Look now, whatever their times: those chosen by id, tag and service; none given: all."""

    ids: tuple[str, ...] = ()
    tag: str | None = None
    service: str | None = None


@dataclass(frozen=True, slots=True)
class AddOverrides:
    """Somebody takes somebody's shifts; two in one act are a swap."""

    wanted: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class RemoveOverride:
    """Back to the schedule."""

    override: str


@dataclass(frozen=True, slots=True)
class ReleaseSignal:
    """Try a quarantined signal again."""

    receipt: str


@dataclass(frozen=True, slots=True)
class AddAddress:
    """Where a person can be reached."""

    person: str
    kind: str
    address: str
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class AddDevice:
    """The browser that I sit at rings for me."""

    name: str
    endpoint: str = field(repr=False)
    key: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RemoveAddress:
    """No longer there."""

    address: str


@dataclass(frozen=True, slots=True)
class BeginProof:
    """A code for the address; the door sends it there, and shows it to nobody."""

    address: str


@dataclass(frozen=True, slots=True)
class ProveAddress:
    """It is mine: this is the code."""

    address: str
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AddRule:
    """When to use which address."""

    person: str
    urgency: str
    delay_s: int
    address: str


@dataclass(frozen=True, slots=True)
class RemoveRule:
    """No longer so."""

    rule: str


@dataclass(frozen=True, slots=True)
class CreateKey:
    """An intake key for a source."""

    source: str


@dataclass(frozen=True, slots=True)
class RevokeKey:
    """The key opens nothing any more."""

    key: str


@dataclass(frozen=True, slots=True)
class CreateToken:
    """An API token."""

    person: str
    role: str
    about: str
    team: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RevokeToken:
    """The token opens nothing any more."""

    token: str


@dataclass(frozen=True, slots=True)
class MakeSetupLink:
    """A one-time link for the first administrator, while there is none."""


@dataclass(frozen=True, slots=True)
class Invite:
    """An account for somebody, by a one-time link. `outside`: also if the estate knows no such id."""

    person: str
    role: str | None = None
    team: str | None = None
    outside: bool = False


@dataclass(frozen=True, slots=True)
class GrantRole:
    """One more role, for one team or (None) every team. Their sessions end."""

    person: str
    role: str
    team: str | None = None
    outside: bool = False


@dataclass(frozen=True, slots=True)
class EndRole:
    """One role less. Their sessions end."""

    person: str
    role: str
    team: str | None = None


@dataclass(frozen=True, slots=True)
class MakeResetLink:
    """A one-time link for a new password."""

    person: str


@dataclass(frozen=True, slots=True)
class CloseAccount:
    """Nobody signs in to it any more."""

    person: str


@dataclass(frozen=True, slots=True)
class EndSession:
    """Signed out there."""

    session: str


@dataclass(frozen=True, slots=True)
class EndSessions:
    """Signed out everywhere."""

    person: str


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """One's own. `hashed`: the door has checked the old one and hashed the new."""

    hashed: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConfirmTotp:
    """Sign in with one-time codes from now on; `code` proves that the telephone has the secret."""

    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TurnOffTotp:
    """Sign in without one-time codes again."""

    person: str


@dataclass(frozen=True, slots=True)
class Edited:
    """A file of the estate that is written with it; SHA-256 (hex) of what it held and holds."""

    file: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class CreateHeartbeat:
    """A job is to say that it ran."""

    declared: Declared


@dataclass(frozen=True, slots=True)
class ChangeHeartbeat:
    """It is expected otherwise than before."""

    heartbeat: str
    declared: Declared


@dataclass(frozen=True, slots=True)
class RemoveHeartbeat:
    """Nothing is expected any more."""

    heartbeat: str


@dataclass(frozen=True, slots=True)
class PauseHeartbeat:
    """Nobody waits for it."""

    heartbeat: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ResumeHeartbeat:
    """It is waited for again."""

    heartbeat: str


@dataclass(frozen=True, slots=True)
class AdoptUuid:
    """The UUID that its job has from another system pings it too."""

    heartbeat: str
    uuid: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Apply:
    """A new version of the estate. `rebase`: running escalations go on under it."""

    estate: Estate
    rebase: bool = False
    edited: Edited | None = None


@dataclass(frozen=True, slots=True)
class AskFor:
    """Somebody who may is asked to do what I may not. `about`: the screen, as a path."""

    permission: str
    about: str
    team: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class AnswerAsk:
    """I have seen to what somebody asked for; `seq`: the row of the record in which they did."""

    seq: int


Command = (
    Acknowledge | Unacknowledge | Resolve | Reopen | Note | Picture | Reassign | Move
    | EscalateNow | PageByHand | Diagnose | ConfirmCause | RuleOutCause | DiagnoseWindow | AddSilence | EndSilence | RunChecks | AddOverrides | RemoveOverride | ReleaseSignal
    | AddAddress | AddDevice | RemoveAddress | BeginProof | ProveAddress | AddRule | RemoveRule
    | CreateKey | RevokeKey | CreateToken
    | RevokeToken | Apply | MakeSetupLink | Invite | GrantRole | EndRole | MakeResetLink | CloseAccount
    | EndSession | EndSessions | ChangePassword | ConfirmTotp | TurnOffTotp
    | OnShift
    | AskFor | AnswerAsk
    | CreateHeartbeat | ChangeHeartbeat | RemoveHeartbeat | PauseHeartbeat | ResumeHeartbeat
    | AdoptUuid
)  # fmt: skip

PERMISSION: dict[type, str] = {
    Acknowledge: "incidents.act",
    Unacknowledge: "incidents.act",
    Resolve: "incidents.act",
    Reopen: "incidents.act",
    Note: "incidents.act",
    Diagnose: "incidents.act",
    ConfirmCause: "incidents.act",
    RuleOutCause: "incidents.act",
    DiagnoseWindow: "incidents.act",
    Picture: "incidents.act",
    Reassign: "incidents.act",
    Move: "incidents.act",
    EscalateNow: "incidents.page",
    PageByHand: "incidents.page",
    AddSilence: "alerts.silence",
    EndSilence: "alerts.silence",
    RunChecks: "checks.run",
    AddOverrides: "oncall.override",
    RemoveOverride: "oncall.override",
    ReleaseSignal: "signals.release",
    AddAddress: "people.contact_any",
    AddDevice: "people.contact_own",
    RemoveAddress: "people.contact_any",
    BeginProof: "people.contact_any",
    ProveAddress: "people.contact_any",
    AddRule: "people.contact_any",
    RemoveRule: "people.contact_any",
    CreateKey: "keys.manage",
    RevokeKey: "keys.manage",
    CreateToken: "people.token",
    RevokeToken: "people.token",
    Apply: "estate.apply",
    MakeSetupLink: "people.account",
    Invite: "people.account",
    GrantRole: "people.grant",
    EndRole: "people.grant",
    MakeResetLink: "people.account",
    CloseAccount: "people.account",
    EndSession: "people.account",
    EndSessions: "people.account",
    ChangePassword: "people.account_own",
    ConfirmTotp: "people.account_own",
    TurnOffTotp: "people.account",
    **ON_SHIFT,
    AskFor: "people.account_own",
    AnswerAsk: "people.account_own",
    CreateHeartbeat: "heartbeats.edit",
    ChangeHeartbeat: "heartbeats.edit",
    RemoveHeartbeat: "heartbeats.edit",
    PauseHeartbeat: "heartbeats.pause",
    ResumeHeartbeat: "heartbeats.pause",
    AdoptUuid: "heartbeats.edit",
}
"""What each command needs. Where it is about oneself, `people.contact_own` or `people.account_own`
will do; an address with a secret needs `people.secret`, an invitation with a role `people.grant`."""
