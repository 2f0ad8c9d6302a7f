"""A scene as the folder that somebody sends: `good` and `bad` with metrics, logs and observations,
and beside them what was changed and who calls whom."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

from mainstay.simulation.cast import CALLS, HOSTS, SERVICES
from mainstay.simulation.scene import LOOKS_EVERY, STEP, Changed, Said, Scene, Seen, text

Layout = Callable[[Said], str]


def write(scene: Scene, folder: Path) -> None:
    """Write everything but the truth."""
    cut = scene.since - timedelta(minutes=scene.random.uniform(0, 3))
    metrics, seen = list(_metrics(scene)), sorted(_observed(scene), key=lambda one: one.at)
    for name in ("good", "bad"):

        def inside(at: datetime, *, good: bool = name == "good") -> bool:
            return (at < cut) is good

        part = folder / name
        (part / "logs").mkdir(parents=True, exist_ok=True)
        with (part / "metrics.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["timestamp", "service", "metric", "value"])
            rows.writerows([text(at), *rest] for at, *rest in metrics if inside(at))
        _write_logs(part / "logs", [one for one in scene.said if inside(one.at)])
        facts = [json.dumps(_fact(one)) for one in seen if inside(one.at)]
        (part / "facts.jsonl").write_text("".join(f"{one}\n" for one in facts), encoding="utf-8")
    changes = [_change(one) for one in sorted(scene.changes, key=lambda one: one.at)]
    (folder / "changes.json").write_text(json.dumps(changes, indent=1), encoding="utf-8")
    _write_calls(folder / "calls.csv")


def truth(scene: Scene) -> dict[str, object]:
    """What was played, for who judges; it never goes into the folder."""
    return {"faults": [{**asdict(one), "since": text(one.since)} for one in scene.truths]}


def _metrics(scene: Scene) -> Iterator[tuple[datetime, str, str, str]]:
    count = int((scene.ends - scene.begins) / STEP)
    for (where, metric), (level, noise) in sorted(scene.levels.items()):
        moves = scene.moves.get((where, metric), [])
        for number in range(count):
            at = scene.begins + STEP * number
            value = level * max(0.0, scene.random.gauss(1, noise))
            for start, end, factor in moves:
                value *= factor if start <= at < end else 1.0
            if "%" in metric or metric == "availability":
                value = min(value, 100.0)
            yield at, where, metric, f"{value:.4f}"


def _observed(scene: Scene) -> Iterator[Seen]:
    yield from scene.seen
    for (where, kind, name), states in sorted(scene.watched.items()):
        begins = min(start for start, _ in states)
        at = begins + timedelta(seconds=scene.random.uniform(0, 60))
        while at < scene.ends:
            values = max((one for one in states if one[0] <= at), key=lambda one: one[0])[1]
            yield Seen(where, kind, name, values, at)
            at += LOOKS_EVERY


def _fact(one: Seen) -> dict[str, object]:
    return {"at": text(one.at), "where": one.where, "kind": one.kind, "name": one.name,
            "values": dict(one.values)}  # fmt: skip


def _change(one: Changed) -> dict[str, object]:
    row: dict[str, object] = {
        "at": text(one.at),
        "service": one.service,
        "what": one.what,
        "by": one.by,
    }
    if one.version:
        row["version"] = one.version
    if one.planned:
        row["planned"] = True
    if one.until:
        row["until"] = text(one.until)
    return row


def _write_calls(file: Path) -> None:
    with file.open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(["", *SERVICES])
        for caller in SERVICES:
            rows.writerow([caller, *(int(one in CALLS.get(caller, ())) for one in SERVICES)])


# -- log files in the layouts that real programs have ----------------------------------------------


def _write_logs(folder: Path, said: list[Said]) -> None:
    files: dict[str, list[str]] = {}
    for one in sorted(said, key=lambda line: line.at):
        files.setdefault(one.place, []).append(_layout(one.place)(one))
    for place, lines in files.items():
        (folder / f"{place}.log").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _layout(place: str) -> Layout:
    if place in HOSTS:
        return _syslog
    return {"checkout": _logfmt, "merchant-ui": _logfmt, "fraud": _json, "reporting": _json,
            "pay-db": _postgres}.get(place, _java)  # fmt: skip


def _java(one: Said) -> str:
    logger = one.logger or f"com.alpenpay.{one.place.replace('-', '')}.Worker"
    return f"{one.at:%Y-%m-%d %H:%M:%S},{one.at.microsecond // 1000:03d} {one.level:<5} [worker-{one.at.second % 8}] {logger} - {one.text}"


def _logfmt(one: Said) -> str:
    quoted = one.text.replace('"', '\\"').replace("\n", " ")
    return f'time={_stamp(one.at)} level={one.level.lower()} component={one.place} msg="{quoted}"'


def _json(one: Said) -> str:
    return json.dumps(
        {"ts": _stamp(one.at), "severity": one.level, "service": one.place, "msg": one.text}
    )


def _syslog(one: Said) -> str:
    program, _, rest = one.text.partition(": ")
    pid = "" if program == "kernel" else f"[{600 + len(program)}]"
    return f"{one.at:%Y-%m-%dT%H:%M:%S.%f}+00:00 {one.place} {program}{pid}: {rest}"


def _postgres(one: Said) -> str:
    return f"{one.at:%Y-%m-%d %H:%M:%S}.{one.at.microsecond // 1000:03d} UTC [{4000 + one.at.second}] svc_pay@pay {one.text}"


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
