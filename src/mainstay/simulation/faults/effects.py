"""What most faults do to the figures: their place gets slow or fails, and whoever waits for it too."""

from __future__ import annotations

from mainstay.simulation.cast import above
from mainstay.simulation.scene import Scene


def slows(scene: Scene, service: str, factor: float) -> None:
    """The place is slower by a factor, those above by less and less."""
    scene.move(service, "latency_seconds", factor)
    for steps, caller in enumerate(above(service), start=1):
        scene.move(caller, "latency_seconds", 1 + (factor - 1) / (1.5 + steps))


def fails(scene: Scene, service: str, share: float) -> None:
    """A share of its requests fails; of those above, less and less."""
    scene.move(service, "availability", 1 - share)
    for steps, caller in enumerate(above(service), start=1):
        scene.move(caller, "availability", 1 - share / (1 + steps))
