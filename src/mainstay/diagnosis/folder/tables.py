"""CSV files: each shape is told from its head, as a person would, and read row by row.

| shape | head |
|---|---|
| things in columns | three lines: thing, metric, statistic; then time and values |
| calls | the same names across and down, 1 where the left one calls the upper |
| one value a row | `timestamp, service, metric, value` |
| one thing a row | a time, a pod or service, then metrics |
| metrics in columns | a time, then `<service>_<metric>` |
| spans | trace, span, parent, who, operation, start, duration |
| log lines | time, who, trace, span, text |
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from mainstay.diagnosis.folder.gathered import ROWS_MAX, Gathered
from mainstay.diagnosis.material import Phase
from mainstay.diagnosis.traces.span import Call, Line, workload_of

FIELD_CHARS_MAX = 10_000_000
MILLI, MICRO, NANO = 1e11, 1e14, 1e17
"""Above these a Unix time is in milliseconds, microseconds, nanoseconds."""
LAST_S = 2.5e11
"""Unix time near the year 9900: what lies beyond is no time."""
Shape = Callable[[Sequence[str], Iterator[list[str]], Phase | None, Gathered], int]
"""Reads the rows under a head; returns how many did not fit."""
ENTITIES = ("podname", "pod", "servicename", "service", "instance", "host")


def read_csv(file: Path, phase: Phase | None, into: Gathered) -> None:
    """Read one table, whatever its shape; what does not fit is counted and told of."""
    csv.field_size_limit(FIELD_CHARS_MAX)
    with file.open(encoding="utf-8", errors="replace", newline="") as text:
        rows = csv.reader(_bounded(line.replace("\0", "") for line in text))
        try:
            head = next(rows)
            second = next(rows)
        except (StopIteration, csv.Error):
            into.note(file, "holds no table.")
            return
        broken = _shape(head, second)(head, _chain(second, rows), phase, into)
    if broken:
        into.note(file, f"{broken} rows do not fit the head and were left out.")


def _shape(head: Sequence[str], second: Sequence[str]) -> Shape:
    names = [cell.strip().lower() for cell in head]
    if second and second[0].strip().lower() == "metric":
        return _things_in_columns
    if second and second[0] in head[1:]:
        return _calls
    if {"traceid", "spanid", "parentid"} <= set(names):
        return _spans
    if {"traceid", "log"} <= set(names):
        return _log_lines
    if {"metric", "value"} <= set(names):
        return _one_value_a_row
    if any(name in ENTITIES for name in names):
        return _one_thing_a_row
    return _metrics_in_columns


def _things_in_columns(
    head: Sequence[str], rows: Iterator[list[str]], phase: Phase | None, into: Gathered
) -> int:
    metrics, statistics = next(rows, []), next(rows, [])
    keys = list(zip(head, metrics, statistics, strict=False))[1:]
    broken = 0
    for row in rows:
        if row and row[0] == "unix_timestamp":
            continue
        at_s = seconds(row[0]) if row else None
        if at_s is None or len(row) != len(head):
            broken += 1
            continue
        for key, cell in zip(keys, row[1:], strict=False):
            value = number(cell)
            if value is not None:
                into.point(key, phase, at_s, value)
    return broken


def _calls(
    head: Sequence[str], rows: Iterator[list[str]], phase: Phase | None, into: Gathered
) -> int:
    broken = 0
    for row in rows:
        if len(row) != len(head):
            broken += 1
            continue
        into.calls.update(
            (row[0], name) for name, cell in zip(head[1:], row[1:], strict=True) if number(cell)
        )
    return broken


def _one_value_a_row(
    head: Sequence[str], rows: Iterator[list[str]], phase: Phase | None, into: Gathered
) -> int:
    at = {name.strip().lower(): index for index, name in enumerate(head)}
    time, who = at.get("timestamp", at.get("time", 0)), at.get("service", 1)
    broken = 0
    for row in rows:
        at_s = seconds(row[time]) if len(row) == len(head) else None
        value = number(row[at["value"]]) if at_s is not None else None
        if at_s is None or value is None:
            broken += 1
            continue
        into.point((row[who], row[at["metric"]], ""), phase, at_s, value)
    return broken


def _one_thing_a_row(
    head: Sequence[str], rows: Iterator[list[str]], phase: Phase | None, into: Gathered
) -> int:
    names = [cell.strip().lower() for cell in head]
    who = next(index for index, name in enumerate(names) if name in ENTITIES)
    time = names.index("timestamp") if "timestamp" in names else 0
    metrics = [i for i, n in enumerate(names) if i not in (who, time) and not n.startswith("time")]
    broken = 0
    for row in rows:
        at_s = seconds(row[time]) if len(row) == len(head) else None
        if at_s is None:
            broken += 1
            continue
        where = workload_of(row[who])
        for index in metrics:
            value = number(row[index])
            if value is not None:
                into.point((where, head[index], ""), phase, at_s, value)
    return broken


def _metrics_in_columns(
    head: Sequence[str], rows: Iterator[list[str]], phase: Phase | None, into: Gathered
) -> int:
    keys = [(*_service_and_metric(name), "") for name in head[1:]]
    broken = 0
    for row in rows:
        at_s = seconds(row[0]) if len(row) == len(head) else None
        if at_s is None:
            broken += 1
            continue
        for key, cell in zip(keys, row[1:], strict=True):
            value = number(cell)
            if value is not None:
                into.point(key, phase, at_s, value)
    return broken


def _service_and_metric(column: str) -> tuple[str, str]:
    """`carts-db_lat_90` is `lat_90` of `carts-db`."""
    service, _, metric = column.partition("_")
    return (service, metric) if metric else ("", column)


def _spans(
    head: Sequence[str], rows: Iterator[list[str]], phase: Phase | None, into: Gathered
) -> int:
    at = {name.strip().lower(): index for index, name in enumerate(head)}
    found, broken = into.spans.setdefault(phase, []), 0
    for row in rows:
        start = seconds(row[at["starttimeunixnano"]]) if len(row) == len(head) else None
        duration = number(row[at["duration"]]) if start is not None else None
        if start is None or duration is None:
            broken += 1
            continue
        parent = row[at["parentid"]]
        found.append(
            Call(
                row[at["traceid"]],
                row[at["spanid"]],
                "" if parent == "root" else parent,
                workload_of(row[at["podname"]]),
                row[at["operationname"]],
                start,
                duration / 1e6,
            )
        )
    return broken


def _log_lines(
    head: Sequence[str], rows: Iterator[list[str]], phase: Phase | None, into: Gathered
) -> int:
    at = {name.strip().lower(): index for index, name in enumerate(head)}
    found, broken = into.lines.setdefault(phase, []), 0
    for row in rows:
        when = seconds(row[at["timeunixnano"]]) if len(row) == len(head) else None
        if when is None:
            broken += 1
            continue
        text, severity = _statement(row[at["log"]])
        found.append(
            Line(
                workload_of(row[at["podname"]]),
                text,
                when,
                severity,
                row[at["traceid"]],
                row[at["spanid"]],
            )
        )
    return broken


def _statement(cell: str) -> tuple[str, str]:
    """(message, severity) out of a container's line, whose message may be JSON itself."""
    text, severity = cell, ""
    for _ in range(3):
        inner = _object(text)
        if inner is None:
            break
        severity = str(inner.get("severity") or inner.get("level") or severity)
        deeper = inner.get("log") or inner.get("message") or inner.get("msg")
        if not isinstance(deeper, str):
            break
        text = deeper
    return text.strip(), severity.upper()


def _object(text: str) -> dict[str, object] | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def seconds(cell: str) -> float | None:
    """Unix time in seconds of a cell: any usual unit, or RFC 3339; None when it is no time."""
    value = number(cell)
    if value is not None:
        unit = next(
            (u for limit, u in ((NANO, 1e9), (MICRO, 1e6), (MILLI, 1e3)) if value > limit), 1
        )
        return value / unit if 0 <= value / unit < LAST_S else None
    try:
        at = datetime.fromisoformat(cell.strip())
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def number(cell: str) -> float | None:
    """A finite number, or None: holes, words and NaN."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _chain(first: list[str], rest: Iterator[list[str]]) -> Iterator[list[str]]:
    yield first
    while True:
        try:
            yield next(rest)
        except StopIteration:
            return
        except csv.Error:
            yield []


def _bounded(lines: Iterator[str]) -> Iterator[str]:
    for count, line in enumerate(lines):
        if count >= ROWS_MAX:
            return
        yield line
