"""What Mainstay knows by itself: its alerts, changes, checks and the estate."""

from mainstay.diagnosis.collectors.own.alerts import Alerts
from mainstay.diagnosis.collectors.own.changes import Changes
from mainstay.diagnosis.collectors.own.checks import Checks
from mainstay.diagnosis.collectors.own.estate import Declared

__all__ = ["Alerts", "Changes", "Checks", "Declared"]
