"""Does `doctor` see what is wrong with a first start?"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mainstay.foundation.settings import Settings
from mainstay.foundation.settings.doctor import (
    Accounts,
    Check,
    Durable,
    Kept,
    Machine,
    checks,
    machine,
)

NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
GOOD = Machine(
    uid=1000,
    umask=0o077,
    data_dir_mode=0o700,
    database_mode=0o600,
    tls_key_mode=None,
    free_bytes=2**30,
    sqlite=(3, 40, 1),
    reserve_bytes=2**26,
)


def settings(**values: Any) -> Settings:
    return Settings.model_validate({"data_dir": "/d", **values})


def found(given: Settings, facts: Machine, **more: Any) -> dict[str, Check]:
    more = {
        "now": NOW,
        "durable": Durable({"synchronous": "full"}, []),
        "keys": {"prometheus": 1},
        "accounts": Accounts(0, 0),
        **more,
    }
    return {check.name: check for check in checks(given, facts, **more)}


def red(given: Settings, facts: Machine, **more: Any) -> list[str]:
    return [name for name, check in found(given, facts, **more).items() if not check.ok]


def test_a_first_start_by_the_defaults_passes_every_check() -> None:
    all_of_them = found(settings(), GOOD)
    assert len(all_of_them) == 19
    assert [name for name, check in all_of_them.items() if not check.ok] == []


@pytest.mark.parametrize(
    ("facts", "name", "words"),
    [
        ({"uid": 0}, "not root", "allow_root"),
        ({"umask": 0o022}, "umask", "umask 077"),
        ({"data_dir_mode": 0o755}, "data dir", "chmod 700"),
        ({"database_mode": 0o640}, "database", "chmod 600"),
        ({"free_bytes": 2**28 - 1}, "disk", "256"),
        ({"reserve_bytes": 0}, "reserve", "Make room at /d"),
        ({"reserve_bytes": None}, "reserve", "no room for them"),
        ({"sqlite": (3, 34, 9)}, "sqlite", "3.35.0"),
        ({"secrets": {"smtp.password": "It is empty."}}, "secrets", "smtp.password: It is empty."),
    ],
)
def test_each_fault_of_the_machine_turns_its_own_check_red_and_says_how_to_mend_it(
    facts: dict[str, Any], name: str, words: str
) -> None:
    faulty = replace(GOOD, **facts)
    assert red(settings(), faulty) == [name]
    assert words in found(settings(), faulty)[name].sentence


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({"durable": Durable({"synchronous": "normal"}, ["synchronous"])}, "durable"),
        ({"keys": {"a": 1, "b": 0}}, "intake keys"),
        ({"now": datetime(1970, 1, 1, tzinfo=UTC)}, "clock"),
        ({"now": datetime(2108, 1, 1, tzinfo=UTC)}, "clock"),
        ({"alive_at": NOW + timedelta(hours=1)}, "clock"),
        ({"accounts": Accounts(3, 0)}, "accounts"),
    ],
)
def test_each_fault_of_the_install_turns_its_own_check_red(more: dict[str, Any], name: str) -> None:
    assert red(settings(), GOOD, **more) == [name]


def test_each_fault_of_the_settings_turns_its_own_check_red() -> None:
    assert red(settings(log_level="debug"), GOOD) == ["logs"]
    everywhere = settings(listen="0.0.0.0:80", behind_proxy=["10.0.0.1"])
    assert red(everywhere, GOOD) == ["public url", "sessions"]
    with_tls = settings(tls_cert="/c", tls_key="/k")
    assert red(with_tls, GOOD) == ["tls key"]
    assert red(with_tls, replace(GOOD, tls_key_mode=0o644)) == ["tls key"]
    assert red(with_tls, replace(GOOD, tls_key_mode=0o600)) == []


def test_root_is_welcome_only_when_told_so() -> None:
    assert red(settings(allow_root=True), replace(GOOD, uid=0)) == []


def test_what_is_not_known_is_not_judged() -> None:
    names = {check.name for check in checks(settings(), GOOD, now=NOW)}
    assert not {"durable", "intake keys"} & names


def test_open_private_addresses_are_named() -> None:
    given = settings(egress={"allow": ["127.0.0.1:2525"]})
    assert "127.0.0.1:2525" in found(given, GOOD)["egress"].sentence


def test_the_machine_is_read_as_it_is_and_left_as_it_was(tmp_path: Path) -> None:
    data = tmp_path / "data"
    given = settings(
        data_dir=data,
        smtp={"host": "h", "sender": "a@b", "user": "u", "password": "env:WORD"},
    )
    before = os.umask(0o027)
    try:
        new = machine(given, environment={}, database=data / "db")
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert (new.umask, new.uid, new.data_dir_mode) == (0o027, os.geteuid(), None)
    assert new.free_bytes > 0
    assert "not set" in str(new.secrets["smtp.password"])
    data.mkdir(mode=0o700)
    (data / "db").touch(mode=0o600)
    old = machine(given, environment={"WORD": "x"}, database=data / "db")
    assert (old.data_dir_mode, old.database_mode) == (0o700, 0o600)
    assert old.secrets == {"smtp.password": None}


def test_the_watchdog_says_what_it_found_and_who_would_hear_it() -> None:
    words = found(settings(), GOOD)["watchdog"].sentence
    assert "heard by nobody but the log" in words
    off = settings(watchdog={"enabled": False})
    assert red(off, GOOD) == ["watchdog"]
    standing = found(settings(), GOOD, wrong=["INC-12 will not page."])["watchdog"]
    assert (standing.ok, standing.sentence) == (False, "INC-12 will not page.")
    told = {"webhook": {"url": "https://alarm.test/x"}, "heartbeat_url": "https://beat.test/y"}
    heard = found(settings(watchdog=told), GOOD)["watchdog"]
    assert (heard.ok, heard.sentence) == (True, "The watchdog is heard by webhook.")


@pytest.mark.parametrize(
    ("given", "kept", "ok", "words"),
    [
        ({}, Kept(None, 0, {}), False, "set backup.to"),
        ({"to": "/b"}, Kept(None, 0, {}), False, "every 15m"),
        ({"to": "/b"}, Kept(NOW - timedelta(minutes=14), 0, {}), True, "Last backup 14 min ago"),
        ({"to": "/b"}, Kept(NOW - timedelta(minutes=45), 0, {}), True, "found whole"),
        ({"to": "/b"}, Kept(NOW - timedelta(hours=5), 0, {}), False, "5 h ago"),
    ],
)
def test_how_old_the_newest_backup_is(
    given: dict[str, Any], kept: Kept, ok: bool, words: str
) -> None:
    check = found(settings(backup=given), GOOD, kept=kept)["backup"]
    assert (check.ok, words in check.sentence) == (ok, True), check.sentence
    assert check.grave == (kept.backup_at is not None)


def test_a_record_that_nobody_outside_can_prove_is_a_warning_until_somebody_can() -> None:
    check = found(settings(), GOOD, kept=Kept(None, 3, {}))["record outside"]
    assert (check.ok, check.grave) == (False, False)
    sink = "syslog+tls://logs.example.org:6514"
    given = settings(audit={"checkpoints_to": [sink]})
    assert found(given, GOOD, kept=Kept(None, 3, {sink: 1}))["record outside"].ok
    late = found(given, GOOD, kept=Kept(None, 30, {sink: 27}))["record outside"]
    assert (late.ok, late.grave) == (False, True)
    assert f"{sink} has not had 27" in late.sentence


@pytest.mark.parametrize("text", ["file:here", "syslog://h:1", "syslog+tcp://h", "https://h/a"])
def test_a_place_outside_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="expected"):
        settings(audit={"checkpoints_to": [text]})


@pytest.mark.parametrize("text", ["0s", "15", "m", "-5m"])
def test_a_length_of_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="expected a duration"):
        settings(backup={"every": text})


def test_a_session_that_would_travel_bare_is_red(tmp_path: Path) -> None:
    bare = settings(
        listen="0.0.0.0:8460", behind_proxy=["10.0.0.7"], public_url="http://ops.example.org"
    )
    assert red(bare, GOOD) == ["sessions"]


@pytest.mark.parametrize("place", ["169.254.169.254:80", "[fd00:ec2::254]:80"])
def test_lending_this_machines_credentials_is_red(place: str) -> None:
    assert red(settings(egress={"allow": [place]}), GOOD) == ["egress"]


def test_a_secret_out_of_a_guide_is_red() -> None:
    given = settings(sms={"account": "AC1", "token": "env:T", "sender": "+41"})
    facts = machine(given, environment={"T": "Changeme"}, database=Path("/d/x"))
    assert "everybody knows" in (facts.secrets["sms.token"] or "")
    assert (
        machine(given, environment={"T": "x81kd0"}, database=Path("/d/x")).secrets["sms.token"]
        is None
    )


@pytest.mark.parametrize(
    "bad", [{"listen": "0.0.0.0:8460"}, {"behind_proxy": ["0.0.0.0/0"]}, {"tls_cert": "/c.pem"}]
)
def test_what_must_never_be_is_refused_before_anything_is_judged(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        settings(**bad)
