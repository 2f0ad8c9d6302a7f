"""Does the door for pings take what Healthchecks takes, durably, and refuse the rest in its words?"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from live import ESTATE, Live, Reply, live
from mainstay.acts import commands
from mainstay.checks import heartbeats
from mainstay.checks.heartbeats import Beat, Declared, Plan, Status, Words
from mainstay.foundation.sealing import is_sealed
from peers import wait_until

pytestmark = pytest.mark.both

TEXT = ESTATE.replace("sources:\n", "sources:\n  jobs: {format: heartbeat}\n")
OFTEN = Plan(every_s=3600, grace_s=600)
RUN = "123e4567-e89b-12d3-a456-426614174000"


@pytest.fixture(scope="module")
def mainstay(tmp_path_factory: pytest.TempPathFactory, engine: str) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("pings"), text=TEXT) as running:
        yield running


def made(mainstay: Live, name: str, *, plan: Plan = OFTEN, **words: Any) -> str:
    """A heartbeat of pay-db; its UUID."""
    declared = Declared(
        name=name, service="pay-db", severity="critical", plan=plan, words=Words(**words)
    )
    uuid = mainstay.act(commands.CreateHeartbeat(declared)).secret
    mainstay.runtime.wake.doors()  # as every door of ours does after it
    assert uuid is not None
    return uuid


def beat(mainstay: Live, name: str, *, pings: int) -> Beat:
    """The heartbeat, once so many pings have been folded in."""

    def look() -> Beat | None:
        found = mainstay.runtime.db.read(lambda tx: heartbeats.named(tx, name))
        return found if found is not None and found.pings_n >= pings else None

    found: Beat = wait_until(look, within_s=30, what=f"{pings} pings of {name}")
    return found


def kept(mainstay: Live, name: str, *, pings: int) -> list[heartbeats.Ping]:
    """Its pings, oldest first."""
    found = beat(mainstay, name, pings=pings)
    return mainstay.runtime.db.read(lambda tx: heartbeats.pings(tx, found.id, limit=50))[::-1]


def alerts_of(mainstay: Live, words: str) -> list[Any]:
    """The open alerts that say so, as soon as there is one."""

    def fitting(answer: Any) -> list[Any]:
        return [one for one in answer["items"] if words in one["summary"]]

    return fitting(mainstay.until("/alerts?limit=500", fitting, what=f"an alert: {words}"))


def pinged(mainstay: Live, path: str, body: bytes | None = None, method: str = "GET") -> Reply:
    return mainstay.call(method, f"/ping/{path}", body)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_ping_is_a_get_a_head_or_a_post(mainstay: Live, method: str) -> None:
    name = f"by-{method.lower()}"
    uuid = made(mainstay, name)
    reply = pinged(mainstay, uuid, method=method)
    assert (reply.status, reply.body) == (200, b"" if method == "HEAD" else b"OK")
    assert reply.headers["ping-body-limit"] == "100000"
    assert reply.headers["access-control-allow-origin"] == "*"
    [one] = kept(mainstay, name, pings=1)
    assert (one.method, one.kind, one.remote) == (method, "success", "127.0.0.1")


@pytest.mark.parametrize(
    ("word", "kind", "exit_", "status"),
    [
        ("", "success", None, Status.UP),
        ("/start", "start", None, Status.NEW),
        ("/fail", "fail", None, Status.DOWN),
        ("/log", "log", None, Status.NEW),
        ("/0", "success", 0, Status.UP),
        ("/3", "fail", 3, Status.DOWN),
        ("/255", "fail", 255, Status.DOWN),
        ("/", "success", None, Status.UP),
    ],
)
def test_the_end_of_the_path_says_what_a_ping_means(
    mainstay: Live, word: str, kind: str, exit_: int | None, status: Status
) -> None:
    name = f"says{word.replace('/', '-')}x"
    assert pinged(mainstay, made(mainstay, name) + word).status == 200
    [one] = kept(mainstay, name, pings=1)
    assert (one.kind, one.exit) == (kind, exit_)
    assert beat(mainstay, name, pings=1).status is status


def test_a_key_and_a_name_ping_too_and_no_other_key_does(mainstay: Live) -> None:
    made(mainstay, "by-name")
    key = mainstay.key("jobs")
    assert pinged(mainstay, f"{key}/by-name/start").status == 200
    assert pinged(mainstay, f"{key}/by-name").status == 200
    assert [one.kind for one in kept(mainstay, "by-name", pings=2)] == ["start", "success"]
    for wrong in ("a" * 32, mainstay.key("prometheus")):
        reply = pinged(mainstay, f"{wrong}/by-name")
        assert (reply.status, reply.body) == (404, b"not found")


def test_a_first_ping_may_make_its_heartbeat(mainstay: Live) -> None:
    key = mainstay.key("jobs")
    assert pinged(mainstay, f"{key}/new-job").status == 404
    reply = pinged(mainstay, f"{key}/new-job?create=1")
    assert (reply.status, reply.body) == (201, b"Created")
    assert pinged(mainstay, f"{key}/new-job?create=1").status == 200
    assert beat(mainstay, "new-job", pings=2).plan.every_s == 86_400


def test_runs_are_told_apart_by_rid(mainstay: Live) -> None:
    uuid, other = made(mainstay, "runs"), str(uuid4())
    for path in (f"/start?rid={RUN}", f"/start?rid={other}", f"?rid={RUN}"):
        assert pinged(mainstay, uuid + path).status == 200
    assert [run.rid for run in beat(mainstay, "runs", pings=3).runs] == [other]
    last = kept(mainstay, "runs", pings=3)[-1]
    assert last.rid == RUN
    assert last.took_us is not None


def test_a_body_is_kept_as_it_came_and_cut_where_it_is_long(mainstay: Live) -> None:
    uuid = made(mainstay, "output")
    bodies = [b"\xff\xfe backup of pay-db: 812 MB\x00", b"x" * 100_001, b"y" * 3_000_000]
    for body in bodies:
        assert pinged(mainstay, uuid, body, "POST").status == 200
    found = kept(mainstay, "output", pings=3)
    assert [one.body for one in found] == [body[:100_000] for body in bodies]
    assert [one.body_n for one in found[:2]] == [len(body) for body in bodies[:2]]
    assert found[2].body_n > 1_000_000


def test_one_that_takes_posts_alone_keeps_a_get_and_counts_it_for_nothing(mainstay: Live) -> None:
    uuid = made(mainstay, "post-only", post_only=True)
    assert pinged(mainstay, uuid).status == 200
    assert [one.kind for one in kept(mainstay, "post-only", pings=1)] == ["ign"]
    assert beat(mainstay, "post-only", pings=1).status is Status.NEW
    assert pinged(mainstay, uuid, b"", "POST").status == 200
    assert beat(mainstay, "post-only", pings=2).status is Status.UP


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        (str(uuid4()), 404, b"not found"),
        ("8f57b84b86c2454689230-3f83d27604a/x", 404, b"not found"),
        ("@/stop", 400, b"invalid url format"),
        ("@/256", 400, b"invalid url format"),
        ("@/start/again", 400, b"invalid url format"),
        ("@//start", 400, b"invalid url format"),
        ("", 400, b"invalid url format"),
        ("just-a-name", 400, b"invalid url format"),
        ("@?rid=1", 400, b"invalid uuid format"),
        ("@?" + "&".join(f"a{n}=1" for n in range(30)), 400, b"invalid query"),
        ("%ff%00/%2e%2e", 404, b"not found"),
    ],
)
def test_what_is_no_ping_is_refused_in_the_words_of_healthchecks(
    mainstay: Live, path: str, status: int, words: bytes
) -> None:
    uuid = made(mainstay, f"refuses-{uuid4()}")
    reply = pinged(mainstay, path.replace("@", uuid))
    assert (reply.status, reply.body) == (status, words)


def test_another_method_is_no_ping(mainstay: Live) -> None:
    assert pinged(mainstay, made(mainstay, "deleted"), method="DELETE").status == 405


def test_a_ping_that_breaks_off_is_not_kept(mainstay: Live) -> None:
    uuid = made(mainstay, "broken")
    with socket.create_connection(("127.0.0.1", mainstay.port)) as connection:
        head = f"POST /ping/{uuid} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"
        connection.sendall(head.encode())
    assert pinged(mainstay, uuid, b"whole", "POST").status == 200
    assert [one.body for one in kept(mainstay, "broken", pings=1)] == [b"whole"]


def test_curl_pings_as_people_write_it_in_a_crontab(mainstay: Live) -> None:
    uuid = made(mainstay, "curl")
    url = f"{mainstay.url}/ping/{uuid}"
    command = ["curl", "-fsS", "-m", "60", "--retry", "5", "--data-raw", "812 MB", url]
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"OK")
    [one] = kept(mainstay, "curl", pings=1)
    assert (one.body, one.method) == (b"812 MB", "POST")
    assert one.agent.startswith("curl/")


def test_a_failure_pages_with_its_output_and_the_next_success_ends_it(mainstay: Live) -> None:
    uuid = made(mainstay, "pages")
    pinged(mainstay, f"{uuid}/2", b"disk full on pg-01", "POST")
    [alert] = alerts_of(mainstay, "pages failed")
    assert alert["summary"] == "pages failed: exit status 2"
    assert (alert["service"], alert["severity"]) == ("pay-db", "critical")
    assert alert["annotations"]["output"] == "disk full on pg-01"
    pinged(mainstay, f"{uuid}/2", b"disk full on pg-01", "POST")
    pinged(mainstay, uuid)
    mainstay.until(
        "/alerts?state=all&limit=500",
        lambda a: all(one["state"] == "resolved" for one in a["items"] if one["id"] == alert["id"]),
        what="the end of the alert",
    )


def test_one_that_does_not_come_is_late_and_told_within_a_second_of_its_deadline(
    mainstay: Live,
) -> None:
    uuid = made(mainstay, "late", plan=Plan(every_s=1, grace_s=1))
    pinged(mainstay, uuid)
    [alert] = alerts_of(mainstay, "late is late")
    deadline = beat(mainstay, "late", pings=1).last_at
    assert deadline is not None
    told = datetime.fromisoformat(alert["opened_at"])
    assert (told - deadline.astimezone(UTC)).total_seconds() > 2
    pinged(mainstay, uuid)


def test_no_uuid_and_no_key_stands_in_the_database_or_in_a_log(
    mainstay: Live, caplog: pytest.LogCaptureFixture
) -> None:
    uuid, key = made(mainstay, "secret"), mainstay.key("jobs")
    caplog.set_level("DEBUG")
    pinged(mainstay, f"{uuid}?rid=1")
    pinged(mainstay, f"{key}/secret/fail", b"x", "POST")
    kept(mainstay, "secret", pings=1)
    ours = [record for record in caplog.records if record.name.startswith("mainstay")]
    said = "".join(f"{record.getMessage()} {record.args}" for record in ours)
    assert uuid not in said
    assert key not in said
    names = ("checks_beat", "checks_beat_ping", "foundation_record", "signals_request")
    rows = [str(mainstay.rows(f"SELECT * FROM {name}")) for name in names]
    assert is_sealed(mainstay.rows("SELECT seed FROM checks_beat_seed")[0][0])
    assert not [row for row in rows if uuid in row or key in row or uuid.replace("-", "") in row]


def test_a_uuid_from_another_system_pings_too_once_it_is_adopted(mainstay: Live) -> None:
    made(mainstay, "moved")
    old = str(uuid4())
    assert pinged(mainstay, old).status == 404
    mainstay.act(commands.AdoptUuid("moved", old.upper()))
    wait_until(lambda: pinged(mainstay, old).status == 200, within_s=20, what="the adopted UUID")
    assert beat(mainstay, "moved", pings=1).status is Status.UP


def test_a_removed_heartbeat_takes_no_pings(mainstay: Live) -> None:
    uuid = made(mainstay, "removed")
    mainstay.act(commands.RemoveHeartbeat("removed"))
    wait_until(lambda: pinged(mainstay, uuid).status == 404, within_s=20, what="its end")
