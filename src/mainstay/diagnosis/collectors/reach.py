"""What a collector may reach, and how much of it at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from mainstay.checks.probes import Query, Reading, postgres_reading
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import Forbidden, Invalid, OverLimit
from mainstay.foundation.secrets import resolve

PER_DATABASE = 2
"""Questions at once in one database: a slow one must not be made slower by us."""
PORT = 5432


@dataclass(slots=True)
class Reach:
    """Made once for a program; safe to share by threads.

    `allow`: what of the private network may be called (`egress.allow`); `off_limits`: the data
    folder, whose files nobody reads; `install` names this Mainstay in the programs that it starts.
    """

    allow: frozenset[str] = frozenset()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    off_limits: Path | None = None
    install: str = "mainstay"
    _turns: dict[str, threading.BoundedSemaphore] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def egress(self, ca_file: str | None = None) -> Egress:
        """A client for one event loop; whoever has it closes it."""
        return Egress(self.allow, ca_file=ca_file)

    def secret(self, reference: str | None) -> str | None:
        """What a reference points to."""
        return resolve(reference, environment=self.environment) if reference else None

    def check_readable(self, path: Path) -> Path:
        """The path, unless what it leads to is Mainstay's own: then Forbidden."""
        found = path.resolve()
        if self.off_limits is not None and found.is_relative_to(self.off_limits.resolve()):
            raise Forbidden("Nothing in Mainstay's own data folder is read.")
        return found

    def address_of(self, host: str, port: int) -> str:
        """The address of a host that the guard lets through. Blocks."""
        return asyncio.run(self._looked_up(host, port))

    async def _looked_up(self, host: str, port: int) -> str:
        egress = self.egress()
        try:
            return str((await egress.lookup(host, port))[0])
        finally:
            await egress.close()

    @contextmanager
    def database(
        self, url: str | None, password: str | None, *, within_s: float
    ) -> Iterator[Reading]:
        """A PostgreSQL to read of, by the layers of the SQL check. OverLimit when it is busy with us."""
        place = database_url(url)
        query = Query(place, "", {}, self.secret(password), within_s)
        turn = self._turn(place.netloc)
        if not turn.acquire(timeout=within_s):
            raise OverLimit(
                f"{place.hostname} is asked {PER_DATABASE} things already.",
                limit=PER_DATABASE, unit="questions",
            )  # fmt: skip
        try:
            address = self.address_of(place.hostname or "", place.port or PORT)
            with postgres_reading(query, address) as reading:
                yield reading
        finally:
            turn.release()

    def _turn(self, name: str) -> threading.BoundedSemaphore:
        with self._lock:
            return self._turns.setdefault(name, threading.BoundedSemaphore(PER_DATABASE))


def database_url(url: str | None) -> SplitResult:
    """The parts of a PostgreSQL's URL. Invalid for any other, and for one with a password."""
    place = urlsplit(url or "")
    if place.scheme not in ("postgresql", "postgres"):
        raise Invalid("What is asked here is a PostgreSQL: postgresql://user@host/name.")
    if place.password is not None:
        raise Invalid("The database's URL must not hold a password; give it by reference.")
    return place
