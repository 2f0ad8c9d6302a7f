"""Files followed into the store; where each stood is written down after its lines are kept.

Killed in between, the lines since the last note are read again: a line may be kept twice, none is
lost.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from mainstay.foundation.errors import MainstayError
from mainstay.logstore.intake import Intake
from mainstay.telemetry.files import Follow
from mainstay.telemetry.formats import Taken
from mainstay.telemetry.store import recorded

log = logging.getLogger("mainstay.logstore")

LOOK_EVERY_S = 0.25
Places = dict[str, tuple[int, int | None]]


@dataclass(slots=True)
class Followed:
    """Follows files, each as a service; `note` is where their places are written down."""

    intake: Intake
    files: dict[Path, str]
    note: Path
    _over: threading.Event = field(default_factory=threading.Event)

    def follow_on(self) -> None:
        """Keep what comes, again and again, until `end`."""
        places = self._places()
        follows = []
        for path, service in self.files.items():
            offset, inode = places.get(str(path), (0, None))
            make = recorded(self.intake.reader(), service=service)
            follows.append((path, Follow(path, offset=offset, inode=inode), make))
        while not self._over.is_set():
            heard = False
            for path, follow, make in follows:
                if lines := follow.new():
                    heard = True
                    records = make(b"\n".join(lines) + b"\n", received_us=self.intake.now_us())
                    if not self._kept(Taken(records)):
                        return
                    places[str(path)] = (follow.offset or 0, follow.inode)
            if heard:
                self._write(places)
            else:
                self._over.wait(LOOK_EVERY_S)
        for _, follow, _ in follows:
            follow.close()

    def end(self) -> None:
        """Follow no more."""
        self._over.set()

    def _kept(self, taken: Taken) -> bool:
        """Keep them, however often it takes; False if it ended first."""
        while True:
            try:
                self.intake.keep("file", taken)
                return True
            except (MainstayError, OSError) as error:
                log.error("followed files wait: %s", error)
                if self._over.wait(1.0):
                    return False

    def _places(self) -> Places:
        try:
            return msgspec.json.decode(self.note.read_bytes(), type=Places)
        except (FileNotFoundError, msgspec.DecodeError):
            return {}

    def _write(self, places: Places) -> None:
        draft = self.note.with_suffix(".tmp")
        draft.write_bytes(msgspec.json.encode(places))
        draft.replace(self.note)
