"""The tables `alerts_alert` and `alerts_silence`: every statement on them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from mainstay.alerts.alert import Alert, State
from mainstay.alerts.matchers import Matcher
from mainstay.foundation.db import Row, Tx

_json = msgspec.json.Encoder().encode
_labels = msgspec.json.Decoder(dict[str, str]).decode

_INSERT = """
INSERT INTO alerts_alert (
  id, source, dedup_key, service, severity, summary, labels, annotations, url, started_at,
  opened_at, last_at, expires_at, repeats, source_state, source_acked, state, closed_at, silence,
  incident, first_receipt, last_receipt, estate_version)
VALUES (
  :id, :source, :dedup_key, :service, :severity, :summary, :labels, :annotations, :url, :started_at,
  :opened_at, :last_at, :expires_at, :repeats, :source_state, :source_acked, :state, :closed_at,
  :silence, :incident, :first_receipt, :last_receipt, :estate_version)
"""
_NEWEST = """
SELECT * FROM alerts_alert WHERE id = coalesce(
  (SELECT id FROM alerts_alert
   WHERE source = :source AND dedup_key = :dedup_key AND closed_at IS NULL),
  (SELECT id FROM alerts_alert
   WHERE source = :source AND dedup_key = :dedup_key ORDER BY opened_at DESC, id DESC LIMIT 1))
"""
Key = tuple[str, str]
"""A source and a dedup key."""
KEYS_N = 64
_NEWEST_OF = f"""
WITH wanted (source, dedup_key) AS (VALUES {", ".join(f"(:s{n}, :k{n})" for n in range(KEYS_N))})
SELECT coalesce(
  (SELECT id FROM alerts_alert AS a
   WHERE a.source = w.source AND a.dedup_key = w.dedup_key AND a.closed_at IS NULL),
  (SELECT id FROM alerts_alert AS a
   WHERE a.source = w.source AND a.dedup_key = w.dedup_key
   ORDER BY a.opened_at DESC, a.id DESC LIMIT 1)) AS id
FROM wanted AS w
"""  # noqa: S608
_BY_IDS = f"""
SELECT * FROM alerts_alert WHERE id IN ({", ".join(f":i{n}" for n in range(KEYS_N))})
"""  # noqa: S608
_REPEAT = """
UPDATE alerts_alert SET severity = :severity, summary = :summary, annotations = :annotations,
  last_at = :last_at, expires_at = :expires_at, repeats = :repeats, last_receipt = :last_receipt
WHERE id = :id
"""
_CLOSE = """
UPDATE alerts_alert SET state = :state, source_state = :source_state, closed_at = :closed_at,
  last_at = :last_at, last_receipt = :last_receipt, silence = NULL
WHERE id = :id
"""


@dataclass(frozen=True, slots=True)
class Silence:
    """Mutes the alerts that all of its matchers fit; times in microseconds."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: int
    ends_at: int
    author: str
    reason: str
    created_at: int
    ended_at: int | None


# -- one alert -------------------------------------------------------------------------------------


def get(tx: Tx, alert: str) -> Alert | None:
    """By id."""
    row = tx.one("SELECT * FROM alerts_alert WHERE id = :id", id=alert)
    return None if row is None else of_row(row)


def newest(tx: Tx, source: str, dedup_key: str) -> Alert | None:
    """The open alert of this source and key, else the newest that is closed.

    Asked for by itself, because a clock that was set back opens alerts before older ones.
    """
    row = tx.one(_NEWEST, source=source, dedup_key=dedup_key)
    return None if row is None else of_row(row)


def known(tx: Tx, wanted: Iterable[Key]) -> dict[Key, Alert | None]:
    """What `newest` finds for each of many keys, in two questions for `KEYS_N` of them."""
    found: dict[Key, Alert | None] = dict.fromkeys(wanted)
    keys = list(found)
    for start in range(0, len(keys), KEYS_N):
        some = keys[start : start + KEYS_N]
        some += some[-1:] * (KEYS_N - len(some))  # always as many: one statement, one plan
        asked = {f"s{n}": source for n, (source, _) in enumerate(some)}
        asked |= {f"k{n}": dedup_key for n, (_, dedup_key) in enumerate(some)}
        ids = [row["id"] for row in tx.all(_NEWEST_OF, **asked)]
        rows = tx.all(_BY_IDS, **{f"i{n}": alert for n, alert in enumerate(ids)})
        found |= {(one.source, one.dedup_key): one for one in map(of_row, rows)}
    return found


