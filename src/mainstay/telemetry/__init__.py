"""What production says of itself: logs, metrics and traces, kept here or left where they are.

`telemetry.logs` is pure analysis: lines in, events, templates and differences out.
"""

from mainstay.telemetry.state import (
    State,
    can_keep,
    folder_of,
    last_state,
    standing,
    write_state,
)

__all__ = ["State", "can_keep", "folder_of", "last_state", "standing", "write_state"]
