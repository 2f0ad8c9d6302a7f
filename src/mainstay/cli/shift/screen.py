"""What the live view knows, and how keys and answers change it. Values only; nothing waits here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any

NOTE_MAX = 500
"""Characters of a note that can be typed here."""


class Mode(Enum):
    """What a key means now."""

    LOOK = "look"
    SURE = "sure"
    NOTE = "note"
    TRACE = "trace"


@dataclass(frozen=True, slots=True)
class Screen:
    """Everything that one frame is drawn from."""

    url: str
    found: Mapping[str, Any] | None = None
    """The last answer of /shift; None before the first."""
    answered_at: datetime | None = None
    away_since: datetime | None = None
    trouble: str = ""
    chosen: str | None = None
    """The incident that the keys act on, by name."""
    mode: Mode = Mode.LOOK
    typed: str = ""
    message: str = ""
    well: bool = True
    """Whether `message` tells of something that was done."""
    trace: Mapping[str, Any] | None = None
    scroll: int = 0

    @property
    def names(self) -> list[str]:
        """The incidents on the screen, in order."""
        return [str(one["name"]) for one in (self.found or {}).get("incidents", [])]


@dataclass(frozen=True, slots=True)
class Job:
    """Something to ask of the server for a person who pressed a key."""

    verb: str
    name: str
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answered:
    """The server told how things are."""

    found: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Away:
    """The server did not answer, or not well."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Acted:
    """What became of a job."""

    sentence: str
    well: bool


@dataclass(frozen=True, slots=True)
class Traced:
    """The answer to `t`."""

    found: Mapping[str, Any]


Event = Answered | Away | Acted | Traced


def take(screen: Screen, event: Event, *, now: datetime) -> Screen:
    """The screen after something came from the server."""
    match event:
        case Answered(found):
            fresh = replace(screen, found=found, answered_at=now, away_since=None, trouble="")
            return replace(fresh, chosen=_still(fresh.names, screen))
        case Away(sentence):
            since = screen.away_since or now
            return replace(screen, away_since=since, trouble=sentence)
        case Acted(sentence, well):
            return replace(screen, message=sentence, well=well)
        case Traced(found):
            if screen.mode is not Mode.TRACE:  # they have gone on in the meantime
                return screen
            return replace(screen, trace=found, scroll=0)


def _still(names: Sequence[str], before: Screen) -> str | None:
    """The chosen incident if it is still there, else the one that took its place."""
    if not names:
        return None
    if before.chosen in names:
        return before.chosen
    old = before.names
    place = old.index(before.chosen) if before.chosen in old else 0
    return names[min(place, len(names) - 1)]


def press(screen: Screen, key: str) -> tuple[Screen, Job | None]:
    """The screen after a key, and what to ask of the server."""
    match screen.mode:
        case Mode.LOOK:
            return _look(screen, key)
        case Mode.SURE:
            return _sure(screen, key)
        case Mode.NOTE:
            return _note(screen, key)
        case Mode.TRACE:
            return _trace(screen, key), None


def _look(screen: Screen, key: str) -> tuple[Screen, Job | None]:
    names, name = screen.names, screen.chosen
    if key in ("up", "down", "k", "j"):
        return replace(screen, chosen=_next(names, name, 1 if key in ("down", "j") else -1)), None
    if key not in ("a", "r", "n", "t"):
        return screen, None
    if name is None:
        return replace(screen, message="No incident is open.", well=True), None
    match key:
        case "a":
            return replace(screen, message=f"Acknowledging {name} …"), Job("acknowledge", name)
        case "t":
            return replace(screen, mode=Mode.TRACE, trace=None, scroll=0), Job("trace", name)
        case "r":
            return replace(screen, mode=Mode.SURE, message=""), None
        case _:
            return replace(screen, mode=Mode.NOTE, typed="", message=""), None


def _next(names: Sequence[str], name: str | None, step: int) -> str | None:
    if not names:
        return None
    place = names.index(name) + step if name in names else 0
    return names[max(0, min(place, len(names) - 1))]


def _sure(screen: Screen, key: str) -> tuple[Screen, Job | None]:
    calm, name = replace(screen, mode=Mode.LOOK), screen.chosen
    if key in ("y", "Y") and name is not None:
        return replace(calm, message=f"Resolving {name} …"), Job("resolve", name)
    return replace(calm, message="Not resolved."), None


def _note(screen: Screen, key: str) -> tuple[Screen, Job | None]:
    calm, name = replace(screen, mode=Mode.LOOK, typed=""), screen.chosen
    match key:
        case "escape":
            return replace(calm, message="No note was written."), None
        case "enter":
            text = screen.typed.strip()
            if not text or name is None:
                return replace(calm, message="No note was written."), None
            return replace(calm, message="Writing …"), Job("notes", name, {"text": text})
        case "backspace":
            return replace(screen, typed=screen.typed[:-1]), None
    if len(key) == 1 and key.isprintable():
        return replace(screen, typed=(screen.typed + key)[:NOTE_MAX]), None
    return screen, None


def _trace(screen: Screen, key: str) -> Screen:
    if key in ("up", "k"):
        return replace(screen, scroll=max(0, screen.scroll - 1))
    if key in ("down", "j"):
        lines = 2 * len((screen.trace or {}).get("lines", []))  # a long one takes several rows
        return replace(screen, scroll=min(screen.scroll + 1, lines))
    if key in ("escape", "t"):
        return replace(screen, mode=Mode.LOOK, trace=None)
    return screen
