"""Which watchdog tells of a finding, where several look at one database: a lease on each telling.

Claimed before the alarm, kept for as long as it counts as told, given back when nobody heard it or
when it is over. Whoever cannot ask tells by itself: two alarms are better than none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from mainstay.foundation import due
from mainstay.foundation.clock import from_us
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import MainstayError

log = logging.getLogger("mainstay.watchdog")

TELLING = timedelta(seconds=30)
"""How long telling may take; after it another watchdog may, for this one has died over it."""
Write = Callable[[Callable[[Tx], Any]], Any]


@dataclass(frozen=True, slots=True)
class Claims:
    """`owner`: this watchdog and its successors at the same place. `write`: beside all that pages."""

    owner: str
    write: Write

    def take(self, keys: Collection[str]) -> set[str]:
        """Those of `keys` that this watchdog tells of; all of them when the database does not say."""
        return self._asked(
            lambda tx: {key for key in sorted(keys) if self._hold(tx, key, TELLING)}, keys
        )

    def keep(self, keys: Iterable[str], span: timedelta) -> None:
        """They are told, and count as told for so long."""
        self._asked(lambda tx: {key for key in sorted(keys) if self._hold(tx, key, span)}, ())

    def give_back(self, keys: Iterable[str]) -> None:
        """They are over, or nobody heard of them."""

        def work(tx: Tx) -> set[str]:
            for key in sorted(keys):
                due.let_go(tx, _name(key), owner=self.owner)
            return set()

        self._asked(work, ())

    def _hold(self, tx: Tx, key: str, span: timedelta) -> bool:
        now_us = tx.time_us()
        assert now_us is not None, "one database file has one watchdog, which need not ask"
        lease_s = span.total_seconds()
        held = due.hold(tx, _name(key), owner=self.owner, now=from_us(now_us), lease_s=lease_s)
        return held is not None

    def _asked(self, work: Callable[[Tx], set[str]], otherwise: Collection[str]) -> set[str]:
        try:
            found: set[str] = self.write(work)
        except MainstayError as error:
            log.warning("the other watchdogs cannot be asked: %s", error.sentence)
            return set(otherwise)
        return found


def _name(key: str) -> str:
    return f"alarm {key}"
