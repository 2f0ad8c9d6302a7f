"""What does one round of the watchdog do with what it sees? With a scripted world, in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mainstay.foundation.clock import ManualClock
from mainstay.foundation.errors import Stuck
from mainstay.watchdog.findings import Finding
from mainstay.watchdog.look import Patience
from mainstay.watchdog.probes import Asked
from mainstay.watchdog.rounds import Rounds
from mainstay.watchdog.sign import last_sign
from mainstay.watchdog.telling import Message

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
LOST = Finding("step esc_1", "INC-1 will not page", "INC-1 …; its due row is gone.")
OTHER = Finding("step esc_2", "INC-2 will not page", "INC-2 …; its due row is gone.")
READY = Asked(True)
Looks = list[list[Finding] | Exception]


class Ears:
    """Hears alarms and beats; deaf when told to be."""

    def __init__(self) -> None:
        self.heard: list[Message] = []
        self.beats = 0
        self.deaf = False

    async def tell(self, message: Message, *, now: datetime) -> bool:
        self.heard.append(message)
        return not self.deaf

    async def beat(self) -> bool:
        self.beats += 1
        return True


Watch = Callable[..., tuple[Rounds, Ears]]


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    def make(looks: Looks, asked: Asked = READY) -> tuple[Rounds, Ears]:
        """A watchdog that sees these, look by look, the last one for ever."""
        ears = Ears()

        def read(question: Any) -> list[Finding]:
            seen = looks.pop(0) if len(looks) > 1 else looks[0]
            if isinstance(seen, Exception):
                raise seen
            return seen

        async def ask() -> Asked:
            return asked

        rounds = Rounds(
            data_dir=tmp_path, every=timedelta(milliseconds=1),
            patience=Patience(timedelta(seconds=30), 1), repeat_after=timedelta(minutes=30),
            clock=ManualClock(NOW), read=read, ask=ask, alarm=ears,  # type: ignore[arg-type]
        )  # fmt: skip
        return rounds, ears

    return make


def test_what_stands_in_one_look_alone_was_on_its_way_and_is_told_to_nobody(watch: Watch) -> None:
    rounds, ears = watch([[LOST], [], [OTHER], [LOST], []])
    for _ in range(3):
        asyncio.run(rounds.one())
    assert ears.heard == []


def test_what_stands_in_both_is_told_and_signed(watch: Watch, tmp_path: Path) -> None:
    rounds, ears = watch([[LOST]])
    asyncio.run(rounds.one())
    (told,) = ears.heard
    assert told.keys == (LOST.key,)
    sign = last_sign(tmp_path)
    assert sign is not None
    assert [one.finding for one in sign.findings] == [LOST]
    assert ears.beats == 1, "a page that is lost does not mean that nothing works"


def test_what_nobody_took_is_told_again(watch: Watch) -> None:
    rounds, ears = watch([[LOST]])
    ears.deaf = True
    asyncio.run(rounds.one())
    ears.deaf = False
    asyncio.run(rounds.one())
    asyncio.run(rounds.one())
    assert [one.event for one in ears.heard] == ["alarm", "alarm"]


def test_a_successor_remembers_what_was_told(watch: Watch) -> None:
    first, _ = watch([[LOST]])
    asyncio.run(first.one())
    second, ears = watch([[LOST]])
    second.remember()
    asyncio.run(second.one())
    assert ears.heard == []


def test_while_the_database_is_away_nothing_counts_as_over_and_no_heart_beats(watch: Watch) -> None:
    away = Stuck("The database does not answer.")
    rounds, ears = watch([[LOST], [LOST], away, away, [LOST], [LOST]])
    asyncio.run(rounds.one())
    asyncio.run(rounds.one())
    asyncio.run(rounds.one())
    assert [one.event for one in ears.heard] == ["alarm", "alarm", "recovery"]
    assert [one.keys for one in ears.heard[1:]] == [("database",), ("database",)]
    assert ears.beats == 2


def test_a_server_that_is_not_ready_stops_the_heart_and_each_reason_is_told(watch: Watch) -> None:
    asked = Asked(False, None, (("loop settle", "The loop settle has not stepped for 40 s."),))
    rounds, ears = watch([[]], asked)
    asyncio.run(rounds.one())
    assert ears.heard[0].subject == "Mainstay is not ready: loop settle"
    assert ears.beats == 0


def test_a_server_that_drains_on_purpose_alarms_nobody_and_beats_no_heart(watch: Watch) -> None:
    rounds, ears = watch([[LOST]], Asked(False, None, (("draining", "It was told to stop."),)))
    asyncio.run(rounds.one())
    assert ears.heard == []
    assert ears.beats == 0
