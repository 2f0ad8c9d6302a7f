"""Acts on what is watched."""

from mainstay.acts.watch.on_heartbeats import OnHeartbeats, perform, services_of

__all__ = ["OnHeartbeats", "perform", "services_of"]
