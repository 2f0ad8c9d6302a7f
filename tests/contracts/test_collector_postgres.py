"""Does the PostgreSQL collector see what a real server suffers from, and change nothing of it?"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from clusters import Cluster
from databases import server
from looking import BASE
from mainstay import estate
from mainstay.diagnosis import Material, Reach, Verdict, diagnose
from mainstay.diagnosis.collectors import Question
from mainstay.diagnosis.collectors.machines import postgres
from mainstay.diagnosis.facts import Fact, FactKind
from peers import wait_until

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
ASKED = Question(("pay-db",), NOW - timedelta(hours=2), NOW - timedelta(hours=1), NOW)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    made = server()
    made.create("watched")
    made.run(
        "create table pay (n int); insert into pay values (1);"
        "create role watching login password 'canary-watch' in role pg_monitor;"
        "create role mighty_watch login superuser password 'canary-watch';",
        on="watched",
    )
    yield made
    made.drop("watched")
    made.run("drop role watching; drop role mighty_watch")


def collected(cluster: Cluster, user: str = "watching") -> Material:
    url = cluster.url_by_tcp("watched", user=user)
    values = {
        **BASE,
        "hosts": {"pg-01": {"address": "127.0.0.1", "database": url, "password": "env:PG"}},
    }
    values["services"] = {
        "shop": {"tier": 1, "type": "host"},
        "pay-db": {"tier": 1, "type": "database", "hosts": ["pg-01"]},
    }
    reach = Reach(frozenset({f"127.0.0.1:{cluster.port}"}), {"PG": "canary-watch"})
    (one,) = postgres.of_databases(estate.from_values(values), ("shop", "pay-db"), reach)
    assert one.name == "PostgreSQL pay-db"
    return one.collect(ASKED, within_s=15)


def of(found: Material, kind: FactKind) -> dict[str, Fact]:
    assert all(one.where == "pay-db" and one.at for one in found.facts)
    return {one.name: one for one in found.facts if one.kind is kind}


def test_who_blocks_whom_is_seen(cluster: Cluster) -> None:
    holds = psycopg.connect(cluster.url("watched"), application_name="batch")
    holds.execute("update pay set n = 2")
    waits = psycopg.connect(cluster.url("watched"), application_name="pay-api")
    thread = threading.Thread(target=lambda: waits.execute("update pay set n = 3"))
    thread.start()
    try:
        wait_until(
            lambda: cluster.rows("select 1 from pg_locks where not granted"), within_s=20,
            what="the second update to wait",
        )  # fmt: skip
        found = collected(cluster)
        sessions = of(found, FactKind.SESSION)
        blocked = sessions[str(waits.info.backend_pid)]
        blocker = sessions[str(holds.info.backend_pid)]
        assert blocked.values["waits_for"] == str(holds.info.backend_pid)
        assert blocked.values["client"] == "pay-api"
        assert blocked.values["statement"] == "update pay set n = 3"
        assert "waits_for" not in blocker.values
        assert (blocker.values["state"], blocker.values["blocks"]) == ("idle in transaction", True)
        assert blocker.values["client"] == "batch"
        pool = of(found, FactKind.POOL)["connections"]
        assert (pool.values["size"], pool.values["idle_in_transaction"]) == (200, 1)
        assert found.notes == ()
    finally:
        holds.rollback()
        thread.join(20)
        waits.rollback()
        holds.close()
        waits.close()
    assert cluster.rows("select n from pay", on="watched") == [(1,)]


def test_a_long_transaction_is_seen_and_a_short_one_is_not(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(cluster.url("watched"), application_name="report") as line:
        line.execute("select 1")
        pid = str(line.info.backend_pid)
        assert pid not in of(collected(cluster), FactKind.SESSION)
        monkeypatch.setattr(postgres, "LONG_S", 0)
        long = of(collected(cluster), FactKind.SESSION)[pid]
        assert long.values["state"] == "idle in transaction"
        assert float(long.values["seconds"]) > 0


def test_settings_are_told_and_no_password_of_theirs(cluster: Cluster) -> None:
    cluster.run("alter system set primary_conninfo = 'host=x password=canary-conninfo'")
    cluster.run("alter system set max_connections = 201")
    cluster.run("select pg_reload_conf()")
    try:
        wait_until(
            lambda: cluster.rows("select 1 from pg_settings where name = 'primary_conninfo' and setting <> ''"),
            within_s=20, what="the new settings",
        )  # fmt: skip
        found = collected(cluster)
        settings = of(found, FactKind.SETTING)
        assert settings["max_connections"].values["value"] == "200"
        assert settings["max_connections"].values["source"] == "command line"
        assert settings["primary_conninfo"].values["value"] == "[not told]"
        assert "canary" not in repr(found)
    finally:
        cluster.run("alter system reset all")
        cluster.run("select pg_reload_conf()")


def test_deadlocks_and_temporary_files_of_the_database_are_counted(cluster: Cluster) -> None:
    (troubles,) = of(collected(cluster), FactKind.HOST).values()
    assert troubles.name == "database watched"
    assert {"deadlocks", "temp_files", "temp_bytes"} <= troubles.values.keys()


def test_connections_that_are_used_up_are_a_fact_and_not_only_an_error() -> None:
    with Cluster.made(max_connections="6", superuser_reserved_connections="3", max_wal_senders="0",
                      wal_level="minimal") as small:  # fmt: skip
        small.create("watched")
        small.run("create role watching login password 'canary-watch' in role pg_monitor")
        lines = [psycopg.connect(small.url("watched", user="mainstay")) for _ in range(2)]
        pool = of(collected(small), FactKind.POOL)
        assert (pool["connections"].values["in_use"], pool["connections"].values["size"]) == (3, 6)
        assert pool["connections of mainstay"].values["in_use"] == 2
        lines.append(psycopg.connect(small.url("watched", user="mainstay")))
        full = collected(small)
        assert of(full, FactKind.POOL)["connections"].values == {"full": True}
        assert "PostgreSQL pay-db: No connection" in full.notes[0]
        first = diagnose(full).hypotheses[0]
        assert (first.where, first.kind) == ("pay-db", "database-connections-exhausted")
        assert first.verdict is Verdict.LIKELY
        for line in lines:
            line.close()


def test_a_lagging_standby_is_seen(cluster: Cluster) -> None:
    standby = cluster.standby(synchronous=False, name="second")
    try:
        queue = of(collected(cluster), FactKind.QUEUE)["replication to second"]
        assert queue.values["state"] == "streaming"
        assert {"depth", "oldest_s"} <= queue.values.keys()
    finally:
        standby.end()
        cluster.run("alter system reset all")
        cluster.run("select pg_reload_conf()")


def test_a_role_that_could_write_is_not_used(cluster: Cluster) -> None:
    found = collected(cluster, "mighty_watch")
    assert found.facts == ()
    assert "a superuser" in found.notes[0]


def test_a_question_that_fails_leaves_the_others(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "SETTINGS", "select nothing from nowhere")
    found = collected(cluster)
    assert of(found, FactKind.HOST), "asked after it, in the same transaction"
    assert found.notes == (
        'PostgreSQL pay-db, settings: PostgreSQL refuses the query: relation "nowhere" does not exist.',
    )
