"""Who reads a screen: their rights, their zone, and how things are called for them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from mainstay import acts, people
from mainstay.console.uploads import Upload
from mainstay.console.words import Times
from mainstay.estate import View
from mainstay.foundation.errors import Forbidden
from mainstay.runtime import Runtime
from mainstay.web import Call

T = TypeVar("T")
UTC_ZONE = "utc"
CLOCKS_MAX = 2
"""Of other offices, beside the site's and UTC."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Everything that a screen knows about whoever reads it. `csrf`: what each form must carry."""

    call: Call
    view: View
    path: str
    csrf: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    """Of the address: what the path holds, and the query."""
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of the form."""
    files: Mapping[str, Upload] = field(default_factory=dict, repr=False)
    """What the form brought along."""
    cookies: Mapping[str, str] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """What this one request has read already; its parts share it."""

    def once(self, name: str, read: Callable[[], T]) -> T:
        """What `read` gave when it was first asked for within this request."""
        if name not in self.memory:
            self.memory[name] = read()
        found: T = self.memory[name]
        return found

    @property
    def app(self) -> Runtime:
        """The running Mainstay."""
        return self.call.app

    @property
    def actor(self) -> people.Actor:
        """In whose name they act."""
        return self.call.actor

    @property
    def now(self) -> datetime:
        """The instant that the screen shows."""
        return self.call.now

    def act(self, command: acts.Command) -> acts.Done:
        """Do it as them."""
        return self.call.act(command)

    def text(self, name: str) -> str:
        """One field of the form; empty where there is none."""
        return self.fields.get(name, ("",))[0]

    def may(self, permission: str) -> bool:
        """Whether they have the permission, for what belongs to no other team."""
        try:
            people.require(self.actor, permission)
        except Forbidden:
            return False
        return True

    @property
    def hidden(self) -> frozenset[str]:
        """The services that they do not see: other teams', for who may for some teams alone."""
        return self.once("hidden", lambda: acts.hidden(self.view, self.actor, "incidents.read"))

    def check_services(self, services: Iterable[str]) -> None:
        """Forbidden unless they may see what concerns these services."""
        concerned = sorted(services)
        if concerned and self.hidden.issuperset(concerned):
            owner = self.view.estate.services[concerned[0]].owner
            people.require(self.actor, "incidents.read", team=owner)

    def asking(self, query: Mapping[str, str]) -> Reader:
        """The same reader, asking for something else."""
        return replace(self, query=query)

    @property
    def site(self) -> ZoneInfo:
        """The zone of the organisation: what the screen is in unless the reader wants UTC."""
        return ZoneInfo(self.view.estate.org.timezone)

    @property
    def in_utc(self) -> bool:
        """Whether the reader has turned the screen to UTC."""
        return self.cookies.get("zone") == UTC_ZONE

    @property
    def zone(self) -> ZoneInfo:
        """The zone that every time on the screen is said in."""
        return ZoneInfo("UTC") if self.in_utc else self.site

    @property
    def times(self) -> Times:
        """How times are said here and now."""
        return Times(self.zone, self.now)

    @property
    def clocks(self) -> tuple[ZoneInfo, ...]:
        """Where else people are: two zones at most, those of most people, that show another time."""
        known = Counter(one.timezone for one in self.view.estate.people.values() if one.timezone)
        shown = {self.now.astimezone(self.zone).utcoffset(), timedelta(0)}
        found = []
        for name, _ in known.most_common():
            zone = ZoneInfo(name)
            offset = self.now.astimezone(zone).utcoffset()
            if offset not in shown:
                shown.add(offset)
                found.append(zone)
        return tuple(found[:CLOCKS_MAX])

    @property
    def theme(self) -> str | None:
        """`light` or `dark` where the reader has chosen; None: as their system is."""
        chosen = self.cookies.get("theme")
        return chosen if chosen in ("light", "dark") else None

    def name(self, person: str | None) -> str:
        """A person as people call them; the id where the estate knows no such person."""
        known = self.view.estate.people.get(person or "")
        return known.name if known is not None else (person or "nobody")

    def named(self, text: str) -> str:
        """A sentence of the record, people called by their names."""
        people = {name: one.name for name, one in self.view.estate.people.items()}
        if not people:
            return text
        ids = self.once("ids", lambda: re.compile(rf"\b({'|'.join(map(re.escape, people))})\b"))
        return ids.sub(lambda match: people[match[0]], text)

    def service(self, service: str) -> str:
        """A service as people call it."""
        known = self.view.estate.services.get(service)
        return (known.name if known is not None else None) or service

    def label(self, priority: str) -> str:
        """What people here call a priority: P1, or SEV 1."""
        labels: Mapping[str, str] = dict(self.view.estate.org.incidents.labels)  # type: ignore[arg-type]
        return labels.get(priority, priority)
