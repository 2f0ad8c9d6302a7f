"""What a check costs and how late it comes: plug-ins beside Nagios, HTTP beside Blackbox exporter.

Run from the repository: `PYTHONPATH=tests .venv/bin/python tests/bench/checks.py [--seconds 40]`.
Needs Debian's nagios4-core and prometheus-blackbox-exporter; what is missing is left out and said.
CPU is that of the whole process tree, plug-ins that have ended included.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
from servers import ESTATE, Server, _running, free_port

TICKS = os.sysconf("SC_CLK_TCK")
NAGIOS = """
log_file={0}/nagios.log
cfg_file={0}/objects.cfg
resource_file={0}/resource.cfg
object_cache_file={0}/objects.cache
status_file={0}/status.dat
status_update_interval=5
nagios_user={1}
nagios_group={1}
lock_file={0}/nagios.lock
temp_file={0}/nagios.tmp
temp_path={0}
command_file={0}/nagios.cmd
check_external_commands=0
check_result_path={0}/spool
event_broker_options=0
log_rotation_method=n
use_syslog=0
log_service_retries=0
service_inter_check_delay_method=s
max_service_check_spread=1
service_interleave_factor=s
max_concurrent_checks=0
interval_length=1
execute_host_checks=0
enable_notifications=0
enable_flap_detection=0
check_for_updates=0
check_for_orphaned_services=0
use_large_installation_tweaks=1
enable_environment_macros=0
"""


def cpu_s(pid: int) -> float:
    """Seconds of the processor: of every live process of the tree, and of what they have reaped."""
    total = 0
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            total += sum(int(word) for word in words[11:15])
    return total / TICKS


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


# -- Nagios ----------------------------------------------------------------------------------------


def nagios(folder: Path, checks: int, every_s: int, seconds: int) -> dict[str, float] | None:
    """Its cost and its lateness; None where it is not installed."""
    if shutil.which("nagios4") is None:
        return None
    (folder / "spool").mkdir(parents=True)
    (folder / "nagios.cfg").write_text(NAGIOS.format(folder, "root"))
    (folder / "resource.cfg").write_text("$USER1$=/usr/lib/nagios/plugins\n")
    always = "\n".join(
        f" {day} 00:00-24:00"
        for day in ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    )
    objects = [
        f"define timeperiod {{\n timeperiod_name always\n alias a\n{always}\n}}",
        "define command {\n command_name t\n command_line /bin/true\n}",
        "define contact {\n contact_name c\n service_notification_commands t\n"
        " host_notification_commands t\n service_notification_period always\n"
        " host_notification_period always\n service_notification_options n\n"
        " host_notification_options n\n}",
    ]
    for n in range(max(1, checks // 100)):
        objects.append(
            f"define host {{\n host_name h{n}\n address 127.0.0.1\n max_check_attempts 3\n"
            " check_interval 0\n active_checks_enabled 0\n contacts c\n check_period always\n"
            " notification_period always\n}"
        )
    for n in range(checks):
        objects.append(
            f"define service {{\n host_name h{n % max(1, checks // 100)}\n"
            f" service_description s{n}\n check_command t\n check_interval {every_s}\n"
            f" retry_interval {every_s}\n max_check_attempts 3\n check_period always\n"
            " notification_period always\n contacts c\n initial_state o\n}"
        )
    (folder / "objects.cfg").write_text("\n".join(objects) + "\n")
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(
            ["nagios4", folder / "nagios.cfg"], stdout=out, stderr=out, start_new_session=True
        )
    try:
        time.sleep(8 + 2 * every_s)
        before, begun = cpu_s(process.pid), time.monotonic()
        time.sleep(seconds)
        used, took = cpu_s(process.pid) - before, time.monotonic() - begun
        text = (folder / "status.dat").read_text()
        late = [float(one) for one in re.findall(r"check_latency=([\d.]+)", text)]
        rate = checks / every_s
        return {
            "ms": 1000 * used / took / rate,
            "p99_ms": 1000 * quantile(late, 0.99),
            "rate": rate,
        }
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


# -- ours ------------------------------------------------------------------------------------------


@contextlib.contextmanager
def ours(folder: Path, checks: str, *, allow: str = "127.0.0.1:9") -> Iterator[Server]:
    """A server with these checks, every commit on the disk as always."""
    estate = folder / "estate"
    estate.mkdir(parents=True)
    (estate / "estate.yaml").write_text(ESTATE)
    (estate / "checks.yaml").write_text("checks:\n" + checks)
    base = f"http://127.0.0.1:{free_port()}"
    command = [
        sys.executable, "-m", "mainstay", "serve", "--data", str(folder / "data"),
        "--listen", base[7:], "--estate", str(estate), "--allow-root",
    ]  # fmt: skip
    with _running(
        "mainstay", command, base, f"{base}/readyz", folder, {"MAINSTAY_EGRESS__ALLOW": allow}
    ) as server:
        token = json.loads((folder / "data" / "cli.json").read_text())["token"]
        server.operator = {"Authorization": f"Bearer {token}"}
        yield server


def figures(server: Server) -> tuple[float, dict[float, float]]:
    """Looks so far, and how many were at most so late: {seconds: looks}."""
    request = urllib.request.Request(f"{server.base}/metrics", headers=server.operator)
    text = urllib.request.urlopen(request, timeout=30).read().decode()
    looks = sum(float(n) for n in re.findall(r"^mainstay_checks_total\{[^}]*\} (\S+)", text, re.M))
    late = re.findall(r'^mainstay_check_lateness_seconds_bucket\{le="([^"]+)"\} (\S+)', text, re.M)
    return looks, {float(le): float(n) for le, n in late}


def measured(server: Server, every_s: int, seconds: int) -> dict[str, float]:
    """The cost of a look and its lateness, over `seconds` after all have been looked at."""
    time.sleep(10 + 2 * every_s)  # each has been looked at once, and more
    looks, late = figures(server)
    before, begun = cpu_s(server.process.pid), time.monotonic()
    time.sleep(seconds)
    used, took = cpu_s(server.process.pid) - before, time.monotonic() - begun
    more, later = figures(server)
    done = more - looks
    within = {le: later[le] - late.get(le, 0.0) for le in later}
    p99 = next((le for le in sorted(within) if within[le] >= 0.99 * within[max(within)]), 0.0)
    return {"ms": 1000 * used / done, "p99_ms": 1000 * p99, "rate": done / took}


def plugins(folder: Path, checks: int, every_s: int, seconds: int) -> dict[str, float]:
    """The same /bin/true, as often."""
    lines = "".join(
        f"  p{n}: {{service: unrouted, plugin: /bin/true, every: {every_s}s}}\n"
        for n in range(checks)
    )
    with ours(folder, lines) as server:
        return measured(server, every_s, seconds)


class _Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


@contextlib.contextmanager
def site(folder: Path) -> Iterator[str]:
    """nginx that answers 204, or Python's own server where there is none: host:port."""
    folder.mkdir(parents=True)
    port = free_port()
    if shutil.which("nginx") is None:
        server = HTTPServer(("127.0.0.1", port), _Quiet)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{port}"
        server.shutdown()
        return
    (folder / "n.conf").write_text(
        f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/err;"
        " events { worker_connections 512; } http { access_log off;"
        f" client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;"
        f" fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;"
        f" server {{ listen 127.0.0.1:{port}; location / {{ return 204; }} }} }}"
    )
    process = subprocess.Popen(
        ["nginx", "-c", folder / "n.conf", "-e", folder / "err"], start_new_session=True
    )
    time.sleep(1)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def http(folder: Path, checks: int, every_s: int, seconds: int) -> dict[str, float]:
    """Ours, on nginx."""
    with site(folder / "site") as place:
        lines = "".join(
            f'  h{n}: {{service: unrouted, http: "http://{place}/", every: {every_s}s,'
            ' expect: ["status == 204", "latency < 10s"]}\n'
            for n in range(checks)
        )
        with ours(folder / "ours", lines, allow=place) as server:
            return measured(server, every_s, seconds)


