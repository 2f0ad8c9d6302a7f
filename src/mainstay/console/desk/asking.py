"""Who may do what one may not, by name, and the form that asks them; what others ask of the reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mainstay import acts, people
from mainstay.acts import commands
from mainstay.console.desk.now.standing import duties
from mainstay.console.desk.reader import Reader
from mainstay.console.desk.render import SELF, Form, Went
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Forbidden, MainstayError, NotFound

NAMES_MAX = 4

DOES: Mapping[str, str] = MappingProxyType(
    {
        "alerts.read": "read alerts",
        "alerts.silence": "silence alerts",
        "incidents.read": "read incidents",
        "incidents.act": "act on an incident",
        "incidents.page": "page somebody",
        "signals.read": "read raw signals",
        "signals.release": "let a quarantined signal try again",
        "signals.report": "report a trouble",
        "oncall.read": "read schedules",
        "oncall.override": "make an override",
        "estate.read": "read the estate",
        "estate.plan": "propose a change of the estate",
        "estate.apply": "put an estate in force",
        "people.read": "read who is who",
        "people.contact_own": "set their own addresses",
        "people.contact_any": "set somebody's addresses",
        "people.secret": "set an address with a secret",
        "people.token": "make an API token",
        "people.grant": "give a role",
        "people.account": "invite somebody",
        "people.account_own": "keep their own account",
        "people.review": "review accounts",
        "keys.manage": "make an intake key",
        "record.read": "read the record",
        "record.verify": "verify the record",
        "diagnosis.find": "look for an item in production",
        "checks.read": "read checks",
        "checks.run": "run a check",
        "heartbeats.read": "read heartbeats",
        "heartbeats.pause": "pause a heartbeat",
        "heartbeats.edit": "change a heartbeat",
        "handover.read": "read the shift",
        "handover.act": "work on the shift",
        "handover.sign": "sign for a shift",
        "handover.waive": "waive a check",
        "paging.read": "read how pages went",
        "system.read": "read how Mainstay is",
    }
)
"""Permission → what it lets somebody do, in words."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What was refused, who may do it, and what to send to ask them."""

    permission: str
    does: str
    names: tuple[str, ...]
    """Whoever is on call first; at most four."""
    more_n: int
    about: str
    team: str | None


def offer(
    reader: Reader, tx: Tx, permission: str, *, about: str, team: str | None = None
) -> Offer | None:
    """Whom to ask for `permission`; None where nobody else holds it."""
    could = [one for one in acts.who_could(tx, permission, team=team) if one != reader.actor.id]
    if not could:
        return None
    on_duty = {one.person for one in duties(reader, tx)}
    could.sort(key=lambda one: (one not in on_duty, one))
    names = tuple(map(reader.name, could[:NAMES_MAX]))
    does = DOES[permission]
    return Offer(permission, does, names, len(could) - len(names), about, team)


def offer_after(reader: Reader, tx: Tx, error: MainstayError) -> Offer | None:
    """Whom to ask after a refusal, where it was about a permission."""
    permission = error.facts.get("permission", "") if isinstance(error, Forbidden) else ""
    if permission not in people.PERMISSIONS:
        return None
    return offer(reader, tx, permission, about=reader.path, team=error.facts.get("team"))


def ask(reader: Reader) -> Went:
    """Ask whoever may."""
    command = commands.AskFor(
        reader.text("permission"), reader.text("about"), reader.text("team") or None,
        reader.text("note").strip(),
    )  # fmt: skip
    done = reader.act(command)
    return Went(_back(reader), f"{reader.named(done.sentence)}.")


def answer(reader: Reader) -> Went:
    """It is seen to."""
    seq = reader.query["seq"]
    if not seq.isdecimal() or len(seq) > 18:
        raise NotFound("Nobody asks you for this.")
    reader.act(commands.AnswerAsk(int(seq)))
    return Went("/")


def _back(reader: Reader) -> str:
    """An incident can still be read by who may not act on it; another screen was refused itself."""
    about = reader.text("about")
    return about if about.startswith("/incidents/") and reader.may("incidents.read") else "/"


FORMS = (Form("/ask", SELF, ask), Form("/asked/{seq}/seen", SELF, answer))
