"""Are the secrets of a real install sealed, whoever looks at its files; and what if the key changes?"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cli_serving import Install, kill_quietly

from databases import new_database
from mainstay import app, paging, people, sealed, signin
from mainstay.checks import heartbeats
from mainstay.checks.heartbeats import store as beats
from mainstay.foundation import backup, record, sealing
from mainstay.foundation.clock import ManualClock
from mainstay.foundation.db import Place, Tx, open_database
from mainstay.foundation.errors import Invalid, Refused
from mainstay.foundation.ids import Ids
from mainstay.foundation.moving import move
from mainstay.foundation.sealing import Keys, Ring
from mainstay.foundation.settings import Settings
from mainstay.runtime import Runtime
from mainstay.signin import totp

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
SEEDS = {"totp": "CANARYTOTP234567", "next": "CANARYNEXT234567", "push": "CANARY-push-private",
         "device": "CANARY-device-secret", "hint": "CANARY.id.token", "beats": "ca4a" * 16}  # fmt: skip
MANY = 40
KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from mainstay import sealed
from mainstay.foundation.db import Tx, open_database
from mainstay.foundation.sealing import Keys

left = int(sys.argv[2])

def count(real):
    def call(self, *given, **more):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(self, *given, **more)
    return call

Tx.run, Keys.keep = count(Tx.run), count(Keys.keep)
data = Path(sys.argv[1])
db = open_database(data / "mainstay.db")
sealed.rotate(db, Keys(None, data, {}), to=None, actor="x", now=datetime(2026, 11, 24, tzinfo=UTC))
db.close()
print(left)
"""
MUCH = 100_000


def older(tx: Tx) -> None:
    """What a version without sealing has left: every kind of secret, in clear."""
    for name in ["mara", *(f"p{n}" for n in range(MANY))]:
        signin.make_account(tx, name, hashed=None, made_by="x", declared={"mara"}, now=NOW)
    tx.run("UPDATE signin_account SET totp = :t, totp_next = :n", t=SEEDS["totp"], n=SEEDS["next"])
    tx.run(
        "INSERT INTO paging_push_key (number, private, made_at) VALUES (1, :p, 1)", p=SEEDS["push"]
    )
    tx.run(
        "INSERT INTO people_address (id, person, kind, address, created_at)"
        " VALUES ('adr_1', 'mara', 'push', 'my phone', 1)"
    )
    tx.run(
        "INSERT INTO people_device (address, endpoint, key, secret)"
        " VALUES ('adr_1', 'https://push.example', 'k', :s)", s=SEEDS["device"],
    )  # fmt: skip
    tx.run(
        "INSERT INTO signin_session (id, digest, person, how, made_at, seen_at, address, device, hint)"
        " VALUES ('ses_1', 'd', 'mara', 'oidc', 1, 1, '10.0.0.1', 'x', :h)", h=SEEDS["hint"],
    )  # fmt: skip
    seed_in_clear(tx)


def seed_in_clear(tx: Tx) -> None:
    tx.run(
        "INSERT INTO checks_beat_seed (number, seed, made_at) VALUES (1, :s, 1)", s=SEEDS["beats"]
    )


SECRETS_N = 2 * (MANY + 1) + 4


def in_clear(tx: Tx, ring: Ring) -> dict[str, str]:
    """Every secret, opened."""
    found = signin.store.secrets(tx, "mara")
    assert found is not None
    assert found.totp is not None
    address, session = people.address(tx, "adr_1"), signin.session_by_id(tx, "ses_1")
    assert address is not None
    assert session is not None
    coming = totp.pending(tx, "mara", ring=ring)
    return {
        "totp": ring.open(found.totp, signin.store.totp_cell("mara")), "next": coming or "",
        "push": ring.open(paging.push_key(tx) or "", paging.PUSH_KEY),
        "device": people.device_secret(address, ring=ring),
        "hint": signin.hint_of(session, ring=ring) or "",
        "beats": ring.open(beats.seed(tx) or "", beats.SEED),
    }  # fmt: skip


