"""Observations (`facts.jsonl`, one JSON object a line) and a list of changes, as facts.

A line has `where`, `kind` (a word of FactKind), `name`, `values` (text, numbers, true and false), and
`at` (RFC 3339). One without a time counts for the stretch that its folder names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mainstay.diagnosis.facts.fact import Fact, FactKind
from mainstay.diagnosis.folder.gathered import Gathered
from mainstay.diagnosis.material import Phase

FACTS_MAX = 200_000
"""Observations read of one file; the rest is told of."""
LINE_CHARS_MAX = 100_000
TOLD_MAX = 5
"""Bad lines of one file that are told of one by one."""
LONG_BEFORE = datetime(1970, 1, 1, tzinfo=UTC)
_CHANGE_KEYS = {"service", "what", "at"}
Item = Mapping[str, Any]


def read_facts(file: Path, phase: Phase | None, into: Gathered) -> None:
    """Read observations; a bad line is told of with its number and left out."""
    bad: list[str] = []
    with file.open(encoding="utf-8", errors="replace") as text:
        for number, raw in enumerate(iter(lambda: text.readline(LINE_CHARS_MAX), ""), start=1):
            if number > FACTS_MAX:
                into.note(file, f"has more than {FACTS_MAX} lines; the rest was left out.")
                break
            if not raw.strip():
                continue
            try:
                one = _fact(raw, phase, f"{file.name}:{number}")
            except (ValueError, RecursionError) as error:
                bad.append(f"line {number} {error}")
                continue
            into.facts.append(one)
            if phase is Phase.DURING and one.at:
                known = into.ill_from_s
                at_s = one.at.timestamp()
                into.ill_from_s = at_s if known is None else min(known, at_s)
    for line in bad[:TOLD_MAX]:
        into.note(file, f"{line}; it was left out.")
    if len(bad) > TOLD_MAX:
        into.note(file, f"{len(bad) - TOLD_MAX} more lines are no observations and were left out.")


def is_change(one: Item) -> bool:
    """Whether it says when what was changed."""
    return one.keys() >= _CHANGE_KEYS


def read_changes(items: Sequence[Item], into: Gathered) -> None:
    """Take changes; those without a lawful time or name are left out."""
    for one in items:
        at, service = _time(one.get("at")), one.get("service")
        if at is not None and isinstance(service, str):
            values = {k: v for k, v in one.items() if k not in ("at", "service") and _is_value(v)}
            what = str(one.get("what", ""))[:200]
            into.facts.append(Fact(service, FactKind.CHANGE, what, values, at, "changes"))


def _fact(raw: str, phase: Phase | None, source: str) -> Fact:
    try:
        one = json.loads(raw)
    except ValueError:
        raise ValueError("is no JSON") from None
    if not isinstance(one, dict):
        raise ValueError("is no JSON object")
    where, name, values = one.get("where"), one.get("name", ""), one.get("values", {})
    if not isinstance(where, str) or not isinstance(name, str) or not isinstance(values, dict):
        raise ValueError("wants `where` and `name` as text and `values` as an object")
    try:
        kind = FactKind(str(one.get("kind")))
    except ValueError:
        raise ValueError(f"has no known `kind`: {str(one.get('kind'))[:40]}") from None
    at = _time(one["at"]) if one.get("at") is not None else None
    if at is None and one.get("at") is not None:
        raise ValueError(f"has no lawful time: {str(one['at'])[:40]}")
    if at is None and phase in (Phase.USUAL, Phase.BEFORE):
        at = LONG_BEFORE
    kept = {key: value for key, value in values.items() if _is_value(value)}
    return Fact(where, kind, name, kept, at, str(one.get("source") or source)[:200])


def _is_value(value: object) -> bool:
    return isinstance(value, str | int | float | bool)


def _time(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)
    except ValueError:
        return None
