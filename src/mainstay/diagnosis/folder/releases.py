"""What came with a release: commits, deployments, flags, log patterns, alerts; and log files."""

from __future__ import annotations

from pathlib import Path

from mainstay.diagnosis.folder.gathered import Gathered
from mainstay.diagnosis.material import Phase


def read_release(file: Path, found: object, phase: Phase | None, into: Gathered) -> None:
    """Take what a JSON file says about a release."""


def read_log(file: Path, phase: Phase | None, into: Gathered) -> None:
    """Read log lines, one JSON object each."""
