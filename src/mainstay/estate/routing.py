"""From a signal to its service, and from a service to its policy, priority and mode."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import re2

from mainstay.estate.collections import DEFAULT_PRIORITIES, Estate, Route

REMEMBERED_MAX = 20_000
"""Answers kept; a storm has few distinct values of the labels that routes look at."""
KEY_LENGTH_MAX = 500
"""Characters; an answer to longer texts is not kept, so that nobody can fill the memory."""
UNROUTED = "unrouted"
"""The service of a signal that no route fits; it need not be declared."""
_CHECKLIST, _HANDOVER = "checklist:", "handover:"
_LEAD = "-lead"
"""`payops-lead`: the escalation that pages for what the people of payops did not do."""
_PLACE = re.compile(r"\{([^{}]+)\}")


class NotRe2(ValueError):
    """Not a regular expression in RE2's syntax; the text says what RE2 says."""


@dataclass(frozen=True, slots=True)
class Routed:
    """The service of a signal, and why: a sentence that names the route."""

    service: str
    why: str


class Pattern:
    """`text`, `~regex`, `!text` or `!~regex`; regexes match the whole, by RE2 (linear in time).

    A label that is absent is an empty text, as with Alertmanager. NotRe2 on a bad regex.
    """

    __slots__ = ("_regex", "_text", "_wanted")

    def __init__(self, text: str) -> None:
        self._wanted = not text.startswith("!")
        rest = text if self._wanted else text[1:]
        self._text = rest
        self._regex = _compiled(rest[1:]) if rest.startswith("~") else None

    def matches(self, value: str) -> bool:
        if self._regex is None:
            return (value == self._text) is self._wanted
        found = self._regex.fullmatch(value.encode("utf-8", "replace"))
        return (found is not None) is self._wanted


class _Compiled:
    """One route, ready to be asked."""

    __slots__ = ("fills", "matchers", "reason", "to")

    def __init__(self, number: int, route: Route) -> None:
        self.matchers = [(name, Pattern(text)) for name, text in route.match.items()]
        self.to = route.to.removeprefix("service:")
        self.fills = _PLACE.findall(self.to)
        conditions = " and ".join(f"{name} {text}" for name, text in route.match.items())
        self.reason = f"route {number} " + (
            f"matched {conditions}" if conditions else "takes the rest"
        )

    def names(self) -> set[str]:
        """The labels whose values can change the answer."""
        return {name for name, _ in self.matchers} | set(self.fills)

    def fits(self, values: Mapping[str, str]) -> bool:
        return all(pattern.matches(values.get(name, "")) for name, pattern in self.matchers)

    def target(self, values: Mapping[str, str]) -> str:
        return _PLACE.sub(lambda place: values.get(place[1], ""), self.to)


class Routes:
    """The routes of one estate, compiled once. Remembers answers; safe to share by threads."""

    def __init__(self, estate: Estate) -> None:
        self._services = frozenset(estate.services)
        self._routes = [_Compiled(n, route) for n, route in enumerate(estate.routes, start=1)]
        used = set().union(*(route.names() for route in self._routes))
        self._labels = tuple(sorted(used - {"source", "severity"}))
        self._remembered: dict[tuple[str | None, ...], Routed] = {}

    def service_of(self, source: str, severity: str, labels: Mapping[str, str]) -> Routed:
        """The first route that fits and leads to a declared service; `unrouted` when none does."""
        key = (source, severity, *map(labels.get, self._labels))
        found = self._remembered.get(key)
        if found is None:
            values = {name: labels[name] for name in self._labels if name in labels}
            found = self._find(values | {"source": source, "severity": severity})
            self._remember(key, found)
        return found

    def _remember(self, key: tuple[str | None, ...], found: Routed) -> None:
        if sum(len(text or "") for text in key) > KEY_LENGTH_MAX:
            return
        if len(self._remembered) >= REMEMBERED_MAX:
            self._remembered.clear()
        self._remembered[key] = found

    def _find(self, values: Mapping[str, str]) -> Routed:
        passed: list[str] = []
        for route in self._routes:
            if not route.fits(values):
                continue
            service = route.target(values)
            if service in self._services:
                return Routed(service, "; ".join([*passed, route.reason]))
            passed.append(f"{route.reason}, but {service!r} is no service")
        return Routed(UNROUTED, "; ".join([*passed, "no route fits"]))


# -- duties ----------------------------------------------------------------------------------------
#
# What a team must have done by a time pages like a service: `checklist:start-of-day` and
# `handover:payops` stand where a service's name stands. No id has a colon, so none is called so.


def checklist_duty(checklist: str) -> str:
    """The duty to sign a checklist."""
    return f"{_CHECKLIST}{checklist}"


def handover_duty(team: str) -> str:
    """The duty to accept a handover."""
    return f"{_HANDOVER}{team}"


def is_duty(service: str) -> bool:
    """Whether this is no service's name but a duty's."""
    return service.startswith((_CHECKLIST, _HANDOVER))


def duty_team(estate: Estate, service: str) -> str | None:
    """The team whose duty it is; None for what is no duty, or is declared no more."""
    if service.startswith(_CHECKLIST):
        found = estate.checklists.get(service.removeprefix(_CHECKLIST))
        return found.team if found is not None else None
    name = service.removeprefix(_HANDOVER)
    return name if service.startswith(_HANDOVER) and name in estate.teams else None


def _duty_policies(estate: Estate, service: str) -> list[str | None]:
    """The escalations that may page for a duty, the first choice first."""
    team = duty_team(estate, service)
    if team is None:
        return []
    if service.startswith(_CHECKLIST):
        own = estate.checklists[service.removeprefix(_CHECKLIST)].escalation
    else:
        handing = estate.teams[team].handover
        own = handing.escalation if handing is not None else None
    return [own, f"{team}{_LEAD}", team]


# -- who pages, how urgently ------------------------------------------------------------------------


def policy_of(estate: Estate, service: str) -> str:
    """The escalation that pages for a service.

    Its own, else the one named after its owner, else `default`, else `fallback`.
    """
    found = estate.services.get(service)
    wanted = [found.escalation, found.owner] if found else _duty_policies(estate, service)
    for name in (*wanted, "default"):
        if name in estate.escalations:
            return name
    return "fallback"


def priority_of(estate: Estate, service: str, severity: str) -> str:
    """P1 to P4: the service's tier by the alert's severity. An unknown service counts as tier 3.

    A duty counts as tier 1: whoever must see to it hears of it at any hour.
    """
    found = estate.services.get(service)
    tier: Any = f"tier-{found.tier if found else 1 if is_duty(service) else 3}"
    by_severity: Mapping[Any, str] = DEFAULT_PRIORITIES[tier] | estate.priorities.get(tier, {})
    return by_severity.get(severity, "P4")


def is_shadow(estate: Estate, service: str) -> bool:
    """Whether paging for a service is only written down: the service says, else its team, else the org."""
    found = estate.services.get(service)
    owner = found.owner if found else duty_team(estate, service)
    team = estate.teams.get(owner) if owner else None
    said = (found.paging if found else None) or (team.paging if team else None) or estate.org.paging
    return said == "shadow"


def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern.encode("utf-8"), options)
    except re2.error as error:
        said = error.args[0]
        said = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise NotRe2(f"not a regular expression (RE2): {said}") from error
