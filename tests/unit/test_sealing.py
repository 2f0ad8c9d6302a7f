"""Does a sealed secret open in its own place under its own key, and nowhere else?"""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from mainstay.foundation import sealing
from mainstay.foundation.db import Database, Place, open_database
from mainstay.foundation.errors import Corrupt, Invalid, Refused
from mainstay.foundation.sealing import Cell, Keys, Ring, keys_in, new_key, seal_under

pytestmark = pytest.mark.both
CELL = Cell("signin_account", "totp", "mara")
SECRET = "JBSWY3DPEHPK3PXP"


@pytest.fixture
def db(place: Place) -> Iterator[Database]:
    made = open_database(place)
    yield made
    made.close()


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(None, tmp_path / "data", {})


def test_what_is_sealed_opens_in_its_own_cell_alone(db: Database, keys: Keys) -> None:
    ring = Ring(keys)
    text = db.run(lambda tx: ring.seal(tx, SECRET, CELL))
    assert SECRET not in text
    assert Ring(keys).open(text, CELL) == SECRET
    assert db.run(lambda tx: ring.seal(tx, SECRET, CELL)) != text, "the same nonce twice"
    for other in (
        Cell("signin_account", "totp", "ben"), Cell("signin_account", "totp_next", "mara"),
        Cell("people_device", "totp", "mara"),
    ):  # fmt: skip
        with pytest.raises(Corrupt, match="does not open"):
            ring.open(text, other)


def test_what_was_changed_or_was_never_sealed_does_not_open(db: Database, keys: Keys) -> None:
    ring = Ring(keys)
    text = db.run(lambda tx: ring.seal(tx, SECRET, CELL))
    for place in (-1, -10, -30):
        other = "A" if text[place] != "A" else "B"
        with pytest.raises(Corrupt, match="does not open"):
            ring.open(text[:place] + other + (text[place + 1 :] if place != -1 else ""), CELL)
    with pytest.raises(Corrupt, match="is not sealed"):
        ring.open(SECRET, CELL)


def test_the_first_secret_makes_a_key_beside_the_data_folder_and_no_second(
    db: Database, keys: Keys, tmp_path: Path
) -> None:
    assert db.read(sealing.in_force) is None
    db.run(lambda tx: Ring(keys).seal(tx, SECRET, CELL))
    file = tmp_path / "data.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    db.run(lambda tx: Ring(keys).seal(tx, SECRET, CELL))
    assert file.read_bytes() == before
    (key,) = keys.read()
    assert db.read(sealing.in_force) == key.id
    assert key.id not in before.decode()
    assert base64.b64encode(key.raw).decode() not in repr(key) + repr(keys)


def test_two_fresh_installs_share_nothing(tmp_path: Path) -> None:
    one, other = (Keys(None, tmp_path / name, {}).first() for name in ("one", "other"))
    assert one.raw != other.raw
    assert one.id != other.id


def test_where_we_may_not_write_beside_the_folder_the_key_is_in_it_and_that_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, link = Keys(None, tmp_path / "data", {}), os.link

    def refused(source: Path, target: Path) -> None:
        if target.name == "data.key":
            raise PermissionError(13, "Permission denied")
        link(source, target)

    monkeypatch.setattr(os, "link", refused)
    assert keys.first() == keys.first()
    assert keys.path == tmp_path / "data" / "secrets.key"
    assert keys.are_inside


def test_a_key_comes_by_reference_from_a_file_or_the_environment(tmp_path: Path) -> None:
    key = new_key()
    text = base64.b64encode(key.raw).decode()
    file = tmp_path / "k"
    file.write_text(f"{text}\n")
    file.chmod(0o600)
    assert Keys(f"file:{file}", tmp_path, {}).first() == key
    assert Keys("env:K", tmp_path, {"K": text}).first() == key
    file.chmod(0o644)
    with pytest.raises(Invalid, match="chmod 600"):
        Keys(f"file:{file}", tmp_path, {}).first()


@pytest.mark.parametrize("text", ["hunter2", "", "QUJD", "é" * 44, "A" * 44 + " hunter2"])
def test_what_is_no_key_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(Invalid, match="no key of 32 bytes") as refused:
        keys_in(text, where="secrets.key")
    assert "hunter2" not in refused.value.sentence


def test_a_missing_and_a_wrong_key_are_told_apart_from_each_other(
    db: Database, keys: Keys, tmp_path: Path
) -> None:
    db.run(lambda tx: Ring(keys).seal(tx, SECRET, CELL))
    row = db.read(sealing.row_in_force)
    assert row is not None
    assert sealing.check(row, Ring(keys)) == keys.first().id
    (tmp_path / "data.key").rename(tmp_path / "away")
    with pytest.raises(Refused, match=r"which is not here: there is none in .*data\.key"):
        sealing.check(row, Ring(keys))
    other = keys.first()
    with pytest.raises(Refused, match=f"holds {other.id}, which is another"):
        sealing.check(row, Ring(keys))
    forged = {"key": other.id, "canary": row["canary"]}
    with pytest.raises(Refused, match="is not here"):
        sealing.check(forged, Ring(keys))
    forged["canary"] = row["canary"].replace(row["key"], other.id)
    with pytest.raises(Corrupt, match="does not open"):
        sealing.check(forged, Ring(keys))


def test_a_ring_reads_its_keys_again_for_one_that_it_does_not_know(keys: Keys) -> None:
    ring, old = Ring(keys), keys.first()
    assert ring.key(old.id) == old
    new = new_key()
    keys.keep([new])
    text = seal_under(new, SECRET, CELL)
    assert ring.open(text, CELL) == SECRET
    with pytest.raises(Refused):
        Ring(keys).key(old.id)
