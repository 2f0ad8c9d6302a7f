"""What production would say around a fault: metrics, logs, observations and changes of the example
estate, honest about noise and about what else is odd. Start at `play`; `faults/` has the twenty."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from mainstay.foundation.errors import Invalid
from mainstay.simulation.faults import FAULTS
from mainstay.simulation.scene import Scene, Truth
from mainstay.simulation.usual import play_decoys, play_usual
from mainstay.simulation.writing import truth, write

__all__ = ["FAULTS", "Scene", "Truth", "play", "sentence", "truth", "write"]

FIRST_DAY = datetime(2026, 3, 2, 6, tzinfo=UTC)


def play(faults: Sequence[str], *, seed: int) -> Scene:
    """A scene with these faults (none: an ordinary day); the same words and seed, the same scene."""
    unknown = [one for one in faults if one not in FAULTS]
    if unknown:
        raise Invalid(f"There is no fault {unknown[0]}; there are {', '.join(FAULTS)}.")
    random = Random(f"{seed} {' '.join(faults)}")  # noqa: S311 – it only has to repeat
    since = FIRST_DAY + timedelta(days=random.randrange(270), minutes=random.randrange(720),
                                  seconds=random.randrange(60))  # fmt: skip
    scene = Scene(random, since)
    play_usual(scene)
    play_decoys(scene)
    for one in faults:
        FAULTS[one](scene, scene.told())
    return scene


def sentence(fault: str) -> str:
    """What happens, in a sentence."""
    return (FAULTS[fault].__doc__ or "").strip()
