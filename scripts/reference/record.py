"""docs/reference/record.md: what the record holds, and every kind of fact."""

from __future__ import annotations

from pathlib import Path

from mainstay.api.routes.shapes import Fact
from reference import written
from reference.markdown import code, joined, table

INTRO = """# The record

Everything that happened or was decided leaves one row, written in the same transaction as the deed:
the record is the decision log, the timeline of an incident and the audit at once. Rows are only
added. Within a second they are sealed into a chain of SHA-256 digests, so that a row that is changed
or taken out later is found by `mainstay audit verify`, up to the last checkpoint that is kept outside.

Read it with `mainstay trace` (where did my alert go?), `mainstay incidents INC-12` (the timeline),
`mainstay audit log`, or `GET /mainstay/v1/record`. A repeat that changes nothing is counted and
leaves no row."""

COLUMNS = {
    "seq": "Number of the row; grows.",
    "at": "When.",
    "actor": "Who: `person:ana`, `source:prometheus`, `provider:sms`, or `mainstay` by itself.",
    "kind": "What; one of those below.",
    "subject": "The id of what it happened to.",
    "incident": "The incident whose timeline shows it, if any.",
    "receipt": "The signal that caused it, if any.",
    "because": "Why, in one sentence.",
    "facts": "More, for a program; its names depend on the kind.",
}
TITLES = {
    "signal": ("Signals", "Subject: the receipt (`rcp_…`)."),
    "alert": ("Alerts", "Subject: the alert (`alt_…`)."),
    "incident": ("Incidents", "Subject: the incident (`inc_…`)."),
    "paging": (
        "Escalation",
        "Subject: a policy as it runs for an incident (`esc_…`), unless it says otherwise.",
    ),
    "page": ("Pages", "Subject: the page (`pag_…`), unless it says otherwise."),
    "silence": ("Silences", "Subject: the silence (`sil_…`)."),
    "override": ("Overrides", "Subject: the override (`ovr_…`)."),
    "heartbeat": ("Heartbeats", "Subject: the heartbeat's name."),
    "estate": ("The estate", "Subject: `estate:` and the version, or `file:` and the file."),
    "address": ("Addresses", "Subject: the address (`adr_…`)."),
    "rule": ("Notification rules", "Subject: the rule (`rul_…`)."),
    "key": ("Intake keys", "Subject: the source, or the key (`key_…`)."),
    "token": ("API tokens", "Subject: the token (`tok_…`)."),
    "record": ("The record", "Subject: the node."),
    "backup": ("Backups", "Subject: the backup's file name."),
    "secrets": ("Sealed secrets", "Subject: the id of the key."),
    "disk": ("The disk", "Subject: `disk`."),
    "node": ("Nodes", "Subject: the node (`nod_…`), one start of one program."),
    "account": ("Accounts", "Subject: the person."),
    "role": ("Roles", "Subject: the person."),
    "link": ("One-time links", "Subject: the person, or `setup`."),
    "diagnosis": ("Diagnoses", "Subject: the incident, or the service."),
    "check": ("Checks", "Subject: a tag, a service, or `checks`."),
    "session": ("Sessions", "Subject: the session (`ses_…`), unless it says otherwise."),
    "checklist": ("Checklists", "Subject: a checklist on one business day (`clr_…`)."),
    "handover": ("Handovers", "Subject: the handover (`hov_…`)."),
    "followup": ("Follow-ups", "Subject: the follow-up (`fup_…`)."),
    "log": ("The shift log", "Subject: `team:` and the team."),
    "waiver": ("Waivers", "Subject: the waiver (`wvr_…`)."),
    "item": ("Finding an item", "Subject: `item:` and the id, blanked like a log line."),
    "help": ("Asking for help", "Subject: `ask:` and the permission."),
    "act": ("Refusals", "Subject: what was asked for."),
}
KINDS = {
    "signal.quarantined": "A signal could not be settled in three tries; it is kept and told of.",
    "signal.released": "Somebody let a quarantined signal try again.",
    "alert.opened": "A new alert, or one that speaks again after a silence, now in an incident.",
    "alert.worsened": "Its severity rose.",
    "alert.silenced": "It is muted by a silence: on arrival, or when the silence began.",
    "alert.heard": "Its silence is over and it still fires; its incident is open.",
    "alert.acknowledged": "It was acknowledged at its source.",
    "alert.resolved": "Its source says that it is over.",
    "alert.expired": "Its source stopped repeating it: closed as not seen.",
    "alert.closed": "Closed by hand, with its incident.",
    "alert.unknown": "A resolve of an alert that nobody had sent; kept.",
    "incident.opened": "A new incident, and why none that is open took the alert in.",
    "incident.joined": "Another service joined it, and why.",
    "incident.acknowledged": "Somebody has it; paging stops. With how long that holds.",
    "incident.unacknowledged": "Nobody has it any more: given back, or the time ran out.",
    "incident.assigned": "Handed to a person, who is paged.",
    "incident.moved": "Another working state, or on hold.",
    "incident.note": "What somebody wrote into the timeline.",
    "incident.finding": "The same, as a finding: it stands out.",
    "incident.decision": "The same, as a decision: it stands out.",
    "incident.update": "What the business was told; its clock starts again.",
    "incident.picture": "The current picture: what is known, being done, needed.",
    "incident.escalated": "Somebody did not wait for the next step.",
    "incident.resolved": "By a person, or because every alert is closed.",
    "incident.reopened": "By a person, or because the same fault came back in time.",
    "paging.started": "A policy began to run, and why.",
    "paging.step": "A step fired: whom it pages, and why them.",
    "paging.stopped": "A policy stopped: acknowledged, resolved, or all is silenced.",
    "paging.exhausted": "A policy has no step left; the fallback takes over, unless it was the fallback.",
    "paging.unreachable": "Nobody of a step could be reached, or a person (the subject) has no address.",
    "paging.by_hand": "Somebody paged somebody beside any policy. Subject: the incident.",
    "paging.shadow": "The daily comparison of shadow mode. Subject: `paging`.",
    "page.sent": "The other side took it; with what it said.",
    "page.retry": "A try failed; with what was said, and when the next one is.",
    "page.repeated": "Sent again under the same idempotency key: whether it had arrived was not known.",
    "page.next_channel": "A channel does not work; the person's next address is tried.",
    "page.failed": "Given up, after so many tries.",
    "page.cancelled": "Not sent, because it is no longer needed.",
    "page.bundled": "Told in the same page as others: the limit of pages a minute.",
    "page.answered": "Somebody answered by SMS. Subject: the message.",
    "page.tested": "Somebody tried out the addresses of a person, who is the subject.",
    "diagnosis.made": "What most likely went wrong, what was looked at, and why it was looked for.",
    "diagnosis.failed": "It was begun again and again and never ended. Subject: its run (`dia_…`).",
    "diagnosis.asked": "Somebody wants it looked for: again, or of a service and a time.",
    "diagnosis.confirmed": "Somebody says that this was the cause.",
    "diagnosis.ruled_out": "Somebody says that this was not the cause.",
    "check.asked": "Somebody had checks looked at at once. Subject: what they were chosen by.",
    "silence.added": "Somebody mutes what matches, until when and why.",
    "silence.started": "A silence that was planned is in force.",
    "silence.ended": "It is over, by its time or by hand.",
    "override.added": "Somebody takes over for a time; a swap leaves two.",
    "override.removed": "Back to the schedule.",
    "heartbeat.created": "A heartbeat was made: by the estate, by somebody, or by its first ping.",
    "heartbeat.changed": "It is expected otherwise than before.",
    "heartbeat.removed": "Nothing is expected any more.",
    "heartbeat.paused": "Somebody paused it, and why.",
    "heartbeat.resumed": "It is waited for again.",
    "heartbeat.adopted": "A UUID from another system pings it too.",
    "heartbeat.down": "It is late, failed, or ran too long or too short.",
    "heartbeat.up": "It is heard of again, or what was wrong with it is over.",
    "heartbeat.unseen": "It was due while Mainstay was down: nothing is known of it.",
    "clock.jumped": "The clock of a machine was set; what is planned was moved with it.",
    "secrets.sealed": "What an older version had left in clear was sealed.",
    "secrets.rotated": "Every secret was sealed anew, under another key.",
    "secrets.reset": "A key was lost: what was sealed under it was given up.",
    "disk.full": "The disk is full: signals are refused, and pages go on in what was kept.",
    "disk.room": "There is room on the disk again; the reserve is made anew.",
    "estate.applied": "A version was put in force; with its digest and its changes.",
    "estate.edited": "A file of the estate folder was changed from the console.",
    "address.added": "A person can be paged somewhere.",
    "address.asked": "A code was sent there, so that its owner can prove it.",
    "address.proved": "Its owner has proved it.",
    "address.removed": "No longer there, and the rules that used it are gone.",
    "rule.added": "Which address for which urgency, after how long.",
    "rule.removed": "No longer so.",
    "key.created": "An intake key was made for a source, the subject.",
    "key.revoked": "The key opens nothing any more.",
    "token.created": "An API token was made, with its role.",
    "token.revoked": "The token opens nothing any more.",
    "record.key": "From here on a node signs checkpoints with this key; with the one before it.",
    "backup.made": "Somebody made a backup by hand; with its SHA-256, its rows, and where it was written.",
    "backup.restored": "This install was restored; with the instant that it holds.",
    "backup.failed": "A backup that is made by itself could not be made, and why.",
    "node.started": "A program starts to work on this database.",
    "node.settles": "It settles, seals and lets time pass from now on; with its fencing token.",
    "node.ended": "It was told to stop, and did; a node that was lost has no such row.",
    "account.opened": "Somebody used a link to join, and chose a password.",
    "account.password": "Somebody chose a new password; their sessions ended.",
    "account.totp_on": "Signing in asks for a one-time code from now on.",
    "account.totp_off": "It no longer does.",
    "account.closed": "Nobody signs in to it any more; its secrets are gone.",
    "role.granted": "A person holds one more role: which, for which team.",
    "role.ended": "A person holds one role less.",
    "link.made": "A one-time link was made: for the first set-up, to join, or for a new password.",
    "session.opened": "Somebody signed in: how, with what, from where.",
    "session.refused": "A try to sign in failed. Subject: the person, or `unknown`.",
    "session.ended": "A session is over, and why.",
    "checklist.opened": "It can be worked on: by time, or begun by somebody.",
    "checklist.answered": "What somebody said of an item, or that it is to do again.",
    "checklist.attached": "Something was attached to an item; with its SHA-256.",
    "checklist.run": "Somebody had its checks looked at, all at once.",
    "checklist.signed": "Somebody signed; with the SHA-256 of the evidence.",
    "checklist.reopened": "The first of two signatures was taken back, and why.",
    "checklist.unsigned": "It was not signed at its time; how it stood then.",
    "checklist.missed": "The next one opened, and nobody had signed this one.",
    "waiver.added": "An item counts as done until an end; who sees to it, and why.",
    "waiver.ended": "Ended by hand.",
    "handover.drafted": "The end of a shift comes near; who takes over.",
    "handover.edited": "What the leaver adds.",
    "handover.offered": "The leaver hands over.",
    "handover.accepted": "The next shift has read it; with the SHA-256 of what it said.",
    "handover.unaccepted": "Nobody had accepted it in time; the lead is paged.",
    "shift.short": "A shift has too few people, and why; its lead is paged, once.",
    "shift.staffed": "It has enough by now.",
    "handover.lapsed": "The next shift ended too, and nobody had accepted it.",
    "followup.added": "Left for a later shift to do.",
    "followup.done": "Somebody has done it.",
    "log.note": "What somebody wrote into the log.",
    "item.searched": "Somebody looked for a payment, an order or an account in production.",
    "help.asked": "Somebody who may not do something asked those who may.",
    "help.answered": "Somebody who may has seen to it.",
    "act.refused": "Somebody asked for what they may not do.",
}
"""Kind → what it says. Every kind that the code writes has a line, and no other."""
OPEN_ENDED = {
    "alert.": ("resolved", "unknown"),
    "heartbeat.": ("created", "changed", "removed"),
    "incident.": ("opened", "reopened"),
}
"""Kinds that the code puts together: beginning → every end that occurs."""


