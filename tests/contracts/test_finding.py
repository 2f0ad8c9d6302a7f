"""Is an item found across log files, kept logs and tables, and is it said where it stopped?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from browsing import Visitor
from clusters import Cluster
from databases import server
from live import ESTATE, live
from looking import BASE
from mainstay import diagnosis, estate
from mainstay.diagnosis import Found, Reach
from mainstay.foundation.clock import to_us
from mainstay.foundation.errors import Invalid
from mainstay.telemetry.store import Kept, Record

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
API_LOG = """2026-11-24T09:58:18.100Z INFO payment PAY-10023 taken, card 4111 1111 1111 1111
2026-11-24T09:58:18.200Z INFO payment PAY-100234 taken
2026-11-24T09:58:18.300Z INFO payment XPAY-10023 taken
2026-11-22T09:58:18.300Z INFO payment PAY-10023 of another day
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    made = server()
    made.create("booked")
    made.run(
        "create table booked (id text, at timestamptz, state text, amount numeric);"
        "insert into booked values ('PAY-10023', '2026-11-24 09:58:20Z', 'booked', 12.50),"
        " ('PAY-10024', '2026-11-24 09:58:21Z', 'booked', 13), ('%', '2026-11-24 09:00Z', 'odd', 1);"
        "create role finding login password 'canary-find'; grant select on booked to finding;",
        on="booked",
    )
    yield made
    made.drop("booked")
    made.run("drop role finding")


def found(
    id_: str, services: Mapping[str, Any], journey: Mapping[str, Any] | None = None, *,
    cluster: Cluster | None = None, off_limits: Path | None = None, **more: Any,
) -> Found:  # fmt: skip
    declared = {name: {"tier": 1, "type": "database", **one} for name, one in services.items()}
    values = {**BASE, "services": {**BASE["services"], **declared}, **more}  # type: ignore[dict-item]
    values["journeys"] = {"payment": journey} if journey else {}
    allow = frozenset({f"127.0.0.1:{cluster.port}"} if cluster else ())
    reach = Reach(allow, {"PG": "canary-find"}, off_limits)
    wanted = diagnosis.Wanted(id_, NOW - timedelta(days=1), NOW, NOW)
    return diagnosis.find(estate.from_values(values), wanted, reach=reach)


def table(cluster: Cluster, query: str = "", **more: Any) -> dict[str, Any]:
    text = query or "select at, state, amount from booked where id = :id"
    url = cluster.url_by_tcp("booked", user="finding")
    return {"find": [{"sql": text, "database": url, "password": "env:PG", **more}]}


def log(tmp_path: Path, text: str = API_LOG) -> dict[str, Any]:
    (tmp_path / "api.log").write_text(text)
    return {"find": [{"file": str(tmp_path / "api*.log")}]}


def test_files_kept_logs_and_tables_become_one_timeline(tmp_path: Path, cluster: Cluster) -> None:
    store = Kept(tmp_path / "kept")
    at = to_us(NOW - timedelta(seconds=101))
    bodies = ["screened PAY-10023 of ana@example.org", "screened PAY-100231"]
    store.append([Record(at, at, 2, "fraud", "", "", one) for one in bodies], now_us=at)
    services = {
        "pay-api": log(tmp_path), "ledger": table(cluster, what="booking"),
        "fraud": {"find": [{"logs": str(tmp_path / "kept"), "within": "15s"}]},
    }  # fmt: skip
    (tmp_path / "empty.log").write_text("2026-11-24T09:00:00Z INFO nothing\n")
    services["settlement"] = {"find": [{"file": str(tmp_path / "empty.log")}]}
    way = {
        "id": "PAY-[0-9]+",
        "through": ["pay-api", "fraud", "ledger", "settlement"],
        "within": "4s",
    }
    answer = found("PAY-10023", services, way, cluster=cluster)
    assert [one.service for one in answer.seen] == ["pay-api", "fraud", "ledger"]
    assert answer.seen[2].what == "booking: state booked, amount 12.50"
    assert "[card]" in answer.seen[0].what, "shown blanked"
    assert "[e-mail]" in answer.seen[1].what
    assert answer.sentence == (
        "Last seen in ledger at 10:58:20; normally settlement follows within 4 s."
    )
    assert answer.notes == ()


def test_how_soon_others_go_on_is_learned_from_their_logs(tmp_path: Path) -> None:
    begin = NOW - timedelta(hours=1)
    here = [
        f"{begin + timedelta(seconds=60 * n):%Y-%m-%dT%H:%M:%SZ} INFO took PAY-{n:05}"
        for n in range(20)
    ]
    there = [
        f"{begin + timedelta(seconds=60 * n + 3):%Y-%m-%dT%H:%M:%SZ} INFO sent PAY-{n:05}"
        for n in range(19)
    ]
    services = {}
    for name, lines in (("ledger", here), ("settlement", there)):
        (tmp_path / f"{name}.log").write_text("\n".join(lines) + "\n")
        services[name] = {"find": [{"file": str(tmp_path / f"{name}.log")}]}
    way = {"id": "PAY-[0-9]+", "through": ["ledger", "settlement"]}
    stuck = found("PAY-00019", services, way)
    assert stuck.stop is not None
    assert (stuck.stop.next, stuck.stop.within_s, stuck.stop.learned_from) == (
        "settlement",
        3.0,
        19,
    )
    assert stuck.stop.late
    assert "normally settlement follows within 3 s" in stuck.sentence
    through = found("PAY-00003", services, way)
    assert through.stop is not None
    assert through.stop.next is None
    assert through.sentence.startswith("It went all the way: last seen in settlement")


