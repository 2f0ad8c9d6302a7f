"""From an alarm of the handover room to a signal in the corridor: it pages like any other."""

from __future__ import annotations

from collections.abc import Sequence

from mainstay import signals
from mainstay.acts.done import Act
from mainstay.ground import of_self
from mainstay.handover import Alarm


def raise_alarms(act: Act, alarms: Sequence[Alarm]) -> None:
    """Each becomes a signal that waits to be settled, in this transaction."""
    for one in alarms:
        event = {
            "event_action": "resolve" if one.over else "trigger",
            "dedup_key": f"{one.duty} {one.key}",
            "payload": {
                "summary": one.summary[:1_000], "source": "mainstay", "severity": "error",
                "custom_details": {"service": one.duty},
            },
        }  # fmt: skip
        signals.admit(act.tx, [of_self(act.ground, act.view.version, event, now=act.now)])
