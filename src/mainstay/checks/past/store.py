"""The rows of hours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mainstay.checks.past.hours import Hour
from mainstay.checks.result import Verdict
from mainstay.foundation.db import Tx

NAMES_MAX = 400


def missing(tx: Tx, hour_us: int, *, limit: int) -> list[str]:
    """Checks that have no row for this hour yet."""
    rows = tx.all(
        "SELECT s.name FROM checks_state AS s"
        " LEFT JOIN checks_hour AS h ON h.name = s.name AND h.hour = :hour"
        " WHERE h.name IS NULL ORDER BY s.name LIMIT :limit",
        hour=hour_us, limit=limit,
    )  # fmt: skip
    return [row["name"] for row in rows]


def looks(tx: Tx, name: str, *, start_us: int, end_us: int) -> list[tuple[int, Verdict]]:
    """(when, verdict) of the kept looks in start..end, oldest first, after the last one before."""
    before = tx.all(
        "SELECT at, verdict FROM checks_result WHERE name = :name AND at < :start"
        " ORDER BY at DESC, id DESC LIMIT 1",
        name=name, start=start_us,
    )  # fmt: skip
    within = tx.all(
        "SELECT at, verdict FROM checks_result"
        " WHERE name = :name AND at >= :start AND at < :end ORDER BY at, id",
        name=name, start=start_us, end=end_us,
    )  # fmt: skip
    return [(int(row["at"]), row["verdict"]) for row in (*before, *within)]


def add(tx: Tx, hours: Iterable[Hour]) -> None:
    """Keep these hours."""
    tx.insert(
        "INSERT INTO checks_hour",
        [
            {"name": one.name, "hour": one.start_us, "ok_us": one.ok_us, "warn_us": one.warn_us,
             "fail_us": one.fail_us}
            for one in hours
        ],
    )  # fmt: skip


def hours(tx: Tx, names: Sequence[str], *, since_us: int, before_us: int) -> list[Hour]:
    """The kept hours of these checks that begin in since..before."""
    found: list[Hour] = []
    for start in range(0, len(names), NAMES_MAX):
        some = {f"n{i}": name for i, name in enumerate(names[start : start + NAMES_MAX])}
        rows = tx.all(
            # Only the names of our own parameters are spliced in.
            "SELECT * FROM checks_hour WHERE hour >= :since AND hour < :before AND name IN"  # noqa: S608
            f" ({', '.join(f':{key}' for key in some)})",
            since=since_us, before=before_us, **some,
        )  # fmt: skip
        found += [
            Hour(row["name"], row["hour"], row["ok_us"], row["warn_us"], row["fail_us"])
            for row in rows
        ]
    return found


def purge(tx: Tx, before_us: int) -> bool:
    """Drop the oldest hours from before that, some at a time; True: there are more."""
    dropped = tx.run(
        "DELETE FROM checks_hour WHERE hour < :before AND hour IN"
        " (SELECT DISTINCT hour FROM checks_hour WHERE hour < :before ORDER BY hour LIMIT 1)",
        before=before_us,
    )  # fmt: skip
    return dropped > 0
