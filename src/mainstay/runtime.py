"""What a running Mainstay is made of; opened by `app.open_app`, handed on explicitly."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from secrets import token_urlsafe
from time import monotonic

from mainstay.checks import Sheets
from mainstay.checks.probes import Probe
from mainstay.diagnosis import Reach
from mainstay.diagnosis.collectors import Collector
from mainstay.diagnosis.live import Workers
from mainstay.estate import View
from mainstay.foundation.backup import Made
from mainstay.foundation.clock import Clock
from mainstay.foundation.db import Database
from mainstay.foundation.errors import MainstayError
from mainstay.foundation.record import Signer, Sink
from mainstay.foundation.reserve import Reserve
from mainstay.foundation.settings import Settings
from mainstay.ground import Ground
from mainstay.measures import Measures
from mainstay.nodes import Node
from mainstay.paging.channels import Answer, Channel, Page
from mainstay.people import Address
from mainstay.pulse import Pulse

CROWD = 3
"""Requests in one commit, from which on intake counts as hot."""
HOT_SPAN = timedelta(milliseconds=50)
"""How long intake stays hot after a crowd."""


class Wake:
    """Wakes the loops when there is work, so that nobody waits for a period to end."""

    def __init__(self) -> None:
        self._crowded_at = -1.0
        self._settle: threading.Event | None = None
        self._beats: threading.Event | None = None
        self._deliver: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._doors: list[Callable[[], None]] = []

    def settle_through(self, event: threading.Event) -> None:
        """Set by the settle loop at its start."""
        self._settle = event

    def beats_through(self, event: threading.Event) -> None:
        """Set by the loop of heartbeats at its start."""
        self._beats = event

    def deliver_through(self, loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
        """Set by the delivery loop at its start."""
        self._deliver = (loop, event)

    def doors_through(self, expire: Callable[[], None]) -> None:
        """Set by each kind of doors, which keep what they know for a moment."""
        self._doors.append(expire)

    def doors(self) -> None:
        """Keys, the estate or heartbeats changed."""
        for expire in self._doors:
            expire()

    def settle(self) -> None:
        """A signal was accepted."""
        if self._settle is not None:
            self._settle.set()

    def beats(self) -> None:
        """A ping was kept."""
        if self._beats is not None:
            self._beats.set()

    def arrived(self, requests_n: int) -> None:
        """So many requests go into one commit: what came during the one before it."""
        if requests_n >= CROWD:
            self._crowded_at = monotonic()

    def is_hot(self) -> bool:
        """Whether requests pour in faster than they are committed one by one."""
        return monotonic() - self._crowded_at < HOT_SPAN.total_seconds()

    def deliver(self) -> None:
        """Something is due."""
        if self._deliver is None:
            return
        loop, event = self._deliver
        if not loop.is_closed():
            loop.call_soon_threadsafe(event.set)


@dataclass(frozen=True, slots=True)
class Runtime:
    """Everything that loops and doors need. Tests pass another clock and other channels."""

    settings: Settings
    node: Node
    """This start of this program, as other nodes see it."""
    clock: Clock
    db: Database
    ground: Ground
    channels: Mapping[str, Channel]
    send: Callable[[Address, Page], Awaitable[Answer | MainstayError]]
    """Hand a page to the channel of an address; never raises for what the world does."""
    hang_up: Callable[[], Awaitable[None]]
    """Close what the channels keep open; in the loop that used them."""
    probes: Mapping[str, Probe]
    """What measures, by the key that a check names it with."""
    jitter: Callable[[], float]
    wake: Wake
    signer: Signer
    """Signs checkpoints of the record."""
    sinks: tuple[Sink, ...]
    """Where checkpoints are kept outside."""
    reserve: Reserve
    """Room that is kept for when the disk is full."""
    back_up: Callable[[datetime], Made]
    """Make the next backup that `backup.to` asks for; takes a while. MainstayError if it failed."""
    reach: Reach
    """What evidence is fetched through: by `find`, and by the collectors of a diagnosis."""
    close: Callable[[], None]
    collectors: Callable[[View, Sequence[str]], tuple[Collector, ...]]
    """What reads evidence about an incident of these services, under a version of the estate."""
    workers: Workers = field(default_factory=Workers)
    """The threads in which they read."""
    measures: Measures = field(default_factory=Measures)
    pulse: Pulse = field(default_factory=Pulse)
    probe_token: str = field(default_factory=partial(token_urlsafe, 32), repr=False)
    """What our own watchdog shows at `/readyz`; lives as long as the process, and is stored nowhere."""

    @property
    def sheets(self) -> Sheets:
        """The checks of the estate's versions, compiled."""
        return self.ground.sheets
