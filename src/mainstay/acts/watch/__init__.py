"""Acts on what is watched."""

from mainstay.acts.watch.on_causes import OnCauses, perform_of_service, perform_on
from mainstay.acts.watch.on_heartbeats import OnHeartbeats, perform, services_of

__all__ = [
    "OnCauses",
    "OnHeartbeats",
    "perform",
    "perform_of_service",
    "perform_on",
    "services_of",
]
