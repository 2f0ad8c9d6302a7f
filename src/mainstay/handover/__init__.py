"""The shift: what a team looks at each morning and signs for, and how one shift hands over to the next.

`checklists` are signed by a time of the business day; `shifts` say who is there; `log` is what
happened, read from the record; `passing` is the handover; `health`
is how each service stands. Each takes the estate's view and `now`,
and hands back rows for the record, and alarms, as values.
"""

from mainstay.handover import checklists, days, health, log, passing, shifts
from mainstay.handover.alarms import Alarm
from mainstay.handover.said import when

__all__ = ["Alarm", "checklists", "days", "health", "log", "passing", "shifts", "when"]