def test_every_character_of_an_id_stands_for_itself(tmp_path: Path, cluster: Cluster) -> None:
    services = {"pay-api": log(tmp_path), "ledger": table(cluster)}
    for id_ in ("PAY-.....", "PAY-100%", "PAY%", "P.*23", "' or '1'='1"):
        assert found(id_, services, cluster=cluster).seen == (), id_
    like = "select at, state from booked where id like :id_like"
    assert found("PAY-1002%", {"ledger": table(cluster, like)}, cluster=cluster).seen == ()
    assert len(found("PAY-10023", {"ledger": table(cluster, like)}, cluster=cluster).seen) == 1
    for id_ in ("", "%%%", "ab", "PAY\n10023", "x" * 200, "PAY\x0010023"):
        with pytest.raises(Invalid):
            found(id_, services)


def test_a_source_that_fails_is_a_note_and_the_rest_is_found(
    tmp_path: Path, cluster: Cluster
) -> None:
    writing = "delete from booked where id = :id returning at"
    services = {
        "pay-api": log(tmp_path), "ledger": table(cluster, writing),
        "settlement": {"find": [{"file": str(tmp_path / "nothing.log")}]},
        "fraud": {"find": [{"logs": str(tmp_path / "nowhere")}]},
        "bank": table(cluster, "select at, pg_sleep(60) from booked where id = :id"),
        "slow": table(cluster, "select at from booked, generate_series(1, 1000000000) where id = :id", within="1s"),
    }  # fmt: skip
    way = {"through": ["pay-api", "ledger"]}
    answer = found("PAY-10023", services, way, cluster=cluster)
    assert [one.service for one in answer.seen] == ["pay-api"]
    assert len(answer.notes) == 5, answer.notes
    assert "whether ledger has it is not known" in answer.sentence
    assert cluster.rows("select count(*) from booked", on="booked") == [(3,)]


def test_mainstays_own_files_are_never_searched(tmp_path: Path) -> None:
    answer = found("PAY-10023", {"pay-api": log(tmp_path)}, off_limits=tmp_path)
    assert answer.seen == ()
    assert "own data folder" in answer.notes[0]


def test_more_traces_than_can_be_shown_leave_the_newest(tmp_path: Path) -> None:
    lines = [
        f"2026-11-24T09:{n // 60:02}:{n % 60:02}Z INFO step {n} of PAY-10023" for n in range(900)
    ]
    answer = found("PAY-10023", {"pay-api": log(tmp_path, "\n".join(lines) + "\n")})
    assert len(answer.seen) == 200
    assert answer.seen[-1].what == "step 899 of PAY-10023"
    assert "only the newest 200" in answer.notes[0]


def test_who_looks_for_what_is_recorded_and_only_who_may_looks(tmp_path: Path) -> None:
    (tmp_path / "pay.log").write_text(
        f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} INFO <b>took</b> PAY-7\n"
    )
    searched = ESTATE.replace("pay-db: {", f"pay-db: {{find: {{file: '{tmp_path}/pay.log'}}, ")
    with live(tmp_path, text=searched, run_loops=False) as mainstay:
        answer = mainstay.own("POST", "/find", {"id": "PAY-7"}, role="responder")
        assert answer.status == 200, answer.body
        assert [one["what"] for one in answer.json["seen"]] == ["<b>took</b> PAY-7"]
        for role in ("viewer", "auditor", "stakeholder"):
            assert mainstay.own("POST", "/find", {"id": "PAY-7"}, role=role).status == 403
        assert mainstay.own("POST", "/find", {"id": "%"}).status == 400
        mainstay.own("POST", "/find", {"id": "4111 1111 1111 1111"})
        rows = mainstay.rows(
            "SELECT actor, subject FROM foundation_record WHERE kind = 'item.searched' ORDER BY seq"
        )
        assert rows == [("person:mara", "item:PAY-7"), ("person:mara", "item:[card]")]
        visitor = Visitor(mainstay)
        visitor.join("ben", "responder")
        html = visitor.post("/find", {"id": "PAY-7"}).body.decode()
        assert "Last seen in pay-db" in html
        assert "took" in html
        assert "<b>took" not in html, "nothing that a line says is markup"
        assert "Find it in production" in visitor.get("/search?q=PAY-7").body.decode()
        assert 'href="/find"' in visitor.get("/").body.decode()
        assert visitor.post("/find", {"id": "%"}).status == 400
