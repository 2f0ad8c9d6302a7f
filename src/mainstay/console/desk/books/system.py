"""Mainstay itself: do signals settle, do pages go out, by which ways; what is in quarantine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from mainstay import __version__, acts, nodes, paging, signals, telemetry, watchdog
from mainstay.acts import commands
from mainstay.console import words
from mainstay.console.desk.now.standing import Standing, stand
from mainstay.console.desk.reader import Reader
from mainstay.console.desk.render import Form, Part, Showing, Went
from mainstay.foundation import record
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Tx, schema_number
from mainstay.paging import Send, SendState

SENDS = 300
SHOWN = 12
BEAT_MAX = timedelta(seconds=30)
"""The loops note every five seconds that they run; older than this they do not."""
WATCHED_WITHIN = timedelta(minutes=3)
"""The watchdog looks every minute or so; longer ago than this, nobody watches."""


def everything(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """The screen."""
    standing = stand(reader, tx)
    sign = watchdog.last_sign(reader.app.settings.data_dir)
    wrong = [one.sentence for one in reader.app.pulse.reasons()]
    wrong += [told.finding.sentence for told in (sign.findings if sign is not None else ())]
    alive_at = _alive_at(tx)
    if wrong:
        sentence = wrong[0]
    elif alive_at is None or reader.now - alive_at >= BEAT_MAX:
        since = f" since {reader.times.short(alive_at)}" if alive_at is not None else ""
        sentence = f"The loops have not been seen{since}: nothing settles, nobody is paged."
    elif standing.down:
        kinds = words.listed([one.kind for one in standing.down])
        sentence = f"Pages by {kinds} are failing."
    elif standing.quarantined:
        sentence = f"{words.counted(standing.quarantined, 'signal')} in quarantine."
    else:
        sentence = "Signals settle and pages go out."
    return {"title": "Mainstay", "where": "Mainstay", "sentence": sentence}


def health(reader: Reader, tx: Tx) -> Mapping[str, Any]:
    """What can be seen of this install now."""
    standing = stand(reader, tx)
    alive_at = _alive_at(tx)
    sends = paging.latest_sends(tx, limit=SENDS)
    sign = watchdog.last_sign(reader.app.settings.data_dir)
    return {
        "nodes": [one for one in nodes.known(tx, now=reader.now) if one.standing(reader.now) != "ended"],
        "reasons": reader.app.pulse.reasons(), "sign": sign,
        "watches": sign is not None and reader.now - sign.at < WATCHED_WITHIN,
        "standing": standing, "alive_at": alive_at, "node": reader.app.ground.node,
        "is_alive": alive_at is not None and reader.now - alive_at < BEAT_MAX,
        "ways": [_way(kind, sends, standing, reader) for kind in sorted(reader.app.channels)],
        "sends": sends[:SHOWN], "schema": schema_number(), "release": __version__,
        "unsealed": record.unsealed_n(tx), "running": paging.running_n(tx),
        "problems": signals.with_problems(tx, limit=20),
        "telemetry": _telemetry(reader),
    }  # fmt: skip


def _telemetry(reader: Reader) -> tuple[bool, str] | None:
    """How the keeping of telemetry stands; None where none is wanted."""
    settings = reader.app.settings
    return telemetry.standing(settings, now=reader.now) if settings.telemetry.keep else None


def _alive_at(tx: Tx) -> datetime | None:
    """When the loops last noted that they run."""
    alive = record.marked(tx, "alive_at")
    return from_us(alive) if alive is not None else None


def _way(kind: str, sends: list[Send], standing: Standing, reader: Reader) -> dict[str, Any]:
    """A channel, by what became of its pages in the last day."""
    after = to_us(reader.now - timedelta(days=1))
    mine = [one for one in sends if one.channel == kind and one.created_at >= after]
    counts = Counter(one.state for one in mine)
    down = any(one.kind == kind for one in standing.down)
    last = max((one.sent_at for one in mine if one.sent_at), default=None)
    state = "crit" if down else "ok" if counts[SendState.SENT] else "unknown"
    return {
        "kind": kind, "state": state, "sent": counts[SendState.SENT],
        "failed": counts[SendState.FAILED], "last": from_us(last) if last else None,
    }  # fmt: skip


def release(reader: Reader) -> Went:
    """Try a quarantined signal again."""
    return Went("/system", reader.act(commands.ReleaseSignal(reader.query["receipt"])).sentence)


PARTS = (Part("books/health", "system.read", ("pages", "system", "incidents"), health, "Health"),)
_SCREEN = Showing("/system", "system.read", everything, "system.html", here="system")
SHOWINGS = (_SCREEN,)
FORMS = (
    Form(
        "/signals/{receipt}/release", acts.PERMISSION[commands.ReleaseSignal], release, back=_SCREEN
    ),
)