def page(root: Path) -> str:
    """The whole page. AssertionError when a kind has no line."""
    assert not (faults := drifted(written.of_source(root))), "; ".join(faults)
    assert COLUMNS.keys() == Fact.model_fields.keys(), "a column of the record has no line"
    columns = [[code(name), words] for name, words in COLUMNS.items()]
    sections = [_family(*one) for one in TITLES.items()]
    return joined(INTRO, "## A row", table(["Column", "What it holds"], columns), *sections)


def drifted(found: written.Found) -> list[str]:
    """What stands in the code and not here, or the other way round."""
    made = {begin + end for begin, ends in OPEN_ENDED.items() for end in ends}
    kinds = found.kinds | made
    return [
        *(f"{kind}: the code writes it and KINDS has no line" for kind in sorted(kinds - KINDS.keys())),
        *(f"{kind}: KINDS has a line and no code writes it" for kind in sorted(KINDS.keys() - kinds)),
        *(f"{begin}…: OPEN_ENDED and the code differ" for begin in sorted(found.open_ended ^ OPEN_ENDED.keys())),
        *(f"{place}: which kind is written there cannot be told" for place in found.unread),
    ]  # fmt: skip


def _family(family: str, title: tuple[str, str]) -> str:
    rows = [[code(kind), words] for kind, words in KINDS.items() if kind.split(".")[0] == family]
    return joined(f"## {title[0]}", title[1], table(["Kind", "When"], rows))
