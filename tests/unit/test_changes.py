"""What was changed lately, and where?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mainstay import changes
from mainstay.foundation.db import Tx
from mainstay.foundation.errors import Invalid
from mainstay.foundation.ids import Ids

pytestmark = pytest.mark.both

NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
IDS = Ids()


def record(tx: Tx, summary: str, **given: Any) -> changes.Change:
    values = {"source": "gitlab", "service": "ledger", "at": NOW, "facts": {}, "receipt": "sig_1.0"}
    return changes.record_change(tx, IDS, summary=summary, now=NOW, **{**values, **given})


def recent(tx: Tx, services: list[str] | None = None, **given: Any) -> list[str]:
    values = {"since": NOW - timedelta(hours=1), "until": NOW + timedelta(hours=1), "limit": 50}
    return [c.summary for c in changes.recent(tx, services=services, **{**values, **given})]


def test_a_change_is_read_back_as_it_was_recorded(tx: Tx) -> None:
    made = record(tx, "Deploy 2.4", facts={"build": {"n": 7}, "who": "Zoë\x00"}, service=None)
    window = {"since": NOW, "until": NOW + timedelta(microseconds=1)}
    assert changes.recent(tx, services=None, **window) == (made,)


def test_the_newest_comes_first_and_no_more_than_asked_for(tx: Tx) -> None:
    record(tx, "old", at=NOW - timedelta(minutes=9))
    record(tx, "new", at=NOW)
    record(tx, "newer of the same instant", at=NOW)
    assert recent(tx) == ["newer of the same instant", "new", "old"]
    assert recent(tx, limit=1) == ["newer of the same instant"]
    assert recent(tx, limit=-1) == ["newer of the same instant"]


def test_only_the_services_that_were_asked_for_are_shown(tx: Tx) -> None:
    for service in ("ledger", "bus", "card-gw", None):
        record(tx, str(service), service=service)
    assert sorted(recent(tx, ["ledger", "bus"])) == ["bus", "ledger"]
    assert recent(tx, ["x') OR 1=1 --"]) == []
    assert recent(tx, []) == []
    assert len(recent(tx, None)) == 4


def test_a_window_holds_its_start_and_not_its_end(tx: Tx) -> None:
    for minutes in (0, 5, 10):
        record(tx, str(minutes), at=NOW + timedelta(minutes=minutes))
    assert recent(tx, since=NOW, until=NOW + timedelta(minutes=10)) == ["5", "0"]


def test_a_change_without_words_is_refused(tx: Tx) -> None:
    with pytest.raises(Invalid, match="summary"):
        record(tx, " ")
    assert recent(tx) == []
