"""Does this PostgreSQL keep what it says it keeps? Asked at each new connection that writes.

After a fail-over another server may answer at the same address, with other settings; so the answer
of the start is not enough.
"""

from __future__ import annotations

from dataclasses import dataclass

from mainstay.foundation.db.place import Place
from mainstay.foundation.db.tx import Tx
from mainstay.foundation.errors import Refused, Stuck

VERSION_MIN = 15
_ON = ("fsync", "full_page_writes", "synchronous_commit")
DURABLE = {
    "journal_mode": ("wal",),
    "synchronous": ("full", "extra"),
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "local", "remote_write", "remote_apply"),
}
"""What SQLite's and PostgreSQL's settings must say for a commit to survive the loss of power."""
_SERVER = """
SELECT current_setting('server_version') AS version,
  current_setting('server_version_num') AS version_n,
  current_setting('fsync') AS fsync,
  current_setting('full_page_writes') AS full_page_writes,
  current_setting('synchronous_commit') AS synchronous_commit,
  current_setting('synchronous_standby_names') AS standby_names,
  CASE WHEN pg_is_in_recovery() THEN 1 ELSE 0 END AS follows
"""
_STANDBYS = """
SELECT count(*) AS connected
FROM pg_stat_replication WHERE coalesce(state, 'streaming') <> 'backup'
"""
"""Others' rows are visible to everybody, their columns only to `pg_monitor`."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the database stands. `warning`: what may be lost all the same, in a sentence."""

    engine: str
    version: str
    warning: str | None = None


def require_durable(tx: Tx, place: Place) -> None:
    """Refused when this server may lose what it has committed; Stuck when it takes no writes."""
    server = tx.one(_SERVER)
    assert server is not None
    off = [name for name in _ON if server[name] == "off"]
    if off:
        raise Refused(
            f"{place} has {' and '.join(off)} off: it would lose acknowledged signals when it "
            f"crashes. Set {' and '.join(off)} to on (for the server, the database and the role), "
            "then start Mainstay again."
        )
    require_primary(tx, place)


def require_primary(tx: Tx, place: Place) -> None:
    """Refused when this server is too old for us; Stuck when it takes no writes."""
    server = tx.one(_SERVER)
    assert server is not None
    if int(server["version_n"]) < VERSION_MIN * 10_000:
        raise Refused(
            f"{place} is PostgreSQL {server['version']}; Mainstay needs {VERSION_MIN} or newer."
        )
    if server["follows"]:
        raise Stuck(
            f"{place} is a standby and takes no writes; name the primary, or list every server in "
            "the URL with target_session_attrs=read-write.",
            retry_after_s=1,
        )


def in_force(tx: Tx) -> dict[str, str]:
    """What a PostgreSQL server does to keep a commit, by its own names, for us as we are here."""
    server = tx.one(_SERVER)
    assert server is not None
    return {name: server[name] for name in _ON}


def standing(tx: Tx) -> Standing:
    """The version, and whether a fail-over can lose acknowledged rows."""
    if tx.engine == "sqlite":
        return Standing("sqlite", str(tx.value("SELECT sqlite_version()")))
    server, standbys = tx.one(_SERVER), tx.one(_STANDBYS)
    assert server is not None
    assert standbys is not None
    connected, waits = standbys["connected"], server["standby_names"].strip()
    warning = None
    if connected and not waits:
        warning = (
            "A standby is asynchronous: acknowledged rows can be lost on fail-over. Name it in "
            "synchronous_standby_names."
        )
    elif connected and server["synchronous_commit"] == "local":
        warning = (
            "synchronous_commit is local: no commit waits for the standby, and acknowledged rows "
            "can be lost on fail-over. Set it to on."
        )
    return Standing("postgresql", server["version"], warning)
