"""Who may do what: one table. Deny is the answer to everything that it does not name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
        "checks.read": _STAFF,
        "checks.run": _RESPOND,
        "incidents.read": frozenset(ROLES),
        "incidents.act": _RESPOND,
        "incidents.page": _RESPOND,
        "signals.read": _RESPOND | {"auditor"},  # raw bodies may hold personal data
        "signals.release": _DIRECT,
        "signals.report": frozenset(ROLES) - {"auditor"},
        "diagnosis.find": _RESPOND,  # asks production, and shows customers' data
        "heartbeats.read": _STAFF,
        "heartbeats.pause": _RESPOND,
        "heartbeats.edit": _DIRECT | {"author"},
        "oncall.read": _STAFF,
        "oncall.override": _RESPOND,
        "estate.read": _STAFF,
        "estate.plan": frozenset(
            {"lead", "author", "approver", "admin"}
        ),  # seconds of the processor
        "estate.apply": frozenset({"author", "admin"}),
        "people.read": _STAFF,
        "people.contact_own": frozenset(ROLES) - {"auditor"},
        "people.contact_any": _DIRECT,
        "people.secret": _ADMIN,  # whoever names a secret and where it goes can read it
        "people.token": _ADMIN,
        "people.grant": _ADMIN,
        "people.account": _ADMIN,
        "people.account_own": frozenset(ROLES),
        "people.review": _ADMIN | {"auditor"},
        "keys.manage": _ADMIN,
        "record.read": _RESPOND | {"approver", "auditor"},
        "record.verify": frozenset({"admin", "auditor"}),
        "paging.read": _RESPOND | {"viewer", "auditor"},
        "handover.read": _STAFF,
        "handover.act": _RESPOND,
        "handover.sign": _RESPOND,
        "handover.waive": _DIRECT,
        "system.read": _RESPOND | {"auditor"},
    }
)
"""Permission → the roles that have it. The auditor's are all read-only, but for their own account."""

INSTALL_WIDE = frozenset(
    {
        "estate.apply", "people.secret", "people.token", "people.grant", "people.account",
        "people.review", "keys.manage",
    }
)  # fmt: skip
"""What concerns every team: a role that is held for one team never gives these."""


EVERY_TEAM = "*"
"""Asked for as a team, it is nobody's: only who may for every team passes."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A role, held for one team, or (`team` None) for every team."""

    role: str
    team: str | None = None

    def __str__(self) -> str:
        return f"{self.role} of {self.team}" if self.team else self.role


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever does something, in every record, and the roles that they hold."""

    kind: Literal["person", "source", "mainstay", "provider"]
    id: str
    grants: tuple[Grant, ...] = ()
    ceiling: tuple[Grant, ...] | None = None
    """What the person holds whose token this is: it never gives more. None: no such limit."""
    token_id: str | None = None
    session_id: str | None = None

    def __str__(self) -> str:
        return self.id if self.kind == "mainstay" else f"{self.kind}:{self.id}"

    def teams(self, permission: str) -> frozenset[str] | None:
        """The teams for which they have it, perhaps none; None: for every team, and for no team."""
        if self.kind != "person":
            return frozenset()
        own = _teams(self.grants, permission)
        return own if self.ceiling is None else _both(own, _teams(self.ceiling, permission))

    def has(self, permission: str, *, team: str | None = None) -> bool:
        """Whether they have it: for `team`, or (None) for any team at all."""
        teams = self.teams(permission)
        if teams is None:
            return True
        return bool(teams) and permission not in INSTALL_WIDE and (team is None or team in teams)


def person(id: str, role: str, team: str | None = None) -> Actor:
    """A person who holds one role."""
    return Actor("person", id, (Grant(role, team),))


OPERATOR = person("operator", "admin")
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
    not stop somebody who may for one team, save for what concerns every team. Only people have
    roles: a source, a provider or Mainstay itself acts on its own path and never passes here.
    """
    if actor.has(permission, team=team):
        return
    roles, teams = who_may(permission), actor.teams(permission)
    facts: dict[str, Any] = {"permission": permission, "roles": roles}
    if not teams:
        raise Forbidden(f"{_and(roles)} may do this ({permission}); {_who(actor)}.", **facts)
    yours = f"and you may do it for team {' and '.join(sorted(teams))} alone"
    if permission in INSTALL_WIDE or team == EVERY_TEAM:
        words = f"This concerns every team, {yours}. {_and(roles)} of every team may do this."
        raise Forbidden(words, **facts)
    words = f"This belongs to team {team}, {yours}. {_and(roles)} of team {team} may do this."
    raise Forbidden(words, **facts, team=team)


def _teams(grants: Iterable[Grant], permission: str) -> frozenset[str] | None:
    having = _roles_with(permission)
    held = [grant.team for grant in grants if grant.role in having]
    return None if None in held else frozenset(team for team in held if team is not None)


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _roles_with(permission: str) -> frozenset[str]:
    try:
        return PERMISSIONS[permission]
    except KeyError:
        raise Impossible(f"The program asks for {permission!r}, which is no permission.") from None


def _who(actor: Actor) -> str:
    if actor.kind != "person":
        return f"{actor} is not a person"
    held = sorted({str(grant) for grant in actor.grants if grant.role in ROLES})
    if not held:
        return "you have no role"
    if actor.ceiling is not None:
        return f"you are {' and '.join(held)}, as far as the owner of this token is"
    return f"you are {' and '.join(held)}"


def _and(words: list[str]) -> str:
    """`Only lead and admin`: the words of a list."""
    head, last = words[:-1], words[-1]
    return f"Only {', '.join(head)} and {last}" if head else f"Only {last}"
