"""Two real nodes on one PostgreSQL: is it one Mainstay, whichever of them one talks to?"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cli_serving import Install, kill_quietly

from databases import SCHEMA, server
from mainstay.foundation.sealing import Keys
from peers import fetch, wait_until

DATABASE = "nodes_real"
FOLLOWS_WITHIN_S = 10.0
ENDS_WITHIN_S = 30.0


class Both:
    """Two nodes, `a` and `b`; each has a data folder and a command line of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.url = server().create(DATABASE, template=SCHEMA)
        for name in ("a", "b"):
            (folder / name).mkdir()
        self.a = Install(folder / "a", capsys)
        self.b = Install(folder / "b", capsys)
        self.key = f"file:{folder}/a/data.key"
        Keys(None, self.a.data, {}).first()

    def begin(self) -> None:
        for node in (self.a, self.b):
            self.start(node)

    def start(self, node: Install) -> None:
        node.start(MAINSTAY_DATABASE=self.url, MAINSTAY_SECRETS__KEY=self.key)

    def standings(self, asked: Install) -> dict[str, str]:
        """Where a node listens → how it stands."""
        return {one["listen"]: one["standing"] for one in asked.json("nodes")["items"]}

    def end(self) -> None:
        for node in (self.a, self.b):
            if node.process is not None:
                node.process.send_signal(signal.SIGCONT)
            kill_quietly(node.process)
        server().drop(DATABASE)


@pytest.fixture
def both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Both]:
    for name in [name for name in os.environ if name.startswith("MAINSTAY_")]:
        monkeypatch.delenv(name)
    made = Both(tmp_path, capsys)
    try:
        made.begin()
        yield made
    finally:
        made.end()


def eventually(question: Any, what: str) -> Any:
    return wait_until(question, within_s=FOLLOWS_WITHIN_S, what=what)


def accepts(node: Install, key: str) -> bool:
    try:
        return bool(node.send_alert(key, service="shop-db"))
    except AssertionError:
        return False


def test_what_is_done_at_one_node_holds_at_the_other(both: Both) -> None:
    a, b = both.a, both.b
    a.says("status")  # each has a token of its own: that of `a` outlived the start of `b`
    b.says("apply", str(b.estate()), "--yes")
    assert a.json("status")["estate_version"] == 1

    key = a.says("key", "create", "prometheus").strip()
    receipt = b.send_alert(key, service="shop-db")
    eventually(lambda: "opened" in a.cli("trace", receipt)[1], "the incident at the other node")
    [incident] = a.json("incidents")["items"]
    b.says("ack", incident["name"])
    assert "operator has it" in a.says("trace", incident["name"])

    secret = a.says("token", "create", "ana", "--role", "viewer", "--about", "a test").strip()
    look = ("--url", b.url, "--token", secret.splitlines()[-1])
    assert b.cli("incidents", *look)[0] == 0
    [made] = [one for one in a.json("token", "list")["items"] if one["about"] == "a test"]
    a.says("token", "revoke", made["id"])
    assert b.cli("incidents", *look)[0] == 2, "a revoked token still opened the other node"

    [kept] = a.json("key", "list")["items"]
    a.says("key", "revoke", kept["id"])
    eventually(lambda: not accepts(b, key), "the key to open nothing at the other node")


def test_a_node_that_is_silent_is_shown_as_lost_and_the_other_one_settles(both: Both) -> None:
    a, b = both.a, both.b
    assert both.standings(a) == {node.url.removeprefix("http://"): "up" for node in (a, b)}
    first = next(one for one in a.json("nodes")["items"] if one["roles"])
    settles, other = (a, b) if first["answers"] else (b, a)
    assert settles.process is not None
    settles.process.send_signal(signal.SIGSTOP)
    lost = settles.url.removeprefix("http://")
    wait_until(
        lambda: both.standings(other)[lost] == "lost", within_s=40, what="the node to be lost"
    )
    found = other.json("status")
    assert (found["nodes_up"], found["nodes_lost"]) == (1, 1)
    assert found["settles"] == found["node"]
    table = other.says("nodes")
    assert "lost" in table
    assert "settle" in table
    settles.process.send_signal(signal.SIGCONT)
    eventually(lambda: both.standings(other)[lost] == "up", "the node to be heard again")
    assert settles.stop() == 0
    assert both.standings(other)[lost] == "ended"


def test_an_old_program_ends_when_a_newer_one_has_migrated_the_database(both: Both) -> None:
    """It takes nothing more from the moment of the migration on, and says why it ends."""
    a, b = both.a, both.b
    a.says("apply", str(a.estate()), "--yes")
    key = a.says("key", "create", "prometheus").strip()
    assert accepts(b, key)
    before = server().rows("SELECT count(*) FROM signals_request", on=DATABASE)
    with psycopg.connect(both.url, autocommit=True) as newer:
        newer.execute(b"UPDATE foundation_schema SET number = 9999")
    assert not accepts(a, key)
    assert fetch(f"{b.url}/readyz")[0] in (0, 503)
    for node in (a, b):
        assert node.process is not None
        assert node.process.wait(timeout=ENDS_WITHIN_S) == 1
        told = [line for line in node.log.splitlines() if "schema 9999" in line]
        assert any("critical" in line and "stops" in line for line in told), node.log
        assert "Traceback" not in node.log
    assert server().rows("SELECT count(*) FROM signals_request", on=DATABASE) == before
