"""What is kept here, asked in a process of its own: whoever asks carries no DuckDB.

Not a `Connector`: it answers many services and kinds in one go, by the query door that
`mainstay.logstore.asking` describes.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from mainstay.foundation.errors import Rejected, TimedOut


def ask_kept(folder: Path, asked: Mapping[str, Any], *, within_s: float) -> list[dict[str, Any]]:
    """The answers to one question. Outside: none in time, or it is refused."""
    command = [sys.executable, "-m", "mainstay.logstore", "ask", "--folder", str(folder)]
    try:
        said = subprocess.run(  # noqa: S603 (our own program, no shell)
            command, input=msgspec.json.encode(asked), capture_output=True, timeout=within_s
        )
    except subprocess.TimeoutExpired:
        raise TimedOut(f"Kept telemetry: no answer within {within_s:g} s.") from None
    if said.returncode:
        words = said.stderr.decode("utf-8", "replace").strip()[-200:].removeprefix("mainstay: ")
        raise Rejected(f"Kept telemetry: {words}", reply=said.returncode)
    return [msgspec.json.decode(line) for line in said.stdout.splitlines()]
