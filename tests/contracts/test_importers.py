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
