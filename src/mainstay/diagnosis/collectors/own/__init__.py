"""What Mainstay knows by itself: its alerts, changes, checks, the estate, and the logs that it keeps."""

from mainstay.diagnosis.collectors.own.alerts import Alerts
from mainstay.diagnosis.collectors.own.changes import Changes
from mainstay.diagnosis.collectors.own.checks import Checks
from mainstay.diagnosis.collectors.own.estate import Declared
from mainstay.diagnosis.collectors.own.kept_logs import KeptLogs, Lines

__all__ = ["Alerts", "Changes", "Checks", "Declared", "KeptLogs", "Lines"]
