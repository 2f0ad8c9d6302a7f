"""What came with a release: commits, deployments, log patterns, an alert, spans; and log lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mainstay.diagnosis.commits.change import Commit, Deployment, Pattern, Release
from mainstay.diagnosis.folder.gathered import ROWS_MAX, Gathered
from mainstay.diagnosis.folder.observations import is_change, read_changes
from mainstay.diagnosis.folder.tables import seconds
from mainstay.diagnosis.material import Phase
from mainstay.diagnosis.traces.span import Call, Line

Item = Mapping[str, Any]


def read_release(file: Path, found: object, phase: Phase | None, into: Gathered) -> None:
    """Take what a JSON file says, told from the fields of its first item; what is unknown is told
    of."""
    items = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    one = found if isinstance(found, dict) else items[0] if items else {}
    release = into.release or Release()
    if isinstance(found, dict) and {"service", "fired_at"} <= one.keys():
        into.release = replace(release, alert=found)
        into.fired_at_s = seconds(str(found["fired_at"]))
    elif {"sha", "message"} <= one.keys():
        into.release = replace(release, commits=release.commits + _each(items, _commit))
    elif {"commit_sha", "service"} <= one.keys():
        into.release = replace(release, deployments=release.deployments + _each(items, _deployment))
    elif {"signature", "count"} <= one.keys():
        into.release = replace(release, patterns=release.patterns + _each(items, _pattern))
    elif {"trace_id", "span_id"} <= one.keys():
        into.spans.setdefault(phase, []).extend(_each(items, _call))
    elif is_change(one):
        read_changes(items, into)
    elif items != found or (items and "flag" not in one):
        into.note(file, "is JSON of a kind that is not known here.")


def read_log(file: Path, phase: Phase | None, into: Gathered) -> None:
    """Read log lines, one JSON object each; broken ones are counted and told of."""
    broken = 0
    kept = into.lines.setdefault(phase, [])
    with file.open(encoding="utf-8", errors="replace") as text:
        for count, raw in enumerate(text):
            if count >= ROWS_MAX:
                into.note(file, f"has more than {ROWS_MAX} lines; the rest was left out.")
                break
            line = _line(raw)
            if line is None:
                broken += bool(raw.strip())
            else:
                kept.append(line)
    if broken:
        into.note(file, f"{broken} lines are no log records and were left out.")


def _each(items: list[dict[str, Any]], read: Callable[[Item], Any]) -> tuple[Any, ...]:
    return tuple(made for one in items if (made := read(one)) is not None)


def _commit(one: Item) -> Commit | None:
    at = seconds(str(one.get("timestamp", "")))
    if at is None:
        return None
    files = one.get("files_changed")
    return Commit(
        str(one.get("sha", "")),
        str(one.get("author", "")),
        at,
        str(one.get("message", "")),
        tuple(map(str, files)) if isinstance(files, list) else (),
        str(one.get("diff") or ""),
    )


def _deployment(one: Item) -> Deployment | None:
    at = seconds(str(one.get("timestamp", "")))
    return None if at is None else Deployment(
        str(one.get("service", "")), str(one.get("commit_sha", "")), at, str(one.get("version", ""))
    )  # fmt: skip


def _pattern(one: Item) -> Pattern | None:
    try:
        count, rise = int(one["count"]), int(str(one.get("delta_vs_baseline", 0)))
    except (TypeError, ValueError):
        return None
    negative = str(one.get("sentiment", "")).startswith("neg")
    return Pattern(str(one["signature"]), str(one.get("service", "")), count, rise, negative)


def _call(one: Item) -> Call | None:
    start = seconds(str(one.get("start", "")))
    duration = one.get("duration_ms")
    if start is None or not isinstance(duration, int | float):
        return None
    return Call(
        str(one.get("trace_id", "")),
        str(one.get("span_id", "")),
        str(one.get("parent_id") or ""),
        str(one.get("service", "")),
        str(one.get("name", "")),
        start,
        duration / 1000,
        one.get("status") == "ERROR",
    )


def _line(raw: str) -> Line | None:
    try:
        one = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    at = seconds(str(one.get("timestamp", ""))) if isinstance(one, dict) else None
    if at is None:
        return None
    text = one.get("msg") or one.get("message") or one.get("log") or ""
    severity = one.get("severity_text") or one.get("severity") or one.get("level") or ""
    return Line(
        str(one.get("service", "")), str(text), at, str(severity).upper(),
        str(one.get("trace_id") or ""), str(one.get("span_id") or ""),
    )  # fmt: skip
