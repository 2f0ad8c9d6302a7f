"""Log files of any layout that `mainstay logs` knows, plain or packed, as lines with time and level."""

from __future__ import annotations

from pathlib import Path

from mainstay.diagnosis.folder import kubectl
from mainstay.diagnosis.folder.gathered import ROWS_MAX, Gathered
from mainstay.diagnosis.folder.objects import Parts
from mainstay.diagnosis.material import Phase
from mainstay.diagnosis.traces.span import Line, workload_of
from mainstay.telemetry.files import Reading, lines
from mainstay.telemetry.logs import RANK, events

MICRO = 1e6
BAD_MAX = 500
"""Lines kept of what a pod complains about."""
SNIFFED = 4096
"""Bytes that tell what a file holds."""
NEVER_S = 0.0
"""Of a line that has no stamp: it can only be placed by the name of its file."""


def read_text(file: Path, phase: Phase | None, into: Gathered) -> None:
    """Read the events of one log; lines without a stamp count only in a file whose name says when
    it was."""
    reading, name = Reading(), file.stem
    kept = into.lines.setdefault(phase, [])
    pod = kubectl.pod_of(file)
    where = workload_of(pod) if pod else name
    bad: list[str] = []
    with file.open("rb") as source:
        for count, event in enumerate(events(lines(str(file), source, reading))):
            if count >= ROWS_MAX:
                into.note(file, f"has more than {ROWS_MAX} events; the rest was left out.")
                break
            if pod and len(bad) < BAD_MAX and RANK[event.level] >= RANK["warning"]:
                bad.append(f"{event.message} {event.cause}".strip())
            if event.at_us is None and phase is None:
                continue
            said = f"{event.message} {event.cause}".strip() if event.detail else event.message
            at_s = event.at_us / MICRO if event.at_us is not None else NEVER_S
            source_name = where if pod else event.source or name
            kept.append(Line(source_name, said, at_s, event.level.upper(), origin=where))
    if bad:
        into.objects = into.objects or Parts()
        into.objects.logs[where] = (*into.objects.logs.get(where, ()), *bad)[:BAD_MAX]
    for note in sorted(reading.notes):
        into.note(file, note)


def reads_printed(file: Path) -> bool:
    """Whether a text file holds what `kubectl` printed rather than a log."""
    with file.open("rb") as source:
        return kubectl.looks_printed(source.read(SNIFFED).decode("utf-8", "replace"))
