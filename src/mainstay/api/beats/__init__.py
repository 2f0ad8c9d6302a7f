"""Heartbeats over HTTP, as Healthchecks has it: pings, and the management API that clients use."""

from mainstay.api.beats.management import Management
from mainstay.api.beats.ping import BODY_KEPT, PATH, Pings

__all__ = ["BODY_KEPT", "PATH", "Management", "Pings"]
