"""Who may do what: one table. Deny is the answer to everything that it does not name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from mainstay.foundation.errors import Forbidden, Impossible

ROLES = (
    "viewer",
    "responder",
    "lead",
    "author",
    "approver",
    "admin",
    "auditor",
    "stakeholder",
)
_STAFF = frozenset(ROLES) - {"stakeholder"}
_RESPOND = frozenset({"responder", "lead", "admin"})
_DIRECT = frozenset({"lead", "admin"})
_ADMIN = frozenset({"admin"})

PERMISSIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "alerts.read": _STAFF,
        "alerts.silence": _RESPOND,
        "incidents.read": frozenset(ROLES),
        "incidents.act": _RESPOND,
        "incidents.page": _RESPOND,
        "signals.read": _RESPOND | {"auditor"},  # raw bodies may hold personal data
        "signals.release": _DIRECT,
        "signals.report": frozenset(ROLES) - {"auditor"},
        "oncall.read": _STAFF,
        "oncall.override": _RESPOND,
        "estate.read": _STAFF,
        "estate.apply": frozenset({"author", "admin"}),
        "people.read": _STAFF,
        "people.contact_own": frozenset(ROLES) - {"auditor"},
        "people.contact_any": _DIRECT,
        "people.secret": _ADMIN,  # whoever names a secret and where it goes can read it
        "people.token": _ADMIN,
        "keys.manage": _ADMIN,
        "record.read": _RESPOND | {"approver", "auditor"},
        "record.verify": frozenset({"admin", "auditor"}),
        "paging.read": _RESPOND | {"viewer", "auditor"},
        "system.read": _RESPOND | {"auditor"},
    }
)
"""Permission → the roles that have it. The auditor's are all read-only."""

INSTALL_WIDE = frozenset({"estate.apply", "people.secret", "people.token", "keys.manage"})
"""What concerns every team: a token that is limited to one team never gives these."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever does something, in every record. `team`: the only team that they act for."""

    kind: Literal["person", "source", "mainstay", "provider"]
    id: str
    role: str | None = None
    team: str | None = None
    token_id: str | None = None

    def __str__(self) -> str:
        return self.id if self.kind == "mainstay" else f"{self.kind}:{self.id}"


OPERATOR = Actor("person", "operator", "admin")
"""Whoever may read the data folder, by the command line on that machine."""
MAINSTAY = Actor("mainstay", "mainstay")
"""The program itself, when nobody asked it to."""


def allowed(role: str, permission: str) -> bool:
    """Whether the role has the permission. Impossible when there is no such permission."""
    return role in _roles_with(permission)


def who_may(permission: str) -> list[str]:
    """The roles that have the permission, in the order of `ROLES`."""
    having = _roles_with(permission)
    return [role for role in ROLES if role in having]


def require(actor: Actor, permission: str, *, team: str | None = None) -> None:
    """Nothing when the actor may; else Forbidden, saying who may.

    `team`: the owner of what is acted on. None (no owner, or a list that the caller filters) does
    not stop a team's token, save for what concerns every team. Only people have roles: a source, a
    provider or Mainstay itself acts on its own path and never passes here.
    """
    roles = who_may(permission)
    facts: dict[str, Any] = {"permission": permission, "roles": roles}
    if actor.kind != "person" or actor.role not in roles:
        raise Forbidden(f"{_and(roles)} may do this ({permission}); {_who(actor)}.", **facts)
    if actor.team is None:
        return
    if permission in INSTALL_WIDE:
        words = f"This concerns every team, and your token is for team {actor.team} alone."
        raise Forbidden(f"{words} {_and(roles)} of every team may do this.", **facts)
    if team is not None and team != actor.team:
        words = f"This belongs to team {team}, and your token is for team {actor.team}."
        raise Forbidden(f"{words} {_and(roles)} of team {team} may do this.", **facts, team=team)


def _roles_with(permission: str) -> frozenset[str]:
    try:
        return PERMISSIONS[permission]
    except KeyError:
        raise Impossible(f"The program asks for {permission!r}, which is no permission.") from None


def _who(actor: Actor) -> str:
    if actor.kind != "person":
        return f"{actor} is not a person"
    return f"you are {actor.role}" if actor.role in ROLES else "you have no role"


def _and(words: list[str]) -> str:
    """`Only lead and admin`: the words of a list."""
    head, last = words[:-1], words[-1]
    return f"Only {', '.join(head)} and {last}" if head else f"Only {last}"
