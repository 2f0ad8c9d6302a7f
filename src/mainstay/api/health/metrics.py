"""`/metrics`: what was counted, and what is looked up for this one answer. Needs `system.read`.

Prometheus sends the token of `authorization: {credentials_file: …}`.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from datetime import datetime
from functools import partial

from starlette.concurrency import run_in_threadpool

from mainstay import __version__, alerts, incidents, paging, signals, watchdog
from mainstay.api.asking import admit, token_of
from mainstay.api.health.ready import PERMISSION, Respond
from mainstay.foundation import due, record
from mainstay.foundation.clock import to_us
from mainstay.foundation.db import Tx, schema_number
from mainstay.foundation.errors import Invalid
from mainstay.foundation.observe import process
from mainstay.foundation.observe.metrics import CONTENT_TYPE, Family, Gauge, Labels, rendered
from mainstay.runtime import Runtime
from mainstay.signals import Reply
from mainstay.web import Answered, Receive, Scope, Send, answer, problem

PATH = "/metrics"


class Metrics:
    """The part of the application at `/metrics`."""

    def __init__(self, app: Runtime) -> None:
        self._app = app

    def match(self, scope: Scope) -> Respond | None:
        """Who answers this path."""
        return self._scraped if scope["path"] == PATH else None

    async def _scraped(self, scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, self._answered(scope), refuse=problem, template=PATH)

    async def _answered(self, scope: Scope) -> Answered:
        if scope["method"] != "GET":
            raise Invalid("Figures are asked for by GET.", http_status=405)
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        token = token_of(headers)
        await run_in_threadpool(admit, self._app, token, PERMISSION, what=f"GET {PATH}")
        return Reply(200, await run_in_threadpool(scrape, self._app), CONTENT_TYPE), ()


def scrape(app: Runtime) -> bytes:
    """One whole answer. Reads the database: use a thread that may wait."""
    now = app.clock.now()
    looked_up = app.db.read(partial(_stored, now=now))
    return rendered([*app.measures.families(), *looked_up, *_running(app, now)])


def _stored(tx: Tx, *, now: datetime) -> list[Family]:
    """What the database knows: every question is answered by an index."""
    since = signals.waiting_since(tx)
    age_s = 0.0 if since is None else max(0.0, (now - since).total_seconds())
    leases: dict[Labels, float] = {
        (one.name, one.owner): (one.until - now).total_seconds() for one in due.leases(tx)
    }
    return [
        Gauge("mainstay_backlog_signals", "Signals that wait to be settled.",
              values={(): signals.waiting_n(tx)}),
        Gauge("mainstay_backlog_age_seconds", "How long the oldest of them has waited.",
              values={(): age_s}),
        Gauge("mainstay_quarantined_signals", "Signals that could not be settled, not released yet.",
              values={(): signals.quarantined_n(tx)}),
        Gauge("mainstay_open_alerts", "Alerts that are open.",
              values={(): alerts.count_all_open(tx)}),
        Gauge("mainstay_open_incidents", "Incidents that are open.",
              values={(): incidents.count_open(tx)}),
        Gauge("mainstay_running_escalations", "Escalation policies under way.",
              values={(): paging.running_n(tx)}),
        Gauge("mainstay_due_rows", "What is planned for an instant, by kind.", ("kind",),
              values={(kind,): due.planned_n(tx, kind) for kind in _KINDS}),
        Gauge("mainstay_due_late_seconds", "How late the most overdue of a kind is.", ("kind",),
              values={(kind,): _late_s(tx, kind, now) for kind in _KINDS}),
        Gauge("mainstay_lease_left_seconds", "How long a lease is still held; negative: it ran out.",
              ("lease", "owner"), values=leases),
        Gauge("mainstay_unsealed_rows", "Rows of the record that wait for their seal.",
              values={(): record.unsealed_n(tx)}),
    ]  # fmt: skip


_KINDS = (
    paging.STEP_DUE, paging.SEND_DUE, paging.FEED_DUE,
    incidents.ACK_DUE, incidents.CLOSE_DUE, alerts.SILENCE_DUE,
)  # fmt: skip


def _late_s(tx: Tx, kind: str, now: datetime) -> float:
    at = due.next_at(tx, kind)
    return 0.0 if at is None else max(0.0, (now - at).total_seconds())


def _running(app: Runtime, now: datetime) -> Iterator[Family]:
    """What this process knows of itself."""
    names = ("version", "python", "node", "schema")
    built = (__version__, platform.python_version(), app.ground.node, str(schema_number()))
    yield Gauge("mainstay_build_info", "What runs here; the value is 1.", names, values={built: 1})
    yield Gauge("mainstay_waiting_writes", "Writes queued for the next commit.",
                values={(): app.db.waiting})  # fmt: skip
    yield Gauge("mainstay_disk_full", "1: signals are refused, and pages go on in the reserve.",
                values={(): int(app.reserve.is_used)})  # fmt: skip
    ages: dict[Labels, float] = {(name,): age_s for name, age_s in app.pulse.ages().items()}
    yield Gauge("mainstay_loop_step_age_seconds", "Since the last whole step of a loop.",
                ("loop",), values=ages)  # fmt: skip
    yield from _watched(app, now)
    yield from process.families()


def _watched(app: Runtime, now: datetime) -> Iterator[Family]:
    seen = watchdog.last_sign(app.settings.data_dir)
    if seen is None:
        return
    yield Gauge("mainstay_watchdog_last_run_timestamp_seconds", "When the watchdog last looked.",
                values={(): to_us(seen.at) / 1e6})  # fmt: skip
    yield Gauge("mainstay_watchdog_findings", "What it found wrong then.",
                values={(): len(seen.findings)})  # fmt: skip
    yield Gauge("mainstay_watchdog_look_seconds", "How long its look took.",
                values={(): seen.took_s})  # fmt: skip
