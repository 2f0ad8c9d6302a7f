"""How each service stands, in a state and a sentence; how it stood; and a badge that says so."""

from mainstay.handover.health.badge import badge
from mainstay.handover.health.past import Availability, Down, availability
from mainstay.handover.health.standing import Health, healths

__all__ = ["Availability", "Down", "Health", "availability", "badge", "healths"]
