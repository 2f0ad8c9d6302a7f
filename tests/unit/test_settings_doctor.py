"""Does `doctor` see what is wrong with a first start?"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mainstay.foundation.settings import Settings
from mainstay.foundation.settings.doctor import Check, Machine, checks, machine

NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
GOOD = Machine(
    uid=1000,
    umask=0o077,
    data_dir_mode=0o700,
    database_mode=0o600,
    tls_key_mode=None,
    free_bytes=2**30,
    sqlite=(3, 40, 1),
)


def settings(**values: Any) -> Settings:
    return Settings.model_validate({"data_dir": "/d", **values})


def found(given: Settings, facts: Machine, **more: Any) -> dict[str, Check]:
    more = {"now": NOW, "synchronous": 2, "keys": {"prometheus": 1}, **more}
    return {check.name: check for check in checks(given, facts, **more)}


def red(given: Settings, facts: Machine, **more: Any) -> list[str]:
    return [name for name, check in found(given, facts, **more).items() if not check.ok]


def test_a_first_start_by_the_defaults_passes_all_sixteen_checks() -> None:
    all_of_them = found(settings(), GOOD)
    assert len(all_of_them) == 16
    assert [name for name, check in all_of_them.items() if not check.ok] == []


@pytest.mark.parametrize(
    ("facts", "name", "words"),
    [
        ({"uid": 0}, "not root", "allow_root"),
        ({"umask": 0o022}, "umask", "umask 077"),
        ({"data_dir_mode": 0o755}, "data dir", "chmod 700"),
        ({"database_mode": 0o640}, "database", "chmod 600"),
        ({"free_bytes": 2**28 - 1}, "disk", "256"),
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
        ({"synchronous": 1}, "durable"),
        ({"keys": {"a": 1, "b": 0}}, "intake keys"),
        ({"now": datetime(1970, 1, 1, tzinfo=UTC)}, "clock"),
        ({"now": datetime(2108, 1, 1, tzinfo=UTC)}, "clock"),
        ({"alive_at": NOW + timedelta(hours=1)}, "clock"),
    ],
)
def test_each_fault_of_the_install_turns_its_own_check_red(more: dict[str, Any], name: str) -> None:
    assert red(settings(), GOOD, **more) == [name]


def test_each_fault_of_the_settings_turns_its_own_check_red() -> None:
    assert red(settings(log_level="debug"), GOOD) == ["logs"]
    everywhere = settings(listen="0.0.0.0:80", behind_proxy=["10.0.0.1"])
    assert red(everywhere, GOOD) == ["public url"]
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
