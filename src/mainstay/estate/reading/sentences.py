"""pydantic's findings as sentences, each at the very key or value that is to be mended."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mainstay.estate.collections import (
    Answer,
    Blank,
    Calendar,
    Check,
    Checklist,
    Escalation,
    HandingOver,
    Holidays,
    Host,
    Incidents,
    Item,
    Journey,
    JsonMap,
    Layer,
    Leave,
    Only,
    Org,
    Person,
    Queries,
    Repeat,
    Route,
    Schedule,
    Search,
    Service,
    SeverityMap,
    Shift,
    Signoff,
    Source,
    Step,
    Team,
    Telemetry,
    Turn,
)
from mainstay.estate.collections.watch import PROBE_MODELS, HttpStep
from mainstay.estate.reading.layout import SINGULAR, Loc, Places
from mainstay.estate.reading.problems import Problem, nearest, problem, shown

_PARTS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("org", Org),
    ("org incidents", Incidents),
    ("calendars *", Calendar),
    ("calendars * holidays", Holidays),
    ("teams *", Team),
    ("teams * shifts *", Shift),
    ("teams * handover", HandingOver),
    ("people *", Person),
    ("people * leave *", Leave),
    ("sources *", Source),
    ("sources * map", JsonMap),
    ("sources * map severity", SeverityMap),
    ("routes *", Route),
    ("schedules *", Schedule),
    ("schedules * layers *", Layer),
    ("schedules * layers * order *", Turn),
    ("schedules * layers * only *", Only),
    ("escalations *", Escalation),
    ("escalations * repeat", Repeat),
    ("escalations * steps *", Step),
    ("escalations * steps * repeat", Repeat),
    ("services *", Service),
    ("services * find *", Search),
    ("checklists *", Checklist),
    ("checklists * signoff", Signoff),
    ("checklists * items *", Item),
    ("checklists * items * answer *", Answer),
    ("hosts *", Host),
    ("checks *", Check),
    *((f"checks * {name}", model) for name, model in PROBE_MODELS.items()),
    ("checks * http steps *", HttpStep),
    ("blanks *", Blank),
    ("journeys *", Journey),
    ("telemetry *", Telemetry),
    ("telemetry * queries *", Queries),
)
"""The way to each kind of part, for the names of its keys."""
_ITEM = {"layers": "layer", "order": "turn", "steps": "step", "notify": "notify", "only": "only"}
_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_WORD = re.compile(r"'([^']*)'|(\d+)")


def named(loc: Loc) -> str:
    """("services", "pay-api", "depends", 0) as "service 'pay-api', depends 1"."""
    parts: list[str] = []
    before: str | int = ""
    for index, step in enumerate(loc):
        if isinstance(step, int):
            noun = SINGULAR.get(str(before)) or _ITEM.get(str(before), str(before))
            if parts and parts[-1] == str(before):
                parts.pop()
            parts.append(f"{noun} {step + 1}")
        elif index == 1 and before in SINGULAR:
            parts[-1] = f"{SINGULAR[str(before)]} {shown(step)}"
        else:
            parts.append(step)
        before = step
    return ", ".join(parts)


def problems_of(error: ValidationError, places: Places) -> list[Problem]:
    """A Problem for each finding; two at one place are one."""
    found: dict[tuple[str, int, int, str], Problem] = {}
    for detail in error.errors(include_url=False):
        said = _problem(detail, places)
        found.setdefault((said.path, said.line, said.col, said.code), said)
    return list(found.values())


def _problem(detail: ErrorDetails, places: Places) -> Problem:
    loc = detail["loc"]
    kind, ctx = detail["type"], detail.get("ctx", {})
    if "[key]" in loc:
        return _bad_key(loc[: loc.index("[key]")], kind, ctx, places)
    if kind == "missing":
        words = f"{named(loc[:-1]) or 'the estate'} needs {loc[-1]!r}"
        return problem(places.key(loc[:-1]), "E115", words)
    if kind == "extra_forbidden":
        return _extra(loc, places)
    code, words = _value(kind, ctx, detail)
    return problem(places.value(loc), code, f"{named(loc)}: {words}")


def _extra(loc: Loc, places: Places) -> Problem:
    names = _keys_of(loc[:-1])
    hint = nearest(str(loc[-1]), names)
    if not hint and names:
        hint = f"; it may have {', '.join(names)}"
    words = f"{named(loc[:-1])} has no key {shown(loc[-1])}{hint}"
    return problem(places.key(loc), "E114", words)


def _keys_of(loc: Loc) -> list[str]:
    """The keys that the part at `loc` may have."""
    for way, model in _PARTS:
        steps = way.split()
        if len(steps) == len(loc) and all(
            step in ("*", got) for step, got in zip(steps, loc, strict=True)
        ):
            return [field.alias or name for name, field in model.model_fields.items()]
    return []


def _bad_key(loc: Loc, kind: str, ctx: dict[str, Any], places: Places) -> Problem:
    name = str(loc[-1])
    if kind == "literal_error":
        code, words = "E302", _expected(ctx, name)
    else:
        code = "E304"
        words = (
            "an id has small letters, digits, '-', '_' and '.', starts with a letter or a digit, "
            f"and has at most 63 characters, got {shown(name)}"
        )
    return problem(places.key(loc), code, f"{named(loc[:-1])}: {words}")


def _value(kind: str, ctx: dict[str, Any], detail: ErrorDetails) -> tuple[str, str]:
    """Code and words for a value that will not do."""
    got = detail["input"]
    match kind:
        case "literal_error":
            return "E302", _expected(ctx, got)
        case "value_error":
            return "E305", small_first(str(ctx["error"]))
        case "too_short":
            return "E306", "at least one is needed, got none"
        case "string_pattern_mismatch":
            return (
                "E304",
                f"expected an id (small letters, digits, '-', '_', '.'), got {shown(got)}",
            )
        case "greater_than_equal" | "less_than_equal":
            side = "at least" if kind == "greater_than_equal" else "at most"
            limit = ctx.get("ge", ctx.get("le"))
            return "E303", f"expected {side} {limit:g}, got {shown(got)}"
    expected = _KINDS.get(kind)
    if expected is None:
        return "E301", small_first(detail["msg"])
    quote = ""
    if expected == "text" and type(got) in (int, float):
        quote = f'; write "{got}"'
    elif expected == "text" and isinstance(got, dict):
        quote = "; a text with {…} needs quotes"
    return "E301", f"expected {expected}, got {shown(got)}{quote}"


def _expected(ctx: dict[str, Any], got: object) -> str:
    words = [text or number for text, number in _WORD.findall(str(ctx["expected"]))]
    hint = nearest(got, words) if isinstance(got, str) else ""
    if got in words:
        hint = "; write it without quotes"
    return f"expected {', '.join(words[:-1])} or {words[-1]}, got {shown(got)}{hint}"


def small_first(text: str) -> str:
    """A sentence as the second half of another."""
    return text[:1].lower() + text[1:]
