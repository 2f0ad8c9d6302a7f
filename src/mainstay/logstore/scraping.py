"""Exporters asked for what they measure, each in its own time; one that hangs delays no other."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field

from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import MainstayError, Rejected
from mainstay.foundation.secrets import resolve
from mainstay.logstore.intake import Intake
from mainstay.logstore.told import Exporter, Told
from mainstay.telemetry.formats import Measured, read_exposition
from mainstay.telemetry.store import Sample, labels_text

log = logging.getLogger("mainstay.logstore")

PAGE_BYTES_MAX = 8 << 20
TIMEOUT_S = 10.0
LOOK_EVERY_S = 0.25
ACCEPT = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4"


@dataclass(slots=True)
class Scraper:
    """Scrapes what `told` says at that moment; `up` of a service is 1 or 0 after each time."""

    intake: Intake
    told: Callable[[], Told]
    _over: threading.Event = field(default_factory=threading.Event)

    def scrape_on(self) -> None:
        """Again and again, until `end`."""
        asyncio.run(self._scrape_on())

    def end(self) -> None:
        """No more."""
        self._over.set()

    async def _scrape_on(self) -> None:
        loop, due = asyncio.get_running_loop(), dict[str, float]()
        under_way: dict[str, asyncio.Task[None]] = {}
        allow, egress = tuple[str, ...](), Egress()
        while not self._over.is_set():
            told = self.told()
            if told.allow != allow:
                allow, egress = told.allow, Egress(frozenset(told.allow))
            for id_, one in told.exporters.items():
                busy = id_ in under_way and not under_way[id_].done()
                if not busy and due.get(id_, 0.0) <= loop.time():
                    due[id_] = loop.time() + one.every_s
                    under_way[id_] = asyncio.create_task(self._scrape(id_, one, egress))
            await asyncio.to_thread(self._over.wait, LOOK_EVERY_S)
        for task in under_way.values():
            task.cancel()

    async def _scrape(self, id_: str, one: Exporter, egress: Egress) -> None:
        now_us, up = self.intake.now_us(), 1.0
        try:
            taken = read_exposition(
                await _page(id_, one, egress), service=one.service, received_us=now_us
            )
        except MainstayError as error:
            log.warning("exporter %s: %s", id_, error.sentence)
            taken, up = Measured(), 0.0
        labels = labels_text({"exporter": id_, "service": one.service})
        taken.samples.append(Sample(now_us, one.service, "up", labels, up))
        try:
            await asyncio.to_thread(self.intake.keep_samples, "scraped", taken)
        except (MainstayError, OSError) as error:
            self.intake.counts["scraped dropped"] += len(taken.samples)
            log.error("what exporter %s measures could not be kept: %s", id_, error)


async def _page(id_: str, one: Exporter, egress: Egress) -> bytes:
    headers = {"accept": ACCEPT}
    if one.secret is not None:
        secret = resolve(one.secret, environment=os.environ)
        headers["authorization"] = (
            f"Bearer {secret}" if one.user is None
            else "Basic " + b64encode(f"{one.user}:{secret}".encode()).decode()
        )  # fmt: skip
    reply = await egress.request(
        "GET", one.url, headers=headers, timeout_s=TIMEOUT_S, bytes_max=PAGE_BYTES_MAX
    )
    if reply.status != 200:
        raise Rejected(f"{id_} answers with status {reply.status}.", reply=reply.status)
    if reply.cut:
        log.warning("exporter %s shows more than %d MiB; the rest is left out", id_, PAGE_BYTES_MAX >> 20)  # fmt: skip
    return reply.body