def opened(data: Path, database: str = "", **settings: Any) -> Runtime:
    given = Settings(data_dir=data, database=database, **settings)
    return app.open_app(given, environment={}, clock=ManualClock(NOW), channels={}, node="n")


@pytest.fixture
def data(data_dir: Path) -> Path:
    """An install of that older version."""
    with closing(open_database(data_dir / "mainstay.db")) as db:
        db.run(older)
    return data_dir


def readable(folder: Path) -> set[str]:
    """Which of the secrets stand in clear in any file of a folder."""
    texts = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return {name for name, seed in SEEDS.items() if any(seed.encode() in text for text in texts)}


# -- the upgrade -----------------------------------------------------------------------------------


def test_what_lay_in_clear_is_sealed_at_the_upgrade_and_in_no_file_any_more(
    data: Path, tmp_path: Path
) -> None:
    assert readable(data) == set(SEEDS)
    runtime = opened(data)
    assert readable(data) == set(), "while it runs"
    assert runtime.db.read(lambda tx: in_clear(tx, runtime.ground.ring)) == SEEDS
    told = [row["because"] for row in runtime.db.read(lambda tx: record.latest(tx, limit=9))]
    assert any(f"{SECRETS_N} secrets that lay in clear are sealed now" in words for words in told)
    backup.make(Place(data / "mainstay.db"), tmp_path / "to" / "a.zip", now=NOW)
    runtime.close()
    assert readable(data) == set()
    with backup.open_backup(tmp_path / "to" / "a.zip") as found:
        for table in found.manifest.tables:
            text = repr(list(found.rows(table.name)))
            assert not [seed for seed in SEEDS.values() if seed in text]
    key = (tmp_path / "data.key").read_bytes().strip()
    assert not [path for path in data.rglob("*") if path.is_file() and key in path.read_bytes()]
    again = opened(data)
    assert again.db.read(lambda tx: in_clear(tx, again.ground.ring)) == SEEDS
    again.close()


@pytest.mark.both
def test_a_seed_that_an_early_version_left_beside_sealed_secrets_is_sealed_and_nothing_else(
    place: Place, tmp_path: Path
) -> None:
    keys = Keys(None, tmp_path / "data", {})
    with closing(open_database(place)) as db:
        ring = Ring(keys)
        db.run(lambda tx: ring.seal(tx, "a secret", paging.PUSH_KEY))  # a key is in force
        db.run(older)
        opener = sealed.unlocked(db, keys, now=NOW)
        lying = db.read(beats.seed)
        assert lying is not None
        assert opener.open(lying, beats.SEED) == SEEDS["beats"]
        assert sealing.is_sealed(lying)
        assert db.read(paging.push_key) == SEEDS["push"], "a planted secret was made to count"
        assert db.read(lambda tx: record.latest(tx, limit=1))[0]["because"].startswith("1 secrets")
        sealed.unlocked(db, keys, now=NOW)
        assert db.read(beats.seed) == lying


@pytest.mark.both
def test_the_seed_of_heartbeats_is_made_sealed_and_turned_with_the_key(
    place: Place, tmp_path: Path
) -> None:
    keys = Keys(None, tmp_path / "data", {})
    with closing(open_database(place)) as db:
        ring = sealed.unlocked(db, keys, now=NOW)
        beat, uuid = db.run(lambda tx: heartbeat(tx, ring))
        lying = db.read(beats.seed)
        assert lying is not None
        assert sealing.is_sealed(lying)
        done = sealed.rotate(db, keys, to=None, actor="x", now=NOW)
        assert (done.secrets, done.heartbeats) == (1, 0)
        turned = db.read(beats.seed)
        assert turned is not None
        assert sealing.key_of(turned) == done.new != sealing.key_of(lying)
        assert ring.open(turned, beats.SEED) == Ring(keys).open(turned, beats.SEED)
        assert db.read(lambda tx: heartbeats.uuid_of(tx, beat, ring=ring, now=NOW)) == uuid


