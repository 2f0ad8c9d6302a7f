"""Two watchdogs see the same violation in one PostgreSQL: who tells of it, and how often?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from databases import SCHEMA, server
from mainstay.foundation.clock import ManualClock
from mainstay.foundation.db import Place, write_beside
from mainstay.foundation.errors import Stuck
from mainstay.watchdog.findings import Finding
from mainstay.watchdog.look import Patience
from mainstay.watchdog.probes import Asked
from mainstay.watchdog.rounds import Rounds
from mainstay.watchdog.telling import Claims, Message

NAME = "claims"
NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
LOST = Finding("step esc_1", "INC-1 will not page", "INC-1 …; its due row is gone.")
OTHER = Finding("step esc_2", "INC-2 will not page", "INC-2 …; its due row is gone.")


class Dog:
    """A watchdog, what it sees, and what people heard of it."""

    def __init__(self, folder: Path, write: Callable[[Any], Any]) -> None:
        folder.mkdir()
        self.sees: list[Finding] = []
        self.asked = Asked(True)
        self.heard: list[Message] = []
        self.deaf = False
        self.rounds = Rounds(
            data_dir=folder, every=timedelta(milliseconds=1),
            patience=Patience(timedelta(seconds=30), 1), repeat_after=timedelta(minutes=30),
            clock=ManualClock(NOW), read=lambda question: self.sees, ask=self.ask, alarm=self,  # type: ignore[arg-type]
            claims=Claims(folder.name, write),
        )  # fmt: skip

    async def ask(self) -> Asked:
        return self.asked

    async def tell(self, message: Message, *, now: datetime) -> bool:
        self.heard.append(message)
        return not self.deaf

    async def beat(self) -> bool:
        return True

    def goes(self, *sees: Finding) -> list[str]:
        """One round; what it said."""
        self.sees, before = list(sees), len(self.heard)
        asyncio.run(self.rounds.one())
        return [f"{one.event}: {', '.join(one.keys)}" for one in self.heard[before:]]


@pytest.fixture
def place() -> Iterator[Place]:
    yield Place(Path(), server().create(NAME, template=SCHEMA))
    server().drop(NAME)


@pytest.fixture
def dogs(tmp_path: Path, place: Place) -> list[Dog]:
    return [Dog(tmp_path / name, partial(write_beside, place)) for name in ("one", "two")]


def leases(place: Place) -> list[str]:
    with psycopg.connect(place.url) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM foundation_lease")]


def test_one_violation_is_one_alarm_and_its_end_is_told_once(dogs: list[Dog], place: Place) -> None:
    one, two = dogs
    assert one.goes(LOST) == ["alarm: step esc_1"]
    assert two.goes(LOST) == []
    assert one.goes(LOST) == []
    assert two.goes(LOST, OTHER) == ["alarm: step esc_2"], "what is new, whoever sees it first"
    assert two.goes() == ["recovery: step esc_2"]
    assert one.goes() == ["recovery: step esc_1"]
    assert leases(place) == []


def test_only_who_tells_repeats(dogs: list[Dog]) -> None:
    one, two = dogs
    one.goes(LOST)
    two.goes(LOST)
    for dog in dogs:
        dog.rounds.clock.forward(minutes=31)  # type: ignore[attr-defined]
    assert two.goes(LOST) == []
    assert one.goes(LOST) == ["repeat: step esc_1"]


def test_whom_nobody_hears_leaves_it_to_the_other(dogs: list[Dog]) -> None:
    one, two = dogs
    one.deaf = True
    assert one.goes(LOST) == ["alarm: step esc_1"]
    assert two.goes(LOST) == ["alarm: step esc_1"]
    assert one.goes(LOST) == []


def test_one_that_died_while_it_told_holds_up_the_other_for_half_a_minute(
    dogs: list[Dog], place: Place
) -> None:
    one, two = dogs
    assert one.rounds.claims is not None
    assert one.rounds.claims.take([LOST.key]) == {LOST.key}
    assert two.goes(LOST) == []
    with psycopg.connect(place.url) as connection:
        connection.execute("UPDATE foundation_lease SET until = until - 30000000")
    assert two.goes(LOST) == ["alarm: step esc_1"]


def test_while_the_database_cannot_be_asked_each_tells(tmp_path: Path) -> None:
    """Two alarms are better than none."""

    def away(_: Any) -> Any:
        raise Stuck("The database does not answer.")

    for name in ("one", "two"):
        assert Dog(tmp_path / name, away).goes(LOST) == ["alarm: step esc_1"]


def test_what_is_wrong_with_one_node_is_told_by_its_own_watchdog(dogs: list[Dog]) -> None:
    for dog in dogs:
        dog.asked = Asked(False, None, (("loop settle", "It has not stepped for 40 s."),))
        assert dog.goes() == ["alarm: door loop settle"]
