"""The watchdog's rounds: look, ask, look again before anybody is woken, tell, beat, sign."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

from mainstay.estate import Views
from mainstay.foundation.clock import Clock, from_us
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import MainstayError
from mainstay.watchdog.alarm import Alarm
from mainstay.watchdog.findings import Finding
from mainstay.watchdog.look import Patience, look
from mainstay.watchdog.probes import Asked
from mainstay.watchdog.promises import Ledger
from mainstay.watchdog.sign import Sign, last_sign, write_sign
from mainstay.watchdog.telling import Claims, Decision, Told, decide, wanted

log = logging.getLogger("mainstay.watchdog")

CONFIRM_AFTER = timedelta(seconds=4)
"""A new finding must still stand then: what was just on its way is no violation."""
LOOK_WITHIN_S = 10.0
DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one look and one question at the door gave."""

    findings: list[Finding]
    is_well: bool
    """The database answered, and the door, which speaks for intake, writer and loops, said yes."""
    is_draining: bool
    took_s: float


@dataclass(slots=True)
class Rounds:
    """One watchdog at work. `read`: a question to the database, on a connection of its own."""

    data_dir: Path
    every: timedelta
    patience: Patience
    repeat_after: timedelta
    clock: Clock
    read: Callable[[Callable[[Tx], Any]], Any]
    ask: Callable[[], Any]
    """Awaited: how our own server answers at `/readyz`."""
    alarm: Alarm
    claims: Claims | None = None
    """Where other watchdogs look at the same database."""
    known: dict[str, Told] = field(default_factory=dict)
    beat_at: datetime | None = None
    _ledger: Ledger = field(default_factory=Ledger)
    _views: Views = field(default_factory=Views)
    _looking: asyncio.Future[list[Finding]] | None = None

    def remember(self) -> None:
        """What the watchdog before us had told, it has told."""
        sign = last_sign(self.data_dir)
        if sign is not None:
            self.known, self.beat_at = sign.known(), sign.beat_at

    async def one(self) -> Sign:
        """One round; its sign of life is written. Never raises for what the world does."""
        self.clock.follow(
            self.clock.jumped()
        )  # ours alone: we plan nothing that would have to move
        now, seen = self.clock.now(), await self._see()
        self._sign(seen)
        if any(one.key not in self.known for one in seen.findings):
            await asyncio.sleep(min(CONFIRM_AFTER, self.every).total_seconds())
            now, seen = self.clock.now(), _in_both(seen, await self._see(), self.known)
            self._sign(seen)
        if not seen.is_draining:
            await self._tell(seen.findings, now)
            self._sign(seen)
        if seen.is_well and await self.alarm.beat():
            self.beat_at = now
        return self._sign(seen)

    async def _see(self) -> _Seen:
        (found, took_s), asked = await asyncio.gather(self._look(), self.ask())
        draining = any(what == DRAINING for what, _ in asked.reasons)
        trouble = [] if draining else _of_door(asked)
        is_well = asked.ready and found is not None
        if found is None:
            found = [*self._unread()]
        return _Seen(found + trouble, is_well, draining, took_s)

    async def _look(self) -> tuple[list[Finding] | None, float]:
        """What is wrong by the database; None when it does not answer."""
        begun = perf_counter()
        if self._looking is None:
            self._looking = asyncio.ensure_future(asyncio.to_thread(self.read, self._question))
        try:
            found = await asyncio.wait_for(asyncio.shield(self._looking), LOOK_WITHIN_S)
        except TimeoutError:  # it goes on; one look at a time is all that the ledger bears
            log.error("the database has not answered the watchdog for %g s", LOOK_WITHIN_S)
            return None, perf_counter() - begun
        except MainstayError as error:
            log.error("the database does not answer the watchdog: %s", error.sentence)
            found = None
        self._looking = None
        return found, perf_counter() - begun

    def _question(self, tx: Tx) -> list[Finding]:
        """One look, by the clock that the nodes go by: a server's own, where there is one."""
        time_us = tx.time_us()
        now = self.clock.now() if time_us is None else from_us(time_us)
        return look(tx, self._ledger, self._views, now=now, patience=self.patience)

    def _unread(self) -> list[Finding]:
        """While we cannot look, what stood still stands."""
        words = (
            "The watchdog cannot read the database: nobody knows whether what should be paged is "
            "paged. See its log, and the database."
        )
        blind = Finding("database", "the database does not answer", words, is_ours=True)
        return [blind, *(one.finding for key, one in self.known.items() if key != "database")]

    async def _tell(self, found: list[Finding], now: datetime) -> None:
        others = await self._others(found, now)
        decision = decide(self.known, found, now=now, repeat_after=self.repeat_after, others=others)
        if decision.message is None:
            self.known = decision.if_told
            return
        is_heard = await self.alarm.tell(decision.message, now=now)
        if self.claims is not None:
            await asyncio.to_thread(self._settle_claims, self.claims, decision, is_heard)
        self.known = decision.if_told if is_heard else decision.if_not

    async def _others(self, found: list[Finding], now: datetime) -> set[str]:
        """What another watchdog tells, of what there is to tell."""
        telling = wanted(self.known, found, now=now, repeat_after=self.repeat_after)
        keys = {one.key for one in telling if not one.is_ours}
        if self.claims is None or not keys:
            return set()
        return keys - await asyncio.to_thread(self.claims.take, keys)

    def _settle_claims(self, claims: Claims, decision: Decision, is_heard: bool) -> None:
        """What was heard is told for all of us until it is to be told again; the rest is free."""
        assert decision.message is not None
        spoken = set(decision.message.keys)
        if not is_heard:
            claims.give_back(spoken & decision.if_told.keys())
            return
        claims.keep(spoken & decision.if_told.keys(), self.repeat_after + 2 * self.every)
        claims.give_back(self.known.keys() - decision.if_told.keys())

    def _sign(self, seen: _Seen) -> Sign:
        """After each step of a round: whoever keeps us must tell slow from dead."""
        now, known = self.clock.now(), tuple(self.known.values())
        sign = Sign(now, os.getpid(), round(seen.took_s, 4), known, self.beat_at)
        try:
            write_sign(self.data_dir, sign)
        except OSError as error:
            log.error("the sign of life could not be written: %s", error.strerror)
        return sign


def _in_both(first: _Seen, second: _Seen, known: dict[str, Told]) -> _Seen:
    """The second look, without what is new in it."""
    before = {one.key for one in first.findings} | known.keys()
    found = [one for one in second.findings if one.key in before]
    return _Seen(found, second.is_well, second.is_draining, second.took_s)


def _of_door(asked: Asked) -> list[Finding]:
    """Why our server is not ready, as findings."""
    if asked.ready:
        return []
    if asked.trouble is not None:
        words = f"Mainstay's own server does not work: {asked.trouble}. See its log; restart it."
        return [Finding("door", "Mainstay does not answer", words, is_ours=True)]
    return [
        Finding(f"door {what}", f"Mainstay is not ready: {what}", sentence, is_ours=True)
        for what, sentence in asked.reasons
    ]
