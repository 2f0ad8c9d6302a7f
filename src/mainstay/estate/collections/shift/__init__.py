"""What a team does by the clock: its working times, and what it looks at and signs for."""

from mainstay.estate.collections.shift.checklists import Answer, Checklist, Item, Signoff
from mainstay.estate.collections.shift.times import HandingOver, Shift, span_of

__all__ = ["Answer", "Checklist", "HandingOver", "Item", "Shift", "Signoff", "span_of"]
