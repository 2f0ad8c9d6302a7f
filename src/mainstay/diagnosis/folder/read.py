"""Every file of a folder, by what it is; then one material, cut at the beginning of the incident."""

from __future__ import annotations

import gc
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from mainstay.diagnosis.folder import dumps, releases
from mainstay.diagnosis.folder.gathered import (
    FILE_BYTES_MAX,
    FILES_MAX,
    Cut,
    Gathered,
    phase_of,
    series_of,
)
from mainstay.diagnosis.folder.logs import read_text, reads_printed
from mainstay.diagnosis.folder.observations import read_facts
from mainstay.diagnosis.folder.tables import read_csv
from mainstay.diagnosis.material import Material, Phase, Symptom
from mainstay.diagnosis.series.change import change_point
from mainstay.diagnosis.series.measures import measure_of
from mainstay.foundation.errors import Invalid, NotFound

Item = TypeVar("Item")
CLEAR_CUT = 0.5
"""A change point explains at least this share of a series' variance, or it is not one."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What the asker knows beside the files."""

    since: datetime | None = None
    until: datetime | None = None
    where: str = ""
    measure: str = ""
    baseline: Path | None = None
    """Another file or folder, free of faults."""
    calls: Path | None = None
    """A table of who calls whom."""


def read(folder: Path, ask: Ask) -> Material:
    """The material in a folder (or one file). NotFound if there is none; Invalid if nothing in it
    could be read."""
    if not folder.exists():
        raise NotFound(f"There is no {folder}.")
    gathered = Gathered()
    with _uncollected():
        _read_all(folder, None, gathered)
        if ask.baseline:
            _read_all(_there(ask.baseline), Phase.USUAL, gathered)
        if ask.calls:
            _read_one(_there(ask.calls), None, gathered)
    if not _anything(gathered):
        raise Invalid(
            f"Nothing in {folder} could be read as metrics, traces, logs, Kubernetes objects, "
            f"observations or commits.{' ' + ' '.join(gathered.notes[:3]) if gathered.notes else ''}"
        )
    return _material(gathered, ask)


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for cycles meanwhile: a million lines hold none, and each search walks them all."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _there(path: Path) -> Path:
    if not path.exists():
        raise NotFound(f"There is no {path}.")
    return path


def _read_all(folder: Path, phase: Phase | None, into: Gathered) -> None:
    for count, file in enumerate(_files(folder)):
        if count >= FILES_MAX:
            into.note(folder, f"holds more than {FILES_MAX} files; the rest was left out.")
            return
        relative = file.relative_to(folder) if folder.is_dir() else Path(file.name)
        _read_one(file, phase or phase_of(relative), into)


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_file():
        yield folder
        return
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(one for one in folders if one != ".git")
        yield from (Path(top) / name for name in sorted(names))


def _read_one(file: Path, phase: Phase | None, into: Gathered) -> None:
    reader = _NAMED.get(file.name.lower()) or _READERS.get(file.suffix.lower())
    if file.suffix.lower() in PRINTED and reads_printed(file):
        reader = dumps.read_printed
    try:
        if not file.is_file() or reader is None:
            return
        if file.stat().st_size > FILE_BYTES_MAX:
            into.note(file, f"is larger than {FILE_BYTES_MAX // 2**20} MiB and was left out.")
            return
        reader(file, phase, into)
    except OSError as error:
        into.note(file, f"cannot be read: {error.strerror}.")


PRINTED = ("", ".txt", ".log", ".out", ".events")
"""Ends of names under which people keep what a command printed."""
_NAMED = {"facts.jsonl": read_facts, "facts.ndjson": read_facts}
_READERS = {
    ".csv": read_csv,
    ".json": dumps.read_json,
    ".ndjson": releases.read_log,
    ".jsonl": releases.read_log,
    ".yaml": dumps.read_yaml,
    ".yml": dumps.read_yaml,
    ".log": read_text,
    ".txt": read_text,
    ".gz": read_text,
}


def _anything(gathered: Gathered) -> bool:
    return bool(
        gathered.points
        or gathered.spans
        or any(gathered.lines.values())
        or gathered.facts
        or gathered.objects
        or gathered.release
    )


def _material(gathered: Gathered, ask: Ask) -> Material:
    since_s = ask.since.timestamp() if ask.since else _onset(gathered)
    cut = Cut(since_s, ask.until.timestamp() if ask.until else None)
    return Material(
        symptom=_symptom(gathered, ask),
        since=datetime.fromtimestamp(since_s, UTC) if since_s is not None else None,
        series=series_of(gathered, cut),
        calls=frozenset(gathered.calls),
        traces=_stretches(gathered.spans, cut, lambda one: one.start_s),
        logs=_stretches(gathered.lines, cut, lambda one: one.at_s),
        facts=tuple(gathered.facts),
        cluster=gathered.objects.whole() if gathered.objects else None,
        release=gathered.release,
        notes=tuple(gathered.notes),
    )


def _symptom(gathered: Gathered, ask: Ask) -> Symptom | None:
    where, metric = (ask.where, ask.measure) if ask.where else gathered.symptom or ("", "")
    return Symptom(where, measure_of(metric) if metric else None) if where else None


def _onset(gathered: Gathered) -> float | None:
    """Where the clearest change of all series lies, if nobody said; None without an uncut series."""
    best = (CLEAR_CUT, 0.0)
    found = None
    for _, phases in sorted(gathered.points.items()):
        rows = sorted(phases.get(None, {}).items())
        at, clarity = change_point([value for _, value in rows])
        if at and clarity > best[0]:
            best, found = (clarity, 0.0), rows[at][0]
    return found if found is not None else _first_bad(gathered)


def _first_bad(gathered: Gathered) -> float | None:
    """When what is named bad begins, if it has times."""
    times = [line.at_s for line in gathered.lines.get(Phase.DURING, ()) if line.at_s]
    times += [call.start_s for call in gathered.spans.get(Phase.DURING, ())]
    times += [min(v) for phases in gathered.points.values() if (v := phases.get(Phase.DURING))]
    return min(times, default=gathered.ill_from_s)


def _stretches(
    parts: Mapping[Phase | None, Sequence[Item]], cut: Cut, at_s: Callable[[Item], float]
) -> dict[Phase, tuple[Item, ...]]:
    found: dict[Phase, list[Item]] = {phase: [] for phase in Phase}
    since_s = -math.inf if cut.since_s is None else cut.since_s
    until_s = math.inf if cut.until_s is None else cut.until_s
    for phase, items in parts.items():
        if phase is not None:
            found[phase] += items
            continue
        times = [at_s(one) for one in items]
        found[Phase.BEFORE] += [one for at, one in zip(times, items, strict=True) if at <= since_s]
        found[Phase.DURING] += [
            one for at, one in zip(times, items, strict=True) if since_s < at < until_s
        ]
    return {phase: tuple(items) for phase, items in found.items() if items}
