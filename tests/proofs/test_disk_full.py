"""No room left (P9): nothing is acknowledged that is not kept, reading works, and room is enough.

The disk is a small tmpfs where we may mount one, else the database's own bound on its pages.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from disk import fill_up, small_disk

from live import Live, live
from mainstay.foundation.db import open_database
from mainstay.foundation.errors import Stuck
from peers import wait_until


def _fill(mainstay: Live, data: Path, *, mounted: bool) -> Callable[[], object]:
    """Take all the room; the answer gives it back."""
    if mounted:
        ballast = fill_up(data)
        return ballast.unlink
    writer = mainstay.runtime.db.engine.writer
    pages = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count = {pages}")
    return lambda: writer.execute("PRAGMA max_page_count = 1000000")


def _post(mainstay: Live, name: str, key: str) -> tuple[int, dict[str, str], bytes]:
    labels = {"alertname": name, "service": "pay-api", "severity": "critical", "pad": "x" * 2000}
    body = [{"labels": labels, "endsAt": "2099-01-01T00:00:00Z"}]
    reply = mainstay.call("POST", "/api/v2/alerts", body, key=key)
    return reply.status, dict(reply.headers), reply.body


def test_a_full_disk_refuses_in_the_protocols_words_and_recovers_without_a_restart(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    with small_disk(data, 4) as mounted, live(tmp_path) as mainstay:
        key = mainstay.key("prometheus")
        assert mainstay.own("GET", "/alerts").status == 200
        assert _post(mainstay, "before", key)[0] == 200
        mainstay.phone("mara").wait(1)
        give_back = _fill(mainstay, data, mounted=mounted)
        taken, refused = ["before"], []
        for number in range(300):  # what is left in the log's last pages may still take a few
            status, headers, body = _post(mainstay, f"full{number}", key)
            if status == 200:
                taken.append(f"full{number}")
                continue
            refused.append(f"full{number}")
            assert status in (503, 507), (status, body)
            assert int(headers["retry-after"]) >= 1
            assert b"code" in body
            if len(refused) == 5:
                break
        assert refused, "the disk never filled up"
        assert mainstay.call("GET", "/livez").status in (200, 503)
        assert mainstay.own("GET", "/alerts").status == 200
        give_back()
        after = wait_until(
            lambda: _post(mainstay, "after", key)[0] == 200, within_s=20, what="room again"
        )
        assert after
        wait_until(
            lambda: {*taken, "after"} <= _stored(mainstay), within_s=20, what="what was taken"
        )
        assert not _stored(mainstay) & set(refused)
        assert not mainstay.rows("SELECT receipt FROM signals_request WHERE state = 'quarantined'")


def _stored(mainstay: Live) -> set[str]:
    rows = mainstay.rows("SELECT summary FROM alerts_alert WHERE source = 'prometheus'")
    return {str(row[0]).split()[0] for row in rows}


def test_a_start_on_a_full_disk_says_so_in_one_sentence(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", 1) as mounted:
        if not mounted:
            pytest.skip("only root can mount a small disk")
        fill_up(tmp_path / "small")
        with pytest.raises(Stuck, match="Cannot open"):
            open_database(tmp_path / "small" / "mainstay.db")
