"""One compiled version of the estate, with the answers that the corridor asks of it again and again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

from mainstay.estate import store
from mainstay.estate.collections import Estate, Org
from mainstay.estate.days import Days
from mainstay.estate.graph import Graph
from mainstay.estate.routing import Routed, Routes, is_duty, is_shadow, policy_of, priority_of
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import NotFound

T = TypeVar("T")
KEPT = 16
"""Compiled versions kept: running escalations hold on to the one they began under."""
EMPTY = Estate(org=Org(name=""))
SELF = "mainstay"
"""The service that stands for Mainstay itself; it need not be declared. The fallback pages for it."""


class View:
    """Read-only; made once for each version and shared by threads. Answers are remembered."""

    def __init__(self, version: int, estate: Estate) -> None:
        self.version = version
        self.estate = estate
        self._routes = Routes(estate)
        self._days = Days(estate)
        self._graph = Graph(estate)
        self._priorities: dict[tuple[str, str], str] = {}
        self._made: dict[str, Any] = {}

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What another room compiles of this version, made when it is first asked for."""
        if name not in self._made:
            self._made[name] = make()
        found: T = self._made[name]
        return found

    def service_of(
        self, source: str, severity: str, labels: dict[str, str], *, hint: str | None = None
    ) -> Routed:
        """The service of a signal: the sender's own word where it is one of ours, else the routes'."""
        if source == SELF:
            if hint is not None and is_duty(hint):
                return Routed(hint, f"it is the duty {hint}")
            return Routed(SELF, "it is about Mainstay itself")
        if hint is not None and hint in self.estate.services:
            return Routed(hint, f"the sender named {hint}")
        return self._routes.service_of(source, severity, labels)

    def policy_of(self, service: str) -> str:
        """The escalation that pages for a service."""
        return policy_of(self.estate, service)

    def priority_of(self, service: str, severity: str) -> str:
        """P1 to P4. Trouble with Mainstay itself is P1: pages may be missing."""
        if service == SELF:
            return "P1"
        key = (service, severity)
        if key not in self._priorities:
            self._priorities[key] = priority_of(self.estate, service, severity)
        return self._priorities[key]

    def is_shadow(self, service: str) -> bool:
        """Whether paging for a service is only decided and recorded."""
        return is_shadow(self.estate, service)

    def is_business_day(self, calendar: str, day: date) -> bool:
        """Whether `day` is a business day of the named calendar."""
        return self._days.is_business_day(calendar, day)

    def neighbours(self, service: str) -> frozenset[str]:
        """What `service` depends on or what depends on it, however far."""
        return frozenset(self._graph.distances(service))

    def users(self, service: str) -> tuple[str, ...]:
        """Every service that needs this one, however far, the nearest first."""
        return self._graph.users(service)

    def distance(self, one: str, other: str) -> int | None:
        """Dependency steps between two services, all in one direction; None: not related."""
        return self._graph.distances(one).get(other)


class Views:
    """The compiled versions, by number; safe to share by threads."""

    def __init__(self) -> None:
        self._views: dict[int, tuple[str, View]] = {}
        """Number → (digest, view): a number alone is not enough, its commit may have failed."""

    def current(self, tx: Tx) -> View:
        """The version in force: nodes follow the pointer in the database, never the folder."""
        return self.at(tx, store.current_number(tx))

    def current_or_empty(self, tx: Tx) -> View:
        """The version in force; version 0, which declares nothing, before the first apply."""
        number = store.current_number(tx)
        return self.at(tx, number) if number else View(0, EMPTY)

    def at(self, tx: Tx, version: int) -> View:
        """One version; NotFound when there is none (nothing was applied yet)."""
        digest, view = self._views.get(version, (None, None))
        if view is not None and digest == store.digest_of(tx, version):
            return view
        stored = store.get(tx, version)
        if stored is None:
            raise NotFound("No estate is in force yet: run `mainstay apply FOLDER`.")
        while len(self._views) >= KEPT:
            del self._views[min(self._views)]
        view = View(stored.version, stored.estate)
        self._views[version] = (stored.digest, view)
        return view
