"""Are passwords and one-time codes what their standards say, and is guessing of no use?"""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from mainstay import signin
from mainstay.foundation.db import open_database
from mainstay.foundation.errors import Invalid, OverLimit
from mainstay.foundation.ids import Ids
from mainstay.foundation.sealing import Keys, Ring
from mainstay.signin import Origin, passwords, totp

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_a_code_is_what_the_table_of_rfc_6238_says(at: int, code: str) -> None:
    assert totp.code_at(RFC_SECRET, at // totp.STEP_S) == code[-6:]


@pytest.fixture
def db(tmp_path: Path):
    database = open_database(tmp_path / "x.db")
    yield database
    database.close()


@pytest.fixture
def ring(tmp_path: Path) -> Ring:
    return Ring(Keys(None, tmp_path / "data", {}))


@pytest.fixture
def ana(db, ring):
    """An account with one-time codes; its secret and recovery codes."""

    def work(tx):
        signin.make_account(tx, "ana", hashed=None, made_by="x", declared={"ana"}, now=NOW)
        secret = totp.begin(tx, "ana", ring=ring)
        code = totp.code_at(secret, totp.step_of(NOW))
        return secret, totp.confirm(tx, "ana", code, ring=ring, now=NOW)[0]

    return db.run(work)


def passes(db, code: str, at: datetime) -> bool:
    """The key is where the account's fixture has made it."""
    ring = Ring(Keys(None, db.engine.path.parent / "data", {}))

    def work(tx):
        found = signin.store.secrets(tx, "ana")
        return totp.passes(tx, "ana", found, code, ring=ring, now=at)

    return db.run(work)


def test_a_code_counts_once_and_none_before_it_does_again(db, ana) -> None:
    secret, _ = ana
    later = NOW + timedelta(minutes=5)
    step = totp.step_of(later)
    assert not passes(db, totp.code_at(secret, totp.step_of(NOW)), NOW)  # spent at the set-up
    assert not passes(db, totp.code_at(secret, step - 2), later)
    assert passes(db, totp.code_at(secret, step), later)
    assert not passes(db, totp.code_at(secret, step), later)
    assert not passes(db, totp.code_at(secret, step - 1), later)
    assert passes(db, totp.code_at(secret, step + 1), later)
    assert not passes(db, totp.code_at(secret, step + 3), later)


@pytest.mark.parametrize("code", ["", "000000x", "１２３４５６", "12345", "zz" * 50])
def test_what_is_no_code_never_passes(db, ana, code: str) -> None:
    assert not passes(db, code, NOW + timedelta(minutes=5))


def test_a_recovery_code_stands_in_once_however_it_is_typed(db, ana) -> None:
    _, recovery = ana
    assert len(set(recovery)) == totp.RECOVERY_N
    assert passes(db, recovery[0].upper().replace("-", " "), NOW)
    assert not passes(db, recovery[0], NOW)
    assert passes(db, recovery[1], NOW)


def test_a_wrong_first_code_changes_nothing(db, ring) -> None:
    db.run(lambda tx: signin.make_account(
        tx, "ben", hashed=None, made_by="x", declared=(), now=NOW))  # fmt: skip
    db.run(lambda tx: totp.begin(tx, "ben", ring=ring))
    with pytest.raises(Invalid):
        db.run(lambda tx: totp.confirm(tx, "ben", "000000", ring=ring, now=NOW))
    assert not db.read(lambda tx: signin.account(tx, "ben")).has_totp


# -- passwords -------------------------------------------------------------------------------------


def test_a_password_is_kept_by_argon2id_as_rfc_9106_advises() -> None:
    hashed = passwords.hash_password("a heron on the roof")
    assert extract_parameters(hashed) == RFC_9106_LOW_MEMORY
    assert passwords.is_password(hashed, "a heron on the roof")
    assert not passwords.is_password(hashed, "a heron on the roof ")


def test_comparing_with_nobodys_password_costs_the_same_and_never_fits() -> None:
    assert extract_parameters(passwords._NOBODYS) == RFC_9106_LOW_MEMORY
    assert not passwords.is_password(None, "a heron on the roof")
    assert not passwords.is_password("no hash at all", "a heron on the roof")


@pytest.mark.parametrize(
    "bad",
    [
        "short", "123456789012", "aaaaaaaaaaaa", "passwordpassword", "P@ssw0rd!2026", "Welcome12345!",
        "qwertyuiop12", "mara.mara.mara", "x" * 201, "Changeme!!!!2026",
    ],
)  # fmt: skip
def test_what_is_guessed_first_is_no_password(bad: str) -> None:
    with pytest.raises(Invalid):
        passwords.check_password(bad, person="mara")


@pytest.mark.parametrize(
    "good", ["a heron on the roof", "Tr0ub4dor&3 x", "пароль для нас", "🦩" * 3 + "flamingos"]
)
def test_a_few_words_are_one(good: str) -> None:
    assert passwords.check_password(good, person="mara") == good


# -- guessing --------------------------------------------------------------------------------------


def guess(db, account: str, source: str, at: datetime = NOW):
    ids = Ids()
    return db.run(lambda tx: signin.begin(tx, ids, name=account, origin=Origin(source), now=at))


def test_ten_tries_at_an_account_from_anywhere_and_no_more_until_time_passes(db) -> None:
    for n in range(10):
        guess(db, "ana", f"192.0.2.{n}")
    with pytest.raises(OverLimit) as caught:
        guess(db, "ana", "192.0.2.99")
    assert 0 < caught.value.retry_after_s <= 900
    guess(db, "ben", "192.0.2.99")
    guess(db, "ana", "192.0.2.99", NOW + timedelta(minutes=15, seconds=1))


def test_ten_tries_from_an_address_at_whatever_accounts(db) -> None:
    for n in range(10):
        guess(db, f"person{n}", "192.0.2.1")
    with pytest.raises(OverLimit):
        guess(db, "somebody-else", "192.0.2.1")


def test_a_refused_try_does_not_make_the_wait_longer(db) -> None:
    for n in range(10):
        guess(db, "ana", f"192.0.2.{n}")
    for _ in range(5):
        with pytest.raises(OverLimit):
            guess(db, "ana", "192.0.2.9", NOW + timedelta(minutes=14))
    guess(db, "ana", "192.0.2.9", NOW + timedelta(minutes=15, seconds=1))
