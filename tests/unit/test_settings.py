"""Where does a setting come from, and what happens when one is wrong?"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from mainstay.foundation.errors import Invalid
from mainstay.foundation.limits import Limits
from mainstay.foundation.settings import (
    LimitSettings,
    Loaded,
    Settings,
    find_file,
    load,
    references,
)

HOME = {"HOME": "/home/ana"}


def from_file(tmp_path: Path, text: str, **layers: Any) -> Loaded:
    file = tmp_path / "mainstay.toml"
    file.write_text(text)
    environment = {**HOME, **layers.get("environment", {})}
    return load(file=file, environment=environment, flags=layers.get("flags", {}))


def wrong(tmp_path: Path, text: str, **layers: Any) -> list[dict[str, str]]:
    with pytest.raises(Invalid) as caught:
        from_file(tmp_path, text, **layers)
    problems: list[dict[str, str]] = caught.value.facts["problems"]
    return problems


def test_without_any_layer_the_defaults_are_safe() -> None:
    loaded = load(file=None, environment=HOME, flags={})
    settings = loaded.settings
    assert settings.listen == "127.0.0.1:8460"
    assert settings.public_url == "http://127.0.0.1:8460"
    assert settings.data_dir == Path("/home/ana/.local/share/mainstay")
    assert (settings.allow_root, settings.egress.allow, settings.smtp) == (False, (), None)
    assert (settings.retention_days, settings.page_per_minute) == (30, 1)
    assert set(loaded.origin.values()) == {"default"}


def test_xdg_data_home_moves_the_data() -> None:
    loaded = load(file=None, environment={**HOME, "XDG_DATA_HOME": "/srv"}, flags={})
    assert loaded.settings.data_dir == Path("/srv/mainstay")


def test_a_flag_wins_over_the_environment_over_the_file_over_the_default(tmp_path: Path) -> None:
    text = 'retention_days = 7\nlog_level = "warning"\nlisten = "127.0.0.1:1"'
    environment = {"MAINSTAY_LOG_LEVEL": "error", "MAINSTAY_LISTEN": "127.0.0.1:2"}
    loaded = from_file(
        tmp_path, text, environment=environment, flags={"listen": "127.0.0.1:3", "estate": None}
    )
    assert loaded.settings.retention_days == 7
    assert loaded.settings.log_level == "error"
    assert loaded.settings.listen == "127.0.0.1:3"
    names = ("retention_days", "log_level", "listen", "estate")
    assert [loaded.origin[name] for name in names] == ["file", "environment", "flag", "default"]


def test_nested_values_come_from_every_layer_and_merge(tmp_path: Path) -> None:
    loaded = from_file(
        tmp_path,
        '[smtp]\nhost = "mail.bank"\nsender = "mainstay@bank"\nport = 1',
        environment={"MAINSTAY_SMTP__PORT": "2525"},
        flags={"smtp.security": "tls", "limits": {"depth": 8}},
    )
    assert loaded.settings.smtp is not None
    assert loaded.settings.smtp.host == "mail.bank"
    assert loaded.settings.smtp.port == 2525
    assert loaded.settings.smtp.security == "tls"
    assert loaded.settings.limits.depth == 8
    assert loaded.origin["smtp.port"] == "environment"
    assert loaded.origin["smtp.security"] == "flag"
    assert loaded.origin["limits.keys"] == "default"


def test_a_list_in_the_environment_is_split_at_commas() -> None:
    environment = {
        **HOME,
        "MAINSTAY_BEHIND_PROXY": "10.0.0.1, 10.1.0.0/16",
        "MAINSTAY_EGRESS__ALLOW": "127.0.0.1:2525",
    }
    settings = load(file=None, environment=environment, flags={}).settings
    assert settings.behind_proxy == ("10.0.0.1", "10.1.0.0/16")
    assert settings.egress.allow == ("127.0.0.1:2525",)


def test_an_empty_variable_counts_as_not_set() -> None:
    loaded = load(file=None, environment={**HOME, "MAINSTAY_LISTEN": ""}, flags={})
    assert loaded.origin["listen"] == "default"


def test_variables_with_other_readers_and_variables_that_hold_a_secret_are_no_settings(
    tmp_path: Path,
) -> None:
    text = 'smtp = {host = "h", sender = "a@b", user = "u", password = "env:MAINSTAY_SMTP_WORD"}'
    environment = {"MAINSTAY_SMTP_WORD": "x", "MAINSTAY_CONFIG": "y", "MAINSTAY_TOKEN": "z"}
    loaded = from_file(tmp_path, text, environment=environment)
    assert references(loaded.settings) == {"smtp.password": "env:MAINSTAY_SMTP_WORD"}


def test_a_relative_path_counts_from_the_folder_of_the_file_that_names_it(tmp_path: Path) -> None:
    loaded = from_file(tmp_path, 'estate = "estate"\ndata_dir = "~/data"', flags={"tls_cert": None})
    assert loaded.settings.estate == tmp_path / "estate"
    assert loaded.settings.data_dir == Path("/home/ana/data")
    assert load(file=None, environment=HOME, flags={"estate": "here"}).settings.estate == Path(
        "here"
    )


def test_every_mistake_is_reported_at_once_each_at_its_place(tmp_path: Path) -> None:
    text = 'lisen = "x"\nretention_days = 0\n\n[smtp]\nhost = "h"\n# a comment\nport = 99999\n'
    problems = wrong(
        tmp_path,
        text,
        environment={"MAINSTAY_LOG_FORMT": "json"},
        flags={"log_level": "loud"},
    )
    file = tmp_path / "mainstay.toml"
    assert {(p["where"], p["key"]) for p in problems} == {
        (f"{file}:1", "lisen"),
        (f"{file}:2", "retention_days"),
        (f"{file}:5", "smtp.sender"),
        (f"{file}:7", "smtp.port"),
        ("MAINSTAY_LOG_FORMT", "log_formt"),
        ("--log-level", "log_level"),
    }


@pytest.mark.parametrize(
    ("text", "near"),
    [('lisen = "x"', "'listen'"), ("[smtp]\npasword = 1", "'smtp.password'")],
)
def test_an_unknown_key_is_refused_with_the_nearest_name(
    tmp_path: Path, text: str, near: str
) -> None:
    sentences = [p["sentence"] for p in wrong(tmp_path, text)]
    assert any(f"did you mean {near}" in sentence for sentence in sentences)


def test_a_value_where_a_table_is_expected_says_what_to_set(tmp_path: Path) -> None:
    (problem,) = wrong(tmp_path, "", environment={"MAINSTAY_EGRESS": "x"})
    assert problem["sentence"] == "egress is a table; set egress.allow"


def test_an_empty_table_is_told_what_it_lacks(tmp_path: Path) -> None:
    assert {p["key"] for p in wrong(tmp_path, "[smtp]")} == {"smtp.host", "smtp.sender"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[limits]\n"depth" = 1', 2),
        ("limits.depth = 1", 1),
        ("\nlimits = {depth = 1}", 2),
        ("[ limits ]\n\ndepth=1", 3),
    ],
)
def test_the_line_is_found_however_the_key_is_written(tmp_path: Path, text: str, line: int) -> None:
    (problem,) = wrong(tmp_path, text)
    assert problem["where"] == f"{tmp_path / 'mainstay.toml'}:{line}"


@pytest.mark.parametrize("text", ["a = ", "[x", 'a = "\x00"', "a = " + "[" * 5000])
def test_a_file_that_is_not_toml_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    (problem,) = wrong(tmp_path, text)
    assert str(tmp_path / "mainstay.toml") in problem["where"]
    assert "not TOML" in problem["sentence"]


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="No such file"):
        load(file=tmp_path / "none.toml", environment=HOME, flags={})
    with pytest.raises(Invalid, match="directory"):
        load(file=tmp_path, environment=HOME, flags={})
    (tmp_path / "latin.toml").write_bytes(b'a = "\xe9"')
    with pytest.raises(Invalid, match="UTF-8"):
        load(file=tmp_path / "latin.toml", environment=HOME, flags={})


def test_the_file_of_the_flag_wins_over_the_environment_over_the_folder(tmp_path: Path) -> None:
    environment = {"MAINSTAY_CONFIG": "/etc/mainstay.toml"}
    assert find_file(flag=Path("a"), environment=environment, folder=tmp_path) == Path("a")
    named = find_file(flag=None, environment=environment, folder=tmp_path)
    assert named == Path("/etc/mainstay.toml")
    assert find_file(flag=None, environment={}, folder=tmp_path) is None
    (tmp_path / "mainstay.toml").touch()
    assert find_file(flag=None, environment={}, folder=tmp_path) == tmp_path / "mainstay.toml"


# -- secrets -------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["hunter2", "file:relative", "env:A B", "env:", "file:", 1234])
def test_a_secret_by_value_is_refused_with_how_to_mend_it_and_never_repeated(
    tmp_path: Path, given: object
) -> None:
    flags = {"smtp": {"host": "h", "sender": "a@b", "user": "u", "password": given}}
    with pytest.raises(Invalid) as caught:
        from_file(tmp_path, "", flags=flags)
    assert caught.value.facts["problems"][0]["key"] == "smtp.password"
    if isinstance(given, str):
        assert "file:/path" in caught.value.sentence
    for pasted in ("hunter2", "1234"):
        assert pasted not in repr(caught.value.facts) + caught.value.sentence
    assert caught.value.__cause__ is None


# -- what may not be together --------------------------------------------------------------------


@pytest.mark.parametrize("listen", ["0.0.0.0:80", "[::]:80", "10.1.2.3:80", "mainstay.bank:80"])
def test_other_machines_may_reach_us_only_by_tls_or_through_a_listed_proxy(
    tmp_path: Path, listen: str
) -> None:
    text = f'\nlisten = "{listen}"'
    (problem,) = wrong(tmp_path, text)
    assert problem["where"].endswith("mainstay.toml:2")
    assert "behind_proxy" in problem["sentence"]
    flags = {"tls_cert": "/c", "tls_key": "/k"}
    assert from_file(tmp_path, text, flags=flags).settings.public_url == f"https://{listen}"
    assert from_file(tmp_path, text, flags={"behind_proxy": ["10.0.0.1"]}).settings


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "127.9.9.9:80", "[::1]:80", "localhost:80"])
def test_this_machine_needs_no_tls(tmp_path: Path, listen: str) -> None:
    assert from_file(tmp_path, f'listen = "{listen}"').settings.address.loopback


@pytest.mark.parametrize(
    "text", ["8460", ":8460", "a:70000", "http://a:80", "::1:80", "a:", "a b:1"]
)
def test_an_address_that_is_not_host_and_port_is_refused(tmp_path: Path, text: str) -> None:
    (problem,) = wrong(tmp_path, "", flags={"listen": text})
    assert "expected host:port" in problem["sentence"]


@pytest.mark.parametrize("flags", [{"tls_cert": "/c"}, {"tls_key": "/k"}])
def test_certificate_and_key_go_together(tmp_path: Path, flags: dict[str, str]) -> None:
    (problem,) = wrong(tmp_path, "", flags=flags)
    assert "go together" in problem["sentence"]


def test_a_mail_password_never_travels_unencrypted_to_another_machine(tmp_path: Path) -> None:
    smtp = {"host": "mail.bank", "sender": "a@b", "user": "u", "password": "env:P"}
    (problem,) = wrong(tmp_path, "", flags={"smtp": {**smtp, "security": "none"}})
    assert problem["key"] == "smtp.security"
    assert from_file(tmp_path, "", flags={"smtp": smtp}).settings.smtp
    local = {**smtp, "security": "none", "host": "127.0.0.1"}
    assert from_file(tmp_path, "", flags={"smtp": local}).settings.smtp


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0", "proxy.bank", "10.0.0.7/24"])
def test_a_proxy_is_an_address_or_a_network_and_never_everybody(
    tmp_path: Path, network: str
) -> None:
    assert wrong(tmp_path, "", flags={"behind_proxy": [network]})[0]["key"] == "behind_proxy"


@pytest.mark.parametrize("url", ["ftp://a", "a", "https://u:p@a", "https://a?x=1", "https://"])
def test_a_public_url_is_plain_http(tmp_path: Path, url: str) -> None:
    assert wrong(tmp_path, "", flags={"public_url": url})[0]["key"] == "public_url"


def test_infinite_is_no_time_limit(tmp_path: Path) -> None:
    assert wrong(tmp_path, "limits.idle_s = inf")[0]["key"] == "limits.idle_s"


# -- what doctor prints --------------------------------------------------------------------------


def test_every_setting_is_shown_with_its_value_and_origin(tmp_path: Path) -> None:
    loaded = from_file(tmp_path, 'egress.allow = ["a:1", "b:2"]', flags={"allow_root": True})
    shown = {name: (value, origin) for name, value, origin in loaded.in_force()}
    assert shown["egress.allow"] == ("a:1, b:2", "file")
    assert shown["allow_root"] == ("yes", "flag")
    assert shown["smtp"] == ("–", "default")
    assert set(shown) == set(loaded.origin)


def test_the_limits_have_the_names_and_defaults_that_are_enforced() -> None:
    assert LimitSettings().model_dump() == dataclasses.asdict(Limits())


def test_every_reference_to_a_secret_is_known_as_one() -> None:
    settings = Settings.model_validate(
        {
            "data_dir": "/d",
            "smtp": {"host": "h", "sender": "a@b", "user": "u", "password": "env:A"},
            "sms": {"account": "a", "token": "env:B", "sender": "+41"},
        }
    )
    dumped = repr(settings.model_dump())
    assert sorted(references(settings).values()) == ["env:A", "env:B"]
    assert dumped.count("env:") == 2
