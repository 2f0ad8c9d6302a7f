"""The whole program on PostgreSQL: from the terminal to a page, and through the loss of the server."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_serving import Install, kill_quietly

from clusters import PASSWORD, Cluster
from peers import fetch, wait_until

WITHIN_S = 60.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A server of this file's, which it may stop."""
    with Cluster.made() as made:
        yield made


@pytest.fixture
def install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    cluster: Cluster, request: pytest.FixtureRequest,
) -> Iterator[Install]:  # fmt: skip
    """An install whose database asks for a password, given by reference."""
    for name in [name for name in os.environ if name.startswith("MAINSTAY_")]:
        monkeypatch.delenv(name)
    database = f"t{abs(hash(request.node.name))}"
    cluster.create(database)
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o600)
    monkeypatch.setenv("MAINSTAY_DATABASE", cluster.url_by_tcp(database))
    monkeypatch.setenv("MAINSTAY_DATABASE_PASSWORD", f"file:{secret}")
    made = Install(tmp_path, capsys)
    yield made
    kill_quietly(made.process)
    cluster.drop(database)


def start(install: Install) -> str:
    """Serve; an intake key."""
    given = {name: os.environ[name] for name in os.environ if name.startswith("MAINSTAY_")}
    install.start("--estate", str(install.estate()), **given)
    return install.says("key", "create", "prometheus").strip()


def post(install: Install, key: str, name: str) -> tuple[int, dict[str, str]]:
    """Status and headers of one alert's reception."""
    alert = {"labels": {"alertname": name, "service": "shop", "severity": "critical"}}
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", install.port, timeout=60)
    try:
        connection.request("POST", "/api/v2/alerts", json.dumps([alert]), headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}
    finally:
        connection.close()


def accepted(install: Install, key: str, names: Iterator[str], sent: list[str]) -> bool:
    """Whether another alert is accepted; it is noted then."""
    name = next(names)
    if post(install, key, name)[0] != 200:
        return False
    sent.append(name)
    return True


def stored(install: Install) -> list[Any]:
    found = install.json("alerts", "--limit", "1000")["items"]
    return sorted(one["labels"]["alertname"] for one in found)


def test_from_the_terminal_to_a_whole_record(install: Install) -> None:
    key = start(install)
    receipt = install.send_alert(key, service="shop-db")
    wait_until(lambda: "opened" in install.cli("trace", receipt)[1], within_s=20, what="an alert")
    assert "acknowledged INC-1" in install.says("ack", "INC-1")
    assert "postgresql 1" in install.says("status")
    assert "The record is whole" in install.says("audit", "verify")
    assert install.says("token", "create", "--help")
    assert not (install.data / "mainstay.db").exists()
    assert install.stop() == 0
    for text in (install.log, install.greeting):
        assert PASSWORD not in text


def test_doctor_says_how_the_server_stands(install: Install, cluster: Cluster) -> None:
    start(install)
    calm = install.says("doctor", "--allow-root")
    assert "✓ database: PostgreSQL" in calm
    assert "✓ standby" in calm
    settings = "fsync is on, full_page_writes is on, synchronous_commit is on"
    assert f"✓ durable: Each commit is on the disk before it is acknowledged ({settings})" in calm
    assert "✗" not in calm
    assert PASSWORD not in calm
    standby = cluster.standby(synchronous=False)
    code, out, _ = install.cli("doctor", "--allow-root")
    words = "A standby is asynchronous: acknowledged rows can be lost on fail-over."
    assert (code, f"✗ standby: {words}" in out) == (1, True)
    assert install.json("status")["database"]["warning"].startswith(words)
    standby.end()
    cluster.run("ALTER SYSTEM SET synchronous_commit = off")
    cluster.run("SELECT pg_reload_conf()")
    wait_until(
        lambda: "✗ durable: The database may lose" in install.cli("doctor", "--allow-root")[1],
        within_s=20, what="the new setting",
    )  # fmt: skip
    cluster.run("ALTER SYSTEM RESET synchronous_commit")
    cluster.run("SELECT pg_reload_conf()")


@pytest.mark.parametrize("how", ["killed", "silent"])
def test_while_the_server_is_away_senders_are_told_when_to_come_again_and_then_all_goes_on(
    install: Install, cluster: Cluster, how: str
) -> None:
    key, sent = start(install), list[str]()
    names = iter([f"a{n}" for n in range(10_000)])
    assert accepted(install, key, names, sent)
    cluster.kill9() if how == "killed" else cluster.pause()
    refused = post(install, key, "lost")
    again = post(install, key, "lost")
    for status, headers in (refused, again):
        assert status == 503
        assert 0 < int(headers["retry-after"]) <= 2
    assert fetch(f"{install.url}/readyz")[0] == 503
    assert fetch(f"{install.url}/livez")[0] == 200
    cluster.start() if how == "killed" else cluster.resume()
    wait_until(
        lambda: accepted(install, key, names, sent), within_s=WITHIN_S, what="an accepted alert"
    )
    wait_until(lambda: fetch(f"{install.url}/readyz")[0] == 200, within_s=WITHIN_S, what="ready")
    for _ in range(5):
        assert accepted(install, key, names, sent)
    wait_until(lambda: set(sent) <= set(stored(install)), within_s=WITHIN_S, what="all stored")
    assert set(stored(install)) - set(sent) <= {"lost"}
    assert "The record is whole" in install.says("audit", "verify")


def test_a_server_that_would_forget_is_refused_in_a_sentence(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Cluster.made(fsync="off") as careless:
        careless.create("one")
        monkeypatch.setenv("MAINSTAY_DATABASE", careless.url_by_tcp("one"))
        given = {name: os.environ[name] for name in os.environ if name.startswith("MAINSTAY_")}
        process = install.launch(**given)
        assert process.wait(timeout=WITHIN_S) == 2
    assert "has fsync off: it would lose acknowledged signals" in install.log
    assert "Traceback" not in install.log
