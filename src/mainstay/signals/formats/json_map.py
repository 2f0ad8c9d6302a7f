"""Any JSON, read by the `map` that the estate declares for its source.

Without a map, the names that most senders use are tried: summary/title/message, key/dedup_key/id,
severity/level/type, status/state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mainstay.estate import (
    Condition,
    JsonMap,
    JsonPath,
    Severity,
    Source,
    condition,
    json_path,
    text_of,
)
from mainstay.foundation.errors import Invalid
from mainstay.signals.body import tree
from mainstay.signals.formats.alertmanager import sifted
from mainstay.signals.formats.door import Door, header_key, problem, taken
from mainstay.signals.item import (
    KNOWN_SEVERITIES,
    Arrival,
    Bad,
    Item,
    Reading,
    expiry,
    identity,
    one_line,
    severity_of,
    web_url,
)

KEY_CHARS_MAX = 255
_OVER = frozenset(("ok", "up", "resolve", "resolved", "closed", "recovery", "recovered", "success"))


@dataclass(frozen=True, slots=True)
class _Compiled:
    """The map of a source, its paths parsed."""

    key: JsonPath
    summary: JsonPath
    severity: JsonPath | None
    service: JsonPath | None
    url: JsonPath | None
    resolve: Condition | None
    items: JsonPath | None
    labels: JsonPath | dict[str, JsonPath] | None


def read(body: bytes, source: Source, arrival: Arrival) -> Reading:
    """The items that the map finds. Invalid when none of them is good."""
    value = tree(body)
    if source.map is None:
        return Reading((_unmapped(value, source, arrival),))
    compiled = compile_map(source.map)
    items: list[Item] = []
    bad: list[Bad] = []
    for n, (at, part) in enumerate(_parts(value, compiled.items)):
        try:
            items.append(_item(n, part, compiled, source, arrival))
        except Invalid as error:
            bad.append(Bad(n, at + error.pointer, error.sentence))
    return sifted(items, bad)


def compile_map(declared: JsonMap) -> _Compiled:
    """The map with its paths and condition parsed. Invalid names the one that cannot be read."""
    labels = declared.labels
    return _Compiled(
        key=json_path(declared.key),
        summary=json_path(declared.summary),
        severity=json_path(declared.severity.from_) if declared.severity else None,
        service=_if_given(json_path, declared.service),
        url=_if_given(json_path, declared.url),
        resolve=_if_given(condition, declared.resolve),
        items=_if_given(json_path, declared.items),
        labels=(
            {name: json_path(text) for name, text in labels.items()}
            if isinstance(labels, dict)
            else _if_given(json_path, labels)
        ),
    )


def _if_given(parse: Callable[[str], Any], text: str | None) -> Any:
    return None if text is None else parse(text)


def _parts(value: Any, where: JsonPath | None) -> list[tuple[str, Any]]:
    """Each item with its pointer: the body itself, or what stands in the list that the map names."""
    if where is None:
        return [("", value)]
    found = where.find(value)
    if not isinstance(found, list):
        raise Invalid(f"The items stand at {where.text}, and there is no list.", pointer=_at(where))
    return [(f"{_at(where)}/{n}", part) for n, part in enumerate(found)]


def _item(n: int, part: Any, compiled: _Compiled, source: Source, arrival: Arrival) -> Item:
    key = _needed(part, compiled.key, "key")
    if len(key) > KEY_CHARS_MAX:
        raise Invalid(
            f"The key has {len(key)} characters; at most {KEY_CHARS_MAX}.",
            pointer=_at(compiled.key),
        )
    over = compiled.resolve is not None and compiled.resolve(part)
    # A resolve often says less than the alert did; it needs its key and nothing else.
    summary = _optional(part, compiled.summary) if over else None
    summary = summary or (key if over else _needed(part, compiled.summary, "summary"))
    service = _optional(part, compiled.service)
    labels = _labels(part, compiled.labels)
    return Item(
        n=n,
        kind="resolve" if over else "fire",
        dedup_key=key,
        summary=one_line(summary) or key,
        severity=_severity(_optional(part, compiled.severity), source),
        labels=labels | {"service": service} if service else labels,
        annotations={},
        url=web_url(_optional(part, compiled.url)),
        started_at_us=arrival.at_us,
        ends_at_us=arrival.at_us if over else expiry(source, arrival),
        service_hint=service,
        facts=part if isinstance(part, dict) else {"value": part},
    )


def _severity(word: str | None, source: Source) -> Severity:
    """By the map's own words; then as anywhere else, but with the map's `otherwise` at the end."""
    declared = source.map.severity if source.map else None
    if declared is None:
        return severity_of(word, source)
    if word is not None and word in declared.words:
        return declared.words[word]
    known = word is not None and (word in source.severities or word.lower() in KNOWN_SEVERITIES)
    return severity_of(word, source) if known else declared.otherwise


def _labels(part: Any, where: JsonPath | dict[str, JsonPath] | None) -> dict[str, str]:
    if isinstance(where, dict):
        return {name: text for name, each in where.items() if (text := _optional(part, each))}
    found = where.find(part) if where else None
    if not isinstance(found, dict):
        return {}
    return {name: text for name, value in found.items() if name and (text := text_of(value))}


def _optional(part: Any, where: JsonPath | None) -> str | None:
    return text_of(where.find(part)) if where else None


def _needed(part: Any, where: JsonPath, what: str) -> str:
    text = _optional(part, where)
    if not text or not text.strip():
        raise Invalid(
            f"The {what} stands at {where.text}, and nothing is there.", pointer=_at(where)
        )
    return text


def _at(where: JsonPath) -> str:
    return "".join([f"/{str(s).replace('~', '~0').replace('/', '~1')}" for s in where.steps])


# -- without a map ---------------------------------------------------------------------------------


def _unmapped(value: Any, source: Source, arrival: Arrival) -> Item:
    if not isinstance(value, dict):
        raise Invalid("A signal is a JSON object; for a list, declare `map.items` for this source.")
    summary = _first(value, "summary", "title", "message", "text")
    if summary is None:
        raise Invalid("A signal needs a summary (or title, or message).", pointer="/summary")
    key = _first(value, "key", "dedup_key", "id")
    if key is not None and len(key) > KEY_CHARS_MAX:
        raise Invalid(
            f"The key has {len(key)} characters; at most {KEY_CHARS_MAX}.", pointer="/key"
        )
    over = (_first(value, "status", "state") or "").lower() in _OVER
    service = _first(value, "service")
    labels = _labels(value.get("labels"), JsonPath("$", ()))
    return Item(
        n=0,
        kind="resolve" if over else "fire",
        dedup_key=key or identity({"summary": summary}, []),
        summary=one_line(summary),
        severity=severity_of(_first(value, "severity", "level", "type"), source),
        labels=labels | {"service": service} if service else labels,
        annotations={},
        url=web_url(_first(value, "url", "link")),
        started_at_us=arrival.at_us,
        ends_at_us=arrival.at_us if over else expiry(source, arrival),
        service_hint=service,
        facts=value,
    )


def _first(value: dict[str, Any], *names: str) -> str | None:
    texts = (text_of(value.get(name)) for name in names)
    return next((text for text in texts if text and text.strip()), None)


DOORS = (
    Door(
        name="json",
        format="json",
        method="POST",
        paths=("/hook/{key}", "/hook"),
        read=read,
        key_of=header_key,
        reply=taken,
        refuse=problem,
    ),
)
