"""PagerDuty's Events API v2 (`/v2/enqueue`) and its change events (`/v2/change/enqueue`).

Required fields and answers as its documentation has them (developer.pagerduty.com, Events API v2).
A summary beyond 1,024 characters is cut and not refused: a page is worth more than a limit. A
`dedup_key` beyond 255 is refused, since two that differ later would hide each other. A trigger
without `dedup_key` gets its receipt as one, so that reading it again gives the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mainstay.estate import Source, text_of
from mainstay.foundation.errors import Invalid, MainstayError, Unknown
from mainstay.signals.body import decode, tree
from mainstay.signals.formats.door import KEY_CHARS_MAX, Door, Reply, header_key, status_of
from mainstay.signals.item import (
    KNOWN_SEVERITIES,
    Arrival,
    Item,
    Kind,
    Reading,
    Verdict,
    expiry,
    one_line,
    severity_of,
    web_url,
)
from mainstay.signals.times import ZERO_US, instant_us

DEDUP_KEY_CHARS_MAX = 255
_ACTIONS: dict[str, Kind] = {"trigger": "fire", "acknowledge": "acknowledge", "resolve": "resolve"}


class _Routing(msgspec.Struct):
    routing_key: Any = None


_ROUTING: msgspec.json.Decoder[_Routing] = msgspec.json.Decoder(_Routing)
_PARTS = ("source", "component", "group", "class")


def key_of(headers: Mapping[str, str], path_key: str | None, body: bytes) -> str | None:
    """The `routing_key` of the body, else the header or path that any other door takes."""
    key = decode(_ROUTING, body).routing_key
    if isinstance(key, str) and key:
        return key[:KEY_CHARS_MAX]
    return headers.get("x-routing-key") or header_key(headers, path_key)


def read(body: bytes, source: Source, arrival: Arrival) -> Reading:
    """The one event of a request. Invalid with the pointer of the first thing that is wrong."""
    event = _object(tree(body), "")
    action = _text(event, "event_action", "")
    kind = _ACTIONS.get(action or "")
    if kind is None:
        raise Invalid(
            "'event_action' must be trigger, acknowledge or resolve.", pointer="/event_action"
        )
    key = _text(event, "dedup_key", "")
    if key and len(key) > DEDUP_KEY_CHARS_MAX:
        raise Invalid(
            f"'dedup_key' has {len(key)} characters; at most {DEDUP_KEY_CHARS_MAX}.",
            pointer="/dedup_key",
        )
    if kind == "fire":
        return Reading((_trigger(event, key or arrival.receipt, source, arrival),))
    if not key:
        raise Invalid(f"'dedup_key' is missing or blank; {action} needs it.", pointer="/dedup_key")
    return Reading((_follow_up(event, key, kind, source, arrival),))


def check(body: bytes, source: Source, arrival: Arrival) -> Verdict:
    """The verdict, with the key that the answer names: clients resolve by it."""
    (item,) = read(body, source, arrival).items
    return Verdict(1, dedup_key=item.dedup_key)


def read_change(body: bytes, source: Source, arrival: Arrival) -> Reading:
    """The one change event of a request; `dedup_key` is the receipt, since each is its own."""
    event = _object(tree(body), "")
    payload = _object(event.get("payload"), "/payload")
    summary = _required(payload, "summary")
    started = _timestamp(payload)
    details = payload.get("custom_details")
    item = Item(
        n=0,
        kind="change",
        dedup_key=arrival.receipt,
        summary=one_line(summary),
        severity="info",
        labels=_labels(payload, details),
        annotations={},
        url=_first_link(event),
        started_at_us=arrival.at_us if started is None else started,
        ends_at_us=None,
        service_hint=_service(details),
        facts=_facts(event, details),
    )
    return Reading((item,))


def _trigger(event: dict[str, Any], key: str, source: Source, arrival: Arrival) -> Item:
    payload = _object(event.get("payload"), "/payload")
    summary = _required(payload, "summary")
    _required(payload, "source")
    severity = _required(payload, "severity")
    if severity not in source.severities and severity.lower() not in KNOWN_SEVERITIES:
        raise Invalid(
            "'payload.severity' must be critical, error, warning or info.",
            pointer="/payload/severity",
        )
    started = _timestamp(payload)
    details = payload.get("custom_details")
    return Item(
        n=0,
        kind="fire",
        dedup_key=key,
        summary=one_line(summary),
        severity=severity_of(severity, source),
        labels=_labels(payload, details),
        annotations=_scalars(details),
        url=web_url(_text(event, "client_url", "")) or _first_link(event),
        started_at_us=arrival.at_us if started is None else started,
        ends_at_us=expiry(source, arrival),
        service_hint=_service(details),
        facts=_facts(event, details),
    )


def _follow_up(
    event: dict[str, Any], key: str, kind: Kind, source: Source, arrival: Arrival
) -> Item:
    """An acknowledge or resolve. Clients send a payload along, or none; nothing of it is needed."""
    found = event.get("payload")
    payload = found if isinstance(found, dict) else {}
    summary = text_of(payload.get("summary"))
    details = payload.get("custom_details")
    return Item(
        n=0,
        kind=kind,
        dedup_key=key,
        summary=one_line(summary or f"{kind} {key}"),
        severity=severity_of(text_of(payload.get("severity")), source),
        labels=_labels(payload, details),
        annotations=_scalars(details),
        url=web_url(text_of(event.get("client_url"))),
        started_at_us=arrival.at_us,
        ends_at_us=arrival.at_us if kind == "resolve" else None,
        service_hint=_service(details),
        facts=_facts(event, details),
    )


# -- the parts of an event -------------------------------------------------------------------------


def _object(value: Any, at: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        what = f"'{at[1:]}' is missing or not an object." if at else "An event is a JSON object."
        raise Invalid(what, pointer=at)
    return value


def _text(holder: dict[str, Any], name: str, at: str) -> str | None:
    value = holder.get(name)
    if value is not None and not isinstance(value, str):
        raise Invalid(f"'{name}' must be a text.", pointer=f"{at}/{name}")
    return value


def _required(payload: dict[str, Any], name: str) -> str:
    value = _text(payload, name, "/payload")
    if not value or not value.strip():
        raise Invalid(f"'payload.{name}' is missing or blank.", pointer=f"/payload/{name}")
    return value


def _timestamp(payload: dict[str, Any]) -> int | None:
    text = _text(payload, "timestamp", "/payload")
    if not text:
        return None
    us = instant_us(text)
    if us is None:
        raise Invalid("'payload.timestamp' is not ISO 8601.", pointer="/payload/timestamp")
    return us if us > ZERO_US else None


def _labels(payload: dict[str, Any], details: Any) -> dict[str, str]:
    """What routes and silences match: source, component, group, class, and service if named."""
    labels = {name: text for name in _PARTS if (text := text_of(payload.get(name)))}
    service = _service(details)
    return labels | {"service": service} if service else labels


def _service(details: Any) -> str | None:
    return text_of(details.get("service")) if isinstance(details, dict) else None


def _scalars(details: Any) -> dict[str, str]:
    if isinstance(details, dict):
        return {name: text for name, value in details.items() if (text := text_of(value))}
    text = text_of(details)
    return {"details": text} if text else {}


def _facts(event: dict[str, Any], details: Any) -> dict[str, Any]:
    names = ("client", "client_url", "links", "images")
    facts = {name: event[name] for name in names if event.get(name)}
    return facts | {"custom_details": details} if details else facts


def _first_link(event: dict[str, Any]) -> str | None:
    links = event.get("links")
    for link in links if isinstance(links, list) else ():
        url = web_url(text_of(link.get("href"))) if isinstance(link, dict) else None
        if url:
            return url
    return None


# -- answers ---------------------------------------------------------------------------------------


def _reply(receipt: str, verdict: Verdict) -> Reply:
    words = {"status": "success", "message": "Event processed", "dedup_key": verdict.dedup_key}
    return Reply(202, msgspec.json.encode(words))


def _reply_change(receipt: str, verdict: Verdict) -> Reply:
    words = {"status": "success", "message": "Change event processed"}
    return Reply(202, msgspec.json.encode(words))


def refuse(error: MainstayError) -> Reply:
    """PagerDuty's shape. An unknown key is 400, as it is there; clients give up on it."""
    status = 400 if isinstance(error, Unknown) else status_of(error)
    if isinstance(error, Unknown):
        said = "Invalid routing key"
    elif status < 500 and status != 429:
        said = "Event object is invalid"
    else:
        said = "Event was not taken"
    where = f"{error.pointer}: " if isinstance(error, Invalid) and error.pointer else ""
    name = "throttle exceeded" if status == 429 else "invalid event"
    words = {
        "status": "error" if status >= 500 else name,
        "message": said,
        "errors": [where + error.sentence],
    }
    return Reply(status, msgspec.json.encode(words))


DOORS = (
    Door(
        "pagerduty",
        "pagerduty",
        "POST",
        ("/v2/enqueue",),
        read,
        key_of,
        _reply,
        refuse,
        key_in_body=True,
        own_check=check,
    ),
    Door(
        "pagerduty-change",
        "pagerduty",
        "POST",
        ("/v2/change/enqueue",),
        read_change,
        key_of,
        _reply_change,
        refuse,
        key_in_body=True,
    ),
)
