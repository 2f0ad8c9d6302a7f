"""Does what other systems watch become an estate without an error, with nothing dropped in silence?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mainstay import estate
from mainstay.cli import program, run
from mainstay.estate import Estate
from mainstay.estate.importers import IMPORTERS, Draft, Text
from mainstay.foundation.errors import Invalid

FOLDER = Path(__file__).parent / "imports"
FILES = {
    "nagios": ("nagios.cfg",),
    "icinga2": ("icinga2.conf",),
    "gatus": ("gatus.yaml",),
    "uptime-kuma": ("kuma.json",),
    "healthchecks": ("healthchecks.json",),
    "blackbox": ("prometheus.yml", "blackbox.yml"),
    "backstage": ("backstage.yaml",),
}


def texts(system: str) -> list[Text]:
    return [Text(name, (FOLDER / name).read_text(encoding="utf-8")) for name in FILES[system]]


def imported(tmp_path: Path, system: str) -> tuple[Estate, str]:
    """The estate that an import makes beside a first one, and its text."""
    draft = Draft()
    IMPORTERS[system](texts(system), draft)
    words = draft.yaml(origin=system)
    return beside_a_first_one(tmp_path, words), words


def beside_a_first_one(folder: Path, words: str) -> Estate:
    """The estate of a folder that `mainstay init` has written, and this file."""
    for name, text in estate.starter().items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "imported.yaml").write_text(words, encoding="utf-8")
    return estate.read(folder)


@pytest.mark.parametrize("system", IMPORTERS)
def test_what_is_imported_is_an_estate_without_an_error(tmp_path: Path, system: str) -> None:
    declared, words = imported(tmp_path, system)
    assert declared.checks or declared.services
    assert "Left out: " in words


@pytest.mark.parametrize("system", IMPORTERS)
def test_no_secret_is_carried_into_the_estate(tmp_path: Path, system: str) -> None:
    assert "canary" not in imported(tmp_path, system)[1]


def test_nagios_objects(tmp_path: Path) -> None:
    declared, words = imported(tmp_path, "nagios")
    postgres = declared.checks["postgres"]
    assert postgres.plugin is not None
    assert postgres.plugin.command == [
        "/usr/lib/nagios/plugins/check_pgsql", "-H", "{address}", "-p", "$USER3$", "-d", "payments",
    ]  # fmt: skip
    assert postgres.on == ["pg-01", "pg-02"]
    assert (postgres.service, postgres.attempts) == ("payments", 4)
    assert str(postgres.every) == "0:01:00"
    assert declared.checks["pg-01-ping"].unless_failing == ["gateway-ping"]
    backup = declared.checks["backup-pg-02"]
    assert backup.heartbeat
    assert backup.unless_failing == ["health-page-gateway"]
    assert declared.teams["payops"].members == ["mara"]
    assert declared.services["payments"].owner is None
    assert declared.services["gateway"].owner == "payops"
    for left in ("macro $USER3$", "check_period workhours", "timeperiod workhours", "email",
                 "serviceescalation", "command notify-by-mail", "_RACK"):  # fmt: skip
        assert left in words, left


def test_icinga2(tmp_path: Path) -> None:
    declared, words = imported(tmp_path, "icinga2")
    checks = declared.checks
    assert checks["pg-02-ping"].unless_failing == ["gateway-ping"]
    assert (str(checks["pg-01-ping"].every), checks["pg-01-ping"].attempts) == ("0:01:00", 4)
    ssh = checks["ssh-pg-01"]
    assert (ssh.on, ssh.attempts, str(ssh.every), str(ssh.retry)) == (
        ["pg-01"], 5, "0:00:30", "0:00:10",
    )  # fmt: skip
    queue = checks["queue"]
    assert queue.plugin is not None
    assert queue.plugin.command == [
        "/usr/lib/nagios/plugins/check_queue", "-H", "{address}", "--password", "$db_password$",
        "--tls", "-p", "8443", "pay",
    ]  # fmt: skip
    assert (queue.on, queue.unless_failing) == (["pg-01", "pg-02"], ["ssh-pg-01"])
    pay = checks["pay-pg-01"]
    assert pay.plugin is not None
    assert pay.plugin.command[1:] == ["-I", "{address}", "-u", "/health", "-S"]
    disk = checks["disk--pg-02"]
    assert disk.ssh is not None
    assert disk.ssh.command == "/usr/lib/nagios/plugins/check_disk -w 20% -c 10% -p /"
    assert checks["import-pg-01"].heartbeat
    assert declared.hosts["pg-01"].tags == ["db", "linux"]
    assert declared.hosts["gateway"].tags == []
    assert declared.teams["payops"].members == ["mara"]
    for left in ("icinga2.conf:98:19: expected a value", "icinga2.conf:99:3: 'if'",
                 "icinga2.conf:108:32: apply Service: this function", "icinga2.conf:138:1: 'for'",
                 "icinga2.conf:130:1: apply Notification mail", "TimePeriod workhours",
                 "check_period workhours", "agent ran it there", "macro $db_password$"):  # fmt: skip
        assert left in words, left


def test_whatever_stands_in_a_file_of_icinga2_the_rest_is_read() -> None:
    whole = (FOLDER / "icinga2.conf").read_text(encoding="utf-8")
    after = 'object Host "after" {\n}\n'
    for size in range(0, len(whole), 37):
        draft = Draft()
        IMPORTERS["icinga2"]([Text("a", whole[:size]), Text("b", after)], draft)
        assert "after" in draft.things["hosts"], whole[:size]
    for odd in ("object Host " + "(" * 5000, 'object Host "x" { vars.a = ' + "[" * 5000 + "\n}\n",
                'object Host "x" { import "x" }\ntemplate Host "x" { import "x" }\n'):  # fmt: skip
        draft = Draft()
        IMPORTERS["icinga2"]([Text("a", odd), Text("b", after)], draft)
        assert list(draft.things["hosts"]) == ["after"]
        assert draft.left_out
    circle = "const A = B\nconst B = A\nobject Host A { }\n"
    with pytest.raises(Invalid, match="nested too deep"):
        IMPORTERS["icinga2"]([Text("a", circle)], Draft())


def test_gatus(tmp_path: Path) -> None:
    declared, words = imported(tmp_path, "gatus")
    check = declared.checks["pay-api"]
    assert check.http is not None
    assert (check.http.method, check.http.body) == ("POST", '{"ping": 1}')
    assert check.http.headers == {"Accept": "application/json"}
    assert check.expect == [
        "status == 200", "status == 200 or status == 429", "latency < 500ms",
        'json("$.status") == "UP"', 'body contains "healthy"', "cert_days > 20",
    ]  # fmt: skip
    assert str(check.every) == "0:00:30"
    assert declared.checks["nightly-export"].heartbeat
    for left in ("len([BODY].items)", "[DNS_RCODE]", "alerting", "turned off", "alerts:"):
        assert left in words, left


def test_uptime_kuma(tmp_path: Path) -> None:
    declared, words = imported(tmp_path, "uptime-kuma")
    check = declared.checks["checkout"]
    assert check.http is not None
    assert check.http.url == "https://pay.alpenpay.example/"
    assert check.expect == [
        "(status >= 200 and status <= 299) or status == 304", 'body contains "Pay now"',
        "cert_days > 21",
    ]  # fmt: skip
    assert (check.service, check.attempts, check.tags) == ("payments", 3, ["prod"])
    assert declared.checks["export"].heartbeat
    assert declared.checks["cache"].redis is not None
    assert declared.checks["cache"].redis.to == "cache:6379"
    for left in ("monitor Broker", "notification Ops mail", "it is paused there", "push token"):
        assert left in words, left


def test_healthchecks(tmp_path: Path) -> None:
    declared, words = imported(tmp_path, "healthchecks")
    check = declared.checks["pay-db-backup"]
    assert (check.schedule, check.timezone, check.service) == (
        "15 1 * * *",
        "Europe/Zurich",
        "pay-db",
    )
    assert str(check.grace) == "0:40:00"
    assert declared.checks["weekly"].schedule == "Mon..Fri 18:00"
    assert "8f57b84b" not in words
    for left in ("heartbeats adopt pay-db-backup", "integrations", "methods", "heartbeats pause"):
        assert left in words, left


def test_blackbox(tmp_path: Path) -> None:
    declared, words = imported(tmp_path, "blackbox")
    check = declared.checks["pay-health-pay.alpenpay.example-health"]
    assert check.expect == [
        "status == 200 or status == 204", 'body matches "\\"status\\":\\\\s*\\"UP\\""',
        "cert_days > 0",
    ]  # fmt: skip
    assert (check.service, str(check.every), str(check.timeout)) == (
        "pay-api",
        "0:00:30",
        "0:00:05",
    )
    assert declared.checks["found-192.0.2.1"].ping is not None
    for left in ("job node", "label env", "prober grpc", "file_sd_configs", "basic_auth"):
        assert left in words, left


def test_backstage(tmp_path: Path) -> None:
    declared, words = imported(tmp_path, "backstage")
    service = declared.services["pay-api"]
    assert (service.name, service.tier, service.owner) == ("Payments API", 1, "payops")
    assert service.depends == ["pay-db", "fraud"]
    assert service.repo == "alpenpay/pay-api"
    assert declared.services["pay-db"].type == "database"
    assert declared.people["mara"].name == "Mara Keller"
    for left in ("component:gone", "owner nobody", "lifecycle", "system payments", "tags: java"):
        assert left in words, left


@pytest.mark.parametrize(
    ("system", "text", "words"),
    [
        ("nagios", "define host {\n  host_name a\n", "f:1: this host is not closed"),
        ("nagios", "define host {\n use nothing\n}\n", "f:1: it uses the template 'nothing'"),
        ("nagios", 'object Host "a" {\n}', "f:1: this is Icinga 2's language"),
        ("nagios", "define host {\n host_name a\n check_command c\n check_interval x\n}", "f:1: check_interval"),
        ("nagios", "", "f:1: no object here"),
        ("gatus", "endpoints:\n  - name: [", "f:3: this YAML cannot be read"),
        ("gatus", "endpoints:\n  - {name: a, url: 'gopher://x'}", "f:2: nothing here looks at"),
        ("gatus", "endpoints:\n  - {name: a, url: 'http://x', interval: soon}", "f:2: expected an interval"),
        ("gatus", "a: 1", "f:1: no endpoints"),
        ("uptime-kuma", '{"monitorList":\n [}', "f:2: this is not JSON"),
        ("uptime-kuma", "[1]", "f:1: expected a backup of Uptime Kuma"),
        ("healthchecks", '{"checks":\n[{"name": "a", "schedule": "61 * * * *"}]}', "f:2: '61 * * * *'"),
        ("healthchecks", "[" * 100_000, "f:1: this JSON cannot be read"),
        ("blackbox", "a: 1", "f:1: expected modules"),
        ("backstage", "kind: Component", "f:1: expected an entity of Backstage"),
    ],
)  # fmt: skip
def test_bad_input_is_told_with_its_file_and_line(system: str, text: str, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        IMPORTERS[system]([Text("f", text)], Draft())
    assert refused.value.sentence.startswith(words)


def cli(*arguments: str) -> int:
    return run(program(), ["import", *arguments])


def test_the_command_writes_a_file_beside_an_estate_and_declares_nothing_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "estate"
    folder.mkdir()
    beside_a_first_one(folder, "services: {pay-db: {tier: 1, owner: ops}}\n")
    source, target = str(FOLDER / "healthchecks.json"), folder / "jobs.yaml"
    assert cli("healthchecks", source, "--beside", str(folder), "--to", str(target)) == 0
    assert "Carried over: 1 service, 3 checks. Left out: " in capsys.readouterr().err
    declared = estate.read(folder)
    assert declared.services["pay-db"].tier == 1
    assert len(declared.checks) == 3
    assert cli("healthchecks", source, "--to", str(target)) == 2
    assert "is there already" in capsys.readouterr().err


def test_the_command_reads_a_folder_and_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli("nagios", str(FOLDER)) == 0
    printed = capsys.readouterr()
    assert beside_a_first_one(tmp_path, printed.out).checks
    assert cli("nagios", str(FOLDER), "--json") == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\xff\xfe", "1: this is not UTF-8 text"), (None, "cannot read this file")],
)
def test_a_file_that_cannot_be_read_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, words: str
) -> None:
    file: Any = tmp_path / "a.json"
    if content is not None:
        file.write_bytes(content)
    assert cli("healthchecks", str(file)) == 2
    assert words in capsys.readouterr().err


def test_hostile_names_stay_names(tmp_path: Path) -> None:
    name = 'x": }\n# evil: {\u2028"\x00'
    checks = [{"name": name, "slug": "", "desc": name, "tags": name, "timeout": 60, "grace": 60}]
    draft = Draft()
    IMPORTERS["healthchecks"]([Text("f", json.dumps({"checks": checks}))], draft)
    declared = beside_a_first_one(tmp_path, draft.yaml(origin="healthchecks"))
    assert len(declared.checks) == 1