def insert(
    tx: Tx, alert: Alert, *, incident: str | None = None, silence: str | None = None
) -> None:
    """A new row, in its incident or silenced; the unique index refuses a second open one."""
    tx.later(
        _INSERT,
        id=alert.id,
        source=alert.source,
        dedup_key=alert.dedup_key,
        service=alert.service,
        severity=alert.severity,
        summary=alert.summary,
        labels=_json(alert.labels).decode(),
        annotations=_json(alert.annotations).decode(),
        url=alert.url,
        started_at=alert.started_at,
        opened_at=alert.opened_at,
        last_at=alert.last_at,
        expires_at=alert.expires_at,
        repeats=alert.repeats,
        source_state=alert.source_state,
        source_acked=int(alert.source_acked),
        state=alert.state,
        closed_at=alert.closed_at,
        silence=silence,
        incident=incident,
        first_receipt=alert.first_receipt,
        last_receipt=alert.last_receipt,
        estate_version=alert.estate_version,
    )


def repeat(tx: Tx, alert: Alert) -> None:
    """The newest words, the count and the new expiry."""
    tx.later(
        _REPEAT,
        id=alert.id,
        severity=alert.severity,
        summary=alert.summary,
        annotations=_json(alert.annotations).decode(),
        last_at=alert.last_at,
        expires_at=alert.expires_at,
        repeats=alert.repeats,
        last_receipt=alert.last_receipt,
    )


def touch(tx: Tx, alert: str, *, last_at: int, receipt: str) -> None:
    """A repeat of what is closed by hand: counted, nothing more."""
    tx.later(
        "UPDATE alerts_alert SET last_at = :last_at, repeats = repeats + 1,"
        " last_receipt = :receipt WHERE id = :id",
        id=alert,
        last_at=last_at,
        receipt=receipt,
    )


def close(tx: Tx, alert: Alert) -> None:
    """Closed, as its `state` says."""
    tx.later(
        _CLOSE,
        id=alert.id,
        state=alert.state,
        source_state=alert.source_state,
        closed_at=alert.closed_at,
        last_at=alert.last_at,
        last_receipt=alert.last_receipt,
    )


def source_resolved(tx: Tx, alert: Alert) -> None:
    """The source's word on an alert that was closed without it."""
    tx.run(
        "UPDATE alerts_alert SET source_state = 'resolved', last_receipt = :receipt WHERE id = :id",
        id=alert.id,
        receipt=alert.last_receipt,
    )


def source_acked(tx: Tx, alert: Alert) -> None:
    """Somebody acknowledged it at the source."""
    tx.run(
        "UPDATE alerts_alert SET source_acked = 1, last_at = :last_at WHERE id = :id",
        id=alert.id,
        last_at=alert.last_at,
    )


def place(tx: Tx, alert: str, incident: str) -> None:
    """Into an incident: an alert that was silenced until now."""
    tx.run(
        "UPDATE alerts_alert SET incident = :incident WHERE id = :id", id=alert, incident=incident
    )


def mute(tx: Tx, alert: str, silence: str | None) -> None:
    """Muted by `silence`, or heard again."""
    tx.run("UPDATE alerts_alert SET silence = :silence WHERE id = :id", id=alert, silence=silence)


# -- many alerts -----------------------------------------------------------------------------------


def of_incident(tx: Tx, incident: str, *, limit: int = 1_000) -> list[Alert]:
    """An incident's alerts, oldest first."""
    rows = tx.all(
        "SELECT * FROM alerts_alert WHERE incident = :incident ORDER BY opened_at, id LIMIT :limit",
        incident=incident,
        limit=limit,
    )
    return [of_row(row) for row in rows]


def of_incident_after(tx: Tx, incident: str, *, after: tuple[int, str], limit: int) -> list[Alert]:
    """An incident's alerts beyond the (opened_at, id) already told, oldest first."""
    rows = tx.all(
        "SELECT * FROM alerts_alert WHERE incident = :incident"
        " AND (opened_at > :at OR (opened_at = :at AND id > :id))"
        " ORDER BY opened_at, id LIMIT :limit",
        incident=incident,
        at=after[0],
        id=after[1],
        limit=limit,
    )
    return [of_row(row) for row in rows]


def acked_at_source(tx: Tx, incident: str) -> bool:
    """Whether somebody acknowledged every open alert of an incident at its source."""
    return not tx.value(
        "SELECT 1 FROM alerts_alert"
        " WHERE incident = :incident AND closed_at IS NULL AND source_acked = 0 LIMIT 1",
        incident=incident,
    )


def open_of_incident(tx: Tx, incident: str, *, limit: int = 1_000) -> list[Alert]:
    """The open ones of an incident, oldest first."""
    rows = tx.all(
        "SELECT * FROM alerts_alert WHERE incident = :incident AND closed_at IS NULL"
        " ORDER BY opened_at, id LIMIT :limit",
        incident=incident,
        limit=limit,
    )
    return [of_row(row) for row in rows]


