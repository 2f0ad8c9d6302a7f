"""A backup is whole, or it says where it is not; and what it holds comes back as it was."""

from __future__ import annotations

import io
import random
import stat
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from databases import ENGINES, new_database
from mainstay.foundation import backup, due, record
from mainstay.foundation.backup import sealed_file
from mainstay.foundation.db import Database, Place, Tx, open_database, peek, schema_number, tables
from mainstay.foundation.errors import Conflict, Corrupt, Invalid, NotFound, Refused, Stuck
from mainstay.foundation.record import Fact

pytestmark = pytest.mark.both
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
PASSPHRASE = "correct horse battery staple"
BODY = bytes(range(256)) * 4
ODD = 'bell \x07, quote ", line\n, é, 🚨, \u2028'


@pytest.fixture
def db(place: Place, data_dir: Path) -> Iterator[Database]:
    made = open_database(place)
    made.run(fill)
    made.run(lambda tx: record.seal(tx, NOW))
    signer = record.key_in(data_dir)
    made.run(lambda tx: record.take_checkpoint(tx, signer, now=NOW, node="n", estate_version=1))
    yield made
    made.close()


def fill(tx: Tx) -> None:
    facts = [Fact("a.kind", f"s{n}", ODD, facts={"n": n}) for n in range(1_200)]
    record.write(tx, facts, now=NOW, estate_version=1)
    tx.many(
        "INSERT INTO signals_request (receipt, received_at, source, format, estate_version,"
        " headers, items_n, state, body) VALUES (:r, 1, 's', 'f', 1, '{}', 1, 'settled', :body)",
        [{"r": f"rcp_{n}", "body": BODY[n:]} for n in range(3)]
        + [{"r": "rcp_text", "body": ODD.encode()}],
    )
    due.plan(tx, "paging.send", "a", at=NOW)
    due.plan(tx, "paging.send", "b", at=NOW + timedelta(hours=1))
    due.claim(tx, "paging.send", now=NOW, owner="lost", limit=1, lease_s=900)
    due.hold(tx, "settle", owner="lost", now=NOW, lease_s=900)


def made(db: Database, target: Path, passphrase: str | None = None) -> backup.Manifest:
    return db.read(lambda tx: backup.write_backup(tx, target, now=NOW, passphrase=passphrase))


def content(db: Database, *, without: tuple[str, ...] = ()) -> dict[str, list[tuple[object, ...]]]:
    def look(tx: Tx) -> dict[str, list[tuple[object, ...]]]:
        return {
            name: sorted((tuple(row) for row in tx.all(f"SELECT * FROM {name}")), key=repr)
            for name in tables(schema_number())
            if name not in without
        }

    return db.read(look)


def empty(folder: Path, engine: str) -> Place:
    """Where nothing is yet, on either engine."""
    return Place(folder / "mainstay.db", new_database() if engine == "postgresql" else "")


def test_the_tables_of_the_schema_are_those_of_a_database(db: Database) -> None:
    names = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
        "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        " AND tablename <> 'foundation_schema'",
    }
    there = db.read(lambda tx: {row[0] for row in tx.all(names[tx.engine])})
    assert set(tables(schema_number())) == there


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
@pytest.mark.parametrize("to", ENGINES)
def test_what_was_saved_comes_back_as_it_was_on_either_engine(
    db: Database, tmp_path: Path, passphrase: str | None, to: str
) -> None:
    file, copy = tmp_path / "a.zip", empty(tmp_path / "copy", to)
    manifest = made(db, file, passphrase)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (passphrase is None) == zipfile.is_zipfile(file)
    with backup.open_backup(file, passphrase=passphrase) as found:
        assert found.check().broken is None
        done = backup.restore(found, copy, now=NOW)
    assert done.manifest == manifest
    if to == "sqlite":
        assert [file.name for file in (tmp_path / "copy").iterdir()] == ["mainstay.db"]
    restored = open_database(copy)
    changed = ("foundation_due", "foundation_lease", "foundation_record")
    assert content(restored, without=changed) == content(db, without=changed)
    rows = restored.read(lambda tx: record.latest(tx, limit=2_000))
    before = db.read(lambda tx: record.latest(tx, limit=2_000))
    assert rows[0]["kind"] == "backup.restored"
    assert rows[0]["seq"] == before[0]["seq"] + 1
    assert [tuple(row) for row in rows[1:]] == [tuple(row) for row in before]
    assert restored.read(record.verify).broken is None
    restored.close()
    with backup.open_backup(file, passphrase=passphrase) as found, pytest.raises(Conflict):
        backup.restore(found, copy, now=NOW)


