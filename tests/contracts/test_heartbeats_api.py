"""Are heartbeats made, seen, paused and removed through our own API and the command line?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from live import ESTATE, Live, live
from mainstay.cli import program, run
from peers import wait_until

TEXT = ESTATE.replace("sources:\n", "sources:\n  jobs: {format: heartbeat}\n")
Run = Callable[..., str]


@pytest.fixture(scope="module")
def mainstay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("beats"), text=TEXT) as running:
        yield running


@pytest.fixture
def cli(mainstay: Live, capsys: pytest.CaptureFixture[str]) -> Run:
    """What a command prints; it must end with 0."""

    def ask(*arguments: str, role: str = "lead", code: int = 0) -> str:
        more = ["--url", mainstay.url, "--token", mainstay.token(role)]
        assert run(program(), ["heartbeats", *arguments, *more]) == code
        printed = capsys.readouterr()
        return printed.out if code == 0 else printed.err

    return ask


def create(mainstay: Live, **words: Any) -> Any:
    return mainstay.own(
        "POST", "/heartbeats", {"name": "job", "period": "1h", **words}, role="lead"
    )


@pytest.mark.parametrize(
    ("words", "pointer"),
    [
        ({"name": "No Such Name"}, "/name"),
        ({"service": "pay-bd"}, "/service"),
        ({"period": "often"}, "/period"),
        ({"period": "0s"}, "/period"),
        ({"period": None}, "/schedule"),
        ({"schedule": "15 1 * * *"}, "/schedule"),
        ({"period": None, "schedule": "61 * * * *"}, "/schedule"),
        ({"timezone": "Mars/Olympus"}, "/timezone"),
        ({"grace": "x"}, "/grace"),
        ({"severity": "awful"}, "/severity"),
        ({"unknown": 1}, "/unknown"),
    ],
)
def test_what_cannot_be_made_is_told_with_its_place(
    mainstay: Live, words: dict[str, Any], pointer: str
) -> None:
    reply = create(mainstay, **words)
    assert reply.status == 400
    assert pointer in reply.body.decode()
    assert mainstay.own("GET", "/heartbeats/job").status == 404


def test_a_heartbeat_is_made_seen_paused_resumed_and_removed(mainstay: Live, cli: Run) -> None:
    made = cli("create", "export", "--service", "pay-db", "--period", "1h", "--grace", "10m")
    url = made.splitlines()[-1].split()[-1]
    path = "/ping/" + url.rpartition("/")[2]
    assert made.splitlines()[-1].startswith("curl ")
    assert mainstay.call("POST", path, b"812 MB\ndone").status == 200
    wait_until(lambda: "812 MB" in cli("show", "export"), within_s=30, what="the ping")
    shown = cli("show", "export")
    assert "every 1h, 10m of grace" in shown
    assert url.rpartition("/")[2] in shown
    assert "export" in cli("list", "--state", "up")
    assert "No heartbeats" in cli("list", "--state", "down", "--tag", "none")
    assert "paused the heartbeat export: new host" in cli("pause", "export", "--reason", "new host")
    assert "is paused already" in cli("pause", "export", code=2)
    assert json.loads(cli("show", "export", "--json"))["state"] == "paused"
    assert "resumed" in cli("resume", "export")
    other = "8f57b84b-86c2-4546-8923-03f83d27604a"
    assert "one more UUID" in cli("adopt", "export", other)
    assert "pings a heartbeat already" in cli("adopt", "export", other, code=2)
    assert "is written" in cli("adopt", "export", "x", code=2)
    assert mainstay.call("GET", f"/ping/{other}").status == 200
    assert "took the heartbeat export away" in cli("remove", "export")
    assert "There is no heartbeat 'exprt'" in cli("show", "exprt", code=2)


def test_who_may_only_look_sees_no_url_and_changes_nothing(mainstay: Live, cli: Run) -> None:
    assert create(mainstay, name="seen").status == 201
    assert "ping_url" not in cli("show", "seen", role="viewer").replace("ping url", "ping_url")
    for words in (["pause", "seen"], ["remove", "seen"], ["create", "mine", "--period", "1h"]):
        assert "may do this" in cli(*words, role="viewer", code=2)
    assert "paused" in cli("pause", "seen", role="responder")


def test_the_record_says_who_did_what(mainstay: Live) -> None:
    assert create(mainstay, name="told").status == 201
    mainstay.own("POST", "/heartbeats/told/pause", {}, role="lead")
    rows = mainstay.rows(
        "SELECT kind, actor FROM foundation_record WHERE subject = :s ORDER BY seq", s="told"
    )
    assert rows == [("heartbeat.created", "person:mara"), ("heartbeat.paused", "person:mara")]
