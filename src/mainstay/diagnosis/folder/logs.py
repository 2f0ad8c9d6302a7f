"""Log files of any layout that `mainstay logs` knows, plain or packed, as lines with time and level."""

from __future__ import annotations

from pathlib import Path

from mainstay.diagnosis.folder.gathered import ROWS_MAX, Gathered
from mainstay.diagnosis.material import Phase
from mainstay.diagnosis.traces.span import Line
from mainstay.telemetry.files import Reading, lines
from mainstay.telemetry.logs import events

MICRO = 1e6
NEVER_S = 0.0
"""Of a line that has no stamp: it can only be placed by the name of its file."""


def read_text(file: Path, phase: Phase | None, into: Gathered) -> None:
    """Read the events of one log; lines without a stamp count only in a file whose name says when
    it was."""
    reading, name = Reading(), file.stem
    kept = into.lines.setdefault(phase, [])
    with file.open("rb") as source:
        for count, event in enumerate(events(lines(str(file), source, reading))):
            if count >= ROWS_MAX:
                into.note(file, f"has more than {ROWS_MAX} events; the rest was left out.")
                break
            if event.at_us is None and phase is None:
                continue
            said = f"{event.message} {event.cause}".strip() if event.detail else event.message
            at_s = event.at_us / MICRO if event.at_us is not None else NEVER_S
            kept.append(Line(event.source or name, said, at_s, event.level.upper(), origin=name))
    for note in sorted(reading.notes):
        into.note(file, note)
