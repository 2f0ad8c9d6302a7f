"""Uptime Kuma: the backup that it writes as JSON (`monitorList`), up to version 1; and lists of
monitors from its API, which look the same. A group of monitors becomes their service."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mainstay.estate.importers.draft import Draft, Text, Thing, quoted, span, wrong
from mainstay.estate.importers.trees import headers_of, json_value, line_of, without_password

SERVICE = "monitored"
"""Of a monitor that is in no group."""
_LEFT = (
    "accepted_statuscodes", "maxredirects", "ignoreTls", "upsideDown", "proxyId", "mqttTopic",
    "authMethod", "notificationIDList", "resendInterval", "invertKeyword", "tlsCa",
)  # fmt: skip
_NOTHING: tuple[Any, ...] = (None, "", 0, False, [], {}, "null")


def read(files: Sequence[Text], draft: Draft) -> None:
    """Everything in these files."""
    for file in files:
        _read(file, draft)


def _read(file: Text, draft: Draft) -> None:
    """Every monitor of a backup. Invalid when it is none."""
    found = json_value(file)
    monitors = found.get("monitorList") if isinstance(found, dict) else found
    if isinstance(monitors, dict):
        monitors = list(monitors.values())
    if not isinstance(monitors, list) or not all(isinstance(one, dict) for one in monitors):
        raise wrong(file.called, 1, 'expected a backup of Uptime Kuma: {"monitorList": […]}')
    groups = {one.get("id"): str(one.get("name")) for one in monitors if one.get("type") == "group"}
    for one in monitors:
        if one.get("type") != "group":
            _monitor(file, draft, one, groups)
    notifications = found.get("notificationList") if isinstance(found, dict) else None
    for one in notifications or ():
        draft.leave_out(
            f"notification {one.get('name')}: people say themselves where they are reached"
        )


def _monitor(file: Text, draft: Draft, one: dict[str, Any], groups: dict[Any, str]) -> None:
    name = str(one.get("name") or one.get("url") or "monitor")
    made = _probe(one)
    if made is None:
        draft.leave_out(f"monitor {name}: nothing here looks as type {one.get('type')!r} does")
        return
    probe, measured, expect = made
    group = groups.get(one.get("parent"), SERVICE)
    service = draft.once("services", group, lambda: {"about": f"{group}, from Uptime Kuma"})
    value: dict[str, Any] = {"service": service, probe: measured}
    seconds = _number(file, one, "interval", 60)
    if probe == "heartbeat":
        value |= {"period": span(seconds), "grace": span(max(60, seconds / 4))}
    else:
        value["every"] = span(seconds)
        if one.get("timeout"):
            value["timeout"] = span(min(600, _number(file, one, "timeout", 10)))
        if one.get("maxretries"):
            value["attempts"] = min(20, int(_number(file, one, "maxretries", 0)) + 1)
        if one.get("retryInterval"):
            value["retry"] = span(_number(file, one, "retryInterval", 60))
    if expect:
        value["expect"] = expect
    if about := one.get("description"):
        value["about"] = str(about)
    if tags := [str(tag.get("name")) for tag in one.get("tags") or () if isinstance(tag, dict)]:
        value["tags"] = tags
    id_, thing = draft.add("checks", name, value)
    _left(one, thing, id_, probe)


def _probe(one: dict[str, Any]) -> tuple[str, Any, list[str]] | None:
    """Which probe, what it is told, and what is expected; None: there is none."""
    host, port = str(one.get("hostname") or ""), one.get("port")
    match one.get("type"):
        case "http" | "keyword" | "json-query":
            return _http(one)
        case "port" if host and port:
            return "tcp", f"{host}:{port}", []
        case "ping" if host:
            return "ping", host, []
        case "dns" if host:
            asked = {"name": host, "type": str(one.get("dns_resolve_type") or "A")}
            if one.get("dns_resolve_server"):
                asked["server"] = str(one["dns_resolve_server"])
            return "dns", asked, []
        case "push":
            return "heartbeat", True, []
        case "redis" if one.get("databaseConnectionString"):
            return "redis", _place(str(one["databaseConnectionString"])), []
    return None


def _place(connection: str) -> str:
    """`host:port` of a connection string, without its password."""
    return connection.rpartition("://")[2].rpartition("@")[2].partition("/")[0]


def _http(one: dict[str, Any]) -> tuple[str, Any, list[str]]:
    more: dict[str, Any] = {}
    if (method := str(one.get("method") or "GET").upper()) != "GET":
        more["method"] = method
    if headers := _headers(one)[0]:
        more["headers"] = headers
    if body := one.get("body"):
        more["body"] = str(body)
    url = without_password(str(one.get("url") or ""))[0]
    expect = ["status >= 200", "status < 300"]
    codes = [str(code) for code in one.get("accepted_statuscodes") or ()]
    if codes and codes != ["200-299"]:
        expect = [" or ".join(_code(code) for code in codes)]
    if one.get("type") == "keyword" and one.get("keyword"):
        said = f"body contains {quoted(str(one['keyword']))}"
        expect.append(f"not ({said})" if one.get("invertKeyword") else said)
    if one.get("type") == "json-query" and one.get("jsonPath"):
        path = str(one["jsonPath"])
        path = path if path.startswith("$") else f"$.{path}"
        expect.append(f"json({quoted(path)}) == {quoted(str(one.get('expectedValue')))}")
    if one.get("expiryNotification"):
        expect.append("cert_days > 21")
    return "http", ({"url": url, **more} if more else url), expect


def _headers(one: dict[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Kept as JSON in a text."""
    try:
        return headers_of(json.loads(one.get("headers") or "{}"))
    except (TypeError, ValueError):
        return {}, ["headers: they are no JSON"]


def _code(code: str) -> str:
    low, dash, high = code.partition("-")
    return f"(status >= {low} and status <= {high})" if dash else f"status == {low}"


def _left(one: dict[str, Any], thing: Thing, id_: str, probe: str) -> None:
    if one.get("active") in (0, False):
        thing.leave_out("it is paused there, and looked at here")
    if probe == "heartbeat":
        thing.leave_out(f"its push token: its job pings /ping/KEY/{id_} instead")
    for note in (*_headers(one)[1], *without_password(str(one.get("url") or ""))[1]):
        thing.leave_out(note)
    if probe == "redis" and "@" in str(one.get("databaseConnectionString")):
        thing.leave_out("its password: give `password: file:/path`")
    for key in _LEFT:
        value = one.get(key)
        if value in _NOTHING or key == "accepted_statuscodes" or key == "invertKeyword":
            continue
        if key == "maxredirects" and probe != "http":
            continue
        thing.leave_out(f"{key}: {value}")
    if one.get("basic_auth_user"):
        thing.leave_out("basic_auth_user: give `user` and `secret: file:/path`, never the password")


def _number(file: Text, one: dict[str, Any], name: str, otherwise: float) -> float:
    value = one.get(name, otherwise)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        words = f"{name} of {str(one.get('name'))[:60]!r} is no number"
        raise wrong(file.called, line_of(file, f'"{name}"'), words)
    return float(value)
