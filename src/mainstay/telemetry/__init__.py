"""What production says of itself: logs, metrics and traces, kept here or left where they are.

`telemetry.logs` is pure analysis: lines in, events, templates and differences out.
"""

from mainstay.telemetry.state import State, last_state, write_state

__all__ = ["State", "last_state", "write_state"]
