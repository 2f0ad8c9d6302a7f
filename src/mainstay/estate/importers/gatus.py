"""Gatus: `endpoints` and `external-endpoints` of its configuration, with their conditions.

A group becomes a service; an endpoint without one belongs to the service of its own name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from mainstay.estate.expect import BadCondition, check_names, parse
from mainstay.estate.importers.draft import Draft, Text, Thing, quoted, wrong
from mainstay.estate.importers.trees import headers_of, line_of, without_password, yaml_documents

_CONDITION = re.compile(r"\s*(.+?)\s*(==|!=|<=|>=|<|>)\s*(.+?)\s*")
_GO_SPAN = re.compile(r"(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+")
_GO_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_UNIT_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_PLACES = {
    "[STATUS]": "status", "[RESPONSE_TIME]": "latency", "[CERTIFICATE_EXPIRATION]": "cert_days",
    "[BODY]": "body", "[CONNECTED]": "reached",
}  # fmt: skip
_KNOWN = frozenset(
    [
        "enabled",
        "name",
        "group",
        "url",
        "method",
        "body",
        "headers",
        "interval",
        "conditions",
        "alerts",
        "dns",
        "graphql",
        "client",
        "ui",
        "ssh",
        "extra-labels",
        "maintenance-windows",
        "always-run",
        "store",
    ]
)
DAY_S = 86_400


def read(files: Sequence[Text], draft: Draft) -> None:
    """Everything in these files."""
    for file in files:
        _read(file, draft)


def _read(file: Text, draft: Draft) -> None:
    """Every endpoint of a configuration. Invalid, with its line, when it is none."""
    for document in yaml_documents(file):
        if not isinstance(document, dict):
            raise wrong(file.called, 1, "expected a configuration of Gatus: endpoints: […]")
        endpoints = document.get("endpoints", document.get("services")) or []
        outside = document.get("external-endpoints") or []
        if not endpoints and not outside:
            raise wrong(file.called, 1, "no endpoints in this configuration of Gatus")
        for one in endpoints:
            _endpoint(file, draft, _mapping(file, one))
        for one in outside:
            _external(file, draft, _mapping(file, one))
        for key in sorted(set(document) - {"endpoints", "services", "external-endpoints"}):
            draft.leave_out(f"{key}: the configuration of Gatus itself")


def _mapping(file: Text, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not value.get("name"):
        raise wrong(file.called, line_of(file, "endpoints"), "an endpoint without a name")
    return value


def _service(draft: Draft, one: dict[str, Any]) -> str:
    name = str(one.get("group") or one["name"])
    return draft.once("services", name, lambda: {"about": f"{name}, imported from Gatus"})


def _endpoint(file: Text, draft: Draft, one: dict[str, Any]) -> None:
    line = line_of(file, str(one["name"]))
    url, notes = without_password(str(one.get("url") or ""))
    probe, measured = _probe(file, one, url, line)
    value: dict[str, Any] = {"service": _service(draft, one), probe: measured}
    value["every"] = _span(file, one.get("interval", "60s"), line)
    expect, unsaid = _conditions(one, probe)
    if expect:
        value["expect"] = expect
    _, thing = draft.add("checks", str(one["name"]), value)
    for note in (*notes, *headers_of(one.get("headers"))[1]):
        thing.leave_out(note)
    for text in unsaid:
        thing.leave_out(f"condition {text}")
    _left(one, thing)


def _probe(file: Text, one: dict[str, Any], url: str, line: int) -> tuple[str, Any]:
    parts = urlsplit(url)
    dns = one.get("dns")
    if isinstance(dns, dict):
        server = url.partition("://")[2] or url
        name, kind = str(dns.get("query-name", "")), str(dns.get("query-type", "A"))
        return "dns", {"name": name, "type": kind, **({"server": server} if server else {})}
    match parts.scheme:
        case "http" | "https":
            return "http", _http(one, url)
        case "tcp" | "tls":
            return parts.scheme, parts.netloc
        case "starttls":
            return "smtp", {"to": parts.netloc, "starttls": True}
        case "icmp":
            return "ping", parts.netloc
    raise wrong(file.called, line, f"nothing here looks at {url[:80]!r} as Gatus does")


def _http(one: dict[str, Any], url: str) -> Any:
    more: dict[str, Any] = {}
    if (method := str(one.get("method") or "GET").upper()) != "GET":
        more["method"] = method
    if headers := headers_of(one.get("headers"))[0]:
        more["headers"] = headers
    if body := one.get("body"):
        more["body"] = str(body)
    return {"url": url, **more} if more else url


def _conditions(one: dict[str, Any], probe: str) -> tuple[list[str], list[str]]:
    """In our words, and those that have none."""
    expect, unsaid = [], []
    for text in one.get("conditions") or []:
        said = _condition(str(text))
        if said is not None and _fits(said, probe):
            expect.append(said)
        else:
            unsaid.append(str(text))
    return expect, unsaid


def _fits(condition: str, probe: str) -> bool:
    try:
        check_names(parse(condition), probe)
    except BadCondition:
        return False
    return True


def _condition(text: str) -> str | None:
    match = _CONDITION.fullmatch(text)
    if match is None:
        return None
    place, sign, value = match.groups()
    if place.startswith("[BODY]."):
        name: str | None = f'json("$.{place.removeprefix("[BODY].")}")'
    elif place.startswith("len([BODY]") and place.endswith(")"):
        name = None
    else:
        name = _PLACES.get(place)
    if name is None:
        return None
    if value.startswith("any(") and sign == "==":
        some = [_value(name, one.strip()) for one in value[4:-1].split(",")]
        return " or ".join(f"{name} == {one}" for one in some)
    if value.startswith("pat("):
        inner = value[4:-1]
        plain = inner.strip("*")
        if sign == "==" and inner.startswith("*") and inner.endswith("*") and "*" not in plain:
            return f"{name} contains {quoted(plain)}"
        return None
    return f"{name} {sign} {_value(name, value)}"


def _value(name: str, value: str) -> str:
    if name == "latency" and value.isdigit():
        return f"{value}ms"
    if name == "cert_days" and _GO_SPAN.fullmatch(value):
        return f"{_seconds(value) / DAY_S:g}"
    if value in ("true", "false") or re.fullmatch(r"-?\d+(\.\d+)?", value):
        return value
    return quoted(value)


def _left(one: dict[str, Any], thing: Thing) -> None:
    if one.get("enabled") is False:
        thing.leave_out("it is turned off there, and on here")
    if one.get("alerts"):
        thing.leave_out("alerts: whom it pages is the escalation of its service")
    for key in ("client", "ui", "ssh", "graphql", "maintenance-windows", "extra-labels"):
        if one.get(key):
            thing.leave_out(f"{key}: {one[key]}")
    for key in sorted(set(map(str, one)) - _KNOWN):
        thing.leave_out(f"{key}: {one[key]}")


def _external(file: Text, draft: Draft, one: dict[str, Any]) -> None:
    """What pushes its results: a heartbeat."""
    beat = one.get("heartbeat")
    line = line_of(file, str(one["name"]))
    period = beat.get("interval") if isinstance(beat, dict) else None
    value = {
        "service": _service(draft, one), "heartbeat": True,
        "period": _span(file, period or "24h", line), "grace": "5m",
    }  # fmt: skip
    id_, thing = draft.add("checks", str(one["name"]), value)
    thing.leave_out(f"its token: its job pings /ping/KEY/{id_} instead, or /fail")
    if period is None:
        thing.leave_out("no heartbeat interval is given there; it must ping once a day")
    if one.get("alerts"):
        thing.leave_out("alerts: whom it pages is the escalation of its service")


def _span(file: Text, value: Any, line: int) -> str:
    text = str(value)
    if not _GO_SPAN.fullmatch(text):
        raise wrong(file.called, line, f"expected an interval such as 30s or 5m, got {text[:40]!r}")
    seconds = max(1, round(_seconds(text)))
    return f"{seconds // 60}m" if seconds % 60 == 0 else f"{seconds}s"


def _seconds(text: str) -> float:
    return sum(float(number) * _UNIT_S[unit] for number, unit in _GO_PART.findall(text))
