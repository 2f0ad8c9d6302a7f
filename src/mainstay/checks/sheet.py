"""The checks of one version of the estate, compiled: which there are, and what each expects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from mainstay.estate import Check, Days, Estate, Expectation, Host, View, needs_past, parse
from mainstay.foundation.errors import NotFound
from mainstay.foundation.nearest import hint

FRESH_MIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Watched:
    """A check on one host, or on none."""

    name: str
    id: str
    check: Check
    host_id: str | None
    host: Host | None
    expect: tuple[Expectation, ...]
    warn: tuple[Expectation, ...]
    asks_past: bool
    """Whether a condition looks at earlier results."""
    zone: ZoneInfo

    @property
    def is_beat(self) -> bool:
        """Whether it waits for a ping instead of looking."""
        return self.check.heartbeat

    @property
    def fresh(self) -> timedelta:
        """How old its newest result may be."""
        if self.check.fresh is not None:
            return self.check.fresh
        return max(3 * self.check.interval + self.check.timeout, FRESH_MIN)


class Sheet:
    """All of them, by name. Made once for each version; shared by threads."""

    def __init__(self, view: View) -> None:
        self.version = view.version
        self.estate: Estate = view.estate
        self.days = Days(view.estate)
        self.watched: Mapping[str, Watched] = {one.name: one for one in _each(view.estate)}

    def choose(
        self, *, ids: tuple[str, ...] = (), tag: str | None = None, service: str | None = None
    ) -> list[Watched]:
        """Those asked for, by id (or id@host), tag and service; NotFound for an id that is none."""
        known = {one.id for one in self.watched.values()} | set(self.watched)
        for id_ in ids:
            if id_ not in known:
                raise NotFound(f"There is no check {id_!r}{hint(id_, known)}.")
        return [
            one
            for one in self.watched.values()
            if (not ids or one.id in ids or one.name in ids)
            and (tag is None or tag in one.check.tags or (one.host and tag in one.host.tags))
            and (service is None or one.check.service == service)
        ]

    def business_date(self, one: Watched, now: datetime) -> date:
        """The business date there: a new one begins at `business_day_starts`."""
        return self.days.business_date(
            now.astimezone(one.zone), starts=self.estate.org.business_day_starts,
            calendar=one.check.calendar,
        )  # fmt: skip


class Sheets:
    """The compiled sheets, by version; the newest few are kept."""

    def __init__(self) -> None:
        self._sheet: tuple[View, Sheet] | None = None

    def of(self, view: View) -> Sheet:
        """The checks of a version."""
        kept = self._sheet
        if kept is None or kept[0] is not view:
            kept = (view, Sheet(view))
            self._sheet = kept
        return kept[1]


def _each(estate: Estate) -> Iterator[Watched]:
    for id_, check in estate.checks.items():
        expect = tuple(parse(text) for text in check.expect)
        warn = tuple(parse(text) for text in check.warn)
        asks_past = any(needs_past(one) for one in (*expect, *warn))
        zone = ZoneInfo(check.timezone or estate.org.timezone)
        hosts = hosts_of(estate, check)
        chosen: list[str | None] = [*hosts] or [None]
        for host_id in chosen:
            name = id_ if host_id is None or len(hosts) == 1 else f"{id_}@{host_id}"
            host = estate.hosts[host_id] if host_id is not None else None
            yield Watched(name, id_, check, host_id, host, expect, warn, asks_past, zone)


def hosts_of(estate: Estate, check: Check) -> list[str]:
    """The ids of the hosts that `on` chooses, each once, in the order of the estate."""
    chosen = set()
    for word in check.on:
        kind, colon, tag = word.partition(":")
        if colon and kind == "tag":
            chosen |= {id_ for id_, host in estate.hosts.items() if tag in host.tags}
        else:
            chosen.add(word)
    return [id_ for id_ in estate.hosts if id_ in chosen]
