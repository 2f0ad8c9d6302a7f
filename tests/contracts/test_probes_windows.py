"""Does the probe of Windows speak WS-Management as it is documented? No Windows is to be had here."""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import trustme
from test_probes_net import Site, says

from looking import look

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
HEADER = "Basic " + base64.b64encode(b"watch:canary-win").decode()
ROWS = {
    "Win32_LogicalDisk": [{"DeviceID": "C:", "Size": "1000", "FreeSpace": "100"},
                          {"DeviceID": "D:", "Size": "400", "FreeSpace": "300"}],
    "Win32_Processor": [{"LoadPercentage": "30"}, {"LoadPercentage": "50"}],
    "Win32_OperatingSystem": [{
        "TotalVisibleMemorySize": "1000", "FreePhysicalMemory": "250",
        "SizeStoredInPagingFiles": "0", "FreeSpaceInPagingFiles": "0",
        "LastBootUpTime": "<c:Datetime>2026-11-24T08:30:00Z</c:Datetime>",
        "LocalDateTime": "<c:Datetime>2026-11-24T10:30:00+01:00</c:Datetime>"}],
    "Win32_Process": [
        {"Name": f"svc{n}.exe" if n else "pay.exe", "CommandLine": f"C:\\pay.exe --port {n}",
         "CreationDate": "<c:Datetime>2026-11-24T09:00:00Z</c:Datetime>", "WorkingSetSize": "4096",
         "KernelModeTime": "10000000", "UserModeTime": "20000000"} for n in range(5)],
}  # fmt: skip
SPACES = (
    'xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration" '
    'xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" '
    'xmlns:c="http://schemas.dmtf.org/wbem/wscim/1/common"'
)


def _envelope(body: str) -> bytes:
    return f"<s:Envelope {SPACES}><s:Header/><s:Body>{body}</s:Body></s:Envelope>".encode()


class WinRm(Site):
    """WS-Management's Enumerate and Pull, two items at a time, for who proves themselves by Basic."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        super().__init__(tls)
        self.paths["/wsman"] = self._answer
        self.instead: bytes | None = None

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        if request.headers.get("authorization") != HEADER:
            return says(b"", 401)(request)
        asked = self.heard[-1][3].decode()
        ElementTree.fromstring(asked)
        if self.instead is not None:
            return says(self.instead, 500)(request)
        query = re.search(r"FROM (\w+)", asked)
        context = re.search(r"<n:EnumerationContext>(\w+):(\d+)<", asked)
        kind, start = (query[1], 0) if query else (context[1], int(context[2]))  # type: ignore[index]
        rows = ROWS[kind][start : start + 2]
        items = "".join(
            f"<p:{kind} xmlns:p='http://x/{kind}'>"
            + "".join(f"<p:{key}>{text}</p:{key}>" for key, text in row.items())
            + f"</p:{kind}>"
            for row in rows
        )
        is_over = start + 2 >= len(ROWS[kind])
        word, space = ("EnumerateResponse", "w") if query else ("PullResponse", "n")
        end = f"<{space}:EndOfSequence/>" if is_over else ""
        answer = (
            f"<n:{word}><n:EnumerationContext>{'' if is_over else f'{kind}:{start + 2}'}"
            f"</n:EnumerationContext><{space}:Items>{items}</{space}:Items>{end}</n:{word}>"
        )
        return says(_envelope(answer))(request)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def winrm(authority: trustme.CA) -> Iterator[WinRm]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    made = WinRm(context)
    yield made
    made.end()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return str(tmp_path / "ca.pem")


def _asked(winrm: WinRm, ca_file: str, check: dict[str, Any], *expect: str, secret: str = "canary-win") -> Any:  # fmt: skip
    host = {"address": "127.0.0.1", "port": winrm.port, "via": "winrm", "user": "watch",
            "password": "env:WIN", "tags": ["windows"]}  # fmt: skip
    return look({**check, "on": ["tag:windows"], "expect": list(expect), "timeout": "30s"}, now=NOW,
                allow=(winrm.place,), hosts={"win": host}, environment={"WIN": secret},
                ca_file=ca_file)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "path"),
    [("disk_used_ratio", 0.9, "/"), ("disk_free", 300, "d:\\"), ("load_per_cpu", 0.4, "/"),
     ("memory_used_ratio", 0.75, "/"), ("memory_free", 256_000, "/"), ("uptime", 3600, "/"),
     ("swap_used_ratio", 0, "/")],
)  # fmt: skip
def test_windows_tells_its_figures(
    winrm: WinRm, ca_file: str, name: str, value: float, path: str
) -> None:
    found = _asked(winrm, ca_file, {"metric": {"name": name, "path": path}})
    assert found.values.get("value") == pytest.approx(value), found.sentence
    assert "canary" not in repr(found)


def test_windows_tells_its_processes_in_all_their_parts(winrm: WinRm, ca_file: str) -> None:
    found = _asked(winrm, ca_file, {"process": "pay"}, "count == 1", "age == 30m",
                   "memory == 4096B", "cpu_time == 3s")  # fmt: skip
    assert found.verdict == "ok", found.sentence
    found = _asked(winrm, ca_file, {"process": r"~--port [0-9]+"}, "count == 5")
    assert found.verdict == "ok", found.sentence
    assert len(winrm.heard) == 6


def test_windows_says_why_not(winrm: WinRm, ca_file: str) -> None:
    load = {"metric": "load_per_cpu"}
    assert "lets nobody in" in _asked(winrm, ca_file, load, secret="wrong").sentence
    assert "win does not tell its load1" in _asked(winrm, ca_file, {"metric": "load1"}).sentence
    drive = {"metric": {"name": "disk_free", "path": "E:"}}
    assert "has no drive E:; it has C:, D:" in _asked(winrm, ca_file, drive).sentence
    assert "nothing else" in _asked(winrm, ca_file, {"file": "C:/x"}).sentence
    winrm.instead = _envelope("<s:Fault><s:Reason><s:Text>Access is\ndenied. </s:Text></s:Reason></s:Fault>")  # fmt: skip
    assert _asked(winrm, ca_file, load).sentence == "win refuses: Access is denied."
    winrm.instead = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    assert "does not answer as WinRM does" in _asked(winrm, ca_file, load).sentence