def count_open(tx: Tx, incident: str) -> int:
    """How many of an incident's alerts are open; counted in an index, also in a storm."""
    return int(
        tx.value(
            "SELECT count(*) FROM alerts_alert WHERE incident = :incident AND closed_at IS NULL",
            incident=incident,
        )
    )


def is_heard(tx: Tx, incident: str) -> bool:
    """Whether any open alert of an incident is not silenced."""
    return bool(
        tx.value(
            "SELECT 1 FROM alerts_alert"
            " WHERE incident = :incident AND closed_at IS NULL AND silence IS NULL LIMIT 1",
            incident=incident,
        )
    )


def has_open(tx: Tx, incident: str) -> bool:
    """Whether any alert of an incident is open; cheaper than counting a storm."""
    return bool(
        tx.value(
            "SELECT 1 FROM alerts_alert WHERE incident = :incident AND closed_at IS NULL LIMIT 1",
            incident=incident,
        )
    )


def expired(tx: Tx, now_us: int, *, limit: int) -> list[Alert]:
    """Open alerts whose own time has run out."""
    rows = tx.all(
        "SELECT * FROM alerts_alert WHERE expires_at <= :now AND closed_at IS NULL"
        " AND expires_at IS NOT NULL ORDER BY expires_at LIMIT :limit",
        now=now_us,
        limit=limit,
    )
    return [of_row(row) for row in rows]


def next_expiry(tx: Tx) -> int | None:
    """When the next open alert expires, in microseconds."""
    at: int | None = tx.value(
        "SELECT min(expires_at) FROM alerts_alert"
        " WHERE closed_at IS NULL AND expires_at IS NOT NULL"
    )
    return at


def postpone_expiry(tx: Tx, *, since_us: int, by_us: int) -> int:
    """Give back the time that we were down; only to what had not expired before."""
    return tx.run(
        "UPDATE alerts_alert SET expires_at = expires_at + :by"
        " WHERE closed_at IS NULL AND expires_at IS NOT NULL AND expires_at > :since",
        by=by_us,
        since=since_us,
    )


def page_open(
    tx: Tx,
    *,
    service: str | None,
    before: tuple[int, str] | None,
    limit: int,
    hidden: Collection[str] = (),
) -> list[Alert]:
    """Open alerts, newest first; `before` is the (opened_at, id) to page on from.

    `hidden`: services whose alerts are left out.
    """
    at, alert = before if before is not None else (1 << 62, "")
    shown, names = but(hidden)
    rows = tx.all(
        "SELECT * FROM alerts_alert WHERE closed_at IS NULL"  # noqa: S608 (names of parameters)
        " AND (opened_at < :at OR (opened_at = :at AND id < :id))"
        f" AND service = coalesce(:service, service){shown}"
        " ORDER BY opened_at DESC, id DESC LIMIT :limit",
        at=at,
        id=alert,
        service=service,
        limit=limit,
        **names,
    )
    return [of_row(row) for row in rows]


def page_all(
    tx: Tx,
    *,
    service: str | None,
    before: tuple[int, str] | None,
    limit: int,
    hidden: Collection[str] = (),
) -> list[Alert]:
    """As `page_open`, closed ones too."""
    at, alert = before if before is not None else (1 << 62, "")
    shown, names = but(hidden)
    rows = tx.all(
        "SELECT * FROM alerts_alert"  # noqa: S608 (names of parameters)
        " WHERE (opened_at < :at OR (opened_at = :at AND id < :id))"
        f" AND service = coalesce(:service, service){shown}"
        " ORDER BY opened_at DESC, id DESC LIMIT :limit",
        at=at,
        id=alert,
        service=service,
        limit=limit,
        **names,
    )
    return [of_row(row) for row in rows]


def every_open(tx: Tx) -> list[Alert]:
    """All open alerts, oldest first: for tests; the product reads in pieces."""
    return [
        of_row(row)
        for row in tx.all(
            "SELECT * FROM alerts_alert WHERE closed_at IS NULL ORDER BY opened_at, id"
        )
    ]


def during(tx: Tx, *, since_us: int, until_us: int, limit: int) -> list[Alert]:
    """Alerts that were open at some instant of a stretch of time, in no order; `limit` of each kind:
    still open, and closed since."""
    stretch = {"until": until_us, "limit": limit}
    rows = tx.all(
        "SELECT * FROM alerts_alert WHERE closed_at IS NULL AND opened_at <= :until"
        " ORDER BY opened_at, id LIMIT :limit",
        **stretch,
    )
    rows += tx.all(
        "SELECT * FROM alerts_alert WHERE closed_at IS NOT NULL AND closed_at >= :since"
        " AND opened_at <= :until ORDER BY closed_at LIMIT :limit",
        since=since_us, **stretch,
    )  # fmt: skip
    return [of_row(row) for row in rows]


