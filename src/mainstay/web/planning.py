"""What putting an estate in force would mean: for things, for people, for escalations under way."""

from __future__ import annotations

from dataclasses import dataclass

from mainstay import estate, oncall, paging
from mainstay.estate import Difference, Estate, View
from mainstay.web.call import Call


@dataclass(frozen=True, slots=True)
class Plan:
    """Against `version`, the one in force. `running`: escalations that keep theirs."""

    version: int
    differences: tuple[Difference, ...]
    oncall: tuple[str, ...]
    gaps: tuple[str, ...]
    running: int


def plan(call: Call, new: Estate) -> Plan:
    """What it would change; nothing is written. Takes a while on a large estate."""
    view = call.view()
    old = view.estate if view.version else None
    later = View(0, new)
    shifts = oncall.differences(
        old, new, start=call.now, is_business_day_old=view.is_business_day,
        is_business_day_new=later.is_business_day,
    )  # fmt: skip
    gaps = oncall.gap_report(new, start=call.now, is_business_day=later.is_business_day)
    return Plan(
        version=view.version,
        differences=tuple(estate.differences(old, new)),
        oncall=tuple(one.sentence for one in shifts),
        gaps=tuple(one.sentence for one in gaps),
        running=call.read(paging.running_n),
    )
