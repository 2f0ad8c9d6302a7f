"""Does the stream name what changed, and nobody hear what they may not?"""

from __future__ import annotations

import asyncio
from typing import Any

from mainstay.console.stream import NAME_EVERY_S, Listener, Watcher, names_of
from mainstay.people import PERMISSIONS

ALL = frozenset(PERMISSIONS)


def row(kind: str, incident: str | None = None) -> Any:
    return {"kind": kind, "incident": incident, "seq": 1}


def test_a_row_names_what_it_is_about_and_its_incident() -> None:
    numbers = {"inc_1": 7}
    assert names_of([row("alert.opened", "inc_1")], numbers) == {
        "alerts", "incidents", "incident:7", "record",
    }  # fmt: skip
    assert names_of([row("page.sent", "inc_1")], numbers) == {
        "pages", "incidents", "incident:7", "record",
    }  # fmt: skip
    assert names_of([row("estate.applied")], {}) == {"estate", "oncall", "record"}
    assert names_of([row("something.new")], {}) == {"record"}


def heard(listener: Listener, *names: str) -> str:
    async def ask() -> bytes:
        listener.hear(set(names))
        return await listener.next()

    return asyncio.run(ask()).decode()


def test_a_reader_hears_only_what_they_may_read() -> None:
    stakeholder = Listener(frozenset({"incidents.read"}))
    text = heard(stakeholder, "alerts", "record", "incident:7", "incidents")
    assert text.count("event:") == 2
    assert "event: incident:7" in text
    assert "alerts" not in text


def test_a_name_is_said_once_a_second_and_then_it_is_not_lost() -> None:
    async def ask() -> tuple[str, str, float]:
        listener = Listener(ALL)
        listener.hear({"alerts"})
        first = await listener.next()
        listener.hear({"alerts"})
        began = asyncio.get_running_loop().time()
        second = await listener.next()
        return first.decode(), second.decode(), asyncio.get_running_loop().time() - began

    first, second, waited = asyncio.run(ask())
    assert "event: alerts" in first
    assert "event: alerts" in second
    assert waited >= NAME_EVERY_S * 0.9


def test_a_stream_that_is_ended_says_no_more() -> None:
    async def ask() -> bytes:
        listener = Listener(ALL)
        listener.end()
        return await listener.next()

    assert asyncio.run(ask()) == b""


def test_a_watch_that_fails_begins_anew_and_every_screen_asks_again(caplog: Any) -> None:
    class Db:
        """Breaks once, after the watch has begun."""

        def __init__(self) -> None:
            self.reads = 0

        def read(self, fn: Any) -> Any:
            self.reads += 1
            if self.reads == 3:  # where it begins, what one missed, and then its first look
                raise RuntimeError("the driver is confused")
            return set() if self.reads == 2 else 7 if self.reads in (1, 4) else set()

    class App:
        db = Db()

    async def ask() -> bytes:
        stream = Watcher(App()).listen(after=7, may=ALL)  # type: ignore[arg-type]
        async for said in stream:
            if b"event: all" in said:
                return said
        return b""

    assert b"event: all" in asyncio.run(asyncio.wait_for(ask(), 30))
    assert "begins anew" in caplog.text
