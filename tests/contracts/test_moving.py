"""Does an embedded install arrive on PostgreSQL whole, wherever the move was cut, and page from there?"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from clusters import PASSWORD
from databases import server
from mainstay.foundation import record
from mainstay.foundation.db import Place, Tx, open_database, peek, schema_number, tables
from mainstay.foundation.errors import Conflict, Corrupt, NotFound, Refused
from mainstay.foundation.moving import copying, move
from mainstay.foundation.moving import target as targets
from walk import Walk

FACTS = 12_000


@pytest.fixture
def walk() -> Iterator[Walk]:
    """An install that has paged, been answered and sealed; with bodies, and a long record."""
    made = Walk(kinds=("sms", "mail"))
    made.fires("pay-db", "Lag \u2603")
    made.fires("alpha", "B")
    made.clears("alpha", "B")
    made.forward(minutes=12)

    def fill(tx: Tx) -> None:
        facts = [
            record.Fact("a.kind", f"s{n}", f"because {n}", receipt=f"r{n}") for n in range(FACTS)
        ]
        record.write(tx, facts, now=made.clock.now(), estate_version=1)
        tx.run("UPDATE sqlite_sequence SET seq = seq + 5 WHERE name = 'foundation_record'")

    made.app.db.run(fill)
    made.settle()
    made.app.close()
    yield made
    shutil.rmtree(made.folder)


@pytest.fixture
def target(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database."""
    name = f"moved_{abs(hash(request.node.name))}"
    yield server().create(name)
    server().drop(name)


def place(walk: Walk, url: str) -> Place:
    return Place(walk.folder / "data" / "mainstay.db", url)


def content(where: Place) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""

    def read(tx: Tx) -> dict[str, list[tuple[object, ...]]]:
        return {
            name: sorted((tuple(row) for row in tx.all(f"SELECT * FROM {name}")), key=repr)
            for name in tables(schema_number())
        }

    return peek(where, read)


def goes_on(walk: Walk, url: str) -> None:
    """A server on the new database escalates what was open, numbers on, and seals."""
    walk.database = url
    newest = "SELECT max(seq) FROM foundation_record"
    last = peek(place(walk, ""), lambda tx: tx.value(newest))
    walk.app = walk.open()
    try:
        walk.journal.clear()
        walk.fires("beta", "C")
        assert [one.page.person for one in walk.journal]
        assert walk.incidents()[-1].number == 3
        next_ones = "SELECT min(seq) AS seq FROM foundation_record WHERE seq > :last"
        assert walk.rows(next_ones, last=last)[0]["seq"] > last + 5, (
            "a number that was given out once is given again"
        )
        walk.forward(minutes=1)
        assert walk.app.db.read(record.verify).broken is None
    finally:
        walk.app.close()


def command(walk: Walk, url: str) -> list[str]:
    data = str(walk.folder / "data")
    return [sys.executable, "-u", "-m", "mainstay", "migrate", "--to", url, "--data", data]


def environment(walk: Walk) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(walk.folder), "LANG": "C.UTF-8"}


def test_all_of_it_arrives_and_the_new_install_goes_on(walk: Walk, target: str) -> None:
    before = content(place(walk, ""))
    said: list[str] = []
    moved = move(place(walk, target), tell=said.append)
    assert content(place(walk, target)) == before
    assert moved.rows == sum(len(rows) for rows in before.values())
    assert any(line.startswith("foundation_record: ") for line in said)
    goes_on(walk, target)