def count_all_open(tx: Tx, *, hidden: Collection[str] = ()) -> int:
    """How many alerts are open, those of `hidden` services left out."""
    shown, names = but(hidden)
    sql = f"SELECT count(*) FROM alerts_alert WHERE closed_at IS NULL{shown}"  # noqa: S608 (names of parameters)
    return int(tx.value(sql, **names))


def but(hidden: Collection[str]) -> tuple[str, dict[str, str]]:
    """The condition that leaves these services out, and its parameters."""
    if not hidden:
        return "", {}
    names = {f"hidden_{n}": service for n, service in enumerate(hidden)}
    return f" AND service NOT IN (:{', :'.join(names)})", names


def muted_by(tx: Tx, silence: str, *, limit: int) -> list[Alert]:
    """Open alerts that a silence mutes, oldest first."""
    rows = tx.all(
        "SELECT * FROM alerts_alert WHERE silence = :silence AND closed_at IS NULL"
        " ORDER BY opened_at, id LIMIT :limit",
        silence=silence,
        limit=limit,
    )
    return [of_row(row) for row in rows]


def count_muted(tx: Tx, silence: str) -> int:
    """How many open alerts a silence mutes."""
    return int(
        tx.value(
            "SELECT count(*) FROM alerts_alert WHERE silence = :silence AND closed_at IS NULL",
            silence=silence,
        )
    )


# -- silences --------------------------------------------------------------------------------------


def insert_silence(tx: Tx, silence: Silence) -> None:
    """A new silence."""
    tx.run(
        "INSERT INTO alerts_silence"
        " (id, matchers, starts_at, ends_at, author, reason, created_at, ended_at)"
        " VALUES (:id, :matchers, :starts_at, :ends_at, :author, :reason, :created_at, :ended_at)",
        id=silence.id,
        matchers=_json([m.as_json() for m in silence.matchers]).decode(),
        starts_at=silence.starts_at,
        ends_at=silence.ends_at,
        author=silence.author,
        reason=silence.reason,
        created_at=silence.created_at,
        ended_at=silence.ended_at,
    )


def end_silence(tx: Tx, silence: str, at: int) -> bool:
    """Over; False when it was over before."""
    return bool(
        tx.run(
            "UPDATE alerts_silence SET ended_at = :at WHERE id = :id AND ended_at IS NULL",
            id=silence,
            at=at,
        )
    )


def get_silence(tx: Tx, silence: str) -> Silence | None:
    """By id."""
    row = tx.one("SELECT * FROM alerts_silence WHERE id = :id", id=silence)
    return None if row is None else _silence(row)


def live_silences(tx: Tx, now_us: int) -> list[Silence]:
    """Those in force, oldest first."""
    rows = tx.all(
        "SELECT * FROM alerts_silence WHERE ended_at IS NULL AND ends_at > :now"
        " AND starts_at <= :now ORDER BY created_at, id",
        now=now_us,
    )
    return [_silence(row) for row in rows]


def silences_n(tx: Tx, now_us: int) -> int:
    """How many are in force or to come."""
    return int(
        tx.value(
            "SELECT count(*) FROM alerts_silence WHERE ended_at IS NULL AND ends_at > :now",
            now=now_us,
        )
    )


def silences(tx: Tx, *, ended_since_us: int, limit: int = 1_000) -> list[Silence]:
    """Pending and live ones, and those that ended after `ended_since_us`; newest first."""
    rows = tx.all(
        "SELECT * FROM alerts_silence WHERE coalesce(ended_at, ends_at) > :since"
        " ORDER BY created_at DESC, id DESC LIMIT :limit",
        since=ended_since_us,
        limit=limit,
    )
    return [_silence(row) for row in rows]


# -- rows ------------------------------------------------------------------------------------------


def of_row(row: Row) -> Alert:
    """The alert that a whole row of the table is."""
    values: Sequence[Any] = tuple(row)  # type: ignore[arg-type]
    (
        id_, source, dedup_key, service, severity, summary, labels, annotations, url, started_at,
        opened_at, last_at, expires_at, repeats, source_state, source_acked, state, closed_at,
        silence, incident, first_receipt, last_receipt, estate_version,
    ) = values  # fmt: skip
    return Alert(
        id_, source, dedup_key, service, severity, summary, _labels(labels), _labels(annotations),
        url, started_at, opened_at, last_at, expires_at, repeats, source_state,
        bool(source_acked), State(state), closed_at, silence, incident, first_receipt,
        last_receipt, estate_version,
    )  # fmt: skip


def _silence(row: Row) -> Silence:
    return Silence(
        id=row["id"],
        matchers=tuple(Matcher.from_json(m) for m in msgspec.json.decode(row["matchers"])),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        author=row["author"],
        reason=row["reason"],
        created_at=row["created_at"],
        ended_at=row["ended_at"],
    )
