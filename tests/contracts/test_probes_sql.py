"""Does a SQL check read, and is there no way by which it writes (P24)?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from clusters import Cluster
from databases import server
from looking import look
from mainstay.checks.probes.sql.lawful import lawful
from mainstay.foundation.errors import Invalid

ATTACKS = (
    "insert into pay values (9)",
    "update pay set n = 9 returning n",
    "delete from pay returning n",
    "select 1; delete from pay",
    "select 1; commit; delete from pay; begin",
    "rollback; begin read write; delete from pay",
    "with gone as (delete from pay returning n) select count(*) from gone",
    "select n into stolen from pay",
    "select 1) as asked limit 1; drop table pay; --",
    "select 1 /*!50000 into outfile '/tmp/x' */",
    "select 1 /* a /* b */ ; delete from pay */",
    "copy pay to '/tmp/mainstay-stolen'",
    "copy (select 1) to program 'touch /tmp/mainstay-stolen'",
    "select pg_sleep(100)",
    "select pg_read_file('/etc/passwd')",
    "select pg_ls_dir('/')",
    "select lo_import('/etc/passwd')",
    "select lo_unlink(1)",
    "select nextval('numbers')",
    "select setval('numbers', 99)",
    "select set_config('default_transaction_read_only', 'off', false)",
    "select pg_advisory_lock(1)",
    "select pg_terminate_backend(1)",
    "select dblink('host=127.0.0.1', 'select 1')",
    "select query_to_xml('delete from pay', true, true, '')",
    "select n from pay for update",
    "select * from writing()",
    'select "writing"()',
    "set default_transaction_read_only = off",
    "do $$ begin delete from pay; end $$",
    "explain analyze delete from pay",
    "prepare x as delete from pay",
    "lock table pay",
    "truncate pay",
    "drop table pay",
    "create table stolen (n int)",
    "create temp table stolen as select 1",
    "alter system set fsync = off",
    "grant all on pay to public",
    "vacuum pay",
    "attach 'stolen.db' as stolen",
    "vacuum into 'stolen.db'",
    "pragma journal_mode = delete",
    "select load_extension('x')",
    "select writefile('/tmp/mainstay-stolen', 'x')",
    "replace into pay values (9)",
    "table pay; delete from pay",
    "values (1); delete from pay",
    "select $$;$$; delete from pay",
    "select U&'\\0041'; delete from pay",
)


@pytest.mark.parametrize(
    "query",
    [
        "select 1", "SELECT count(*) FROM t WHERE day = :business_date -- today\n;",
        "with a as (select 1 as n) select n from a", "values (1)", "(select 1)",
        "select extract(epoch from replay_lag) from pg_stat_replication",
        "select 'it''s; delete from x' as text", 'select "update" from "delete"',
        "select a::text, b @> c from t where x ~ 'y'", "select count(*) /* all */ from t",
        "select last_update, created_at from t", "select lower(name), round(x, 2) from t",
    ],
)  # fmt: skip
def test_what_only_reads_is_lawful(query: str) -> None:
    assert lawful(query)


@pytest.mark.parametrize(
    "query", ["", ";", "--", "select 1; select 2", "select (1", "select 1)", "show all"]
)
def test_what_is_not_one_select_is_refused(query: str) -> None:
    with pytest.raises(Invalid):
        lawful(query)


# -- SQLite ----------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "pay.db"
    with closing(sqlite3.connect(made)) as line, line:
        line.execute("create table pay (n int, day text)")
        line.execute("insert into pay values (3, '2026-11-24')")
    return made


def _sqlite(file: Path, query: str, **more: Any) -> Any:
    return look({"sql": {"query": query, "database": f"sqlite:{file}"}, **more})


def test_sqlite_answers_with_bound_parameters(file: Path) -> None:
    found = _sqlite(
        file,
        "select n, day from pay where day >= :business_date or 1 = 1",
        expect=["value == 3", 'row.day == "2026-11-24"'],
    )
    assert found.verdict == "ok", found.sentence
    assert "No :day here" in _sqlite(file, "select :day").sentence


def test_nothing_writes_in_sqlite(file: Path) -> None:
    before, beside = file.read_bytes(), sorted(file.parent.iterdir())
    for attack in ATTACKS:
        assert _sqlite(file, attack).verdict == "fail", attack
    assert file.read_bytes() == before
    assert sorted(file.parent.iterdir()) == beside
    assert not Path("/tmp/mainstay-stolen").exists()


def test_a_query_without_end_is_ended(file: Path) -> None:
    endless = (
        "with recursive t(n) as (select 1 union all select n + 1 from t) select count(*) from t"
    )
    found = _sqlite(file, endless, timeout="1s")
    assert found.verdict == "fail"
    assert "took longer" in found.sentence or "No answer in time" in found.sentence


def test_no_check_reads_mainstays_own_database(file: Path) -> None:
    check = {"sql": {"query": "select n from pay", "database": f"sqlite:{file}"}}
    assert "own data folder" in look(check, data_dir=file.parent).sentence
    link = file.parent.parent / f"{file.parent.name}-link.db"
    link.symlink_to(file)
    check = {"sql": {"query": "select n from pay", "database": f"sqlite:{link}"}}
    assert "own data folder" in look(check, data_dir=file.parent).sentence


# -- PostgreSQL ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    made = server()
    made.create("checked")
    made.run(
        "create table pay (n int); insert into pay values (3); create sequence numbers;"
        "create function writing() returns int language plpgsql security definer as"
        " $$ begin delete from pay; return 1; end $$;"
        "create role reading login password 'canary-pg'; grant select on pay to reading;"
        "create role writer login password 'canary-pg'; grant select, update on pay to writer;"
        "create role mighty login superuser password 'canary-pg';",
        on="checked",
    )
    yield made
    made.drop("checked")
    for role in ("reading", "writer", "mighty"):
        made.run(f"drop role {role}")


def _asked(cluster: Cluster, query: str, user: str = "reading", **more: Any) -> Any:
    url = cluster.url_by_tcp("checked", user=user)
    place = url.partition("@")[2].partition("/")[0]
    sql = {"query": query, "database": url, "password": "env:PG"}
    check = {"sql": sql, "timeout": "50s", **more}
    return look(check, allow=(place,), environment={"PG": "canary-pg"})


def test_postgresql_answers(cluster: Cluster) -> None:
    found = _asked(
        cluster,
        "select n, now() - now() as lag, :business_date::date as day from pay",
        expect=["value == 3", "row.lag == 0", "rows == 1"],
    )
    assert found.verdict == "ok", found.sentence


def test_nothing_writes_in_postgresql(cluster: Cluster) -> None:
    for attack in ATTACKS:
        assert _asked(cluster, attack).verdict == "fail", attack
    assert cluster.rows("select n from pay", on="checked") == [(3,)]
    assert cluster.rows("select last_value from numbers", on="checked") == [(1,)]
    assert cluster.rows("select count(*) from pg_locks where locktype = 'advisory'") == [(0,)]
    assert cluster.rows("select count(*) from pg_class where relname = 'stolen'", on="checked") == [
        (0,)
    ]
    assert not Path("/tmp/mainstay-stolen").exists()


def test_the_layers_below_the_reading_of_words_hold_by_themselves(
    cluster: Cluster, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were every word let through, the transaction, the subquery and the authorizer still are there."""
    monkeypatch.setattr("mainstay.checks.probes.sql.probe.lawful", lambda query: query)
    before = file.read_bytes()
    writing = [one for one in ATTACKS if "pg_sleep" not in one and "advisory" not in one]
    for attack in writing:
        _asked(cluster, attack)
        _sqlite(file, attack)
    assert cluster.rows("select n from pay", on="checked") == [(3,)]
    assert cluster.rows("select count(*) from pg_class where relname = 'stolen'", on="checked") == [
        (0,)
    ]
    assert file.read_bytes() == before
    assert not Path("/tmp/mainstay-stolen").exists()


@pytest.mark.parametrize(
    ("user", "words"), [("writer", "may write pay"), ("mighty", "a superuser")]
)
def test_a_role_that_could_write_is_refused(cluster: Cluster, user: str, words: str) -> None:
    found = _asked(cluster, "select n from pay", user)
    assert found.verdict == "fail"
    assert words in found.sentence
