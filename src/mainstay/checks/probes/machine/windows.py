"""Figures and processes of Windows by WinRM: WS-Management's Enumerate on WMI, Basic over HTTPS.

Written to DMTF's DSP0226 and Microsoft's MS-WSMV: no Windows was there to try it on. Nothing of the estate
stands in a query; what is wanted is chosen here.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from uuid import uuid4
from xml.etree import ElementTree

from mainstay.checks.result import Ask
from mainstay.foundation.addresses import as_written
from mainstay.foundation.egress import Egress
from mainstay.foundation.errors import BadReply, Invalid, Rejected
from mainstay.foundation.secrets import resolve

PORT = 5986
PULLS_MAX = 50
Row = Mapping[str, str]

_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_ENUMERATION = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
_WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
_ENVELOPE = f"""<s:Envelope xmlns:s="{_SOAP}" xmlns:a="{_ADDRESSING}" xmlns:n="{_ENUMERATION}"
 xmlns:w="{_WSMAN}"><s:Header><a:To>%s</a:To>
<w:ResourceURI s:mustUnderstand="true">http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/*</w:ResourceURI>
<a:ReplyTo><a:Address s:mustUnderstand="true">{_ADDRESSING}/role/anonymous</a:Address></a:ReplyTo>
<a:Action s:mustUnderstand="true">{_ENUMERATION}/%s</a:Action>
<w:MaxEnvelopeSize s:mustUnderstand="true">512000</w:MaxEnvelopeSize>
<a:MessageID>uuid:%s</a:MessageID><w:OperationTimeout>PT%dS</w:OperationTimeout></s:Header>
<s:Body>%s</s:Body></s:Envelope>"""
_ENUMERATE = """<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>500</w:MaxElements>
<w:Filter Dialect="http://schemas.microsoft.com/wbem/wsman/1/WQL">%s</w:Filter></n:Enumerate>"""
_PULL = "<n:Pull><n:EnumerationContext>%s</n:EnumerationContext><n:MaxElements>500</n:MaxElements></n:Pull>"

_DISKS = "SELECT DeviceID, Size, FreeSpace FROM Win32_LogicalDisk WHERE DriveType = 3"
_SYSTEM = """SELECT TotalVisibleMemorySize, FreePhysicalMemory, SizeStoredInPagingFiles,
FreeSpaceInPagingFiles, LastBootUpTime, LocalDateTime FROM Win32_OperatingSystem"""
_CPUS = "SELECT LoadPercentage FROM Win32_Processor"
_PROCESSES = """SELECT Name, CommandLine, CreationDate, WorkingSetSize, KernelModeTime, UserModeTime
FROM Win32_Process"""


class Windows:
    """Asks by the shared client, whose guard and authorities hold."""

    def __init__(self, egress: Egress, environment: Mapping[str, str]) -> None:
        self._egress = egress
        self._environment = environment

    async def figures(self, ask: Ask, name: str, path: str) -> dict[str, float]:
        """The figure `name`, and what comes with it. `path`: a drive, `C:` where it is `/`."""
        if name.startswith("disk_"):
            drive = "C:" if path == "/" else path.rstrip("\\/").upper()
            disks = {row["DeviceID"].upper(): row for row in await self._select(ask, _DISKS)}
            if drive not in disks:
                raise BadReply(f"{ask.host_id} has no drive {drive}; it has {', '.join(disks)}.")
            size, free = _number(disks[drive], "Size"), _number(disks[drive], "FreeSpace")
            return {"disk_used_ratio": 1 - free / size if size else 0.0, "disk_free": free}
        if name == "load_per_cpu":
            loads = [_number(row, "LoadPercentage") for row in await self._select(ask, _CPUS)]
            return {"load_per_cpu": sum(loads) / len(loads) / 100} if loads else {}
        for row in await self._select(ask, _SYSTEM):
            return _of_system(row)
        return {}

    async def processes(self, ask: Ask) -> list[dict[str, float | str]]:
        """Every process: name, command line, age, memory, processor time. WMI does not say whose."""
        return [
            {
                "name": row.get("Name", "").removesuffix(".exe"), "program": row.get("Name", ""),
                "args": row.get("CommandLine") or row.get("Name", ""), "user": "",
                "age": max(0.0, ask.now.timestamp() - _instant(row["CreationDate"]))
                if row.get("CreationDate") else 0.0,
                "memory": _number(row, "WorkingSetSize"),
                "cpu_time": (_number(row, "KernelModeTime") + _number(row, "UserModeTime")) / 1e7,
            }
            for row in await self._select(ask, _PROCESSES)
        ]  # fmt: skip

    async def _select(self, ask: Ask, query: str) -> list[Row]:
        """The rows of a query in WQL, all of its parts."""
        rows: list[Row] = []
        body, action = _ENUMERATE % query, "Enumerate"
        for _ in range(PULLS_MAX):
            answer = await self._call(ask, action, body)
            rows += [
                _row(item) for items in answer.iter() if _local(items) == "Items" for item in items
            ]
            context = answer.find(f".//{{{_ENUMERATION}}}EnumerationContext")
            is_over = any(_local(one) == "EndOfSequence" for one in answer.iter())
            if is_over or context is None or not context.text:
                return rows
            action, body = "Pull", _PULL % _escaped(context.text)
        raise BadReply(f"{ask.host_id} has no end to what it says.")

    async def _call(self, ask: Ask, action: str, body: str) -> ElementTree.Element:
        host = ask.host
        assert host is not None
        if host.user is None or host.password is None:
            raise Invalid(f"{ask.host_id} is reached by WinRM and needs user and password.")
        url = f"https://{as_written(host.address, host.port or PORT)}/wsman"
        words = f"{host.user}:{resolve(host.password, environment=self._environment)}".encode()
        headers = {
            "content-type": "application/soap+xml;charset=UTF-8",
            "authorization": "Basic " + base64.b64encode(words).decode(),
        }
        text = _ENVELOPE % (_escaped(url), action, uuid4(), max(1, int(ask.timeout_s)), body)
        reply = await self._egress.request(
            "POST", url, headers=headers, body=text.encode(), timeout_s=ask.timeout_s
        )
        if reply.status == 401:
            words_ = "lets nobody in by this user and password; WinRM must allow Basic over HTTPS"
            raise Rejected(f"{ask.host_id} {words_}.", reply=401)
        answer = _read(reply.body, ask)
        fault = next((one for one in answer.iter() if _local(one) == "Fault"), None)
        if fault is not None or reply.status != 200:
            texts = [one.text for one in answer.iter() if _local(one) == "Text" and one.text]
            said = " ".join((texts or [f"status {reply.status}"])[0].split())[:200].rstrip(".")
            raise Rejected(f"{ask.host_id} refuses: {said}.", reply=reply.status)
        return answer


def _read(body: bytes, ask: Ask) -> ElementTree.Element:
    """XML without any declaration of its own: no entity is ever expanded."""
    try:
        text = body.decode("utf-8-sig")
        if "<!" not in text:
            return ElementTree.fromstring(text.encode())  # noqa: S314 - it declares nothing
    except (UnicodeDecodeError, ElementTree.ParseError):
        pass
    raise BadReply(f"{ask.host_id} does not answer as WinRM does.")


def _row(item: ElementTree.Element) -> Row:
    return {_local(one): "".join(one.itertext()).strip() for one in item}


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _number(row: Row, name: str) -> float:
    try:
        return float(row.get(name) or 0)
    except ValueError:
        raise BadReply(f"Its {name} is no number.") from None


def _instant(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise BadReply(f"{text[:40]!r} is no time.") from None


def _of_system(row: Row) -> dict[str, float]:
    """WMI counts memory in KiB."""
    total, free = _number(row, "TotalVisibleMemorySize"), _number(row, "FreePhysicalMemory")
    paged, unpaged = _number(row, "SizeStoredInPagingFiles"), _number(row, "FreeSpaceInPagingFiles")
    found = {
        "memory_free": free * 1024, "memory_used_ratio": 1 - free / total if total else 0.0,
        "swap_used_ratio": 1 - unpaged / paged if paged else 0.0,
    }  # fmt: skip
    if row.get("LastBootUpTime") and row.get("LocalDateTime"):
        found["uptime"] = _instant(row["LocalDateTime"]) - _instant(row["LastBootUpTime"])
    return found
