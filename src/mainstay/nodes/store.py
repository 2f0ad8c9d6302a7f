"""The table `nodes_node`: every statement on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from mainstay.foundation import due
from mainstay.foundation.clock import from_us, to_us
from mainstay.foundation.db import Row, Tx
from mainstay.nodes.node import Node

FORGOTTEN_AFTER = timedelta(days=1)

_BEAT = """
INSERT INTO nodes_node
  (id, host, folder, pid, listen, version, schema_n, started_at, seen_at, ended_at)
VALUES
  (:id, :host, :folder, :pid, :listen, :version, :schema_n, :started_at, :seen_at, NULL)
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, ended_at = NULL
"""


def join(tx: Tx, node: Node) -> int:
    """A node starts: whoever was at its place has ended, and gives back what it held.

    Returns how many claimed rows are due again.
    """
    freed = 0
    for row in tx.all(
        "SELECT id FROM nodes_node"
        " WHERE host = :host AND folder = :folder AND ended_at IS NULL",
        host=node.host, folder=node.folder,
    ):  # fmt: skip
        freed += leave(tx, row["id"], now=node.started_at)
    beat(tx, node, now=node.started_at)
    return freed


def beat(tx: Tx, node: Node, *, now: datetime) -> None:
    """It is there."""
    tx.run(
        _BEAT, id=node.id, host=node.host, folder=node.folder, pid=node.pid, listen=node.listen,
        version=node.version, schema_n=node.schema, started_at=to_us(node.started_at),
        seen_at=to_us(now),
    )  # fmt: skip


def move(tx: Tx, by: timedelta) -> None:
    """The clock was set: whoever was heard lately has been heard as lately as before."""
    tx.run("UPDATE nodes_node SET seen_at = seen_at + :by", by=by // timedelta(microseconds=1))


def leave(tx: Tx, node_id: str, *, now: datetime) -> int:
    """It ends, and gives back what it holds; returns how many claimed rows are due again."""
    tx.run(
        "UPDATE nodes_node SET ended_at = :now WHERE id = :id AND ended_at IS NULL",
        id=node_id, now=to_us(now),
    )  # fmt: skip
    return due.release(tx, node_id, now=now)


def known(tx: Tx, *, now: datetime) -> list[Node]:
    """Every node of the last day with the leases that it holds, the newest start first."""
    held: dict[str, list[str]] = {}
    for lease in due.leases(tx):
        if lease.until > now:
            held.setdefault(lease.owner, []).append(lease.name)
    rows = tx.all("SELECT * FROM nodes_node ORDER BY started_at DESC, id DESC")
    return [replace(_node(row), roles=tuple(held.get(row["id"], ()))) for row in rows]


def forget(tx: Tx, *, now: datetime) -> int:
    """Drop those that were last seen more than a day ago."""
    before = to_us(now - FORGOTTEN_AFTER)
    return tx.run("DELETE FROM nodes_node WHERE seen_at < :before", before=before)


def _node(row: Row) -> Node:
    return Node(
        id=row["id"], host=row["host"], folder=row["folder"], pid=row["pid"],
        listen=row["listen"], version=row["version"], schema=row["schema_n"],
        started_at=from_us(row["started_at"]), seen_at=from_us(row["seen_at"]),
        ended_at=None if row["ended_at"] is None else from_us(row["ended_at"]),
    )  # fmt: skip