@pytest.mark.both
def test_with_a_lost_key_heartbeats_get_new_uuids_and_the_old_ones_still_ping(
    place: Place, tmp_path: Path
) -> None:
    keys = Keys(None, tmp_path / "data", {})
    with closing(open_database(place)) as db:
        ring = sealed.unlocked(db, keys, now=NOW)
        beat, old = db.run(lambda tx: heartbeat(tx, ring))
        before = db.read(lambda tx: heartbeats.ring(tx, heartbeats.Ring()))
        (tmp_path / "data.key").unlink()
        assert sealed.reset(db, keys, actor="x", now=NOW).heartbeats == 1
        (fact,) = db.read(lambda tx: record.latest(tx, limit=1))
        assert "heartbeats with a new UUID: 1, the old ones still ping" in fact["because"]
        fresh = sealed.unlocked(db, keys, now=NOW)
        new = db.read(lambda tx: heartbeats.uuid_of(tx, beat, ring=fresh, now=NOW))
        assert new != old
        door = db.read(lambda tx: heartbeats.ring(tx, before))
        for uuid in (new, old):
            known = door.find(uuid)
            assert known is not None, uuid
            assert known.id == beat.id


def heartbeat(tx: Tx, ring: Ring) -> tuple[heartbeats.Beat, str]:
    """A new one, and the UUID that pings it."""
    wanted = heartbeats.Declared(
        name="job", service=None, severity="error", plan=heartbeats.Plan(every_s=60, grace_s=60),
        words=heartbeats.Words(),
    )  # fmt: skip
    made = heartbeats.create(
        tx, Ids(), wanted, origin="api", counts=lambda calendar, at: True, ring=ring, now=NOW
    )
    return made, heartbeats.uuid_of(tx, made, ring=ring, now=NOW)


def test_a_move_to_postgresql_takes_them_along_sealed(data: Path) -> None:
    opened(data).close()
    url = new_database()
    move(Place(data / "mainstay.db", url), tell=lambda line: None)
    there = opened(data, url)
    assert there.db.read(lambda tx: in_clear(tx, there.ground.ring)) == SEEDS
    there.close()


# -- the key ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["missing", "another"])
def test_without_its_key_nothing_starts_and_with_it_all_is_as_before(
    data: Path, tmp_path: Path, how: str
) -> None:
    opened(data).close()
    key = tmp_path / "data.key"
    key.rename(tmp_path / "kept")
    if how == "another":
        Keys(None, data, {}).first()
    before = (data / "mainstay.db").read_bytes()
    with pytest.raises(Refused, match="Secrets are sealed under key"):
        opened(data)
    assert (how == "missing") != key.exists(), "a key was made for what it does not open"
    assert (data / "mainstay.db").read_bytes() == before
    (tmp_path / "kept").replace(key)
    runtime = opened(data)
    assert runtime.db.read(lambda tx: in_clear(tx, runtime.ground.ring)) == SEEDS
    runtime.close()


def test_a_second_node_must_have_the_key_of_the_first(tmp_path: Path, data: Path) -> None:
    url = new_database()
    with closing(open_database(Place(Path(), url))) as db:
        db.run(older)
    first = opened(tmp_path / "one", url)
    with pytest.raises(Refused, match="every node of a database needs the same"):
        opened(tmp_path / "two", url)
    second = opened(tmp_path / "two", url, secrets={"key": f"file:{tmp_path}/one.key"})
    assert second.db.read(lambda tx: in_clear(tx, second.ground.ring)) == SEEDS
    second.close()
    first.close()


def test_a_rotation_seals_all_anew_and_the_old_key_opens_nothing(data: Path) -> None:
    runtime, keys = opened(data), Keys(None, data, {})
    (old,) = keys.read()
    with closing(open_database(data / "mainstay.db")) as beside:  # as the command does
        done = sealed.rotate(beside, keys, to=None, actor="x", now=NOW)
    assert (done.old, done.secrets) == (old.id, SECRETS_N)
    (new,) = keys.read()
    assert new.id == done.new != old.id
    assert runtime.db.read(lambda tx: in_clear(tx, runtime.ground.ring)) == SEEDS, "while it runs"
    secret = runtime.db.run(lambda tx: totp.begin(tx, "mara", ring=runtime.ground.ring))
    assert secret == SEEDS["next"]
    runtime.close()
    keys.keep([old])
    with pytest.raises(Refused, match="which is another"):
        opened(data)
    with closing(sqlite3.connect(data / "mainstay.db")) as connection:
        rows = connection.execute("SELECT totp FROM signin_account").fetchall()
    assert {row[0].split(":")[2] for row in rows} == {new.id}


