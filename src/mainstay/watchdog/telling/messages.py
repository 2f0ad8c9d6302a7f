"""When a finding is told: once when it stands, again at an interval, and once when it is over."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mainstay.watchdog.findings import Finding, span

LINES_MAX = 20
"""Findings in one message; more are counted."""


@dataclass(frozen=True, slots=True)
class Told:
    """A finding that stands. `told_at`: when people last heard of it; None: nobody has yet."""

    finding: Finding
    since: datetime
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What people hear: one line for a subject, and the whole."""

    event: str
    """alarm, repeat or recovery."""
    subject: str
    text: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What to say now, and what is known after it was said."""

    message: Message | None
    if_told: dict[str, Told]
    if_not: dict[str, Told]
    """The same with nobody told: it is tried again at the next look."""


def wanted(
    known: dict[str, Told], found: Iterable[Finding], *, now: datetime, repeat_after: timedelta
) -> list[Finding]:
    """What there is to tell of now, for the first time or again."""
    told = {key: one.told_at for key, one in known.items()}
    before = now - repeat_after
    return [one for one in found if (at := told.get(one.key)) is None or at <= before]


def decide(
    known: dict[str, Told], found: Iterable[Finding], *, now: datetime, repeat_after: timedelta,
    others: Collection[str] = (),
) -> Decision:  # fmt: skip
    """Compare what stands now with what was told before; all that is to say is one message.

    `others`: keys of what another watchdog tells.
    """
    standing = {
        one.key: replace(known[one.key], finding=one) if one.key in known else Told(one, now)
        for one in found
    }
    ours = [one for key, one in standing.items() if key not in others]
    fresh = [one for one in ours if one.told_at is None]
    stale = [one for one in ours if _is_stale(one, now - repeat_after)]
    over = {
        key: one for key, one in known.items() if key not in standing and one.told_at is not None
    }
    event = "alarm" if fresh else "repeat" if stale else "recovery" if over else None
    if event is None:
        return Decision(None, standing, standing)
    speaking = [*fresh, *stale]
    message = _message(event, speaking, [*over.values()], now)
    spoken = {one.finding.key: replace(one, told_at=now) for one in speaking}
    return Decision(message, standing | spoken, standing | over)


def _is_stale(one: Told, before: datetime) -> bool:
    return one.told_at is not None and one.told_at <= before


def _message(event: str, speaking: list[Told], over: list[Told], now: datetime) -> Message:
    told = speaking or over
    subject = told[0].finding.title
    if len(told) > 1:
        subject = f"{len(told)} things {'are wrong' if speaking else 'are over'}: {subject} …"
    elif event != "alarm":
        subject = f"{'still' if speaking else 'over'}: {subject}"
    parts = [_lines(speaking, now)] if speaking else []
    parts += ["Over, and well again:", _lines(over, now)] if over else []
    keys = tuple(one.finding.key for one in told)
    return Message(event, subject, "\n\n".join(parts), keys)


def _lines(told: list[Told], now: datetime) -> str:
    lines = [f"- {one.finding.sentence}{_age(one, now)}" for one in told[:LINES_MAX]]
    more = len(told) - LINES_MAX
    return "\n\n".join([*lines, f"… and {more} more."] if more > 0 else lines)


def _age(one: Told, now: datetime) -> str:
    seconds = (now - one.since).total_seconds()
    return f" (Found {span(seconds)} ago.)" if seconds >= 60 else ""
