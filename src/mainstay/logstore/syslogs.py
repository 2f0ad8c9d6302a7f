"""The syslog side: UDP, TCP and TLS on one port; a slow disk slows TCP senders, and loses UDP's."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field

from mainstay.foundation.errors import MainstayError
from mainstay.logstore.intake import Intake
from mainstay.telemetry.formats import Frames, read_syslog
from mainstay.telemetry.logs import Layouts

log = logging.getLogger("mainstay.logstore")

READ = 1 << 16
AGAIN_S = 0.5
"""How long a TCP sender is kept waiting before what it sent is tried again."""
GATHER_S = 0.05
"""Datagrams of so long are kept in one go: each costs no fsync of its own."""
WAITING_MAX = 100_000
"""Datagrams that wait; beyond, they are dropped and counted."""


@dataclass(slots=True)
class Stream:
    """TCP and TLS: frames of a connection, kept before more is read."""

    intake: Intake

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until it ends."""
        host = str((writer.get_extra_info("peername") or ("",))[0])
        frames, layouts = Frames(), self.intake.reader()
        try:
            while chunk := await reader.read(READ):
                if messages := frames.add(chunk):
                    await self._kept(messages, layouts, host)
        except (ConnectionError, ssl.SSLError) as error:
            log.info("a syslog connection broke: %s", error)
        finally:
            writer.close()

    async def _kept(self, messages: Sequence[bytes], layouts: Layouts, host: str) -> None:
        while True:
            try:
                await asyncio.to_thread(_keep, self.intake, messages, layouts, host)
                return
            except MainstayError as error:
                log.error("syslog waits: %s", error.sentence)
                await asyncio.sleep(AGAIN_S)


@dataclass(slots=True)
class Datagrams(asyncio.DatagramProtocol):
    """UDP: gathered for a moment, then kept together."""

    intake: Intake
    _waiting: dict[str, list[bytes]] = field(default_factory=dict)
    _count: int = 0

    def datagram_received(self, data: bytes, addr: tuple[str | int, int]) -> None:
        """One message; dropped when too many wait."""
        if self._count >= WAITING_MAX:
            self.intake.counts["syslog dropped"] += 1
            return
        self._waiting.setdefault(str(addr[0]), []).append(data)
        self._count += 1

    async def keep_on(self) -> None:
        """Keep what was gathered, again and again."""
        layouts = self.intake.reader()
        while True:
            await asyncio.sleep(GATHER_S)
            waiting, self._waiting, self._count = self._waiting, {}, 0
            for host, messages in waiting.items():
                try:
                    await asyncio.to_thread(_keep, self.intake, messages, layouts, host)
                except MainstayError as error:
                    self.intake.counts["syslog dropped"] += len(messages)
                    log.error("syslog datagrams were dropped: %s", error.sentence)


def _keep(intake: Intake, messages: Sequence[bytes], layouts: Layouts, host: str) -> None:
    taken = read_syslog(messages, reader=layouts, received_us=intake.now_us(), sender=host)
    intake.keep("syslog", taken)
