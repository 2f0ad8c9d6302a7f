"""The port by which evidence about a live incident comes in: one file for each kind of source."""

from mainstay.diagnosis.collectors.collector import Collector, Question
from mainstay.diagnosis.collectors.declared import of_telemetry

__all__ = ["Collector", "Question", "of_telemetry"]
