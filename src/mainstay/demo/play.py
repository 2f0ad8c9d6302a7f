"""The demo as a whole: one loop that watches the server, moves production and tells what happens.

Everything is seen from outside, as a user would: requests to the doors, the API, pages that arrive.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from mainstay.demo.child import Child
from mainstay.demo.phones import Phones
from mainstay.demo.production import Jobs, Production
from mainstay.demo.stage import Stage
from mainstay.demo.telling import Teller
from mainstay.demo.wire import API, Json, Wire
from mainstay.foundation.clock import Clock
from mainstay.foundation.errors import Rejected, Stuck, Unreachable

TICK_S = 0.1
LOOK_EVERY = timedelta(milliseconds=300)
"""How often the record is asked for news."""
STARTS_WITHIN = timedelta(seconds=20)
SOURCES = ("prometheus", "pagerduty-agents", "mainframe", "jobs")
HOME = ZoneInfo("Europe/Zurich")
"""Where the crontabs of Alpenpay are meant."""


class Play:
    """One run of the demo. `run` ends by its time, by an interrupt, or by an error."""

    def __init__(self, stage: Stage, *, teller: Teller, phones: Phones, clock: Clock) -> None:
        self._stage = stage
        self._tell = teller
        self._phones = phones
        self._clock = clock
        self._child = Child(stage)
        self._api: Wire | None = None
        """None while the server starts."""
        self._down_since: datetime | None = None
        self._started_at = clock.now()
        self._seen = 0
        self._look_at = clock.now()
        self._hinted = False
        self._production: Production | None = None
        self._jobs: Jobs | None = None

    def run(self, *, seconds: float | None) -> None:
        """Play for `seconds`, or until interrupted. Stuck when the server does not start."""
        until = None if seconds is None else self._clock.now() + timedelta(seconds=seconds)
        try:
            self._tell.opening(self._stage)
            self._start()
            while until is None or self._clock.now() < until:
                self._step(self._clock.now())
                time.sleep(TICK_S)
        finally:
            self._child.stop()
            self._phones.close()

    def _step(self, now: datetime) -> None:
        if self._child.ended() is not None:
            self._lost(now)
        elif self._api is None:
            self._await(now)
        if self._production is not None:
            self._production.step(now)
        if self._jobs is not None and (words := self._jobs.step(now)):
            self._tell.event(now, "production", words)
        heard = self._phones.heard()
        if self._api is not None and (heard or now >= self._look_at):  # why, and then what
            self._look_at = now + LOOK_EVERY
            self._look(self._api, now)
        for rang in heard:
            self._tell.rang(rang, at=now)

    # -- the server ----------------------------------------------------------------------------

    def _start(self) -> None:
        self._api = None
        self._started_at = self._clock.now()
        self._child.start()

    def _lost(self, now: datetime) -> None:
        """It ended: start it again, unless it never came up."""
        code = self._child.ended()
        if self._api is None:
            raise Stuck(f"The server does not start: {self._child.last_words()}")
        how = "was killed" if code is not None and code < 0 else "was stopped"
        self._tell.event(now, "server", f"{how}; starting it again", style="bold red")
        self._down_since = now
        self._start()
        if self._production is not None:
            self._production.stir(now)

    def _await(self, now: datetime) -> None:
        if not self._child.is_ready():
            if now > self._started_at + STARTS_WITHIN:
                raise Stuck(f"The server does not answer; see {self._stage.log}.")
            return
        self._api = self._child.wire()
        if self._production is None:
            self._production = self._open(self._api, now)
            self._tell.console(self._stage, self._child.setup_link())
        elif self._down_since is not None:
            gone_s = (now - self._down_since).total_seconds()
            rows = self._api.get(f"{API}/record/verify")["rows"]
            words = f"is back after {gone_s:.1f} s, and its record is whole: {rows} rows"
            self._tell.event(now, "server", words, style="green")
            self._down_since = None

    # -- the first start -----------------------------------------------------------------------

    def _open(self, api: Wire, now: datetime) -> Production:
        """Keys for the sources, phones for the people; then production begins."""
        _connect(api, self._phones, str(self._stage.secret_file.resolve()))
        keys = _keys(api, self._stage)
        self._tell.event(now, "server", "listens", style="green")
        production = Production(
            self._stage.port, keys, now=now,
            say=lambda words: self._tell.event(self._clock.now(), "production", words),
        )  # fmt: skip
        self._jobs = Jobs(self._stage.port, keys["jobs"], now=now.astimezone(HOME))
        if self._stage.reused:
            found = api.get(f"{API}/alerts?state=open&limit=500")["items"]
            production.calm({one["service"] for one in found}, now=now)
        rows = api.get(f"{API}/record?after=0&limit=1")["items"]
        self._seen = rows[-1]["seq"] if rows else 0
        return production

    # -- what happens --------------------------------------------------------------------------

    def _look(self, api: Wire, now: datetime) -> None:
        """Tell what is new in the record, and let production take note."""
        try:
            for fact in api.get(f"{API}/record?after={self._seen}&limit=200")["items"]:
                self._seen = fact["seq"]
                self._tell.fact(fact)
                self._react(api, fact, now)
        except (Unreachable, Rejected):
            return  # killed a moment ago; the next step sees it

    def _react(self, api: Wire, fact: Mapping[str, Any], now: datetime) -> None:
        production, kind = self._production, fact["kind"]
        if production is None or not str(kind).startswith("incident."):
            return
        if kind in ("incident.opened", "incident.reopened") and not self._hinted:
            self._hinted = True
            name = str(api.get(f"{API}/incidents/{fact['incident']}")["name"])
            self._tell.hint(
                f"take it, in a second terminal: {self._stage.shown}/mainstay ack {name}"
            )
        elif kind == "incident.acknowledged":
            production.acknowledged(_services(api, fact), now=now)
        elif kind == "incident.resolved":
            production.resolved(_services(api, fact), now=now)


def _services(api: Wire, fact: Mapping[str, Any]) -> list[str]:
    found = api.get(f"{API}/incidents/{fact['incident']}")
    return [str(one) for one in found["services"]]


def _connect(api: Wire, phones: Phones, secret_file: str) -> None:
    """Give every person the phone of this start; take away those of earlier ones."""
    for person in api.get(f"{API}/people")["items"]:
        name, url = str(person["id"]), phones.url(str(person["id"]))
        known = api.get(f"{API}/people/{name}/contacts")["addresses"]
        if any(one["address"] == url for one in known):
            continue
        for one in known:
            if one["kind"] == "webhook" and one["address"].endswith(f"/{name}"):
                api.delete(f"{API}/addresses/{one['id']}")
        body: Json = {"kind": "webhook", "address": url, "secret": f"file:{secret_file}"}
        api.post(f"{API}/people/{name}/addresses", body)


def _keys(api: Wire, stage: Stage) -> dict[str, str]:
    """The sources' keys: those of an earlier start, or new ones."""
    keys = stage.keys()
    for source in SOURCES:
        if source not in keys:
            keys[source] = str(api.post(f"{API}/keys", {"source": source})["key"])
    stage.keep_keys(keys)
    return keys
