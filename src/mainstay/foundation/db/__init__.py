"""The database: one writer with group commit, many readers, SQL as text with `:name`.

The transaction contract
------------------------
`await db.write(fn)` (or `db.run(fn)` from a thread) queues `fn(tx)`. The writer takes what is
waiting, runs each call in a SAVEPOINT, commits once (one fsync for all), and only then resolves
the futures: whoever got an answer got a durable one. After an error only that call fails and
leaves nothing; when the commit itself fails, every call of the batch fails. `fn` must be quick,
must not wait for anything outside, and may be run again by its caller.

Reads (`db.read(fn)`) take their own connection and see the last commit.

`tx.py` is the face that rooms see, `writer.py` the queue, `sqlite.py` the engine, `migrations.py`
the schema.
"""

from mainstay.foundation.db.migrations import (
    migrations,
    schema_number,
    schema_of,
    statements,
    tables,
)
from mainstay.foundation.db.sqlite import migrate, open_database, peek_sqlite
from mainstay.foundation.db.tx import Row, Tx
from mainstay.foundation.db.writer import Database

__all__ = [
    "Database",
    "Row",
    "Tx",
    "migrate",
    "migrations",
    "open_database",
    "peek_sqlite",
    "schema_number",
    "schema_of",
    "statements",
    "tables",
]
