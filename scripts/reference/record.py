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
    "estate": ("The estate", "Subject: `estate:` and the version."),
    "address": ("Addresses", "Subject: the address (`adr_…`)."),
    "rule": ("Notification rules", "Subject: the rule (`rul_…`)."),
    "key": ("Intake keys", "Subject: the source, or the key (`key_…`)."),
    "token": ("API tokens", "Subject: the token (`tok_…`)."),
    "record": ("The record", "Subject: the node."),
    "backup": ("Backups", "Subject: the backup's file name."),
    "node": ("Nodes", "Subject: the node (`nod_…`), one start of one program."),
    "account": ("Accounts", "Subject: the person."),
    "role": ("Roles", "Subject: the person."),
    "link": ("One-time links", "Subject: the person, or `setup`."),
    "check": ("Checks", "Subject: a tag, a service, or `checks`."),
    "session": ("Sessions", "Subject: the session (`ses_…`), unless it says otherwise."),
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
    "check.asked": "Somebody had checks looked at at once. Subject: what they were chosen by.",
    "silence.added": "Somebody mutes what matches, until when and why.",
    "silence.started": "A silence that was planned is in force.",
    "silence.ended": "It is over, by its time or by hand.",
    "override.added": "Somebody takes over for a time; a swap leaves two.",
    "override.removed": "Back to the schedule.",
    "clock.jumped": "The clock of a machine was set; what is planned was moved with it.",
    "estate.applied": "A version was put in force; with its digest and its changes.",
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
    "act.refused": "Somebody asked for what they may not do.",
}
"""Kind → what it says. Every kind that the code writes has a line, and no other."""
OPEN_ENDED = {"alert.": ("resolved", "unknown"), "incident.": ("opened", "reopened")}
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
