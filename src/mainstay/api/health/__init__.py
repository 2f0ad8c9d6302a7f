"""How Mainstay does, for whoever watches it: `/livez`, `/readyz`, `/metrics`."""

from mainstay.api.health.metrics import Metrics
from mainstay.api.health.ready import Health
from mainstay.api.health.requests import Counted

__all__ = ["Counted", "Health", "Metrics"]
