"""The production of Alpenpay, simulated: faults that come and go, told over the real doors.

Its monitoring behaves as the real ones do: Prometheus repeats what fires, everything is sent again
until Mainstay has taken it, and whoever acknowledges an incident soon mends what is behind it.
`step` is called often; nothing here sleeps.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cronsim import CronSim

from mainstay.demo.faults import ACTS, DEPLOY, STIRS, Fault, Request, change_of, request_of
from mainstay.demo.wire import Wire
from mainstay.foundation.errors import Rejected, Unreachable

REPEAT = timedelta(seconds=30)
"""How often Prometheus tells again what still fires."""
MENDING = timedelta(seconds=12)
"""From somebody's acknowledgement to the end of the fault."""
PAUSE = timedelta(seconds=15)
"""Between two acts."""
STIR_HEALS = timedelta(seconds=60)
FIRST = timedelta(seconds=2)
TAKES = timedelta(seconds=20)
"""How long a job runs."""
AGAIN = timedelta(seconds=5)
"""How soon a ping that nobody took is tried again, as `curl --retry` would."""
Say = Callable[[str], None]


@dataclass(order=True, slots=True)
class Beat:
    """Something that will happen in production."""

    at: datetime
    n: int
    verb: str
    fault: Fault | None


class Production:
    """Everything that fires now, and what comes next."""

    def __init__(self, port: int, keys: dict[str, str], *, say: Say, now: datetime) -> None:
        self._port = port
        self._keys = keys
        self._say = say
        self._beats: list[Beat] = []
        self._n = 0
        self._act = 0
        self._stirred = 0
        self._firing: dict[str, tuple[Fault, datetime]] = {}
        self._mending: set[str] = set()
        self._taken = False
        """Somebody acknowledged something of this act: nothing new goes wrong in it."""
        self._outbox: deque[Request] = deque()
        self._cut_off = False
        self._plan(now + FIRST, "act")
        self._plan(now + REPEAT, "repeat")

    def step(self, now: datetime) -> None:
        """Do what is due by now, and send what waits to be sent."""
        while self._beats and self._beats[0].at <= now:
            self._play(heapq.heappop(self._beats), now)
        self._send()

    def calm(self, services: Iterable[str], *, now: datetime) -> None:
        """End what an earlier demo left open on these services."""
        for fault in _known():
            if fault.place in services:
                self._post(request_of(fault, firing=False, since=now, now=now))

    def acknowledged(self, services: Iterable[str], *, now: datetime) -> None:
        """Somebody is at it: what fires on these services ends in a while."""
        found = [s for s in services if s in self._firing and s not in self._mending]
        self._mending.update(found)
        self._taken = True
        if found:
            self._say(f"somebody looks at {' and '.join(found)} now; give them a moment")
        for n, service in enumerate(found):
            fault, _ = self._firing[service]
            self._plan(now + MENDING + n * timedelta(seconds=2), "over", fault)

    def resolved(self, services: Iterable[str], *, now: datetime) -> None:
        """Somebody says that it is over: so it is."""
        for service in list(services):
            if service in self._firing:
                self._over(self._firing[service][0], now)

    def stir(self, now: datetime) -> None:
        """Trouble at once, on a service that has none: so that there is a next page."""
        fault = STIRS[self._stirred % len(STIRS)]
        self._stirred += 1
        if fault.place in self._firing:
            self._over(fault, now)
        self._fire(fault, now)
        self._plan(now + STIR_HEALS, "over", fault)

    # -- what happens --------------------------------------------------------------------------

    def _plan(self, at: datetime, verb: str, fault: Fault | None = None) -> None:
        self._n += 1
        heapq.heappush(self._beats, Beat(at, self._n, verb, fault))

    def _play(self, beat: Beat, now: datetime) -> None:
        match beat.verb, beat.fault:
            case "act", _:
                self._begin(now)
            case "repeat", _:
                self._repeat(now)
            case "deploy", _:
                self._say(f"{DEPLOY} (a change; the pipeline tells)")
                self._post(change_of(DEPLOY, now=now))
            case "fire", Fault() as fault if not self._taken:
                self._fire(fault, now)
            case "over", Fault() as fault:
                self._over(fault, now)

    def _begin(self, now: datetime) -> None:
        """The next act, unless something still fires; then look again later."""
        if self._firing:
            self._plan(now + timedelta(seconds=5), "act")
            return
        act = ACTS[self._act % len(ACTS)]
        self._act += 1
        self._mending.clear()
        self._taken = False
        for after_s, verb, fault in act.beats:
            self._plan(now + timedelta(seconds=after_s), verb, fault)
        for fault in {fault for _, _, fault in act.beats if fault is not None}:
            self._plan(now + timedelta(seconds=act.heals_after_s), "over", fault)
        last_s = max(after_s for after_s, _, _ in act.beats)
        self._plan(now + timedelta(seconds=last_s) + PAUSE, "act")

    def _fire(self, fault: Fault, now: datetime) -> None:
        if fault.place in self._firing:
            return
        self._firing[fault.place] = (fault, now)
        self._say(f"{fault.summary} ({fault.service}, {fault.severity}; {fault.teller} tells)")
        self._post(request_of(fault, firing=True, since=now, now=now))

    def _over(self, fault: Fault, now: datetime) -> None:
        found = self._firing.pop(fault.place, None)
        if found is None or found[0] != fault:
            return
        self._say(f"{fault.over} ({fault.service}; {fault.teller} tells)")
        self._post(request_of(fault, firing=False, since=found[1], now=now))

    def _repeat(self, now: datetime) -> None:
        for fault, since in self._firing.values():
            if fault.source == "prometheus":
                self._post(request_of(fault, firing=True, since=since, now=now))
        self._plan(now + REPEAT, "repeat")

    # -- telling Mainstay ----------------------------------------------------------------------

    def _post(self, request: Request) -> None:
        self._outbox.append(request)

    def _send(self) -> None:
        """Send in order; what cannot be sent now is sent again at the next step."""
        while self._outbox:
            request = self._outbox[0]
            try:
                key = self._keys[request.source]
                Wire(self._port, key).post(request.path, request.body(key))
            except (Unreachable, Rejected) as error:
                if isinstance(error, Unreachable) or error.reply >= 500:
                    self._wait_for_it()
                    return
                self._say(f"was refused: {error.sentence}")
            self._cut_off = False
            self._outbox.popleft()

    def _wait_for_it(self) -> None:
        if not self._cut_off:
            self._say("cannot reach Mainstay, and will try until it can")
        self._cut_off = True


