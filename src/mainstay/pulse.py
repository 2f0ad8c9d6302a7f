"""The pulse of one process: which loops step, when last something was durably written.

Kept in memory, written by the loops, read by `/readyz` and `/metrics`. A loop that hangs cannot say
so; its silence does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic

STILL_S = 30.0
"""How much longer than its period a loop may take for a step before it counts as stuck."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why we are not well: what (a word that stays the same), and a sentence for a person."""

    what: str
    sentence: str


@dataclass(slots=True)
class _Beat:
    period_s: float
    at: float
    trouble: str | None = None


@dataclass(slots=True)
class Pulse:
    """Each beat is written by its own loop's thread alone."""

    draining: bool = False
    """We were told to stop: no new work, please."""
    _beats: dict[str, _Beat] = field(default_factory=dict)

    def expect(self, loop: str, *, period_s: float) -> None:
        """This loop runs from now on, and comes round at least every `period_s`."""
        self._beats[loop] = _Beat(period_s, monotonic())

    def beat(self, loop: str) -> None:
        """It has done a step."""
        beat = self._beats.get(loop)
        if beat is not None:
            beat.at, beat.trouble = monotonic(), None

    def stumble(self, loop: str, sentence: str) -> None:
        """It tried a step and failed; it tries again."""
        beat = self._beats.get(loop)
        if beat is not None:
            beat.trouble = sentence

    def ages(self) -> dict[str, float]:
        """Loop → seconds since its last whole step."""
        now = monotonic()
        return {name: now - beat.at for name, beat in self._beats.copy().items()}

    def reasons(self) -> list[Reason]:
        """What is wrong now; nothing, when every loop steps."""
        if self.draining:
            return [Reason("draining", "Mainstay was told to stop and takes no new work.")]
        found = []
        for name, age_s in self.ages().items():
            beat = self._beats[name]
            if beat.trouble is not None:
                words = f"The loop {name} fails and tries again: {beat.trouble}"
                found.append(Reason(f"loop {name}", words))
            elif age_s > beat.period_s + STILL_S:
                words = f"The loop {name} has not stepped for {age_s:.0f} s."
                found.append(Reason(f"loop {name}", words))
        return found
