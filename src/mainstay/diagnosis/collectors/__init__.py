"""The port by which evidence about a live incident comes in: one file for each kind of source."""

from mainstay.diagnosis.collectors.collector import Collector, Question
from mainstay.diagnosis.collectors.machines.linux import of_hosts
from mainstay.diagnosis.collectors.machines.postgres import of_databases
from mainstay.diagnosis.collectors.reach import Reach
from mainstay.diagnosis.collectors.telemetry.declared import of_telemetry

__all__ = ["Collector", "Question", "Reach", "of_databases", "of_hosts", "of_telemetry"]
