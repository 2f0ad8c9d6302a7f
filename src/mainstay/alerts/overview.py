"""Alerts seen as a whole, for screens: how many, where, since when; found by what is asked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from mainstay.alerts.alert import Alert
from mainstay.alerts.store import but, of_row
from mainstay.foundation.db import Tx


@dataclass(frozen=True, slots=True)
class Count:
    """How many open alerts of one service and severity, silenced or not."""

    service: str
    severity: str
    silenced: bool
    n: int
    repeats: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list of alerts is narrowed to; None leaves a line out."""

    open_only: bool = True
    text: str | None = None
    services: tuple[str, ...] | None = None
    severity: str | None = None
    source: str | None = None
    incident: str | None = None
    silenced: bool | None = None
    hidden: Collection[str] = ()
    """Services whose alerts are left out: those that the reader may not see."""


def counts_open(tx: Tx, *, hidden: Collection[str] = ()) -> list[Count]:
    """Every open alert, counted by service, severity and whether it is silenced.

    `hidden`: services that are left out.
    """
    rows = tx.all(
        "SELECT service, severity, CASE WHEN silence IS NULL THEN 0 ELSE 1 END AS silenced,"
        " count(*) AS n, sum(repeats) AS repeats FROM alerts_alert WHERE closed_at IS NULL"
        " GROUP BY service, severity, CASE WHEN silence IS NULL THEN 0 ELSE 1 END"
    )
    return [
        Count(row["service"], row["severity"], bool(row["silenced"]), row["n"], int(row["repeats"]))
        for row in rows
        if row["service"] not in hidden
    ]


def opened_by_slot(
    tx: Tx, *, since_us: int, slot_us: int, slots: int, hidden: Collection[str] = ()
) -> list[int]:
    """How many alerts opened in each of `slots` slots from `since_us` on."""
    shown, names = but(hidden)
    rows = tx.all(
        "SELECT (opened_at - :since) / :slot AS slot, count(*) AS n FROM alerts_alert"  # noqa: S608
        f" WHERE opened_at >= :since{shown} GROUP BY (opened_at - :since) / :slot",
        since=since_us, slot=slot_us, **names,
    )  # fmt: skip
    counts = [0] * slots
    for row in rows:
        if 0 <= row["slot"] < slots:
            counts[row["slot"]] += row["n"]
    return counts


def find(tx: Tx, wanted: Wanted, *, before: tuple[int, str] | None, limit: int) -> list[Alert]:
    """The newest first; `before` is the (opened_at, id) to page on from."""
    where, params = _where(wanted)
    at, alert = before if before is not None else (1 << 62, "")
    rows = tx.all(
        # Only our own text is spliced in; every value is bound.
        f"SELECT * FROM alerts_alert WHERE {where}"  # noqa: S608
        " AND (opened_at < :at OR (opened_at = :at AND id < :id))"
        " ORDER BY opened_at DESC, id DESC LIMIT :limit",
        at=at, id=alert, limit=limit, **params,
    )  # fmt: skip
    return [of_row(row) for row in rows]


def count(tx: Tx, wanted: Wanted, *, most: int = 10_000) -> int:
    """How many there are; counting stops at `most`."""
    where, params = _where(wanted)
    return int(
        tx.value(
            f"SELECT count(*) FROM (SELECT 1 FROM alerts_alert WHERE {where} LIMIT :most) AS found",  # noqa: S608
            most=most, **params,
        )
    )  # fmt: skip


def _where(wanted: Wanted) -> tuple[str, dict[str, str | int]]:
    """The conditions as SQL, and what is bound in them."""
    parts, params = ["1 = 1"], dict[str, str | int]()
    if wanted.open_only:
        parts.append("closed_at IS NULL")
    for name in ("severity", "source", "incident"):
        value = getattr(wanted, name)
        if value is not None:
            parts.append(f"{name} = :{name}")
            params[name] = value
    if wanted.silenced is not None:
        parts.append("silence IS NOT NULL" if wanted.silenced else "silence IS NULL")
    if wanted.services is not None:
        names = {f"s{number}": one for number, one in enumerate(wanted.services)} or {"s0": ""}
        parts.append(f"service IN ({', '.join(f':{name}' for name in names)})")
        params |= names
    if wanted.text:
        parts.append("lower(summary || ' ' || service || ' ' || labels) LIKE :text ESCAPE '!'")
        params["text"] = f"%{_escaped(wanted.text.lower())}%"
    shown, names = but(wanted.hidden)
    return " AND ".join(parts) + shown, params | names


def _escaped(text: str) -> str:
    """`%` and `_` mean themselves."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
