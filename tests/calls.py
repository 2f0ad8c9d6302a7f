"""Small transactions for tests of the database: on `foundation_mark`, which any schema has."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from mainstay.foundation.db import Database, Tx


def put(name: str, value: int = 1) -> Any:
    def work(tx: Tx) -> str:
        tx.run("INSERT INTO foundation_mark (name, value) VALUES (:n, :v)", n=name, v=value)
        return name

    return work


def names(db: Database) -> set[str]:
    return db.read(lambda tx: {row["name"] for row in tx.all("SELECT name FROM foundation_mark")})


def fails(tx: Tx) -> None:
    put("half")(tx)
    raise ValueError("no")


def together(db: Database, *calls: Any) -> list[Any]:
    """Queue them while the writer is held, so that they share one commit."""
    held, go = threading.Event(), threading.Event()

    def hold(tx: Tx) -> None:
        held.set()
        assert go.wait(10)

    async def all_of_them() -> list[Any]:
        first = asyncio.ensure_future(db.write(hold))
        await asyncio.to_thread(held.wait, 10)
        waiting = [asyncio.ensure_future(db.write(call)) for call in calls]
        await asyncio.sleep(0)
        go.set()
        await first
        return await asyncio.gather(*waiting, return_exceptions=True)

    return asyncio.run(all_of_them())
