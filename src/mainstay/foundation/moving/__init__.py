"""An embedded install moves to PostgreSQL: table by table, in batches, and goes on where it was cut.

Each batch commits together with how far it came, so a move that is killed anywhere is finished by
running it again. Until all of it is there and found equal (counts, a digest of every row, the chain
of the record), the target refuses every server, and afterwards the file does.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from mainstay.foundation.db import Database, Place, Tx, open_database
from mainstay.foundation.db.place import PID_FILE
from mainstay.foundation.db.sqlite import MOVED
from mainstay.foundation.errors import Conflict, NotFound
from mainstay.foundation.moving import target as targets
from mainstay.foundation.moving.comparing import Moved, compare_all
from mainstay.foundation.moving.copying import Tell, copy_all

__all__ = ["Moved", "move"]


def move(target: Place, *, tell: Tell) -> Moved:
    """Fill the server at `target` from its file. `tell` hears how far it is, a line at a time.

    NotFound without a file; Conflict while a server runs on it; Refused when the target holds
    anything else; Corrupt when what arrived is not what was sent.
    """
    path, data_dir = target.path, target.path.parent
    if not path.is_file():
        raise NotFound(f"There is no database in {data_dir}; there is nothing to move.")
    with _alone(data_dir), closing(open_database(path, moving=True)) as source:
        targets.look_at(target)
        with closing(open_database(target, moving=True)) as there:
            there.run(targets.begin)
            numbers, moved = source.read(lambda tx: _carry(tx, there, tell))
            # The file first: at no moment would both be served.
            source.run(lambda tx: tx.run(f"PRAGMA application_id = {MOVED}"))
            there.run(lambda tx: targets.end(tx, numbers))
            return moved


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Nobody serves the folder, and nobody may start to."""
    with (data_dir / PID_FILE).open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"A Mainstay serves {data_dir}; stop it first.") from None
        yield


def _carry(tx: Tx, there: Database, tell: Tell) -> tuple[dict[tuple[str, str], int], Moved]:
    """Copy, then compare, from one state of the file."""
    return copy_all(tx, there, tell), compare_all(tx, there, tell)