def test_what_the_lost_host_had_claimed_is_due_at_once(
    db: Database, tmp_path: Path, engine: str
) -> None:
    made(db, tmp_path / "a.zip")
    copy = empty(tmp_path / "copy", engine)
    with backup.open_backup(tmp_path / "a.zip") as found:
        done = backup.restore(found, copy, now=NOW)
    assert done.leases == 1
    restored = open_database(copy)
    assert restored.read(lambda tx: due.pending(tx, "paging.send", "a")) == NOW
    assert restored.read(lambda tx: due.pending(tx, "paging.send", "b")) == NOW + timedelta(hours=1)
    held = restored.run(lambda tx: due.hold(tx, "settle", owner="new", now=NOW, lease_s=9))
    assert held is not None
    assert held.token > 1
    restored.close()


def test_a_restore_that_does_not_come_to_its_end_leaves_nothing_and_is_begun_again(
    db: Database, tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(db, tmp_path / "a.zip")
    copy = empty(tmp_path / "copy", engine)

    def killed(*_: object, **__: object) -> None:
        raise InterruptedError

    with monkeypatch.context() as broken:
        broken.setattr("mainstay.foundation.due.release_all", killed)
        with backup.open_backup(tmp_path / "a.zip") as found, pytest.raises(InterruptedError):
            backup.restore(found, copy, now=NOW)
    if engine == "sqlite":
        assert not copy.path.exists()
    else:
        assert peek(copy, nothing_there)
    with backup.open_backup(tmp_path / "a.zip") as found:
        assert backup.restore(found, copy, now=NOW).verdict.broken is None


def nothing_there(tx: Tx) -> bool:
    """Whether a database of PostgreSQL has no table."""
    return not tx.value("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")


def test_a_text_with_nul_comes_back_with_its_sign_is_counted_and_the_record_still_holds(
    tmp_path: Path, engine: str
) -> None:
    """Older versions let SQLite keep such texts; PostgreSQL can hold none."""
    with closing(open_database(tmp_path / "old.db")) as old:
        old.run(fill)
        writer = old.engine.writer  # type: ignore[attr-defined]  # past our own door
        writer.execute("UPDATE foundation_record SET because = 'a' || char(0) || 'b' WHERE seq = 7")
        writer.execute("UPDATE foundation_due SET facts = char(0) WHERE key = 'b'")
        old.run(lambda tx: record.seal(tx, NOW))
        assert old.read(record.verify).broken is None
        made(old, tmp_path / "a.zip")
    copy = empty(tmp_path / "copy", engine)
    with backup.open_backup(tmp_path / "a.zip") as found:
        done = backup.restore(found, copy, now=NOW)
    assert done.nuls == 2
    with closing(open_database(copy)) as restored:
        row = "SELECT because FROM foundation_record WHERE seq = 7"
        assert restored.read(lambda tx: tx.value(row)) == "a\u2400b"
        assert restored.read(record.verify).broken is None
        restored.run(lambda tx: tx.run("UPDATE foundation_record SET because = 'a' WHERE seq = 7"))
        assert "was changed" in str(restored.read(record.verify).broken)


def test_no_text_with_nul_is_stored_and_none_fails(db: Database) -> None:
    row = {"kind": "k\0", "key": "k", "due_at": 1, "planned_at": 1, "facts": "{}"}
    db.run(lambda tx: record.write(tx, [Fact("a", "s", "x\0y")], now=NOW, estate_version=1))
    db.run(lambda tx: tx.run("UPDATE foundation_due SET facts = :f", f="\0"))
    db.run(lambda tx: tx.later("UPDATE foundation_due SET owner = :f", f="\0"))
    db.run(lambda tx: tx.insert("INSERT INTO foundation_due", [row]))
    latest = db.read(lambda tx: record.latest(tx, limit=1))[0]
    assert latest["because"] == "x\u2400y"
    rows = db.read(lambda tx: tx.all("SELECT * FROM foundation_due WHERE kind = :k", k="k\0"))
    assert [row["kind"] for row in rows] == ["k\u2400"]
    facts = db.read(lambda tx: {row["facts"] for row in tx.all("SELECT * FROM foundation_due")})
    assert facts == {"\u2400", "{}"}


def test_any_tool_can_open_one_that_is_not_encrypted(db: Database, tmp_path: Path) -> None:
    manifest = made(db, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.testzip() is None
        lines = archive.read("foundation_record.jsonl").splitlines()
        assert archive.namelist()[-1] == "manifest.json"
    assert len(lines) == manifest.record.rows
    assert manifest.record.checkpoint == 1


def test_nothing_of_an_encrypted_one_can_be_read(db: Database, tmp_path: Path) -> None:
    made(db, tmp_path / "a.sealed", PASSPHRASE)
    body = (tmp_path / "a.sealed").read_bytes()
    assert b"foundation" not in body
    assert b"PK" not in body[:4]


def test_no_key_of_the_data_folder_is_in_a_backup(
    db: Database, data_dir: Path, tmp_path: Path
) -> None:
    made(db, tmp_path / "a.zip")
    pem = (data_dir / record.KEY_FILE).read_text().splitlines()[1].encode()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert not any(pem in archive.read(name) for name in archive.namelist())


# -- what is refused -------------------------------------------------------------------------------


def test_a_backup_never_replaces_a_file(db: Database, tmp_path: Path) -> None:
    made(db, tmp_path / "a.zip")
    before = (tmp_path / "a.zip").read_bytes()
    with pytest.raises(Conflict, match="already there"):
        made(db, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == before


def test_a_backup_that_cannot_be_finished_leaves_nothing(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Stuck, match="No space left"):
        made(db, tmp_path / "to" / "a.zip")
    assert list((tmp_path / "to").iterdir()) == []


def test_a_folder_that_holds_anything_is_refused(db: Database, tmp_path: Path) -> None:
    made(db, tmp_path / "a.zip")
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").touch()
    with (
        backup.open_backup(tmp_path / "a.zip") as found,
        pytest.raises(Conflict, match="is not empty"),
    ):
        backup.restore(found, Place(full / "mainstay.db"), now=NOW)
    assert [file.name for file in full.iterdir()] == ["mine"]


def test_a_backup_of_a_newer_schema_is_refused(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(db, tmp_path / "a.zip")
    monkeypatch.setattr("mainstay.foundation.backup.restored.schema_number", lambda: 1)
    with (
        backup.open_backup(tmp_path / "a.zip") as found,
        pytest.raises(Refused, match="knows schemas up to 1"),
    ):
        backup.restore(found, Place(tmp_path / "copy" / "mainstay.db"), now=NOW)
    assert not (tmp_path / "copy").exists()


def test_an_encrypted_one_wants_its_passphrase(db: Database, tmp_path: Path) -> None:
    made(db, tmp_path / "a.sealed", PASSPHRASE)
    with pytest.raises(Invalid, match="is encrypted"), backup.open_backup(tmp_path / "a.sealed"):
        pass
    with (
        pytest.raises(Invalid, match="does not open"),
        backup.open_backup(tmp_path / "a.sealed", passphrase="another"),
    ):
        pass


def test_what_is_no_backup_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no backup")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a.txt", "b")
    for name, error in (("text", Corrupt), ("other.zip", Corrupt), ("none", NotFound)):
        with pytest.raises(error), backup.open_backup(tmp_path / name):
            pass


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_damage_anywhere_is_found(
    db: Database, tmp_path: Path, passphrase: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bits flipped, ends cut off."""
    monkeypatch.setattr(sealed_file, "SCRYPT_COST", 2)
    target = tmp_path / "a"
    made(db, target, passphrase)
    before = contents(target) if passphrase is None else {}
    whole, dice, missed = target.read_bytes(), random.Random(3), []
    for n in range(60):
        place = dice.randrange(len(whole))
        flipped = bytes([whole[place] ^ (1 << dice.randrange(8))])
        damaged = whole[:place] if n % 3 == 0 else whole[:place] + flipped + whole[place + 1 :]
        target.write_bytes(damaged)
        try:
            with backup.open_backup(target, passphrase=passphrase) as found:
                found.check()
        except (Corrupt, Invalid):
            continue
        if passphrase is not None or contents(target) != before:
            missed.append(place)
    assert missed == []


def contents(path: Path) -> dict[str, bytes]:
    """What a zip holds: its headers and its directory, which nobody restores, may be damaged."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_table_that_was_put_in_anew_is_found(db: Database, tmp_path: Path) -> None:
    """Its checksum in the zip is right, its digest in the manifest is not."""
    made(db, tmp_path / "a.zip")
    forged = tmp_path / "b.zip"
    with zipfile.ZipFile(tmp_path / "a.zip") as old, zipfile.ZipFile(forged, "w") as new:
        for name in old.namelist():
            body = old.read(name)
            new.writestr(name, body.replace(b"paging.send", b"paging.sent"))
    with (
        backup.open_backup(forged) as found,
        pytest.raises(Corrupt, match="is damaged in foundation_due: its content is another"),
    ):
        found.check()


@pytest.mark.parametrize("done", ["cut", "swapped", "left out"])
def test_an_encrypted_file_whose_parts_are_moved_is_found(
    done: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed_file, "CHUNK_BYTES", 1_000)
    monkeypatch.setattr(sealed_file, "SCRYPT_COST", 2)
    out = io.BytesIO()
    with sealed_file.SealedWriter(out, PASSPHRASE) as sealed:
        sealed.write(b"a" * 1_000 + b"b" * 1_000 + b"c" * 1_000)
    whole, step = out.getvalue(), 1_016
    head, one, two, three = (
        whole[: -3 * step], whole[-3 * step : -2 * step], whole[-2 * step : -step], whole[-step:]
    )  # fmt: skip
    assert sealed_file.SealedReader(io.BytesIO(whole), PASSPHRASE).read(1_500) == b"a" * 1_000
    moved = {"cut": head + one + two, "swapped": head + two + one + three,
             "left out": head + one + three}[done]  # fmt: skip
    with pytest.raises((Corrupt, Invalid)):
        io.BufferedReader(sealed_file.SealedReader(io.BytesIO(moved), PASSPHRASE)).read()


def test_a_backup_whose_record_was_changed_is_found(db: Database, tmp_path: Path) -> None:
    db.run(lambda tx: tx.run("UPDATE foundation_record SET because = 'x' WHERE seq = 7"))
    made(db, tmp_path / "a.zip")
    with backup.open_backup(tmp_path / "a.zip") as found, pytest.raises(Corrupt, match="rows 1 to"):
        found.check()


# -- which are kept --------------------------------------------------------------------------------


def test_the_newest_and_the_last_of_each_day_are_kept(tmp_path: Path) -> None:
    for hours in range(0, 24 * 5, 6):
        at = NOW - timedelta(hours=hours)
        (tmp_path / backup.file_name(at, sealed=hours % 12 == 0)).touch()
    (tmp_path / backup.file_name(NOW - timedelta(days=400), sealed=False, why="by-hand")).touch()
    (tmp_path / "mine.zip").touch()
    gone = backup.prune(tmp_path, keep=3, keep_days=3, now=NOW)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert len(gone) == 20 - 4
    assert [name for name in left if backup.made_at(name)] == [
        "mainstay-20261122T200000Z.zip.sealed",
        "mainstay-20261123T200000Z.zip.sealed",
        "mainstay-20261124T020000Z.zip",
        "mainstay-20261124T080000Z.zip.sealed",
    ]
    assert "mine.zip" in left
    assert "mainstay-20251020T080000Z-by-hand.zip" in left
