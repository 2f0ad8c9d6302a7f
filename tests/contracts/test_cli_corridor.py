"""Can a person walk the whole corridor from the terminal, with a real server in its own process?"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trustme
from cli_serving import Install, kill_quietly

from mainstay.foundation.secrets import TOKEN_PREFIX
from peers import wait_until


@pytest.fixture
def install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Install]:
    for name in [name for name in os.environ if name.startswith("MAINSTAY_")]:
        monkeypatch.delenv(name)
    made = Install(tmp_path, capsys)
    yield made
    kill_quietly(made.process)


def open_incident(install: Install, **labels: str) -> str:
    """The name of the incident that a fresh alert has opened."""
    key = install.says("key", "create", "prometheus").strip()
    receipt = install.send_alert(key, **labels)
    wait_until(
        lambda: "opened" in install.cli("trace", receipt)[1], within_s=20, what="an incident"
    )
    found = install.json("incidents")["items"]
    return str(next(one["name"] for one in found if one["service"] == labels["service"]))


def test_an_alert_goes_from_the_terminal_to_an_acknowledged_incident(install: Install) -> None:
    install.start()
    assert "No estate yet" in install.greeting
    assert "mainstay init && mainstay apply" in install.greeting
    folder = str(install.estate())
    assert "is good" in install.says("check", folder)
    assert "added services shop-db" in install.says("plan", folder)
    assert "version 1 in force" in install.says("apply", folder, "--yes")
    assert "Nothing would change" in install.says("plan", folder)
    name = open_incident(install, service="shop-db")
    assert "replica lag 40 s" in install.says("incidents")
    assert f"acknowledged {name}" in install.says("ack", name)
    story = install.says("trace", name)
    assert "operator has it" in story.splitlines()[0]
    assert "nothing open on shop-db" in story
    assert "Noted" in install.says("note", name, "rebuilt", "the", "replica")
    assert "rebuilt the replica" in install.says("incidents", name)
    assert "resolved" in install.says("resolve", name).lower()
    assert "The record is whole" in install.says("audit", "verify")


def test_every_list_is_also_json_that_can_be_read(install: Install) -> None:
    install.start("--estate", str(install.estate()))
    open_incident(install, service="shop")
    for words in (
        "incidents", "alerts", "silence list", "signals list", "oncall who", "oncall show",
        "override list", "contact list", "contact list ana", "key list", "token list", "status",
        "shift", "shadow", "audit verify", "audit log", "doctor --allow-root",
    ):  # fmt: skip
        code, out, err = install.cli(*words.split(), "--json")
        assert code == 0, (words, out, err)
        assert json.loads(out), words


def test_output_that_is_piped_holds_no_colours_and_cuts_nothing(install: Install) -> None:
    install.start("--estate", str(install.estate()))
    install.says("report", "x" * 300, "--service", "shop", "--severity", "critical")
    wait_until(lambda: "x" * 300 in install.says("incidents"), within_s=20, what="the report")
    for words in (["incidents"], ["shift", "--once"], ["shift"], ["audit", "log"]):
        assert "\x1b" not in install.says(*words)


def test_people_take_shifts_silence_and_are_told_where_pages_go(install: Install) -> None:
    install.start("--estate", str(install.estate()))
    said = install.says(
        "override", "add", "ops-oncall", "ben", "--until", "+2h", "--reason", "dentist"
    )
    assert "ben is on call for ops-oncall" in said
    assert install.json("oncall", "who", "ops-oncall")["items"][0]["person"] == "ben"
    made = install.json("override", "list")["items"][0]["id"]
    assert "removed the override" in install.says("override", "remove", made)
    install.says("silence", "add", "service=shop", "--for", "2h", "--reason", "planned")
    silence = install.json("silence", "list")["items"][0]
    assert silence["matchers"] == ["service=shop"] or "shop" in silence["matchers"][0]
    install.says("silence", "end", silence["id"])
    assert "Nothing is silenced" in install.says("silence", "list")
    code, _, err = install.cli("contact", "add", "ana", "carrier-pigeon", "roof")
    assert code == 2
    assert "carrier-pigeon" in err
    install.says("contact", "add", "ana", "webhook", "https://hooks.example.com/a")
    address = install.json("contact", "list", "ana")["addresses"][0]["id"]
    said = install.says("contact", "rule", "add", "ana", "high", address, "--after", "5m")
    assert "after 5 min" in said
    assert install.json("contact", "list", "ana")["rules"][0]["delay_s"] == 300
    assert "5 m" in install.says("contact", "list", "ana")


def test_a_test_page_that_nobody_took_is_a_failure_for_scripts_too(install: Install) -> None:
    install.start("--estate", str(install.estate()))
    install.says("contact", "add", "ana", "webhook", "https://pages.invalid/ana")
    code, out, _ = install.cli("contact", "test", "ana")
    assert "✗" in out
    assert "No address is known for pages.invalid" in out
    assert "Errno" not in out
    assert code == 1
    assert install.cli("contact", "test", "ana", "--json")[0] == 1


def test_what_was_done_names_times_as_people_write_them(install: Install) -> None:
    install.start("--estate", str(install.estate()))
    said = install.says("silence", "add", "service=shop", "--for", "2h", "--reason", "move")
    assert re.search(r"until \w{3} \d+ \w{3} \d\d:\d\d CES?T( \d{4})?: move", said)
    said = install.says(
        "override", "add", "ops-oncall", "ben", "--until", "+2h", "--reason", "dentist"
    )
    assert re.search(r"from \w{3} \d+ \w{3} \d\d:\d\d CES?T to ", said)


def test_an_unknown_channel_is_refused_with_the_table_that_it_needs(install: Install) -> None:
    install.start("--estate", str(install.estate()))
    code, _, err = install.cli("contact", "add", "ana", "mail", "ana@example.org")
    assert code == 2
    assert "[smtp] in mainstay.toml" in err


def test_a_day_that_is_none_is_refused_with_what_fits(install: Install) -> None:
    install.start("--estate", str(install.estate()))
    code, _, err = install.cli("shadow", "--day", "yesterday")
    assert code == 2
    assert "write it as 2026-11-22" in err


def test_nothing_is_lost_when_the_server_is_killed(install: Install) -> None:
    install.start("--estate", str(install.estate()))
    name = open_incident(install, service="shop-db")
    install.says("ack", name)
    token = json.loads((install.data / "cli.json").read_text())["token"]
    assert install.stop(signal.SIGKILL) == -signal.SIGKILL
    code, _, err = install.cli("incidents")
    assert code == 1
    assert "mainstay serve" in err
    install.start()
    assert json.loads((install.data / "cli.json").read_text())["token"] == token
    found = install.json("incidents", name)
    assert found["acknowledged_by"] == "operator"
    assert "Version 1 of the estate is in force" in install.greeting


def test_a_second_server_on_the_same_data_folder_is_refused(install: Install) -> None:
    install.start()
    assert install.process is not None
    second = install.launch()
    assert second.wait(timeout=40) == 2
    assert f"Another Mainstay (pid {install.process.pid}) already serves" in install.log
    assert install.json("status")["version"]


def test_the_token_file_is_its_owners_alone_and_a_leaked_one_is_replaced(install: Install) -> None:
    install.start()
    path = install.data / "cli.json"
    for file in (path, install.data / "mainstay.db", install.data / "mainstay.pid"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE(install.data.stat().st_mode) == 0o700
    leaked = json.loads(path.read_text())["token"]
    assert leaked.startswith(TOKEN_PREFIX)
    assert install.stop() == 0
    path.chmod(0o644)
    install.start()
    assert json.loads(path.read_text())["token"] != leaked
    code, _, err = install.cli("--url", install.url, "--token", leaked, "status")
    assert code == 2
    assert "MAINSTAY_TOKEN" in err


def test_a_bad_estate_never_replaces_a_good_one(install: Install) -> None:
    folder = install.estate()
    install.start("--estate", str(folder))
    assert install.process is not None
    good = (folder / "services.yaml").read_text()
    (folder / "services.yaml").write_text(good.replace("owner: ops", "owner: opps"))
    install.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "stays in force" in install.log, within_s=20, what="the log's word")
    assert re.search(r"estate/services\.yaml:\d+:\d+: E202 .* no such team", install.log)
    assert install.json("status")["estate_version"] == 1
    (folder / "services.yaml").write_text(good.replace("tier: 3", "tier: 2"))
    install.process.send_signal(signal.SIGHUP)
    wait_until(lambda: install.json("status")["estate_version"] == 2, within_s=20, what="version 2")
    (folder / "org.yaml").write_text("org: [")
    assert install.stop() == 0
    install.start("--estate", str(folder))
    assert install.json("status")["estate_version"] == 2


def test_a_bad_estate_ends_the_first_start_with_its_problems(install: Install) -> None:
    folder = install.estate()
    (folder / "org.yaml").write_text("org: [")
    assert install.launch("--estate", str(folder)).wait(timeout=40) == 2
    assert "org.yaml:" in install.log
    assert "E104" in install.log
    assert "Traceback" not in install.log


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_ends_well_within_ten_seconds(
    install: Install, how: signal.Signals
) -> None:
    install.start()
    with socket.create_connection(("127.0.0.1", install.port)) as slow:
        slow.sendall(b"POST /api/v2/alerts HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n[")
        assert install.stop(how) == 0
    assert "stopped" in install.log
    assert (install.data / "mainstay.pid").read_text() == ""


def test_a_taken_port_is_one_clear_sentence(install: Install) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", install.port))
        taken.listen()
        assert install.launch().wait(timeout=40) == 2
    assert "Cannot listen on 127.0.0.1" in install.log
    assert "Traceback" not in install.log


def test_a_wrong_setting_is_named_with_its_place(install: Install) -> None:
    assert install.launch(MAINSTAY_RETENTION_DAYS="soon").wait(timeout=40) == 2
    assert "MAINSTAY_RETENTION_DAYS" in install.log
    assert "Traceback" not in install.log


def test_logs_are_json_when_asked_and_never_hold_the_token(install: Install) -> None:
    install.start("--log-format", "json", "--log-level", "debug", "--estate", str(install.estate()))
    token = json.loads((install.data / "cli.json").read_text())["token"]
    install.says("status")
    assert install.stop() == 0
    lines = [json.loads(line) for line in install.log.splitlines()]
    assert any("in force" in line["message"] for line in lines)
    assert token not in install.log


def test_keys_and_tokens_can_be_made_without_a_server(install: Install) -> None:
    install.start("--estate", str(install.estate()))
    assert install.stop() == 0
    code, out, err = install.cli("key", "create", "prometheus")
    assert code == 0
    assert len(out.strip()) == 32
    assert "no server" in err
    token = install.says("token", "create", "ana", "--about", "laptop").strip()
    code, _, err = install.cli("key", "create", "nagios", "--local")
    assert code == 2
    assert "nagios" in err
    install.start()
    assert install.send_alert(out.strip(), service="shop").startswith("rcp_")
    mine = install.json("--url", install.url, "--token", token, "incidents")
    assert "items" in mine
    code, _, err = install.cli("--url", install.url, "--token", token, "key", "list")
    assert code == 2
    assert "admin" in err


def test_tampering_is_found_while_the_server_runs(install: Install) -> None:
    install.start("--estate", str(install.estate()))
    wait_until(
        lambda: install.json("audit", "verify")["unsealed"] == 0, within_s=20, what="the seal"
    )
    assert "The record is whole" in install.says("audit", "verify")
    with sqlite3.connect(install.data / "mainstay.db") as database:
        database.execute("UPDATE foundation_record SET because = 'nothing' WHERE seq = 1")
    code, out, _ = install.cli("audit", "verify")
    assert code == 1
    assert "tampered" in out


def test_what_the_server_refuses_is_a_sentence_and_exit_2(install: Install) -> None:
    install.start("--estate", str(install.estate()))
    code, out, err = install.cli("ack", "INC-99")
    assert (code, out) == (2, "")
    assert "INC-99" in err
    assert "Traceback" not in err
    code, _, err = install.cli("trace", "../../etc")
    assert code == 2
    code, _, err = install.cli("apply", str(install.estate()))
    assert code == 0  # nothing would change, so nobody is asked
    (install.folder / "estate" / "org.yaml").write_text("org: [")
    code, _, err = install.cli("apply", str(install.estate()), "--yes")
    assert code == 2
    assert "E104" in err


def test_doctor_is_red_when_others_may_read_the_data(install: Install) -> None:
    install.start("--estate", str(install.estate()))
    install.says("key", "create", "prometheus")
    calm = install.says("doctor", "--allow-root")
    assert "✗" not in calm
    assert "✓ durable" in calm
    assert "(journal_mode is wal, synchronous is full)" in calm
    install.data.chmod(0o755)
    code, out, _ = install.cli("doctor", "--allow-root")
    assert code == 1
    assert "✗ data dir" in out


def test_doctor_is_red_when_the_file_was_taken_out_of_its_log(install: Install) -> None:
    install.start("--estate", str(install.estate()))
    install.says("key", "create", "prometheus")
    assert install.stop() == 0
    with closing(sqlite3.connect(install.data / "mainstay.db")) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    code, out, _ = install.cli("doctor", "--allow-root")
    assert code == 1
    assert "✗ durable" in out
    assert "journal_mode is delete" in out
    with closing(sqlite3.connect(install.data / "mainstay.db")) as connection:
        mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    assert mode == "delete", "doctor changed the file"


def test_with_a_certificate_it_speaks_tls_and_the_command_line_verifies_it(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(install.folder / "ca.pem"))
    own = authority.issue_cert("localhost")
    own.private_key_pem.write_to_path(str(install.folder / "key.pem"))
    own.cert_chain_pems[0].write_to_path(str(install.folder / "cert.pem"))
    install.process = install.launch(
        "--tls-cert", str(install.folder / "cert.pem"), "--tls-key",
        str(install.folder / "key.pem"), "--public-url", f"https://localhost:{install.port}",
    )  # fmt: skip
    wait_until(lambda: "listens on https" in install.greeting, within_s=40, what="the server")
    code, _, err = install.cli("status")
    assert code == 1
    assert "No trusted TLS" in err
    monkeypatch.setenv("SSL_CERT_FILE", str(install.folder / "ca.pem"))
    assert install.json("status")["version"]
