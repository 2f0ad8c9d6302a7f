"""How Mainstay keeps itself: the record is sealed and signed for, backups are made, old rows go.

Each is a step of `loops.LOOPS`: `step(app, now) -> when next`. What it raises is the loop's to tell.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial

from mainstay import nodes, paging, pipeline, presence, signals, signin
from mainstay.checks import heartbeats
from mainstay.foundation import due, record
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import MainstayError, Outside
from mainstay.foundation.spans import duration
from mainstay.runtime import Runtime

log = logging.getLogger("mainstay.upkeep")

SINK_AGAIN = timedelta(seconds=30)
"""How long checkpoints wait after a place outside did not take them."""
BACKUP_LEASE_S = 900.0
BACKUP_AGAIN = timedelta(minutes=5)
"""When a backup that failed is tried again, at the latest."""
FULL = "disk_full_at"
"""The mark of when it was last told that the disk is full."""
FULL_AGAIN = timedelta(minutes=30)
"""When it is told again while that lasts: its alert must not expire."""
BACKUPS_MISSED = 3
"""So many periods without a backup are an incident."""


def seal(app: Runtime, now: datetime) -> datetime | None:
    """Seal new rows of the record into the chain."""
    if app.db.read(record.is_sealed):
        return None
    sealed = presence.as_settler(app, record.seal)
    return now if sealed == record.SEAL_ROWS_MAX else None


def checkpoint(app: Runtime, now: datetime) -> datetime | None:
    """Sign where the chain stands, when enough is new."""
    audit = app.settings.audit
    every, rows_max = duration(audit.checkpoint_every), audit.checkpoint_rows

    def work(tx: Tx, now: datetime) -> None:
        node, version = app.node.host, app.ground.views.current_or_empty(tx).version
        record.take_checkpoint(tx, app.signer, now=now, node=node, estate_version=version)

    if app.db.read(
        lambda tx: record.is_checkpoint_due(tx, now=now, every=every, rows_max=rows_max)
    ):
        presence.as_settler(app, work)
    return None


def export(app: Runtime, now: datetime) -> datetime | None:
    """Hand new checkpoints to where they are kept outside; a place that is away gets them later."""
    again = None
    for sink in app.sinks:
        try:
            record.deliver(app.db, sink)
        except Outside as error:
            log.error("%s They wait.", error.sentence)
            again = now + SINK_AGAIN
    return again


def back_up(app: Runtime, now: datetime) -> datetime | None:
    """Make the next backup, if the settings want any and it is time; one node at a time does."""
    wanted = app.settings.backup
    if wanted.to is None or app.reserve.is_eaten_by(wanted.to):
        return None
    every = duration(wanted.every)
    marked = app.db.read(lambda tx: record.marked(tx, "backup_at"))
    last = None if marked is None else from_us(marked)
    if last is not None and last <= now < last + every:
        return last + every
    hold = partial(due.hold, name="backup", owner=app.ground.node, now=now, lease_s=BACKUP_LEASE_S)
    if app.db.run(hold) is None:
        return None
    try:
        made = app.back_up(now)
    except MainstayError as error:
        log.error("no backup: %s", error.sentence)
        late = last is None or now - last > BACKUPS_MISSED * every
        app.db.run(partial(_tell_no_backup, app=app, words=error.sentence, late=late, now=now))
        return now + min(every, BACKUP_AGAIN)
    app.db.run(lambda tx: record.mark(tx, "backup_at", made.manifest.made_at_us))
    return now + every


def _tell_no_backup(tx: Tx, app: Runtime, words: str, late: bool, now: datetime) -> None:
    fact = record.Fact("backup.failed", "backup", words)
    presence.note(tx, app, fact, now)
    if late:
        summary = f"Backups fail: {words}"
        pipeline.report_self(tx, app.ground, summary, key="backup.failed", now=now)


def keep_room(app: Runtime, now: datetime) -> datetime | None:
    """Make the reserve; while it is given back, say that the disk is full, again and again."""
    reserve = app.reserve
    told = app.db.read(lambda tx: record.marked(tx, FULL))
    if reserve.make() or not reserve.is_used:
        if told is not None:
            app.db.run(partial(_tell_room, app=app, now=now))
    elif told is None or not from_us(told) <= now < from_us(told) + FULL_AGAIN:
        app.db.run(partial(_tell_full, app=app, now=now))
    return None


def _tell_full(tx: Tx, app: Runtime, now: datetime) -> None:
    record.mark(tx, FULL, to_us(now))
    folder = app.settings.data_dir
    words = (
        f"The disk of {folder} is full: signals are refused (507). Pages and acknowledgements go on "
        f"in the {app.settings.reserve_mib} MiB that were kept; make room"
    )
    presence.note(tx, app, record.Fact("disk.full", "disk", words), now)
    pipeline.report_self(tx, app.ground, words, key="disk.full", now=now)
    log.critical("%s", words)


def _tell_room(tx: Tx, app: Runtime, now: datetime) -> None:
    record.unmark(tx, FULL)
    words = "there is room on the disk again: signals are taken, and the reserve is made anew"
    presence.note(tx, app, record.Fact("disk.room", "disk", words), now)
    log.warning("%s", words)


def purge(app: Runtime, now: datetime) -> datetime | None:
    """Delete what is older than the retention, a thousand rows a transaction: raw signals, sign-in
    sessions and links; old nodes, and when heartbeats went down."""
    before = now - timedelta(days=app.settings.retention_days)

    def work(tx: Tx, now: datetime) -> bool:
        nodes.forget(tx, now=now)
        heartbeats.purge(tx, before)
        there_is_more = signals.purge(tx, before) >= signals.PURGE_ROWS
        return signin.forget(tx, before=before) >= signin.FORGET_ROWS or there_is_more

    return now if presence.as_settler(app, work) else None


def shadow_day(app: Runtime, now: datetime) -> datetime | None:
    """Once a day: record what shadow mode would have sent in the day before (UTC)."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)

    def work(tx: Tx, now: datetime) -> None:
        if record.marked(tx, "shadow_day") == to_us(today):
            return
        record.mark(tx, "shadow_day", to_us(today))
        found = paging.compare(tx, start=today - timedelta(days=1), end=today)
        if found.pages:
            fact = record.Fact("paging.shadow", "paging", found.sentence, facts=asdict(found))
            presence.note(tx, app, fact, now)

    presence.as_settler(app, work)
    return None
