"""The JSON Schema of estate files, for editors: completion and red lines while one types."""

from __future__ import annotations

from typing import Any

from mainstay.estate.collections import Estate
from mainstay.estate.collections.watch import PROBE_MODELS
from mainstay.estate.reading.layout import RANGE_PATTERN, SCHEMA_VERSION


def json_schema() -> dict[str, Any]:
    """Draft 2020-12, for one file: every collection is optional, every short form is allowed.

    It knows shapes, not references: those are `check`'s.
    """
    schema = Estate.model_json_schema(by_alias=True)
    parts = schema["$defs"]
    _short_escalation(parts)
    _short_turn(parts)
    _short_only(parts)
    _short_severity(parts)
    _short_text(parts, "Shift", "at")
    _short_text(parts, "Answer", "type")
    _short_text(parts, "Blank", "pattern")
    run = parts["Item"]["properties"]
    run["run"] = {"anyOf": [run["run"]["items"], run["run"]]}
    _short_probes(parts)
    _ranges_of_hosts(schema)
    schema["properties"] |= {"mainstay": {"const": SCHEMA_VERSION, "description": "Schema version"}}
    schema["properties"] = {name: _or_empty(one) for name, one in schema["properties"].items()}
    schema.pop("required", None)
    schema |= {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Mainstay estate",
        "description": "A file of the estate; several files of a folder make the whole.",
    }
    return schema


def _or_empty(collection: dict[str, Any]) -> dict[str, Any]:
    """`services:` with nothing below it is allowed."""
    rest = {key: value for key, value in collection.items() if key != "default"}
    if "patternProperties" in rest:
        rest["additionalProperties"] = False  # an id that does not fit the pattern is a mistake
    return rest if "const" in rest else {"anyOf": [rest, {"type": "null"}]}


def _short_escalation(parts: dict[str, Any]) -> None:
    steps = parts["Escalation"]["properties"]["steps"]
    parts["Escalation"] = {"anyOf": [steps, parts["Escalation"]]}


def _short_turn(parts: dict[str, Any]) -> None:
    person = parts["Turn"]["properties"]["person"]
    parts["Turn"] = {"anyOf": [person, parts["Turn"]]}


def _short_only(parts: dict[str, Any]) -> None:
    only = parts["Layer"]["properties"]["only"]
    parts["Layer"]["properties"]["only"] = {"anyOf": [only["items"], only]}


def _short_text(parts: dict[str, Any], name: str, key: str) -> None:
    """A text alone is short for a mapping with one key."""
    parts[name] = {"anyOf": [parts[name]["properties"][key], parts[name]]}


def _short_severity(parts: dict[str, Any]) -> None:
    full = parts["SeverityMap"]
    words = full["properties"]["words"]["additionalProperties"]
    full["additionalProperties"] = words
    parts["SeverityMap"] = {"anyOf": [{"type": "string"}, full]}


def _short_probes(parts: dict[str, Any]) -> None:
    """A probe's main text alone; a command in one line; one host without a list."""
    text: dict[str, Any] = {"type": "string"}
    parts["Check"]["properties"]["on"] = {"anyOf": [text, parts["Check"]["properties"]["on"]]}
    steps = parts["Http"]["properties"]["steps"]
    commands = parts["Plugin"]["properties"]["command"]
    for name in dict.fromkeys(model.__name__ for model in PROBE_MODELS.values()):
        short = {"Http": [text, steps], "Plugin": [text, commands], "Script": [text, commands]}
        parts[name] = {"anyOf": [*short.get(name, [text]), parts[name]]}


def _ranges_of_hosts(schema: dict[str, Any]) -> None:
    """`pg-[01-03]`, before it is three."""
    (host,) = schema["properties"]["hosts"]["patternProperties"].values()
    schema["properties"]["hosts"]["patternProperties"] |= {RANGE_PATTERN: host}
