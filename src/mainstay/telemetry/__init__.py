"""What production says of itself: logs, read and compared here; later metrics and traces.

`telemetry.logs` is pure analysis: lines in, events, templates and differences out.
"""
