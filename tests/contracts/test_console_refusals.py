"""Is somebody who may not told who may, can they ask them, and does the record know of it? (P29, P31)"""

from __future__ import annotations

import html
from collections.abc import Iterator

import pytest

from browsing import Visitor
from live import ESTATE, Live, live
from mainstay.console.desk.asking import DOES
from mainstay.foundation import record
from mainstay.people import PERMISSIONS

TWO_TEAMS = (
    ESTATE.replace("people:\n", "  data: {members: [head]}\npeople:\n", 1)
    .replace("pay-db, type", "pay-db, type")
    .replace("pay-db: {tier: 1, owner: payops", "pay-db: {tier: 1, owner: data")
    .replace("depends: [pay-db]", "depends: []")
)
ASK = {"permission": "alerts.silence", "about": "/silences/new", "note": "CHG-7 will flap"}


@pytest.fixture(scope="module")
def mainstay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """An open incident of pay-db, which is team data's. Ben may read, Mara leads payops, Head all."""
    with live(tmp_path_factory.mktemp("refusals"), text=TWO_TEAMS) as running:
        labels = {"alertname": "A", "service": "pay-db", "severity": "critical"}
        running.call("POST", "/api/v2/alerts", [{"labels": labels}], key=running.key("prometheus"))
        running.alerts(1)
        yield running


@pytest.fixture(scope="module")
def head(mainstay: Live) -> Visitor:
    return joined(mainstay, "head", "lead")


@pytest.fixture(scope="module")
def ben(mainstay: Live, head: Visitor) -> Visitor:
    return joined(mainstay, "ben", "viewer")


def joined(mainstay: Live, person: str, role: str, team: str | None = None) -> Visitor:
    visitor = Visitor(mainstay)
    assert visitor.join(person, role, team).status == 303
    return visitor


def rows(mainstay: Live, *kinds: str) -> list[str]:
    found = mainstay.runtime.db.read(lambda tx: record.newest(tx, kinds, limit=100))
    return [str(one["because"]) for one in found]


def test_each_permission_is_said_in_words() -> None:
    assert DOES.keys() == PERMISSIONS.keys()


def test_who_may_is_named_asked_once_and_sees_it_until_it_is_seen_to(
    mainstay: Live, head: Visitor, ben: Visitor
) -> None:
    refused = ben.get("/silences/new")
    assert refused.status == 403
    assert b"Priya Raman may silence alerts." in refused.body
    assert b"Mara" not in refused.body, "she holds no role"
    assert ben.post("/ask", ASK).status == 303
    again = ben.post("/ask", ASK)
    assert (again.status, "retry-after" in again.headers) == (429, True)
    assert rows(mainstay, "help.asked") == [
        "ben asks head for alerts.silence at /silences/new: CHG-7 will flap"
    ]
    board = html.unescape(head.get("/").body.decode())
    assert "asks somebody to silence alerts" in board
    assert "CHG-7 will flap" in board
    assert "CHG-7" not in ben.get("/").body.decode(), "one is not asked by oneself"
    seen = board.split('action="/asked/')[1].split("/")[0]
    assert ben.post(f"/asked/{seen}/seen").status == 404
    assert head.post(f"/asked/{seen}/seen").status == 303
    assert "CHG-7" not in head.get("/").body.decode()
    assert head.post(f"/asked/{seen}/seen").status == 404
    assert len(rows(mainstay, "help.answered")) == 1


def test_asking_is_bounded_and_takes_no_nonsense(mainstay: Live, ben: Visitor) -> None:
    bad = (
        {"permission": "everything"}, {"about": "https://evil.example/"}, {"about": "//evil.example"},
        {"note": "x" * 301}, {"team": "nobody"}, {"about": "/" + "x" * 400},
    )  # fmt: skip
    for one in bad:
        assert ben.post("/ask", ASK | one).status in (400, 404), one
    statuses = [ben.post("/ask", ASK | {"about": f"/alerts/{n}"}).status for n in range(8)]
    assert statuses[-1] == 429
    assert statuses.count(303) <= 5


def test_a_refused_read_of_another_team_s_incident_leaves_one_row(
    mainstay: Live, head: Visitor
) -> None:
    mara = joined(mainstay, "mara", "lead", "payops")
    for path in (
        "/incidents/1",
        "/incidents/1",
        "/parts/incident/head?number=1",
        "/incidents/1/act",
    ):
        reply = mara.get(path)
        assert reply.status == 403, path
    assert b"Priya Raman may read incidents." in mara.get("/incidents/1").body
    for _ in range(3):
        mara.get("/parts/incident/head?number=1")
    refused = [one for one in rows(mainstay, "act.refused") if one.startswith("person:mara")]
    whats = sorted(one.split(": ")[0].removeprefix("person:mara was refused ") for one in refused)
    assert whats == ["GET /incidents/1", "GET /incidents/1/act", "GET /parts/incident/head"]


def test_a_refused_act_leaves_its_one_row_and_none_for_the_screen_behind_it(mainstay: Live) -> None:
    eve = joined(mainstay, "mara", "responder", "payops")
    before = len(rows(mainstay, "act.refused"))
    assert eve.post("/incidents/1/acknowledge").status == 403
    assert len(rows(mainstay, "act.refused")) == before + 1
