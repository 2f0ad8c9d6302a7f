"""docs/reference/permissions.md: which role may do what."""

from __future__ import annotations

from pathlib import Path

from mainstay.people import PERMISSIONS, ROLES
from mainstay.people.roles import INSTALL_WIDE
from reference.markdown import code, joined, table

INTRO = """# Permissions

Every request, every command and every screen needs one permission. A person holds roles, each for one
team or for every team (`mainstay people grant PERSON ROLE --team TEAM`); a token has one role, and
gives no more than its owner holds now, if its owner was ever given one. What no role has a mark for
is refused, and the refusal says who may. A refused attempt leaves a row in the [record](record.md)."""

TEAM = """What somebody may for one team alone they may with what is that team's: alerts and incidents
of its services (and of services that nobody owns; an incident that touches two teams is both teams'),
silences that name one of its services, overrides of its schedules, addresses of its members. Lists
leave the rest out. It never gives what concerns every team: {wide}; nor the whole record, raw
signals and shadow mode's comparison, which cannot be told apart by team. Who is on call, silences and
the estate are shown to all who may read them: whoever needs another team must find it."""

ABOUT = {
    "viewer": "reads",
    "responder": "is on call and works on incidents",
    "lead": "also directs: releases signals, sets others' contacts",
    "author": "changes the estate",
    "approver": "reads; the record too",
    "admin": "everything, keys and tokens too",
    "auditor": "reads; raw signals and the record too; changes nothing",
    "stakeholder": "sees incidents and may report trouble",
}
WHAT = {
    "alerts.read": "See alerts and silences.",
    "alerts.silence": "Make and end silences.",
    "checks.read": "See checks, how they stand and their history.",
    "checks.run": "Have checks looked at now.",
    "incidents.read": "See incidents, their timelines and the shift.",
    "incidents.act": "Acknowledge, resolve, reopen, assign, note, move.",
    "incidents.page": "Escalate now; page somebody by hand.",
    "diagnosis.find": "Look for a payment, an order or an account in production; shows customers' data.",
    "signals.read": "See raw requests; their bodies may hold personal data.",
    "signals.release": "Let a quarantined signal try again.",
    "signals.report": "Report trouble.",
    "heartbeats.read": "See heartbeats, their pings and their output.",
    "heartbeats.pause": "Pause and resume heartbeats.",
    "heartbeats.edit": "Make, change and remove heartbeats; see the URLs that ping them.",
    "oncall.read": "See who is on call, overrides, calendars.",
    "oncall.override": "Make and remove overrides and swaps.",
    "handover.read": "See checklists, the shift log and handovers.",
    "handover.act": "Answer checklists, write into the log, edit and accept handovers.",
    "handover.sign": "Sign checklists, where the estate lets one.",
    "handover.waive": "Waive an item of a checklist; sign whoever else should.",
    "estate.read": "See the estate and its versions.",
    "estate.plan": "See what another estate would change, for things and for people.",
    "estate.apply": "Put an estate in force.",
    "people.read": "See people; their addresses masked.",
    "people.contact_own": "Set one's own addresses and rules; try them out.",
    "people.contact_any": "The same for anybody, and see addresses in full.",
    "people.secret": "Name the secret that goes out with pages to an address.",
    "people.token": "Make, list and revoke API tokens.",
    "people.grant": "Give and take roles; never to oneself.",
    "people.account": "Invite; links for new passwords; end others' sessions; close accounts.",
    "people.account_own": "Set one's own password and one-time codes; see and end one's own sessions.",
    "people.review": "See who has an account, holds which role, and is signed in where.",
    "keys.manage": "Make, list and revoke intake keys.",
    "record.read": "Read the record; trace an alert.",
    "record.verify": "Recompute the record's chain, and read its checkpoints.",
    "paging.read": "See what shadow mode would have sent.",
    "system.read": "See how this install does.",
}
"""Permission → what it lets one do."""


def page(root: Path) -> str:
    """The whole page."""
    assert ABOUT.keys() == set(ROLES), "a role has no line"
    assert WHAT.keys() == PERMISSIONS.keys(), "a permission has no line"
    roles = [[f"**{role}**", ABOUT[role]] for role in ROLES]
    rows = [
        [code(name), WHAT[name], *("●" if role in having else "" for role in ROLES)]
        for name, having in PERMISSIONS.items()
    ]
    wide = ", ".join(code(name) for name in sorted(INSTALL_WIDE))
    return joined(
        INTRO, TEAM.format(wide=wide), "## Roles", table(["Role", "Who"], roles),
        "## Who may what", table(["Permission", "What it gives", *ROLES], rows),
    )  # fmt: skip