def _known() -> list[Fault]:
    acted = [fault for act in ACTS for _, _, fault in act.beats if fault is not None]
    return list(dict.fromkeys([*acted, *STIRS]))


# -- jobs that say that they ran, as `curl` in a crontab does ------------------------------------------


@dataclass(frozen=True, slots=True)
class Job:
    """A heartbeat of the estate, and what its job says when it is done."""

    name: str
    cron: str
    size: int
    grows: int
    """More than the run before: how a backup grows."""


BACKUP = Job("pay-db-backup", "15 1 * * *", size=812_000_000, grows=1_400_000)


class Jobs:
    """Runs each job by its time. The newest run is told of at the start, so that all is known."""

    def __init__(self, port: int, key: str, *, now: datetime, job: Job = BACKUP) -> None:
        """`now` in the time zone that the job's cron is meant in."""
        self._wire, self._key, self._job = Wire(port), key, job
        self._runs = 0
        self._under_way = True
        self._at = now

    def step(self, now: datetime) -> str | None:
        """Ping what is due; a sentence when a job has ended."""
        now = now.astimezone(self._at.tzinfo)
        if now < self._at:
            return None
        path = f"/ping/{self._key}/{self._job.name}"
        size = self._job.size + self._runs * self._job.grows
        try:
            if not self._under_way:
                self._wire.ping(f"{path}/start")
                self._under_way, self._at = True, now + TAKES
                return None
            self._wire.ping(path, f"size={size}\n")
        except (Unreachable, Rejected):
            self._at = now + AGAIN
            return None
        self._runs += 1
        self._under_way, self._at = False, next(CronSim(self._job.cron, now))
        return f"{self._job.name} ran, {size // 1_000_000} MB (the job itself pings)"