def test_a_rotation_killed_anywhere_leaves_one_key_in_force_and_all_of_it_opens(
    data: Path, tmp_path: Path
) -> None:
    opened(data).close()
    steps = MUCH - int(rotating(data, MUCH).stdout)
    assert steps > MANY
    for step in (0, 1, steps // 2, steps - 2, steps - 1):  # the last: committed, not yet tidied up
        (before,) = Keys(None, data, {}).read()
        assert rotating(data, step).returncode == -signal.SIGKILL, step
        runtime = opened(data)
        assert runtime.db.read(lambda tx: in_clear(tx, runtime.ground.ring)) == SEEDS  # noqa: B023
        in_force = runtime.db.read(sealing.in_force)
        assert (in_force == before.id) == (step < steps - 1), step
        runtime.close()
        assert rotating(data, MUCH).returncode == 0
        assert len(Keys(None, data, {}).read()) == 1


def rotating(data: Path, step: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", KILLED, str(data), str(step)]
    return subprocess.run(command, timeout=60, capture_output=True, text=True)


def test_a_key_that_is_not_ours_to_write_is_rotated_to_another(data: Path, tmp_path: Path) -> None:
    opened(data).close()
    keys = Keys(None, data, {})
    other = Keys(None, tmp_path / "other", {})
    other.first()
    to = Keys(f"file:{tmp_path}/other.key", data, {})
    with closing(open_database(data / "mainstay.db")) as db:
        sealed.rotate(db, keys, to=to, actor="x", now=NOW)
        with pytest.raises(Invalid, match="yours to write"):
            sealed.rotate(db, to, to=None, actor="x", now=NOW)
        with pytest.raises(Invalid, match="holds no other key"):
            sealed.rotate(db, to, to=to, actor="x", now=NOW)
    runtime = opened(data, secrets={"key": to.reference})
    assert runtime.db.read(lambda tx: in_clear(tx, runtime.ground.ring)) == SEEDS
    runtime.close()


# -- by the command line ---------------------------------------------------------------------------


@pytest.fixture
def install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Install]:
    for name in [name for name in os.environ if name.startswith("MAINSTAY_")]:
        monkeypatch.delenv(name)
    made = Install(tmp_path, capsys)
    yield made
    kill_quietly(made.process)


def test_a_backup_without_its_key_is_refused_and_a_lost_key_can_be_given_up(
    install: Install, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install.start()
    assert "✓ sealed secrets: Secrets in the database are sealed under key" in install.says(
        "doctor", "--allow-root"
    )
    file = str(tmp_path / "a.zip")
    install.says("backup", file)
    rotated = install.json("secrets", "rotate")
    assert rotated["secrets"] == 1  # the key of push
    install.stop()
    install.start()
    install.stop()
    assert f"key {rotated['old']}, which is not in it" in install.says("restore", file, "--check")

    (tmp_path / "two").mkdir()
    other = Install(tmp_path / "two", capsys)
    code, _, said = other.cli("restore", file)
    assert code == 2
    assert f"sealed under key {rotated['old']}, which is not here" in " ".join(said.split())
    assert not (other.data / "mainstay.db").exists()
    other.says("restore", file, "--without-key")
    process = other.launch()
    assert process.wait(30) == 2
    assert "which is not here" in " ".join(other.log.split())
    code, out, _ = other.cli("doctor", "--allow-root")
    assert (code, "✗ sealed secrets" in out) == (1, True)
    assert other.cli("secrets", "reset")[0] == 2
    assert other.json("secrets", "reset", "--yes")["old"] == rotated["old"]
    try:
        other.start()
        assert "✓ sealed secrets" in other.cli("doctor", "--allow-root")[1]
    finally:
        kill_quietly(other.process)
