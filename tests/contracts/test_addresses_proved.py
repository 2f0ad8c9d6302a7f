"""Does an address that somebody sets for themselves prove to be theirs before it is relied on?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from live import Live, Reply, live
from mainstay import people
from mainstay.people import proofs

API = "/mainstay/v1"


@pytest.fixture
def mainstay(tmp_path: Path) -> Iterator[Live]:
    with live(tmp_path, run_loops=False) as running:
        yield running


def by(mainstay: Live, person: str, method: str, path: str, body: Any = None) -> Reply:
    key = mainstay.token("responder", person)
    return mainstay.call(method, API + path, body, key=key)


@pytest.fixture
def own(mainstay: Live) -> str:
    """An address that mara has just set for herself."""
    body = {"kind": "mail", "address": "mara@example.org"}
    made = by(mainstay, "mara", "POST", "/people/mara/addresses", body)
    assert made.json["address"]["good"] is False
    name: str = made.json["address"]["id"]
    return name


def sent_code(mainstay: Live) -> str:
    found = re.search(r"\d{8}", mainstay.phone("mara").pages[-1].text)
    assert found is not None
    return found[0]


def paged(mainstay: Live) -> list[str]:
    """The kinds by which a page reaches mara now."""
    plan = mainstay.runtime.db.read(lambda tx: people.plan_for(tx, "mara", "high"))
    return sorted(contact.address.kind for contact in plan)


def turn_back(mainstay: Live, by_: timedelta) -> None:
    us = int(by_.total_seconds() * 1_000_000)
    sql = "UPDATE people_proof SET made_at = made_at - :us"
    mainstay.runtime.db.run(lambda tx: tx.run(sql, us=us))


def test_the_code_that_was_sent_there_proves_it(mainstay: Live, own: str) -> None:
    assert paged(mainstay) == ["sms"]
    assert by(mainstay, "mara", "POST", f"/addresses/{own}/proof").status == 200
    code = sent_code(mainstay)
    assert by(mainstay, "mara", "POST", f"/addresses/{own}/verify", {"code": code}).status == 200
    assert paged(mainstay) == ["mail", "sms"]
    (listed,) = [
        one
        for one in by(mainstay, "mara", "GET", "/people/mara/contacts").json["addresses"]
        if one["id"] == own
    ]
    assert (listed["verified"], listed["good"]) == (True, True)
    assert by(mainstay, "mara", "POST", f"/addresses/{own}/proof").status == 409
    stored = str(mainstay.rows("SELECT * FROM foundation_record"))
    assert code not in stored


def test_an_address_that_is_not_proved_is_paged_where_there_is_no_other(
    mainstay: Live, own: str
) -> None:
    (sms,) = mainstay.rows("SELECT id FROM people_address WHERE person = 'mara' AND kind = 'sms'")
    assert mainstay.own("DELETE", f"/addresses/{sms[0]}").status == 200
    assert paged(mainstay) == ["mail"]


def test_wrong_codes_run_out_and_old_ones_are_void(mainstay: Live, own: str) -> None:
    by(mainstay, "mara", "POST", f"/addresses/{own}/proof")
    code = sent_code(mainstay)
    path = f"/addresses/{own}/verify"
    wrong = [by(mainstay, "mara", "POST", path, {"code": "x"}).status for _ in range(5)]
    assert wrong == [400] * 5
    assert by(mainstay, "mara", "POST", path, {"code": code}).status == 409
    assert by(mainstay, "mara", "POST", f"/addresses/{own}/proof").status == 429
    turn_back(mainstay, proofs.AGAIN)
    assert by(mainstay, "mara", "POST", f"/addresses/{own}/proof").status == 200
    assert by(mainstay, "mara", "POST", path, {"code": code}).status == 400  # of the first one
    turn_back(mainstay, proofs.VALID)
    assert by(mainstay, "mara", "POST", path, {"code": sent_code(mainstay)}).status == 409


def test_nobody_proves_or_asks_for_others(mainstay: Live, own: str) -> None:
    assert by(mainstay, "ben", "POST", f"/addresses/{own}/proof").status == 404
    by(mainstay, "mara", "POST", f"/addresses/{own}/proof")
    body = {"code": sent_code(mainstay)}
    assert by(mainstay, "ben", "POST", f"/addresses/{own}/verify", body).status == 404


def test_what_an_administrator_sets_is_good_at_once(mainstay: Live) -> None:
    body = {"kind": "webhook", "address": "https://hooks.example.org/mara"}
    made = mainstay.call(
        "POST", f"{API}/people/mara/addresses", body, key=mainstay.token("lead", "head")
    )
    assert made.json["address"]["good"] is True
    assert paged(mainstay) == ["sms", "webhook"]
