"""Is a request kept as it came, settled once, and its key never written down?"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mainstay import signals
from mainstay.estate import Source
from mainstay.foundation.db import Database, Place, open_database
from mainstay.foundation.errors import Conflict, Corrupt, Invalid, NotFound, Unknown
from mainstay.foundation.ids import Ids

pytestmark = pytest.mark.both

NOW = datetime(2026, 11, 22, 5, 40, 8, tzinfo=UTC)
KEY = "abcdefghijklmnopqrstuvwxyz234567"
ALERTS = b'[{"labels":{"alertname":"A"}},{"labels":{}}]'
SOURCE = Source(format="alertmanager")


@pytest.fixture
def database(place: Place) -> Iterator[Database]:
    opened = open_database(place)
    yield opened
    opened.close()


def put(database: Database, receipt: str, body: bytes = ALERTS, **given: Any) -> None:
    arrival = signals.Arrival(receipt, 1)
    reading = given.pop("reading", None)
    if reading is None:
        reading = signals.door_named("alertmanager").read(body, SOURCE, arrival)
    row = {
        "at": NOW,
        "source": "prometheus",
        "door": "alertmanager",
        "estate_version": 3,
        "headers": {"user-agent": "Prometheus/2.42", "authorization": "Bearer x", "cookie": "y"},
    } | given
    one = signals.Arrived(receipt=receipt, body=body, verdict=reading.verdict, **row)
    database.run(lambda tx: signals.admit(tx, [one]))


def find(database: Database, receipt: str) -> signals.Request:
    found = database.read(lambda tx: signals.find(tx, receipt))
    assert found is not None
    return found


def test_what_is_settled_together_fits_into_the_memory(database: Database) -> None:
    one = b'[{"labels":{"alertname":"A"},"annotations":{"a":"' + b"x" * 3_000_000 + b'"}}]'
    for number in range(4):
        put(database, f"sig_{number}", one)
    found = database.read(lambda tx: signals.waiting(tx, 400))
    assert [request.receipt for request in found] == ["sig_0", "sig_1"]


class TestAdmit:
    def test_a_request_is_kept_as_it_came_with_what_was_wrong_in_it(
        self, database: Database
    ) -> None:
        put(database, "sig_1")
        kept = find(database, "sig_1")
        assert (kept.body, kept.state, kept.items_n, kept.estate_version) == (
            ALERTS,
            "waiting",
            2,
            3,
        )
        assert kept.problem is not None
        assert kept.problem["items"][0]["pointer"] == "/1/labels"

    def test_an_items_id_finds_its_request(self, database: Database) -> None:
        put(database, "sig_1")
        assert find(database, "sig_1.0").receipt == "sig_1"
        assert database.read(lambda tx: signals.find(tx, "sig_2")) is None

    def test_headers_that_may_hold_a_credential_are_not_kept(self, database: Database) -> None:
        put(database, "sig_1")
        assert find(database, "sig_1").headers == {"user-agent": "Prometheus/2.42"}

    def test_a_request_without_one_good_item_is_quarantined(self, database: Database) -> None:
        put(database, "sig_1", reading=signals.Reading((), (signals.Bad(0, "/0", "Wrong."),)))
        assert find(database, "sig_1").state == "quarantined"

    def test_a_request_with_nothing_in_it_waits_for_nothing(self, database: Database) -> None:
        put(database, "sig_1", b"[]")
        assert find(database, "sig_1").state == "settled"

    def test_what_waits_reads_the_same_as_when_it_came(self, database: Database) -> None:
        put(database, "sig_1")
        (request,) = database.read(lambda tx: signals.waiting(tx, 10))
        arrival = signals.Arrival("sig_1", request.received_at_us)
        first = signals.door_named("alertmanager").read(ALERTS, SOURCE, arrival)
        assert signals.read_again(request, SOURCE) == first

    def test_a_request_by_a_door_that_is_gone_is_corrupt(self, database: Database) -> None:
        put(database, "sig_1", door="telex")
        with pytest.raises(Corrupt, match="telex"):
            signals.read_again(find(database, "sig_1"), SOURCE)


class TestSettle:
    def test_the_oldest_wait_first_and_what_is_settled_waits_no_longer(
        self, database: Database
    ) -> None:
        for receipt in ("sig_2", "sig_1", "sig_3"):
            put(database, receipt)
        assert [r.receipt for r in database.read(lambda tx: signals.waiting(tx, 4))] == [
            "sig_1",
            "sig_2",
        ]
        database.run(lambda tx: signals.settled(tx, ["sig_1", "sig_3"]))
        assert [r.receipt for r in database.read(lambda tx: signals.waiting(tx, 9))] == ["sig_2"]
        assert database.read(signals.waiting_n) == 1

    def test_the_third_failure_quarantines_and_a_person_may_release(
        self, database: Database
    ) -> None:
        put(database, "sig_1")
        outcomes = [
            database.run(lambda tx: signals.failed(tx, "sig_1", "A rule broke.")) for _ in "123"
        ]
        assert outcomes == [False, False, True]
        kept = find(database, "sig_1")
        assert (kept.state, kept.tries) == ("quarantined", 3)
        assert kept.problem is not None
        assert kept.problem["sentence"] == "A rule broke."
        assert kept.problem["items"]
        database.run(lambda tx: signals.release(tx, "sig_1"))
        assert (find(database, "sig_1").state, find(database, "sig_1").tries) == ("waiting", 0)

    def test_only_what_is_quarantined_can_be_released(self, database: Database) -> None:
        put(database, "sig_1")
        with pytest.raises(Conflict, match="waiting"):
            database.run(lambda tx: signals.release(tx, "sig_1"))
        with pytest.raises(NotFound):
            database.run(lambda tx: signals.release(tx, "sig_9"))

    def test_what_is_quarantined_cannot_be_settled_by_mistake(self, database: Database) -> None:
        put(database, "sig_1")
        database.run(lambda tx: signals.failed(tx, "sig_1", "No.", tries_max=1))
        database.run(lambda tx: signals.settled(tx, ["sig_1"]))
        assert find(database, "sig_1").state == "quarantined"

    def test_problems_are_listed_newest_first_page_by_page(self, database: Database) -> None:
        good = b'[{"labels":{"alertname":"A"}}]'
        for receipt, body in (("sig_1", ALERTS), ("sig_2", good), ("sig_3", ALERTS)):
            put(database, receipt, body)
        first = database.read(lambda tx: signals.with_problems(tx, limit=1))
        second = database.read(
            lambda tx: signals.with_problems(tx, limit=5, before=first[-1].receipt)
        )
        assert [r.receipt for r in first + second] == ["sig_3", "sig_1"]

    def test_old_requests_go_but_never_one_that_still_waits(self, database: Database) -> None:
        for n in range(4):
            put(database, f"sig_{n}", at=NOW - timedelta(days=n))
        database.run(lambda tx: signals.settled(tx, ["sig_0", "sig_1", "sig_2"]))
        cut = NOW - timedelta(hours=1)
        assert database.run(lambda tx: signals.purge(tx, cut, limit=1)) == 1
        assert database.run(lambda tx: signals.purge(tx, cut)) == 1
        left = [
            r
            for n in range(4)
            if (r := database.read(lambda tx, n=n: signals.find(tx, f"sig_{n}")))
        ]
        assert [r.receipt for r in left] == ["sig_0", "sig_3"]


class TestKeys:
    @pytest.fixture
    def create(self, database: Database) -> Callable[[str], str]:
        ids = Ids()

        def create(source: str) -> str:
            return database.run(
                lambda tx: signals.create_key(tx, source, ids=ids, actor="person:ana", now=NOW)
            )

        return create

    def test_a_key_opens_its_own_source_until_it_is_revoked(
        self, database: Database, create: Callable[[str], str]
    ) -> None:
        key, other = create("prometheus"), create("mainframe")
        ring = database.read(signals.key_ring)
        assert (ring.source_of(key), ring.source_of(other)) == ("prometheus", "mainframe")
        (row,) = database.read(lambda tx: signals.list_keys(tx, "prometheus"))
        revoked = database.run(lambda tx: signals.revoke(tx, row.id, now=NOW))
        assert revoked.revoked_at_us is not None
        assert database.read(lambda tx: signals.source_of(tx, key)) is None
        with pytest.raises(Unknown):
            database.read(signals.key_ring).source_of(key)
        assert database.read(signals.key_ring).source_of(other) == "mainframe"

    @pytest.mark.parametrize("key", [None, "", "x" * 32, "\udc80"])
    def test_anything_else_opens_nothing(self, database: Database, key: str | None) -> None:
        with pytest.raises(Unknown):
            database.read(signals.key_ring).source_of(key)

    def test_a_key_has_the_shape_of_a_pagerduty_routing_key_and_is_not_stored(
        self, database: Database, place: Place, create: Callable[[str], str]
    ) -> None:
        key = create("prometheus")
        assert re.fullmatch("[a-z2-7]{32}", key)
        rows = database.read(lambda tx: tx.all("SELECT * FROM signals_key"))
        stored = str([tuple(row) for row in rows])
        assert "prometheus" in stored
        assert key not in stored
        assert not any(key.encode() in file.read_bytes() for file in place.path.parent.iterdir())

    def test_revoking_what_is_not_there_says_so(self, database: Database) -> None:
        with pytest.raises(NotFound):
            database.run(lambda tx: signals.revoke(tx, "key_x", now=NOW))


class TestBlanking:
    @pytest.mark.parametrize(
        "body",
        [
            json.dumps({"routing_key": KEY, "event_action": "trigger", "again": [KEY, f"x{KEY}y"]}),
            '{"routing_key":"' + "".join(f"\\u{ord(c):04x}" for c in KEY) + '","ü":"\\u00e4"}',
            '{"routing_key":"' + "".join(f"\\u{ord(c):04X}" for c in KEY) + '"}',
            '{"routing_key":"\\u0061' + KEY[1:] + '"}',
            '{"text":"\\\\\\u0061' + KEY[1:] + '"}',
            '{"text":"\\\\\\\\u0061' + KEY[1:] + '"}',
        ],
    )
    def test_a_key_is_gone_however_it_was_spelled_and_the_body_is_still_json(
        self, body: str
    ) -> None:
        blanked = signals.blank_credentials(body.encode(), KEY)
        assert KEY not in json.dumps(json.loads(blanked))
        assert json.loads(blanked).keys() == json.loads(body).keys()

    @pytest.mark.parametrize("key", [None, "", KEY])
    def test_a_body_without_it_stays_as_it_is(self, key: str | None) -> None:
        assert signals.blank_credentials(ALERTS, key) == ALERTS


def test_a_refused_request_is_not_read_into_anything() -> None:
    with pytest.raises(Invalid):
        signals.door_named("alertmanager").read(
            b'[{"labels":{}}]', SOURCE, signals.Arrival("sig_1", 1)
        )