def blackbox(folder: Path, rate: float, seconds: int) -> dict[str, float] | None:
    """Blackbox exporter, asked as often, by one client that keeps its connection."""
    program = shutil.which("prometheus-blackbox-exporter")
    if program is None:
        return None
    with site(folder / "site") as place:
        (folder / "b.yml").write_text(
            "modules:\n  http_2xx: {prober: http, timeout: 5s,"
            " http: {preferred_ip_protocol: ip4, valid_status_codes: [204]}}\n"
        )
        port = free_port()
        process = subprocess.Popen(
            [program, f"--config.file={folder}/b.yml", f"--web.listen-address=127.0.0.1:{port}",
             "--log.level=error"], start_new_session=True,
        )  # fmt: skip
        try:
            time.sleep(2)
            url = f"http://127.0.0.1:{port}/probe?module=http_2xx&target=http://{place}/"
            before, begun, done = cpu_s(process.pid), time.monotonic(), 0
            while (spent := time.monotonic() - begun) < seconds:
                time.sleep(max(0.0, done / rate - spent))
                body = urllib.request.urlopen(url, timeout=10).read()
                assert b"probe_success 1" in body
                done += 1
            used = cpu_s(process.pid) - before
            return {"ms": 1000 * used / done, "rate": done / spent}
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def main() -> None:
    """Both pairs, one after the other, in one run."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--seconds", type=int, default=40)
    ask.add_argument("--checks", type=int, default=5000)
    ask.add_argument("--every", type=int, default=10)
    ask.add_argument("--only", choices=["plugins", "http"])
    given = ask.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.only != "http":
            peer = nagios(folder / "nagios", given.checks, given.every, given.seconds)
            mine = plugins(folder / "plugins", given.checks, given.every, given.seconds)
            tell("plug-ins", "Nagios", peer, mine)
        if given.only != "plugins":
            mine = http(folder / "http", given.checks // 5, given.every, given.seconds)
            tell(
                "HTTP",
                "Blackbox exporter",
                blackbox(folder / "blackbox", mine["rate"], given.seconds),
                mine,
            )


def tell(what: str, name: str, peer: dict[str, float] | None, mine: dict[str, float]) -> None:
    """A line for each, and the ratio."""
    for who, one in ((name, peer), ("Mainstay", mine)):
        if one is None:
            print(f"{what}: {who} is not installed here")
            continue
        late = f", p99 lateness ≤ {one['p99_ms']:.0f} ms" if "p99_ms" in one else ""
        print(f"{what}: {who} {one['ms']:.2f} ms of CPU a check at {one['rate']:.0f}/s{late}")
    if peer is not None:
        print(f"{what}: {mine['ms'] / peer['ms']:.2f} × {name}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
