"""Does the process that keeps logs take what real senders send, blank it, and survive being killed?"""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from keeping_telemetry import KEY, WITHIN_S, Running

from mainstay.telemetry.store import Kept, Record, Wanted
from peers import free_port, wait_until

Found = Callable[[str, int], list[Record]]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    key = tmp_path / "key"
    key.touch(0o600)
    key.write_text(KEY)
    started = Running(tmp_path / "logs", "--key", f"file:{key}", "--blank", r"customer=C-\d+",
                      "--follow", f"shop={tmp_path / 'shop.log'}")  # fmt: skip
    yield started
    started.kill()


def loki(line: str) -> bytes:
    return json.dumps({"streams": [{"stream": {"app": "shop"}, "values": [["0", line]]}]}).encode()


def test_what_was_acknowledged_survives_a_kill_and_secrets_were_never_kept(
    running: Running,
) -> None:
    bodies = {
        "/loki/api/v1/push": loki("marked loki: password=hunter2 of C-17 by 4111 1111 1111 1111"),
        "/v1/logs": json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [
            {"severityNumber": 17, "body": {"stringValue": "marked otlp for mara@example.com"}}]}]}]}).encode(),
        "/logs/_bulk": b'{"create":{}}\n{"message":"marked bulk","log.level":"warn"}\n',
    }  # fmt: skip
    assert [running.post(path, body) for path, body in bodies.items()] == [204, 200, 200]
    running.kill()
    running.start()
    found = running.found("marked")
    assert sorted(one.body for one in found) == [
        "marked bulk", "marked loki: password=[secret] of [customer] by [card]", "marked otlp for [e-mail]",
    ]  # fmt: skip
    kept = b"".join(path.read_bytes() for path in running.folder.rglob("*.rows"))
    assert b"hunter2" not in kept
    assert running.process.poll() is None


@pytest.mark.skipif(shutil.which("logger") is None, reason="logger is not here")
@pytest.mark.parametrize("transport", ["--udp", "--tcp", "--tcp --octet-count", "--udp --rfc3164"])
def test_logger_is_heard(running: Running, transport: str) -> None:
    def heard() -> list[Record]:
        words = [
            "logger",
            "--server",
            "127.0.0.1",
            "--port",
            str(running.syslog),
            *transport.split(),
        ]
        subprocess.run(
            [*words, "-t", "shop", "-p", "user.err", "marked no connection"], check=True, timeout=30
        )
        return running.found("marked no connection")

    (one, *_) = wait_until(heard, within_s=WITHIN_S, what="logger's message is kept")
    assert (one.rank, one.service, one.body) == (4, "shop", "marked no connection")


def test_a_file_is_followed_over_rotation_and_a_kill(running: Running, tmp_path: Path) -> None:
    path = tmp_path / "shop.log"
    path.write_text("2026-03-01T00:00:00Z ERROR shop.db: marked one\n\tat a.b\n")
    wait_until(lambda: running.found("marked one"), within_s=WITHIN_S, what="the first line")
    running.kill()
    with path.open("a") as file:
        file.write("2026-03-01T00:00:01Z INFO shop.db: marked two\n")
    running.start()
    wait_until(lambda: running.found("marked two"), within_s=WITHIN_S, what="what came meanwhile")
    path.rename(tmp_path / "shop.log.1")
    path.write_text("2026-03-01T00:00:02Z INFO shop.db: marked three\n")
    wait_until(lambda: running.found("marked three"), within_s=WITHIN_S, what="the new file's line")
    assert {one.service for one in running.found("marked")} == {"shop"}


def test_who_has_no_key_or_no_door_is_refused(running: Running) -> None:
    assert running.post("/loki/api/v1/push", loki("x"), Authorization="Bearer wrong") == 401
    assert running.post("/elsewhere", b"{}") == 404
    assert running.post("/v1/logs", b"{") == 400
    assert running.post("/v1/logs", b"{}", **{"Content-Encoding": "br"}) == 400
    assert running.post("/v1/logs", b" " * (17 << 20)) == 413
    assert running.found("x") == []


def test_syslog_over_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(key)
    for part in issued.cert_chain_pems:
        part.write_to_path(cert, append=True)
    folder, port, http = tmp_path / "logs", free_port(), free_port()
    command = [sys.executable, "-m", "mainstay.logstore", "keep", "--folder", str(folder), "--listen", f"127.0.0.1:{http}",
               "--syslog", f"127.0.0.1:{port}", "--tls-cert", str(cert), "--tls-key", str(key)]  # fmt: skip
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:

            def connected() -> socket.socket | None:
                try:
                    return socket.create_connection(("127.0.0.1", port), timeout=5)
                except OSError:
                    return None

            plain = wait_until(connected, within_s=WITHIN_S, what="the port is open")
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as sender:
                sender.sendall(b"<11>1 2026-03-01T00:00:00Z h-1 shop - - - marked tls\n")
            store = Kept(folder, only_ask=True)
            wait_until(
                lambda: store.count(Wanted(text="marked tls")), within_s=WITHIN_S, what="it is kept"
            )
            store.close()
        finally:
            process.kill()


@pytest.mark.parametrize(
    "words",
    [
        ("--listen", "0.0.0.0:9"),
        ("--listen", "nowhere"),
        ("--key", "secret"),
        ("--blank", "x=("),
        ("--days-of", "a=b"),
    ],
)
def test_what_cannot_be_kept_safely_is_refused_in_a_sentence(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    command = [
        sys.executable,
        "-m",
        "mainstay.logstore",
        "keep",
        "--folder",
        str(tmp_path / "logs"),
        *words,
    ]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert said.returncode == 2
    assert said.stderr.startswith("mainstay: ")
    assert "Traceback" not in said.stderr


def test_kept_lines_are_shown_harmless(running: Running) -> None:
    assert running.post("/loki/api/v1/push", loki("ERROR marked \x1b[2J evil")) == 204
    ask = [
        sys.executable,
        "-m",
        "mainstay",
        "logs",
        "kept",
        "marked",
        "--folder",
        str(running.folder),
    ]
    said = subprocess.run(ask, capture_output=True, text=True, timeout=60)
    assert "marked" in said.stdout, said.stderr
    assert "\x1b" not in said.stdout
    (one,) = [
        json.loads(line)
        for line in subprocess.run(
            [*ask, "--json"], capture_output=True, text=True
        ).stdout.splitlines()
    ]
    assert one["service"] == "shop"
