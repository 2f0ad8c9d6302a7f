"""A heartbeat and a ping, as values."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from mainstay.checks.heartbeats.plan import Plan
from mainstay.estate import Severity

Kind = Literal["success", "start", "fail", "log", "ign"]
"""What a ping says. `ign`: it came by a method that this heartbeat does not take."""
Origin = Literal["estate", "api"]
RUNS_MAX = 20
"""Runs that said they started and have not finished, kept beside each other."""


class Status(StrEnum):
    """How a heartbeat stands. What is late and still within its grace is `up`."""

    NEW = "new"
    UP = "up"
    DOWN = "down"
    PAUSED = "paused"
    UNSEEN = "unseen"
    """It was due while Mainstay itself was down: nothing is known of it until the next ping."""


class Words(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is declared of a heartbeat beside when it is expected."""

    title: str = ""
    """As people call it. Empty: its name."""
    about: str = ""
    tags: tuple[str, ...] = ()
    runbook: str | None = None
    expect: tuple[str, ...] = ()
    """Conditions on what a finish reports; one that does not hold is a failure."""
    post_only: bool = False
    """Pings by GET and HEAD are kept, and count for nothing."""
    manual_resume: bool = False
    """Once paused, a ping does not resume it."""


class Run(msgspec.Struct, frozen=True, array_like=True):
    """A run that said it started; `rid` is its own name for itself, or empty."""

    rid: str
    at_us: int


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """One heartbeat: what is declared of it, and how it stands. A Struct: each ping makes four."""

    id: str
    name: str
    """Its slug: an id of the estate, or given by whoever created it."""
    origin: Origin
    service: str | None
    """None: the routes decide."""
    severity: Severity
    plan: Plan
    words: Words
    created_at: datetime
    status: Status = Status.NEW
    status_at: datetime
    pings_n: int = 0
    last_at: datetime | None = None
    """Of the last ping that said something: a success, a failure."""
    ok_at: datetime | None = None
    runs: tuple[Run, ...] = ()
    ran_us: int | None = None
    """How long the last run took, from its start to its end."""
    due_at: datetime | None = None
    """When it is expected next; None: it is not waited for."""
    spared_until: datetime | None = None
    """Not called late before: Mainstay heard nothing for a while after its time."""
    look_at: datetime | None = None
    """When somebody must look whether it is late."""
    why: str | None = None
    """Why it is down, or not seen."""

    @property
    def title(self) -> str:
        """As people call it."""
        return self.words.title or self.name


class Ping(msgspec.Struct, frozen=True, kw_only=True):
    """One ping as it came. `body` is cut; `body_n` counts what was sent of it."""

    beat: str
    at_us: int
    kind: Kind
    exit: int | None = None
    rid: str = ""
    method: str = "GET"
    remote: str = ""
    agent: str = ""
    body: bytes = b""
    body_n: int = 0
    seq: int = 0
    """Set by the database; the order in which pings of one instant came."""
    n: int | None = None
    """Its number among those of its heartbeat; None: nobody has looked at it yet."""
    took_us: int | None = None
    """How long the run took that it ended."""
