"""Does a check of MariaDB read, and is there no way by which it writes? Oracle: what needs no server."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any

import pymysql
import pytest
from test_probes_sql import ATTACKS

from looking import look
from mainstay.checks.probes.sql import mysql, oracle
from mainstay.foundation.errors import Forbidden
from peers import free_port, wait_until

MORE = (
    "select next value for numbers",
    "select sleep(100)",
    "select benchmark(1000000000, sha2('x', 512))",
    "select load_file('/etc/passwd')",
    "select get_lock('x', 1)",
    "select * from pay into outfile '/tmp/mainstay-stolen'",
    "select writing()",
    "select `writing`()",
    "select 'it\\'; delete from pay; -- '",
    'select "a\\"; delete from pay; -- "',
    "select 1 # comment\n; delete from pay",
    "load data local infile '/etc/passwd' into table pay",
    "select n from pay lock in share mode",
    "select n from pay procedure analyse()",
)


class Maria:
    """Debian's MariaDB, on a free port, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.port, self.socket = free_port(), str(folder / "s")
        self.place = f"127.0.0.1:{self.port}"
        data, user = f"--datadir={folder / 'data'}", f"--user={getpass.getuser()}"
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", data, user, "--skip-test-db",
             "--auth-root-authentication-method=normal"],
            check=True, capture_output=True,
        )  # fmt: skip
        self.process = subprocess.Popen(
            ["mariadbd", "--no-defaults", data, user, f"--socket={self.socket}",
             f"--port={self.port}", "--bind-address=127.0.0.1", "--skip-name-resolve",
             f"--pid-file={folder / 'pid'}", "--innodb-buffer-pool-size=16M"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until(self._is_up, within_s=60, what="mariadbd")

    def _is_up(self) -> bool:
        try:
            return bool(self.rows("select 1"))
        except pymysql.Error:
            return False

    def rows(self, *statements: str) -> Any:
        """What the last of these answers, to the server's owner."""
        with closing(
            pymysql.connect(user="root", unix_socket=self.socket, autocommit=True)
        ) as line:
            cursor = line.cursor()
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall()


@pytest.fixture(scope="module")
def maria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Maria]:
    if shutil.which("mariadbd") is None:
        pytest.skip("no mariadbd here (make peers says how to get it)")
    made = Maria(tmp_path_factory.mktemp("maria"))
    made.rows(
        "create database checked",
        "create table checked.pay (n int, day date, text varchar(40))",
        "insert into checked.pay values (3, '2026-11-24', 'it''s')",
        "create sequence checked.numbers",
        "create function checked.writing() returns int deterministic modifies sql data "
        "begin delete from checked.pay; return 1; end",
        "create user reading identified by 'canary-my'",
        "grant select, show view on checked.* to reading",
        "create user writer identified by 'canary-my'",
        "grant select, insert (n) on checked.pay to writer",
        "create user mighty identified by 'canary-my'",
        "grant all on *.* to mighty",
        "create role writes",
        "grant delete on checked.* to writes",
        "create user hidden identified by 'canary-my'",
        "grant writes to hidden",
        "set default role writes for hidden",
    )
    yield made
    made.process.terminate()
    made.process.wait(30)


def _asked(maria: Maria, query: str, user: str = "reading", **more: Any) -> Any:
    sql = {"query": query, "database": f"mariadb://{user}@{maria.place}/checked",
           "password": "env:MY"}  # fmt: skip
    check = {"sql": sql, "timeout": "30s", **more}
    return look(check, allow=(maria.place,), environment={"MY": "canary-my"})


@pytest.mark.real
def test_mariadb_answers_with_bound_parameters(maria: Maria) -> None:
    found = _asked(
        maria,
        "select n, text, :business_date as day, 'a%b' as percent from pay where n < 10",
        expect=["value == 3", 'row.text == "it\'s"', 'row.percent == "a%b"', "rows == 1"],
    )
    assert found.verdict == "ok", found.sentence
    assert "canary" not in repr(found)


@pytest.mark.real
def test_nothing_writes_in_mariadb(maria: Maria) -> None:
    for attack in (*ATTACKS, *MORE):
        if attack != MORE[-1]:
            assert _asked(maria, attack).verdict == "fail", attack
    assert _untouched(maria)


@pytest.mark.real
def test_mariadbs_own_layers_hold_by_themselves(
    maria: Maria, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were every word let through and the user mighty, the transaction and the subquery still hold."""
    monkeypatch.setattr("mainstay.checks.probes.sql.probe.lawful", lambda query: query)
    monkeypatch.setattr(mysql, "_check_user", lambda cursor, user: None)
    for attack in (*ATTACKS, *MORE):
        if not any(word in attack for word in ("outfile", "sleep", "benchmark")):
            _asked(maria, attack, "mighty", timeout="3s")
    assert _untouched(maria)


def _untouched(maria: Maria) -> bool:
    next_of = maria.rows("select next_not_cached_value from checked.numbers")
    return (
        maria.rows("select n from checked.pay") == ((3,),)
        and next_of == ((1,),)
        and not Path("/tmp/mainstay-stolen").exists()
        and len(maria.rows("show tables from checked")) == 2
    )


@pytest.mark.real
@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("writer", 'INSERT on "checked"."pay"'),
        ("mighty", "ALL PRIVILEGES on *.*"),
        ("hidden", 'DELETE on "checked".*'),
    ],
)
def test_a_user_that_could_write_is_refused(maria: Maria, user: str, words: str) -> None:
    found = _asked(maria, "select n from pay", user)
    assert found.verdict == "fail"
    assert words in found.sentence


@pytest.mark.real
def test_what_takes_too_long_or_is_too_large_is_ended(maria: Maria) -> None:
    five = "(select 1 union all select 2 union all select 3 union all select 4 union all select 5)"
    tables = ", ".join(f"{five} as t{n}" for n in range(16))
    late = _asked(maria, f"select count(*) from {tables}", timeout="1s")
    assert "took longer" in late.sentence or "No answer in time" in late.sentence
    large = _asked(maria, "select repeat('x', 9000000) as big")
    assert "larger than 4 MiB" in large.sentence
    many = "select 1 from " + ", ".join(f"{five} as t{n}" for n in range(5))
    assert _asked(maria, many).values["rows"] == 1000


@pytest.mark.real
def test_mariadb_says_why_not(maria: Maria) -> None:
    assert "refuses" in _asked(maria, "select n from pay", "nobody").sentence
    assert "Unknown column" in _asked(maria, "select nothing from pay").sentence
    url = f"mysql://reading@{maria.place}/checked"
    check = {"sql": {"query": "select 1", "database": f"{url}?tls=yes", "password": "env:MY"}}
    found = look(check, allow=(maria.place,), environment={"MY": "canary-my"})
    assert "SSL is required" in found.sentence
    closed = {"sql": {"query": "select 1", "database": url}}
    assert "private address" in look(closed).sentence


def test_no_server_gets_the_password_in_clear() -> None:
    """A server that is somebody else's asks for it, as MySQL's protocol lets it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = f"127.0.0.1:{listener.getsockname()[1]}"
        heard: list[bytes] = []
        Thread(target=_thief, args=(listener, heard), daemon=True).start()
        check = {
            "sql": {"query": "select 1", "database": f"mysql://u@{place}/x", "password": "env:MY"}
        }
        found = look(check, allow=(place,), environment={"MY": "canary-my"})
    assert "in clear, and does not get it" in found.sentence
    assert b"canary-my" not in b"".join(heard)


def _thief(listener: socket.socket, heard: list[bytes]) -> None:
    line, _ = listener.accept()
    with line:
        hello = (b"\x0a8.0.36\0" + b"\1\0\0\0" + b"a" * 8 + b"\0" + b"\xff\xf7" + b"\x2d" + b"\2\0"
                 + b"\xff\x81" + b"\x15" + b"\0" * 10 + b"b" * 12 + b"\0"
                 + b"mysql_native_password\0")  # fmt: skip
        line.sendall(len(hello).to_bytes(3, "little") + b"\0" + hello)
        heard.append(line.recv(65536))
        switch = b"\xfemysql_clear_password\0"
        line.sendall(len(switch).to_bytes(3, "little") + b"\2" + switch)
        heard.append(line.recv(65536))


@pytest.mark.parametrize("kind", ["mysql", "oracle"])
def test_an_extra_that_is_missing_is_named(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr({"mysql": mysql, "oracle": oracle}[kind], {"mysql": "pymysql", "oracle": "oracledb"}[kind], None)  # fmt: skip
    check = {"sql": {"query": "select 1", "database": f"{kind}://u@127.0.0.1:1/x"}}
    assert f"mainstay[{kind}]" in look(check, allow=("127.0.0.1:1",)).sentence


# -- Oracle: no server of Oracle's is to be had here ---------------------------------------------


def _oracle(place: str, database: str = "pay", **more: Any) -> Any:
    sql = {"query": "select 1 from dual", "database": f"oracle://check@{place}/{database}",
           "password": "env:ORA"}  # fmt: skip
    return look({"sql": sql, **more}, allow=(place,), environment={"ORA": "canary-ora"})


def test_oracle_says_that_nobody_is_there_or_that_it_is_no_oracle() -> None:
    place = f"127.0.0.1:{free_port()}"
    assert "No connection to 127.0.0.1" in _oracle(place).sentence
    assert "oracle://user@host:1521/service" in _oracle(place, "").sentence
    private = {"sql": {"query": "select 1", "database": "oracle://u@127.0.0.1:1521/pay"}}
    assert "private address" in look(private).sentence
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = f"127.0.0.1:{listener.getsockname()[1]}"
        Thread(target=_refuse, args=(listener,), daemon=True).start()
        found = _oracle(place)
    assert found.verdict == "fail"
    assert "canary" not in repr(found)


def _refuse(listener: socket.socket) -> None:
    """A TNS listener that knows no such service (a REFUSE packet)."""
    line, _ = listener.accept()
    with line:
        line.recv(4096)
        words = b"(DESCRIPTION=(ERR=12514)(VSNNUM=0)(ERROR_STACK=(ERROR=(CODE=12514)(EMFI=4))))"
        packet = b"\x22\0" + len(words).to_bytes(2, "big") + words
        line.sendall((len(packet) + 8).to_bytes(2, "big") + b"\0\0\x04\0\0\0" + packet)


def test_an_oracle_user_that_could_write_is_refused() -> None:
    class Cursor:
        def __init__(self, rows: list[tuple[str]]) -> None:
            self.rows, self.asked = rows, ""

        def execute(self, text: str) -> None:
            self.asked = text

        def fetchmany(self, count: int) -> list[tuple[str]]:
            return self.rows[:count]

    oracle.check_user(cursor := Cursor([]), "reading")
    assert "session_privs" in cursor.asked
    with pytest.raises(Forbidden, match="'writer' of this check has UPDATE on PAY"):
        oracle.check_user(Cursor([("UPDATE on PAY",)]), "writer")
