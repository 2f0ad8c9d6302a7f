"""The small file in which the process that keeps telemetry says that it lives, and what it has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

FILE = "state.json"


class State(msgspec.Struct, frozen=True):
    """`counts`: what each door kept, refused and dropped since the start; sizes by kind."""

    at_us: int
    pid: int
    counts: Mapping[str, int] = {}
    sizes: Mapping[str, int] = {}


def last_state(folder: Path) -> State | None:
    """The newest; None where there is none, or none that can be read."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=State)
    except (OSError, msgspec.DecodeError, msgspec.ValidationError):
        return None


def write_state(folder: Path, state: State) -> None:
    """Whole or not at all. OSError when the disk does not take it."""
    draft = folder / f"{FILE}.tmp"
    draft.write_bytes(msgspec.json.encode(state))
    draft.replace(folder / FILE)
