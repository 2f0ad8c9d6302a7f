"""The registry of probes: each is one file, one line here and one contract test."""

from __future__ import annotations

from collections.abc import Mapping

from mainstay.checks.probes.http import HttpProbe
from mainstay.checks.probes.probe import Probe
from mainstay.foundation.egress import Egress

__all__ = ["Probe", "build"]


def build(egress: Egress, *, environment: Mapping[str, str]) -> dict[str, Probe]:
    """Every probe, by the key that a check names it with. They go out by `egress` alone."""
    return {"http": HttpProbe(egress, environment)}