@pytest.mark.parametrize("line", [1, 7])
def test_killed_anywhere_it_goes_on_where_it_was(walk: Walk, target: str, line: int) -> None:
    before = content(place(walk, ""))
    for at in (line, line + 2):
        process = subprocess.Popen(
            command(walk, target), env=environment(walk), stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for number, _ in enumerate(process.stdout):
            if number == at:
                break
        process.kill()
        process.wait()
        process.stdout.close()
        with pytest.raises(Refused, match="not all of it is there yet"):
            open_database(place(walk, target))
    done = subprocess.run(
        command(walk, target), env=environment(walk), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "arrived as they were" in done.stdout
    assert f'database = "{target}"' in done.stdout
    assert content(place(walk, target)) == before
    goes_on(walk, target)


def test_afterwards_the_file_refuses_to_be_served(walk: Walk, target: str) -> None:
    move(place(walk, target), tell=lambda line: None)
    with pytest.raises(Refused, match="was moved to PostgreSQL"):
        open_database(place(walk, ""))
    with pytest.raises(Refused, match="is not empty"):
        move(place(walk, target), tell=lambda line: None)


def test_killed_between_its_last_two_steps_neither_is_served_until_it_is_run_again(
    walk: Walk, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    end = targets.end
    monkeypatch.setattr(targets, "end", die)
    with pytest.raises(KeyboardInterrupt):
        move(place(walk, target), tell=lambda line: None)
    monkeypatch.setattr(targets, "end", end)
    for url in ("", target):
        with pytest.raises(Refused):
            open_database(place(walk, url))
    move(place(walk, target), tell=lambda line: None)
    goes_on(walk, target)


def test_a_file_that_changed_since_the_move_began_is_found_out(walk: Walk, target: str) -> None:
    def cut(line: str) -> None:
        if line.startswith("incidents_incident"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move(place(walk, target), tell=cut)
    with closing(open_database(place(walk, ""))) as db:
        db.run(lambda tx: tx.run("UPDATE foundation_mark SET value = value + 1"))
    with pytest.raises(Corrupt, match="the file has changed since the move began"):
        move(place(walk, target), tell=lambda line: None)


def test_a_text_with_nul_arrives_with_its_sign_is_counted_and_the_record_holds(
    walk: Walk, target: str
) -> None:
    """Older versions let SQLite keep such texts; PostgreSQL can hold none."""
    file = place(walk, "")
    with closing(open_database(file)) as db:
        writer = db.engine.writer  # type: ignore[attr-defined]  # past our own door
        writer.execute("UPDATE alerts_alert SET summary = 'x' || char(0) || 'y'")
        writer.execute("UPDATE foundation_record SET because = char(0) WHERE receipt = 'r7'")
        writer.execute("DELETE FROM foundation_seal")
        writer.execute("UPDATE foundation_record SET seal = NULL")
        while db.run(lambda tx: record.seal(tx, walk.clock.now())):
            pass
        alerts = db.read(lambda tx: tx.value("SELECT count(*) FROM alerts_alert"))
    assert move(place(walk, target), tell=lambda line: None).nuls == alerts + 1
    there = place(walk, target)
    summaries = peek(there, lambda tx: tx.all("SELECT summary FROM alerts_alert"))
    assert {row["summary"] for row in summaries} == {"x\u2400y"}
    assert peek(there, record.verify).broken is None


def test_what_is_lost_on_the_way_is_found_out(
    walk: Walk, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = copying._write

    def lossy(table: str, rows: list[object], *rest: object) -> None:
        whole(table, rows[:-1] if table == "paging_send" else rows, *rest)

    monkeypatch.setattr(copying, "_write", lossy)
    with pytest.raises(Corrupt, match="paging_send has"):
        move(place(walk, target), tell=lambda line: None)
    with pytest.raises(Refused, match="not all of it is there yet"):
        open_database(place(walk, target))


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("CREATE TABLE somebody (id BIGINT)", "it has somebody"),
        (
            "CREATE TABLE people_token (id BIGINT); INSERT INTO people_token VALUES (1)",
            "people_token",
        ),
    ],
)
def test_a_database_that_holds_anything_else_is_refused(
    walk: Walk, target: str, statement: str, words: str
) -> None:
    server().run(statement, on=target.rpartition("?")[0].rpartition("/")[2])
    with pytest.raises(Refused, match=words):
        move(place(walk, target), tell=lambda line: None)
    open_database(place(walk, "")).close()  # the file is as it was


def test_a_running_server_is_not_moved_from_under_itself(walk: Walk, target: str) -> None:
    with (walk.folder / "data" / "mainstay.pid").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Conflict, match="stop it first"):
            move(place(walk, target), tell=lambda line: None)


def test_where_there_is_nothing_there_is_nothing_to_move(tmp_path: Path, target: str) -> None:
    with pytest.raises(NotFound):
        move(Place(tmp_path / "mainstay.db", target), tell=lambda line: None)


def test_the_password_goes_by_reference_and_is_in_no_output(
    walk: Walk, target: str, capfd: pytest.CaptureFixture[str]
) -> None:
    by_tcp = server().url_by_tcp(target.rpartition("?")[0].rpartition("/")[2])
    secret = walk.folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    done = subprocess.run(
        [*command(walk, by_tcp), "--password", f"file:{secret}"],
        env=environment(walk), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f'database_password = "file:{secret}"' in done.stdout
    assert PASSWORD not in done.stdout + done.stderr
    refused = subprocess.run(
        command(walk, by_tcp.replace("mainstay@", f"mainstay:{'x' * 9}@")),
        env=environment(walk), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert refused.returncode == 2
    assert "x" * 9 not in refused.stdout + refused.stderr
