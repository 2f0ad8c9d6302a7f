"""OpenTelemetry over HTTP (OTLP 1), as JSON or protocol buffers: logs, metrics, traces."""

from mainstay.telemetry.formats.otlp.logs import read as read_logs
from mainstay.telemetry.formats.otlp.metrics import read as read_metrics
from mainstay.telemetry.formats.otlp.traces import read as read_traces

__all__ = ["read_logs", "read_metrics", "read_traces"]
