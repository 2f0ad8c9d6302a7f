"""Makes the golden database of the schema that this program has: `python tests/golden/make_golden.py`.

Run once for each released schema, from the commit of the release; what it wrote is kept for good,
and `test_upgrade.py` brings every one of them to the newest schema. It holds a floor in full
trouble: incidents open, acknowledged, on hold and closed, alerts silenced and expiring, steps that
are due in minutes, sends under way and sends that wait for their next try, a quarantined signal.
"""

from __future__ import annotations

import lzma
import shutil
import sqlite3
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))

from mainstay import acts  # noqa: E402
from mainstay.alerts import parse  # noqa: E402
from mainstay.foundation.clock import to_us  # noqa: E402
from mainstay.foundation.db import schema_number  # noqa: E402
from mainstay.foundation.errors import TimedOut  # noqa: E402
from walk import ALONE, CHAIN, Walk, fire  # noqa: E402

commands = acts.commands


def make() -> Path:
    """Write `NNNN.db.xz` for the schema of this program, and say where."""
    walk = Walk(kinds=("sms", "mail"))
    _a_bad_morning(walk)
    walk.app.close()
    plain = walk.folder / "data" / "mainstay.db"
    with closing(sqlite3.connect(plain)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("VACUUM")
        connection.execute("PRAGMA journal_mode = DELETE")
    target = HERE / f"{schema_number():04}.db.xz"
    target.write_bytes(lzma.compress(plain.read_bytes(), preset=9))
    shutil.rmtree(walk.folder)
    return target


def _a_bad_morning(walk: Walk) -> None:
    walk.act(commands.CreateKey("prometheus"))
    walk.act(commands.CreateToken("mara", "responder", "her terminal", None))
    for number in range(120):  # what has long been over
        walk.fires(ALONE[number % 4], f"Old{number}", severity="warning")
        walk.clears(ALONE[number % 4], f"Old{number}", severity="warning")
        walk.forward(minutes=1)
    walk.forward(minutes=30)
    for service in CHAIN:
        walk.fires(service, "Slow")
        walk.forward(minutes=2)
    walk.act(commands.Acknowledge(_newest(walk)))
    walk.act(commands.Note(_newest(walk), "It began with pay-db"))
    walk.fires("web")
    walk.providers["sms"].fault = TimedOut("No answer within 10 s.")
    walk.fires("mobile", "Down")  # this page goes unanswered, and waits for its next try
    walk.providers["sms"].fault = None
    walk.sends([fire("gamma", "Odd"), {"labels": {"no-name": "x"}}])
    walk.settle()
    _mute_delta(walk)
    walk.fires("lake", "Late", severity="error")
    walk.forward(minutes=3)
    _left_in_the_middle(walk)


def _mute_delta(walk: Walk) -> None:
    now = walk.clock.now()
    matcher = parse("service=delta")
    walk.act(commands.AddSilence((matcher,), now, now + timedelta(hours=2), "the disk is replaced"))
    walk.fires("delta", "Muted")


def _left_in_the_middle(walk: Walk) -> None:
    """A signal that nobody has settled, and pages whose attempt is committed and not answered."""
    walk.sends([{"labels": {"alertname": "New", "service": "alpha", "severity": "critical"}}])
    assert walk.begin()
    walk.sends([{"labels": {"alertname": "Newer", "service": "beta", "severity": "critical"}}])
    due = walk.rows("SELECT kind, due_at FROM foundation_due WHERE due_at > :now ORDER BY due_at",
                    now=to_us(walk.clock.now()))  # fmt: skip
    assert {row["kind"] for row in due} >= {"paging.step", "paging.send"}, due


def _newest(walk: Walk) -> str:
    return walk.incidents()[-1].name


if __name__ == "__main__":
    made = make()
    print(f"{made.name}: {made.stat().st_size} bytes")
