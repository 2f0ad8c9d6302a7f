"""Does `check` say when nobody would be on call, and where the schedule stands?"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ESTATE = """\
mainstay: 1
org: {{name: Gaps}}
people: {{ana: {{name: Ana}}}}
schedules:
  night:
    gaps: {gaps}
    layers: [{{rotate: daily, handover: "08:00", order: [ana], only: {{from: "20:00", to: "08:00"}}}}]
routes: [{{to: service:x}}]
services: {{x: {{tier: 3}}}}
escalations: {{fallback: [{{notify: [schedule:night]}}]}}
"""


def check(folder: Path, gaps: str) -> subprocess.CompletedProcess[str]:
    """`mainstay check` on an estate whose schedule covers the nights only."""
    (folder / "e.yaml").write_text(ESTATE.format(gaps=gaps))
    command = [sys.executable, "-m", "mainstay", "check", str(folder)]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"}
    )


def test_a_schedule_that_must_cover_every_time_and_does_not_is_an_error(tmp_path: Path) -> None:
    done = check(tmp_path, "error")
    assert done.returncode == 2
    assert "e.yaml:5:3: E320 " in done.stdout
    assert "night" in done.stdout


def test_a_schedule_with_gaps_is_a_warning_unless_they_are_meant(tmp_path: Path) -> None:
    warned = check(tmp_path, "warn")
    assert warned.returncode == 0
    assert "e.yaml:5:3: W406 " in warned.stdout
    assert "W406" not in check(tmp_path, "allow").stdout
