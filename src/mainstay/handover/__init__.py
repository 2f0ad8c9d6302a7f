"""The shift: what a team looks at each morning and signs for, and how one shift hands over to the next.

`checklists` are signed by a time of the business day; `shifts` say who is there; each part takes the
estate's view and `now`, and hands back rows for the record and alarms as values.
"""

from mainstay.handover import checklists, days, shifts
from mainstay.handover.alarms import Alarm

__all__ = ["Alarm", "checklists", "days", "shifts"]
